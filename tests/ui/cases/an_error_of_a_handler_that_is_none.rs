//! A handler whose error is no error type.
use modi::prelude::*;

#[subscriber("orders.created")]
async fn order_created(Json(_id): Json<u32>) -> Result<(), String> { //~ ERROR `String` is not an error of a handler
    //~| NOTE turn it into one with `.map_err(modi::Error::new)`
    Ok(())
}

#[module(subscribers = [order_created])]
struct OrderModule;

fn main() {}
