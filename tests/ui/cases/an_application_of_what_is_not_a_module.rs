//! `App::new` of a struct without `#[module]`.
use modi::prelude::*;

struct AppModule;

fn main() {
    let _app = App::new(AppModule);
}
