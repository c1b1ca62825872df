//! `App::new` of a struct without `#[module]`.
use modi::prelude::*;

struct AppModule;

fn main() {
    let _app = App::new(AppModule); //~ ERROR `AppModule` is not a module
    //~| NOTE write `#[module(providers = [..])]` above the struct
}
