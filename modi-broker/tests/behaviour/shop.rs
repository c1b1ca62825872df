//! A module with handlers, written by hand as `#[injectable]`, `#[subscriber]` and `#[module]` write it.

use bytes::Bytes;
use futures_util::future::BoxFuture;
use modi_broker::{
    Ack, Attempt, Context, Early, FromMessage, Handler, Headers, Json, Key, Lease, Outcome, Spec, Subscribes, To,
    argument, early, handler,
};
use modi_core::graph::{Edge, HandlerNode, Node, order};
use modi_core::module::{Cell, Module, Owns, Provides};
use modi_core::scope::Complete;
use modi_core::service::{Made, Source, Wire, completes, node, node_with};
use modi_core::{Completion, Dependency, Error, Resolver, Result, Scoped, dependency, lifetime, provide};
use std::collections::HashMap;
use std::future::Future;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

// ------------------------------------------------------------------------------------------------ what a user writes

/// Notes what happens, and plays what a test tells it to.
#[derive(Default)]
pub(crate) struct Probe {
    notes: Mutex<Vec<String>>,
    scripts: Mutex<HashMap<&'static str, Script>>,
    units: AtomicU32,
    /// Of messages that are settled by hand.
    pub(crate) leases: Mutex<HashMap<u32, Lease>>,
}

type Script = Arc<dyn Fn(Call) -> BoxFuture<'static, Result<Outcome>> + Send + Sync>;

/// One call of a handler.
#[derive(Clone, Copy)]
pub(crate) struct Call {
    pub(crate) number: u32,
    pub(crate) attempt: u32,
}

impl Probe {
    pub(crate) fn on<F: Future<Output = Result<Outcome>> + Send + 'static>(
        &self,
        handler: &'static str,
        script: impl Fn(Call) -> F + Send + Sync + 'static,
    ) {
        self.scripts.lock().unwrap().insert(handler, Arc::new(move |call| Box::pin(script(call))));
    }

    pub(crate) fn note(&self, note: impl Into<String>) {
        self.notes.lock().unwrap().push(note.into());
    }

    /// The notes that begin so.
    pub(crate) fn notes(&self, prefix: &str) -> Vec<String> {
        let notes = self.notes.lock().unwrap();
        notes.iter().filter(|note| note.starts_with(prefix)).cloned().collect()
    }

    pub(crate) fn plays(&self, handler: &'static str) -> bool {
        self.scripts.lock().unwrap().contains_key(handler)
    }

    /// What the script says of one message.
    pub(crate) async fn ask(&self, handler: &'static str, number: u32) -> Result<Outcome> {
        let script = self.scripts.lock().unwrap().get(handler).cloned();
        match script {
            Some(script) => script(Call { number, attempt: 0 }).await,
            None => Ok(Outcome::Ack),
        }
    }

    pub(crate) async fn play(&self, handler: &'static str, number: u32, context: &Context) -> Result<Outcome> {
        let attempt = context.attempt();
        self.note(format!("{handler} {number} attempt {attempt}"));
        let script = self.scripts.lock().unwrap().get(handler).cloned();
        match script {
            Some(script) => script(Call { number, attempt }).await,
            None => Ok(Outcome::Ack),
        }
    }
}

/// A unit of work: one an attempt.
pub(crate) struct Unit {
    number: u32,
    probe: Arc<Probe>,
}

impl Unit {
    pub(crate) fn number(&self) -> u32 {
        self.number
    }
}

impl Drop for Unit {
    fn drop(&mut self) {
        self.probe.note(format!("left unit {}", self.number));
    }
}

impl Scoped for Unit {
    async fn complete(&self, completion: &Completion<'_>) -> Result {
        let how = match completion {
            Completion::Success => "commit".to_owned(),
            Completion::Failed(error) => format!("rollback: {error}"),
            Completion::Panicked(text) => format!("rollback after panic: {text}"),
            Completion::DeadlineExceeded => "rollback after deadline".to_owned(),
            _ => "rollback after cancellation".to_owned(),
        };
        self.probe.note(format!("unit {}: {how}", self.number));
        let script = self.probe.scripts.lock().unwrap().get("unit").cloned();
        match script {
            Some(script) => script(Call { number: self.number, attempt: 0 }).await.map(drop),
            None => Ok(()),
        }
    }
}

