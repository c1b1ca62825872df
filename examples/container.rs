//! The container alone: a graph that is checked by the compiler, built along its edges, drawn, and stopped.
//!
//! `cargo run --example container`

use modi::prelude::*;
use std::sync::Arc;
use std::time::Duration;

/// Where the database is.
struct Settings {
    url: String,
}

/// A connection that takes a while.
struct Database {
    url: String,
}

#[injectable(lifecycle)]
impl Database {
    async fn connect(settings: Arc<Settings>) -> Result<Self, std::io::Error> {
        tokio::time::sleep(Duration::from_millis(50)).await;
        Ok(Self { url: settings.url.clone() })
    }
}

#[expect(clippy::print_stdout, reason = "a program for people")]
impl Lifecycle for Database {
    async fn on_start(&self) -> modi::Result {
        println!("connected to {}", self.url);
        Ok(())
    }

    async fn on_stop(&self) -> modi::Result {
        println!("disconnected");
        Ok(())
    }
}

/// What the rest of the program knows of mails.
trait Mailer: Send + Sync {
    fn send(&self, to: &str) -> String;
}

/// Sends mails from the database's host.
#[injectable]
struct Smtp {
    database: Arc<Database>,
}

impl Mailer for Smtp {
    fn send(&self, to: &str) -> String {
        format!("mailed {to} from {}", self.database.url)
    }
}

/// One a scope: begun when it is first asked for, ended with the scope.
struct Transaction {
    database: Arc<Database>,
}

#[injectable(scoped, complete)]
impl Transaction {
    async fn begin(database: Arc<Database>) -> Self {
        Self { database }
    }
}

#[expect(clippy::print_stdout, reason = "a program for people")]
impl Scoped for Transaction {
    async fn complete(&self, completion: &Completion<'_>) -> modi::Result {
        match completion {
            Completion::Success => println!("committed on {}", self.database.url),
            other => println!("rolled back: {other:?}"),
        }
        Ok(())
    }
}

/// Welcomes users.
#[injectable]
struct Users {
    mailer: Arc<dyn Mailer>,
}

/// The connection is made here, from settings that the importer gives.
#[module(providers = [Database, Transaction], exports = [Database, Transaction])]
struct StorageModule {
    #[provide]
    settings: Settings,
}

/// Importing names exactly what crosses the wall.
#[module(
    imports = [StorageModule { settings: Settings { url: "postgres://localhost".to_owned() } }::{Database, Transaction}],
    providers = [Users, Smtp as dyn Mailer],
)]
struct AppModule;

#[tokio::main]
#[expect(clippy::print_stdout, reason = "a program for people")]
async fn main() -> modi::Result {
    let app = App::new(AppModule);
    println!("{}", app.graph().mermaid());

    let app = app.start().await?;
    println!("{}", app.get::<Users>().mailer.send("ada@example.org"));
    app.scope(async |scope| {
        let transaction = scope.get::<Transaction>().await?;
        println!("in a transaction on {}", transaction.database.url);
        Ok(())
    })
    .await?;
    app.stop().await
}
