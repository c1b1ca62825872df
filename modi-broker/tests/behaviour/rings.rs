//! A module with middleware around its handlers, written by hand as the attributes write it.

use crate::shop::{Functions, Probe, Unit, own, subscriber};
use crate::time::pass;
use modi_broker::{
    Attempt, BatchHandler, Call, Context, Early, FromMessage, Handler, Json, Middleware, Next, NextPublish, Outcome,
    Outgoing, PublishError, Publisher, Receipt, Reply, Spec, Subscribes, argument, around, batch_handler, early,
    handler,
};
use modi_core::graph::{Around, Edge, HandlerNode, Node, order};
use modi_core::module::{Cell, Module, Owns, Provides};
use modi_core::service::{Made, Source, Wire, node, node_with};
use modi_core::{Dependency, Error, Resolver, Result, dependency, lifetime, provide};
use std::sync::Arc;
use std::time::Duration;

/// Says when something passes it. A singleton.
pub(crate) struct Ring<const NAME: char> {
    pub(crate) probe: Arc<Probe>,
}

impl<const NAME: char> Middleware for Ring<NAME> {
    async fn handle(&self, call: &Call<'_>, next: Next<'_>) -> Result<Reply> {
        let many = call.messages().len();
        self.probe.note(format!("pass {NAME} in {} {many} attempt {}", call.topic(), call.attempt()));
        let reply = next.run().await;
        let came_to = match &reply {
            Ok(reply) => format!("{:?} and {} to publish", reply.outcome(), reply.publications()),
            Err(error) => error.to_string(),
        };
        self.probe.note(format!("pass {NAME} out {came_to}"));
        reply
    }

    async fn publish(&self, mut message: Outgoing<'_>, next: NextPublish<'_>) -> Result<Receipt, PublishError> {
        self.probe.note(format!("publish {NAME} in {}", message.place));
        message.message.headers_mut().append("via", NAME.to_string());
        let receipt = next.send(message).await;
        self.probe.note(format!("publish {NAME} out {}", receipt.is_ok()));
        receipt
    }
}

/// Does what the number in hand wants. One an attempt.
pub(crate) struct Actor {
    probe: Arc<Probe>,
    unit: Arc<Unit>,
}

#[expect(clippy::panic, reason = "it plays one that panics")]
impl Middleware for Actor {
    async fn handle(&self, call: &Call<'_>, next: Next<'_>) -> Result<Reply> {
        self.probe.note(format!("actor in unit {}", self.unit.number()));
        let number: u32 = serde_json::from_slice(call.message().payload().map_or(b"", |payload| &payload[..]))?;
        match number {
            1 => Ok(Outcome::Ack.into()),
            2 => Ok(Outcome::drop("not wanted").into()),
            3 => next.run().await.map_err(|error| Error::reject(format!("of no use: {error}"))),
            4 => match next.run().await {
                Err(_) => next.run().await,
                reply => reply,
            },
            5 => panic!("a middleware panics"),
            6 => {
                next.run().await?;
                Ok(Outcome::Ack.into())
            }
            7 => {
                call.publisher().publish("side", &call.subscriber()).await?;
                next.run().await
            }
            _ => next.run().await,
        }
    }

    async fn publish(&self, message: Outgoing<'_>, next: NextPublish<'_>) -> Result<Receipt, PublishError> {
        match message.message.payload().map(|payload| &payload[..]) {
            Some(b"13") => {
                Err(PublishError::Refused { topic: message.place.to_string(), source: "an unlucky number".into() })
            }
            Some(b"14") => panic!("a middleware panics"),
            Some(b"15") => {
                pass(Duration::from_secs(3_600)).await;
                next.send(message).await
            }
            _ => next.send(message).await,
        }
    }
}

/// `#[subscriber("ringed", group = "g", retries = 0, publish = "results", middleware = [Ring<'s'>, Ring<'t'>])]`
async fn ringed(Json(n): Json<u32>, context: Context, probe: Arc<Probe>) -> Result<Vec<Json<u32>>> {
    probe.play("ringed", n, &context).await?;
    Ok(vec![Json(n), Json(n + 1)])
}

/// `#[subscriber("acted", group = "g", retries = 1, publish = "results", middleware = [Actor])]`
async fn acted(Json(n): Json<u32>, context: Context, probe: Arc<Probe>, unit: Arc<Unit>) -> Result<Option<Json<u32>>> {
    probe.note(format!("handler in unit {}", unit.number()));
    probe.play("acted", n, &context).await?;
    Ok((n > 5).then_some(Json(n)))
}

/// `#[subscriber("told", group = "g", middleware = [Actor])]`: publishes by itself.
async fn told(publisher: Publisher, Json(n): Json<u32>, probe: Arc<Probe>) {
    let sent = publisher.publish("results", &n).await;
    probe.note(format!("told {}", sent.map_or_else(|error| error.to_string(), |_| "all".to_owned())));
}

/// `#[subscriber("batched", group = "g", retries = 0, batch = 3, linger = "1ms", middleware = [Ring<'s'>, Actor])]`: drops
/// what is larger than 100.
async fn batched(numbers: Vec<Json<u32>>, probe: Arc<Probe>) -> Result<Vec<Outcome>> {
    let numbers: Vec<_> = numbers.into_iter().map(|Json(number)| number).collect();
    probe.note(format!("batched {numbers:?}"));
    if probe.plays("batched") {
        probe.ask("batched", numbers.len() as u32).await?;
    }
    Ok(numbers.iter().map(|number| if *number > 100 { Outcome::drop("too large") } else { Outcome::Ack }).collect())
}