/// `#[subscriber("orders.created", group = "orders", publish = "payments.requested")]`. Even numbers lead to payments, unless
/// the script says otherwise.
async fn created(
    Json(n): Json<u32>,
    context: Context,
    probe: Arc<Probe>,
    unit: Arc<Unit>,
) -> Result<Option<Json<u32>>> {
    probe.note(format!("unit {} for {n}", unit.number));
    let pays = probe.play("created", n, &context).await? == Outcome::Ack;
    Ok((pays && n % 2 == 0).then_some(Json(n)))
}

/// `#[subscriber("payments.requested", group = "payments")]`
async fn requested(Json(n): Json<u32>, key: Key, context: Context, probe: Arc<Probe>) -> Result<To<Json<u32>>> {
    probe.note(format!("key {}", key.text().unwrap_or("none")));
    probe.play("requested", n, &context).await?;
    Ok(To::new("payments.completed", Json(n)).header("via", "requested"))
}

/// `#[subscriber("orders.created", group = "audit")]`
async fn audited(payload: Bytes, probe: Arc<Probe>) {
    probe.note(format!("audited {}", String::from_utf8_lossy(&payload)));
}

/// `#[subscriber("judged", group = "judges", retries = 1)]`
async fn judged(Json(n): Json<u32>, context: Context, probe: Arc<Probe>) -> Result<Outcome> {
    probe.play("judged", n, &context).await
}

/// `#[subscriber("echo", publish = "echo")]`: for ever, but for zero.
async fn echo(Json(n): Json<u32>) -> Option<Json<u32>> {
    (n > 0).then_some(Json(n))
}

/// `#[subscriber("at.once", group = "hasty", ack = received)]`
async fn hasty(Json(n): Json<u32>, context: Context, probe: Arc<Probe>) -> Result<Outcome> {
    probe.play("hasty", n, &context).await
}

/// A service with handlers.
pub(crate) struct Events {
    probe: Arc<Probe>,
}

impl Events {
    /// `#[subscribe("payments.completed")]`
    async fn completed(&self, Json(n): Json<u32>, headers: Headers) {
        let via = headers.text("via").unwrap_or("nobody");
        self.probe.note(format!("completed {n} via {via}"));
    }
}

// ------------------------------------------------------------------------------------------------ `#[injectable]`

impl Source for Probe {
    type Output = Self;
    type Life = lifetime::Singleton;
    type Keep = lifetime::Whole;
}
impl<M: Module> Wire<M> for Probe {
    const EDGES: &'static [Edge] = &[];
    fn make(_: &Resolver<'_, M>) -> Result<Made<Self>> {
        Ok(Made::Ready(Arc::default()))
    }
}

impl Source for Unit {
    type Output = Self;
    type Life = lifetime::Scoped;
    type Keep = lifetime::Whole;
    const COMPLETE: Option<Complete> = completes::<Self>();
}
impl<M: Module> Wire<M> for Unit
where
    Arc<Probe>: Dependency<M>,
{
    const EDGES: &'static [Edge] = &[dependency::edge::<M, Arc<Probe>>("probe")];
    fn make(cx: &Resolver<'_, M>) -> Result<Made<Self>> {
        let probe: Arc<Probe> = dependency::take(cx)?;
        let number = probe.units.fetch_add(1, Ordering::Relaxed) + 1;
        Ok(Made::Ready(Arc::new(Self { number, probe })))
    }
}

