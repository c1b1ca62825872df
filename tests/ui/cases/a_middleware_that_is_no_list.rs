//! One middleware without the brackets of a list, and one twice.
use modi::prelude::*;

#[injectable]
struct Audit;
impl modi::Middleware for Audit {}

#[subscriber("orders.created", middleware = Audit)] //~ ERROR write a list of services: `middleware = [Timing, Audit]`
async fn order_created(Json(_id): Json<u32>) {}

#[module(
    providers = [Audit],
    middleware = [
        Audit,
        Audit, //~ ERROR `Audit` is listed twice
    ],
)]
struct OrderModule;

fn main() {}
