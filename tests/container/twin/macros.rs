//! The application, written as a user writes it. `by_hand` is the same, without the attributes.

use super::app::{Audit, Clock, Fixed, Health, Journal, Mailer, Settings, User, note};
use crate::support::work;
use modi::{All, Completion, Lazy, Lifecycle, Result, Scoped, injectable, module};
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

// ---------------------------------------------------------------------------------------------------- StorageModule

#[injectable]
fn journal() -> Journal {
    Journal::default()
}

#[injectable]
async fn clock(settings: Arc<Settings>) -> Result<Arc<dyn Clock>> {
    settings.trouble("clock").await?;
    Ok(Arc::new(Fixed(settings.url.len())))
}

#[cfg(debug_assertions)]
#[injectable]
pub(crate) struct Tracer;

pub(crate) struct Database {
    pub(crate) settings: Arc<Settings>,
    pub(crate) journal: Arc<Journal>,
    sessions: AtomicU32,
}

#[injectable(lifecycle)]
impl Database {
    pub(crate) async fn connect(settings: Arc<Settings>, journal: Arc<Journal>) -> Result<Self> {
        work(50).await;
        settings.trouble("connect").await?;
        Ok(Self { settings, journal, sessions: AtomicU32::new(0) })
    }
}

impl Lifecycle for Database {
    async fn on_start(&self) -> Result {
        note(&self.journal, "start Database");
        Ok(())
    }

    async fn on_stop(&self) -> Result {
        note(&self.journal, "stop Database");
        Ok(())
    }
}

impl Health for Database {
    fn part(&self) -> &'static str {
        "database"
    }
}

#[injectable]
pub(crate) struct Cache {
    journal: Arc<Journal>,
}

#[injectable]
pub(crate) struct Repository<T> {
    pub(crate) db: Arc<Database>,
    cache: Arc<Cache>,
    #[default]
    of: PhantomData<fn() -> T>,
}

impl<T> Repository<T> {
    pub(crate) fn load(&self) -> PhantomData<fn() -> T> {
        note(&self.cache.journal, "load");
        self.of
    }
}

pub(crate) struct Transaction {
    pub(crate) number: u32,
    pub(crate) db: Arc<Database>,
}

#[injectable(scoped, complete)]
impl Transaction {
    pub(crate) async fn begin(db: Arc<Database>) -> Result<Self> {
        tokio::task::yield_now().await;
        db.settings.trouble("begin").await?;
        Ok(Self { number: db.sessions.fetch_add(1, Ordering::Relaxed), db })
    }
}

impl Scoped for Transaction {
    async fn complete(&self, completion: &Completion<'_>) -> Result {
        let outcome = match completion {
            Completion::Success => "commit",
            Completion::Failed(_) => "roll back after an error",
            _ => "roll back",
        };
        note(&self.db.journal, format!("{outcome} {}", self.number));
        self.db.settings.trouble("complete").await
    }
}

#[injectable(transient)]
pub(crate) struct Query {
    pub(crate) transaction: Arc<Transaction>,
}

#[module(
    providers = [
        journal,
        clock,
        #[cfg(debug_assertions)] Tracer,
        Database,
        Database as all dyn Health,
        Cache,
        Repository<User>,
        Transaction,
        Query,
    ],
    exports = [Journal, dyn Clock, Database, All<dyn Health>, Repository<User>, Transaction, Query],
)]
pub(crate) struct StorageModule {
    #[provide]
    settings: Settings,
}

// ------------------------------------------------------------------------------------------------------- MailModule

#[injectable]
pub(crate) struct Relay {
    #[default(25)]
    port: u16,
}

#[injectable(lifecycle)]
pub(crate) struct Smtp {
    db: Arc<Database>,
    relay: Arc<Relay>,
}

impl Lifecycle for Smtp {
    async fn on_start(&self) -> Result {
        note(&self.db.journal, "start Smtp");
        self.db.settings.trouble("start Smtp").await
    }

    async fn on_stop(&self) -> Result {
        note(&self.db.journal, "stop Smtp");
        self.db.settings.trouble("stop Smtp").await
    }
}

impl Mailer for Smtp {
    fn send(&self, text: &str) {
        note(&self.db.journal, format!("mail {text} through port {}", self.relay.port));
    }
}

impl Health for Smtp {
    fn part(&self) -> &'static str {
        "smtp"
    }
}

#[module(
    imports = [StorageModule::{Database, All<dyn Health>}],
    providers = [Relay, Smtp as dyn Mailer, Smtp as all dyn Health],
    exports = [dyn Mailer, All<dyn Health>],
)]
pub(crate) struct MailModule;

// ------------------------------------------------------------------------------------------------------ OrderModule

#[injectable]
pub(crate) struct Orders {
    pub(crate) repository: Arc<Repository<User>>,
    pub(crate) mailer: Arc<dyn Mailer>,
    pub(crate) audit: Option<Arc<Audit>>,
    pub(crate) health: All<dyn Health>,
    pub(crate) stock: Arc<Stock>,
}

#[injectable]
pub(crate) struct Stock {
    pub(crate) orders: Lazy<Orders>,
}

#[module(
    imports = [
        MailModule::{dyn Mailer, All<dyn Health>},
        StorageModule { settings: self.storage.clone() }::{
            Journal, Database, Repository<User>, dyn Clock, Transaction, Query, All<dyn Health>,
        },
    ],
    providers = [Orders, Stock],
    optional = [Audit],
)]
pub(crate) struct OrderModule {
    pub(crate) storage: Settings,
}

// ------------------------------------------------------------------------------------------- what a test puts in place

/// For `dyn Mailer`, a singleton: it has hooks of its own.
#[injectable(lifecycle)]
pub(crate) struct Recorder {
    journal: Arc<Journal>,
}

impl Lifecycle for Recorder {
    async fn on_start(&self) -> Result {
        note(&self.journal, "start Recorder");
        Ok(())
    }

    async fn on_stop(&self) -> Result {
        note(&self.journal, "stop Recorder");
        Ok(())
    }
}

impl Mailer for Recorder {
    fn send(&self, text: &str) {
        note(&self.journal, format!("record {text}"));
    }
}

/// For `Transaction`, which is scoped: it waits, and it is completed.
#[injectable(scoped, complete)]
pub(crate) async fn rehearsal(db: Arc<Database>) -> Transaction {
    tokio::task::yield_now().await;
    Transaction { number: 1000, db }
}

/// For `Query`, which is transient.
#[injectable(transient)]
pub(crate) fn rehearsed(journal: Arc<Journal>, transaction: Arc<Transaction>) -> Query {
    note(&journal, "rehearse");
    Query { transaction }
}