impl Source for Events {
    type Output = Self;
    type Life = lifetime::Singleton;
    type Keep = lifetime::Whole;
}
impl<M: Module> Wire<M> for Events
where
    Arc<Probe>: Dependency<M>,
{
    const EDGES: &'static [Edge] = &[dependency::edge::<M, Arc<Probe>>("probe")];
    fn make(cx: &Resolver<'_, M>) -> Result<Made<Self>> {
        Ok(Made::Ready(Arc::new(Self { probe: dependency::take(cx)? })))
    }
}

// ------------------------------------------------------------------------------------------------ `#[subscriber]`

/// Written out for the first function and for the method; the rest differ in names only.
mod marker {
    pub(crate) struct Created;
    pub(crate) struct Completed;
}

impl<M: Module> Handler<M> for marker::Created
where
    Json<u32>: FromMessage<M>,
    Context: FromMessage<M>,
    Arc<Probe>: FromMessage<M>,
    Arc<Unit>: FromMessage<M>,
{
    const EDGES: &'static [Edge] = &[
        argument::<M, Json<u32>>("n"),
        argument::<M, Context>("context"),
        argument::<M, Arc<Probe>>("probe"),
        argument::<M, Arc<Unit>>("unit"),
    ];
    const SPEC: Spec = Spec::new("orders.created").group("orders").publish("payments.requested");
    type Input = (Early<Json<u32>>, Early<Context>, Early<Arc<Probe>>, Early<Arc<Unit>>);
    type Reply = Result<Option<Json<u32>>>;

    fn decode(attempt: &Attempt<'_, M>) -> Result<Self::Input> {
        Ok((early(attempt)?, early(attempt)?, early(attempt)?, early(attempt)?))
    }

    async fn call(attempt: &Attempt<'_, M>, (n, context, probe, unit): Self::Input) -> Result<Self::Reply> {
        Ok(created(n.finish(attempt)?, context.finish(attempt)?, probe.finish(attempt)?, unit.finish(attempt)?).await)
    }
}

impl<M: Module> Handler<M> for marker::Completed
where
    Arc<Events>: FromMessage<M>,
    Json<u32>: FromMessage<M>,
    Headers: FromMessage<M>,
{
    const EDGES: &'static [Edge] =
        &[argument::<M, Arc<Events>>("self"), argument::<M, Json<u32>>("n"), argument::<M, Headers>("headers")];
    const SPEC: Spec = Spec::new("payments.completed");
    type Input = (Early<Json<u32>>, Early<Headers>);
    type Reply = ();

    fn decode(attempt: &Attempt<'_, M>) -> Result<Self::Input> {
        Ok((early(attempt)?, early(attempt)?))
    }

    async fn call(attempt: &Attempt<'_, M>, (n, headers): Self::Input) -> Result<()> {
        let service = <Arc<Events> as FromMessage<M>>::take(attempt)?;
        service.completed(n.finish(attempt)?, headers.finish(attempt)?).await;
        Ok(())
    }
}
impl<M: Module> Subscribes<M> for Events
where
    marker::Completed: Handler<M>,
{
    const HANDLERS: &'static [HandlerNode] = &[handler::<M, marker::Completed>("completed")];
}

