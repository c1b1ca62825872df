//! A service with a mistake is still a service for whoever lists it, takes it or borrows it.
use modi::prelude::*;
use std::sync::Arc;

#[injectable(scopd)] //~ ERROR unknown key `scopd`: did you mean `scoped`?
struct Users;
struct Orders;
#[injectable]
impl Orders {
    fn new(_users: &Users) -> Self { //~ ERROR a dependency is owned: write `Arc<_>`
        Self
    }
}
#[injectable]
struct Reports {
    _users: Arc<Users>,
    _orders: Arc<Orders>,
}

#[module(providers = [Users, Orders, Reports])]
struct AppModule;

async fn start() -> modi::Result {
    let app = App::new(AppModule).start().await?;
    app.get::<Orders>();
    app.stop().await
}

fn main() {
    drop(start());
}
