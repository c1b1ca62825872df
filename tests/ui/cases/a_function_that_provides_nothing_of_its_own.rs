//! Functions that return a reference, or a type without a name.
use modi::prelude::*;

trait Mailer: Send + Sync {}
struct Smtp;
impl Mailer for Smtp {}

#[injectable]
fn level() -> &'static str { //~ ERROR a service is owned: return a value or an `Arc`
    "info"
}
#[injectable]
fn mailer() -> impl Mailer { //~ ERROR a service needs a name: return `Arc<dyn Trait>`
    Smtp
}

fn main() {}