/// What is written for a function: the same lines for each, with its arguments, its options and its result.
macro_rules! subscriber {
    ($marker:ident = $function:ident($($argument:ident: $type:ty),*) -> $reply:ty, $spec:expr $(, around $($layer:ty),*)?) => {
        pub(crate) struct $marker;
        impl<M: Module> Handler<M> for $marker
        where
            $($type: FromMessage<M>,)*
            $($(Arc<$layer>: FromMessage<M>,)*)?
        {
            const EDGES: &'static [Edge] = &[$(argument::<M, $type>(stringify!($argument))),*];
            const PLACES: &'static [Option<usize>] = &[$(<$type as FromMessage<M>>::PLACES),*];
            const BY_HAND: bool = false $(|| <$type as FromMessage<M>>::BY_HAND)*;
            $(const AROUND: &'static [Around] = &[$(around::<M, $layer>()),*];)?
            const SPEC: Spec = $spec;
            type Input = ($(Early<$type>,)*);
            type Reply = $reply;

            fn decode(attempt: &Attempt<'_, M>) -> Result<Self::Input> {
                Ok(($(early::<M, $type>(attempt)?,)*))
            }
            async fn call(attempt: &Attempt<'_, M>, ($($argument,)*): Self::Input) -> Result<Self::Reply> {
                Ok($function($($argument.finish(attempt)?),*).await)
            }
        }
    };
}
pub(crate) use subscriber;

subscriber!(Requested = requested(n: Json<u32>, key: Key, context: Context, probe: Arc<Probe>) -> Result<To<Json<u32>>>,
    Spec::new("payments.requested").group("payments"));
subscriber!(Audited = audited(payload: Bytes, probe: Arc<Probe>) -> (), Spec::new("orders.created").group("audit"));
subscriber!(Judged = judged(n: Json<u32>, context: Context, probe: Arc<Probe>) -> Result<Outcome>,
    Spec::new("judged").group("judges").retries(1));
subscriber!(Echo = echo(n: Json<u32>) -> Option<Json<u32>>, Spec::new("echo").publish("echo"));
subscriber!(Hasty = hasty(n: Json<u32>, context: Context, probe: Arc<Probe>) -> Result<Outcome>,
    Spec::new("at.once").group("hasty").ack(Ack::Received));

/// What a function stands for in its module: an entry that is never made.
pub(crate) struct Functions;

impl Source for Functions {
    type Output = Self;
    type Life = lifetime::Handler;
    type Keep = lifetime::Wrapped;
}
impl<M: Module> Wire<M> for Functions {
    const EDGES: &'static [Edge] = &[];
    fn make(_: &Resolver<'_, M>) -> Result<Made<Self>> {
        Err(Error::new("never made"))
    }
}
/// One entry for all functions; `#[subscriber]` writes one each.
impl Subscribes<Shop> for Functions {
    const HANDLERS: &'static [HandlerNode] = &[
        handler::<Shop, marker::Created>("created"),
        handler::<Shop, Requested>("requested"),
        handler::<Shop, Audited>("audited"),
        handler::<Shop, Judged>("judged"),
        handler::<Shop, Echo>("echo"),
        handler::<Shop, Hasty>("hasty"),
    ];
}

// ------------------------------------------------------------------------------------------------ `#[module]`

pub(crate) struct Shop;

pub(crate) struct Cells {
    probe: Cell<Probe>,
    unit: Cell<Unit>,
    events: Cell<Events>,
    functions: Cell<Functions>,
}

macro_rules! own {
    ($module:ty, $cells:ty, $node:literal $cell:ident: $type:ty) => {
        impl Owns<$type> for $module {
            type By = $type;
            const NODE: usize = $node;
            const ENTRY: &'static str = stringify!($type);
            fn cell(cells: &$cells) -> &Cell<$type> {
                &cells.$cell
            }
            fn cell_mut(cells: &mut $cells) -> &mut Cell<$type> {
                &mut cells.$cell
            }
        }
        impl Provides<$type> for $module {
            type How = provide::Own;
        }
    };
}
pub(crate) use own;

own!(Shop, Cells, 0 probe: Probe);
own!(Shop, Cells, 1 unit: Unit);
own!(Shop, Cells, 2 events: Events);
own!(Shop, Cells, 3 functions: Functions);

impl Module for Shop {
    const NAME: &'static str = "Shop";
    const GRAPH: &'static [Node] = &[
        node::<Self, Probe>(),
        node::<Self, Unit>(),
        node_with::<Self, Events>(<Events as Subscribes<Self>>::HANDLERS),
        node_with::<Self, Functions>(<Functions as Subscribes<Self>>::HANDLERS),
    ];
    const ORDER: &'static [usize] = &order::<4>(Self::NAME, Self::GRAPH);
    type Cells = Cells;

    fn unit() -> Option<Self> {
        Some(Self)
    }
    fn cells(self) -> Cells {
        Cells { probe: Cell::empty(), unit: Cell::empty(), events: Cell::empty(), functions: Cell::empty() }
    }
}