pub(crate) struct Batched;

impl<M: Module> BatchHandler<M> for Batched
where
    Json<u32>: FromMessage<M>,
    Arc<Probe>: FromMessage<M>,
    Arc<Ring<'s'>>: FromMessage<M>,
    Arc<Actor>: FromMessage<M>,
{
    const EDGES: &'static [Edge] = &[argument::<M, Arc<Probe>>("probe")];
    const AROUND: &'static [Around] = &[around::<M, Ring<'s'>>(), around::<M, Actor>()];
    const SPEC: Spec = Spec::new("batched").group("g").retries(0).batch(3).linger(Duration::from_millis(1));
    type Item = Json<u32>;
    type Reply = Result<Vec<Outcome>>;

    fn decode(attempt: &Attempt<'_, M>) -> Result<Json<u32>> {
        FromMessage::take(attempt)
    }
    async fn call(attempt: &Attempt<'_, M>, numbers: Vec<Json<u32>>) -> Result<Self::Reply> {
        Ok(batched(numbers, FromMessage::take(attempt)?).await)
    }
}

subscriber!(Ringed = ringed(n: Json<u32>, context: Context, probe: Arc<Probe>) -> Result<Vec<Json<u32>>>,
    Spec::new("ringed").group("g").retries(0).publish("results"), around Ring<'s'>, Ring<'t'>);
subscriber!(Acted = acted(n: Json<u32>, context: Context, probe: Arc<Probe>, unit: Arc<Unit>) -> Result<Option<Json<u32>>>,
    Spec::new("acted").group("g").retries(1).publish("results"), around Actor);
subscriber!(Told = told(publisher: Publisher, n: Json<u32>, probe: Arc<Probe>) -> (),
    Spec::new("told").group("g"), around Actor);

impl<const NAME: char> Source for Ring<NAME> {
    type Output = Self;
    type Life = lifetime::Singleton;
    type Keep = lifetime::Whole;
}
impl<M: Module, const NAME: char> Wire<M> for Ring<NAME>
where
    Arc<Probe>: Dependency<M>,
{
    const EDGES: &'static [Edge] = &[dependency::edge::<M, Arc<Probe>>("probe")];
    fn make(cx: &Resolver<'_, M>) -> Result<Made<Self>> {
        Ok(Made::Ready(Arc::new(Self { probe: dependency::take(cx)? })))
    }
}

impl Source for Actor {
    type Output = Self;
    type Life = lifetime::Scoped;
    type Keep = lifetime::Whole;
}
impl<M: Module> Wire<M> for Actor
where
    Arc<Probe>: Dependency<M>,
    Arc<Unit>: Dependency<M>,
{
    const EDGES: &'static [Edge] =
        &[dependency::edge::<M, Arc<Probe>>("probe"), dependency::edge::<M, Arc<Unit>>("unit")];
    fn make(cx: &Resolver<'_, M>) -> Result<Made<Self>> {
        Ok(Made::Ready(Arc::new(Self { probe: dependency::take(cx)?, unit: dependency::take(cx)? })))
    }
}

impl Subscribes<Rings> for Functions {
    const HANDLERS: &'static [HandlerNode] = &[
        handler::<Rings, Ringed>("ringed"),
        handler::<Rings, Acted>("acted"),
        handler::<Rings, Told>("told"),
        batch_handler::<Rings, Batched>("batched"),
    ];
}

/// `#[module(.., middleware = [Ring<'m'>])]`
pub(crate) struct Rings;

pub(crate) struct Cells {
    probe: Cell<Probe>,
    unit: Cell<Unit>,
    m: Cell<Ring<'m'>>,
    s: Cell<Ring<'s'>>,
    t: Cell<Ring<'t'>>,
    actor: Cell<Actor>,
    functions: Cell<Functions>,
}

own!(Rings, Cells, 0 probe: Probe);
own!(Rings, Cells, 1 unit: Unit);
own!(Rings, Cells, 2 m: Ring<'m'>);
own!(Rings, Cells, 3 s: Ring<'s'>);
own!(Rings, Cells, 4 t: Ring<'t'>);
own!(Rings, Cells, 5 actor: Actor);
own!(Rings, Cells, 6 functions: Functions);

impl Module for Rings {
    const NAME: &'static str = "Rings";
    const GRAPH: &'static [Node] = &[
        node::<Self, Probe>(),
        node::<Self, Unit>(),
        node::<Self, Ring<'m'>>(),
        node::<Self, Ring<'s'>>(),
        node::<Self, Ring<'t'>>(),
        node::<Self, Actor>(),
        node_with::<Self, Functions>(<Functions as Subscribes<Self>>::HANDLERS),
    ];
    const AROUND: &'static [Around] = &[around::<Self, Ring<'m'>>()];
    const ORDER: &'static [usize] = &order::<7>(Self::NAME, Self::GRAPH);
    type Cells = Cells;

    fn unit() -> Option<Self> {
        Some(Self)
    }
    fn cells(self) -> Cells {
        Cells {
            probe: Cell::empty(),
            unit: Cell::empty(),
            m: Cell::empty(),
            s: Cell::empty(),
            t: Cell::empty(),
            actor: Cell::empty(),
            functions: Cell::empty(),
        }
    }
}
