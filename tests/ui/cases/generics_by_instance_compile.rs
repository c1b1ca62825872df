//! A generic service is listed by instance.
use modi::prelude::*;
use std::marker::PhantomData;
use std::sync::Arc;

struct User;
struct Order;

#[injectable]
struct Repository<T> {
    #[default]
    _of: PhantomData<T>,
}
struct Cached<T>(PhantomData<T>);
#[injectable]
impl<T: Send + Sync + 'static> Cached<T> {
    fn new(_repository: Arc<Repository<T>>) -> Self {
        Self(PhantomData)
    }
}
#[injectable]
struct Users {
    _users: Arc<Repository<User>>,
    _orders: Arc<Cached<Order>>,
}

#[module(providers = [Repository<User>, Repository<Order>, Cached<Order>, Users])]
struct AppModule;

fn main() {}
