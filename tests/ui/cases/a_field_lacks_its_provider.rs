//! A field whose service nobody provides: the entry, and the field in a note.
use modi::prelude::*;
use std::sync::Arc;

trait Mailer: Send + Sync {}

#[injectable]
struct Users {
    _mailer: Arc<dyn Mailer>,
}

#[module(providers = [Users])]
struct AppModule;

fn main() {}
