//! What is imported, exported, listed as absent or put into a set twice.
use modi::prelude::*;

trait Health: Send + Sync {}
#[injectable]
pub struct Users;
impl Health for Users {}

#[module(
    providers = [Users],
    exports = [
        Users,
        Users, //~ ERROR `Users` is exported twice
    ],
)]
pub struct UserModule;

#[module(
    imports = [
        UserModule,
        UserModule, //~ ERROR `UserModule` is imported twice: name all of its items in one entry
    ],
    providers = [
        Users as all dyn Health,
        Users as all dyn Health, //~ ERROR `Users` joins the set of `dyn Health` twice
    ],
    optional = [
        dyn Send,
        dyn Send, //~ ERROR `dyn Send` is listed twice
    ],
)]
struct AppModule;

fn main() {}
