//! What a test puts in the place of services, and what is injected itself: each is a provider like others.

use super::storage::{Database, Query, Transaction};
use crate::twin::app::{Journal, Mailer, note};
use modi_core::dependency::{Dependency, edge, take};
use modi_core::lifetime;
use modi_core::scope::Complete;
use modi_core::service::{Made, ServiceHook, Source, Wire, completes, constructed, keep, later, starts, stops};
use modi_core::{Edge, Lifecycle, Module, Resolver, Result};
use std::sync::Arc;

// ---------------------------------------------------------------------- #[injectable(lifecycle)] on a struct
/// For `dyn Mailer`, a singleton: it has hooks of its own.
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

impl Source for Recorder {
    type Output = Self;
    type Life = lifetime::Singleton;
    type Keep = lifetime::Wrapped;
    const START: Option<ServiceHook<Self>> = starts::<Self>();
    const STOP: Option<ServiceHook<Self>> = stops::<Self>();
}

impl<M: Module> Wire<M> for Recorder
where
    Arc<Journal>: Dependency<M>,
{
    const EDGES: &'static [Edge] = &[edge::<M, Arc<Journal>>("journal")];

    fn make(cx: &Resolver<'_, M>) -> Result<Made<Self>> {
        Ok(Made::Ready(Arc::new(Self { journal: take(cx)? })))
    }
}

// ---------------------------------------------------------------------- #[injectable(scoped, complete)] on a function
/// For `Transaction`, which is scoped: it waits, and it is completed.
pub(crate) async fn rehearsal(db: Arc<Database>) -> Transaction {
    tokio::task::yield_now().await;
    Transaction { number: 1000, db }
}

#[expect(non_camel_case_types, reason = "a type of the function's name")]
pub(crate) struct rehearsal {}

impl Source for rehearsal {
    type Output = Transaction;
    type Life = lifetime::Scoped;
    type Keep = lifetime::Whole;
    const NAME: Option<&'static str> = Some("Transaction");
    const COMPLETE: Option<Complete> = completes::<Transaction>();
}

impl<M: Module> Wire<M> for rehearsal
where
    Arc<Database>: Dependency<M>,
{
    const EDGES: &'static [Edge] = &[edge::<M, Arc<Database>>("db")];

    fn make(cx: &Resolver<'_, M>) -> Result<Made<Transaction>> {
        let db = take(cx)?;
        Ok(later(async move { keep::<Self>(Arc::new(constructed(rehearsal(db).await)?)) }))
    }
}

// ---------------------------------------------------------------------- #[injectable(transient)] on a function
/// For `Query`, which is transient. The attribute allows the lint, too: a dependency is owned.
#[allow(clippy::needless_pass_by_value, reason = "a dependency is owned")]
pub(crate) fn rehearsed(journal: Arc<Journal>, transaction: Arc<Transaction>) -> Query {
    note(&journal, "rehearse");
    Query { transaction }
}

#[expect(non_camel_case_types, reason = "a type of the function's name")]
pub(crate) struct rehearsed {}

impl Source for rehearsed {
    type Output = Query;
    type Life = lifetime::Transient;
    type Keep = lifetime::Whole;
    const NAME: Option<&'static str> = Some("Query");
}

impl<M: Module> Wire<M> for rehearsed
where
    Arc<Journal>: Dependency<M>,
    Arc<Transaction>: Dependency<M>,
{
    const EDGES: &'static [Edge] = &[edge::<M, Arc<Journal>>("journal"), edge::<M, Arc<Transaction>>("transaction")];

    fn make(cx: &Resolver<'_, M>) -> Result<Made<Query>> {
        Ok(Made::Ready(Arc::new(constructed(rehearsed(take(cx)?, take(cx)?))?)))
    }
}
