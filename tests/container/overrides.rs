//! What a test puts in the place of providers: on the owner, for every importer.

mod fakes;
mod mistakes;
mod values;

use crate::support::{Journal, chain};
use modi::{App, AppScope, Completion, Lifecycle, Overrides, Result, RunningApp, Scoped, injectable, module};
use std::sync::Arc;

trait Mailer: Send + Sync {
    fn name(&self) -> String;
}

/// Only `Smtp` needs it.
struct Relay;

#[injectable]
impl Relay {
    fn open(journal: Arc<Journal>) -> Self {
        journal.note("open Relay");
        Self
    }
}

struct Smtp {
    name: &'static str,
    journal: Arc<Journal>,
}

#[injectable(lifecycle)]
impl Smtp {
    fn new(_: Arc<Relay>, journal: Arc<Journal>) -> Self {
        journal.note("new Smtp");
        Self { name: "smtp", journal }
    }
}

impl Mailer for Smtp {
    fn name(&self) -> String {
        self.name.to_owned()
    }
}

impl Lifecycle for Smtp {
    async fn on_start(&self) -> Result {
        self.journal.note(format!("start {}", self.name));
        Ok(())
    }

    async fn on_stop(&self) -> Result {
        self.journal.note(format!("stop {}", self.name));
        Ok(())
    }
}

#[module(providers = [Relay, Smtp as dyn Mailer], exports = [dyn Mailer, Journal])]
struct MailModule {
    #[provide]
    journal: Journal,
}

#[injectable]
struct Users {
    mailer: Arc<dyn Mailer>,
}

#[module(imports = [MailModule::{dyn Mailer}], providers = [Users], exports = [Users])]
struct UserModule;

#[injectable]
struct Orders {
    mailer: Arc<dyn Mailer>,
}

struct Transaction {
    number: u32,
    journal: Arc<Journal>,
}

#[injectable(scoped, complete)]
impl Transaction {
    async fn begin(journal: Arc<Journal>) -> Self {
        tokio::task::yield_now().await;
        Self { number: 1, journal }
    }
}

impl Scoped for Transaction {
    async fn complete(&self, completion: &Completion<'_>) -> Result {
        self.journal.note(format!("complete {}: {}", self.number, matches!(completion, Completion::Success)));
        Ok(())
    }
}

#[injectable(transient)]
struct Query {
    transaction: Arc<Transaction>,
}

/// A transient that a singleton takes.
struct Stamp(&'static str);

#[injectable(transient)]
impl Stamp {
    fn new() -> Self {
        Self("real")
    }
}

struct Ledger {
    stamp: Arc<Stamp>,
}

#[injectable]
impl Ledger {
    fn new(stamp: Arc<Stamp>) -> Self {
        Self { stamp }
    }
}

#[module(
    imports = [UserModule::{Users}, MailModule { journal: self.journal.clone() }::{dyn Mailer, Journal}],
    providers = [Orders, Transaction, Query, Stamp, Ledger],
)]
struct Root {
    journal: Journal,
}

/// Starts with overrides: the application, and what happened at its start.
async fn started(overrides: Overrides<Root>) -> (RunningApp<Root>, Journal) {
    let journal = Journal::default();
    let app = App::new(Root { journal: journal.clone() }).overrides(overrides).start().await.unwrap();
    (app, journal)
}

async fn failure_of(overrides: Overrides<Root>) -> String {
    chain(&App::new(Root { journal: Journal::default() }).overrides(overrides).start().await.unwrap_err())
}

fn number(number: u32, journal: Arc<Journal>) -> Transaction {
    Transaction { number, journal }
}

async fn transaction_and_query(cx: &mut AppScope<'_, Root>) -> Result<(u32, u32, bool)> {
    let (transaction, query) = (cx.get::<Transaction>().await?, cx.get::<Query>().await?);
    let shared = Arc::ptr_eq(&transaction, &query.transaction);
    Ok((transaction.number, query.transaction.number, shared))
}

/// A fake that a test makes.
struct Silent;

impl Mailer for Silent {
    fn name(&self) -> String {
        "silent".to_owned()
    }
}
