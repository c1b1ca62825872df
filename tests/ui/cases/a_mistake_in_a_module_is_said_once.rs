//! A module with a mistake is still a module for whoever imports or starts it.
use modi::prelude::*;

#[module(provider = [Users])] //~ ERROR unknown key `provider`: did you mean `providers`?
pub struct UserModule;

#[module(imports = [UserModule])]
struct AppModule;

async fn start() -> modi::Result {
    App::new(UserModule).start().await?.stop().await?;
    App::new(AppModule).start().await?.stop().await
}

fn main() {
    drop(start());
}
