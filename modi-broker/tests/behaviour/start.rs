//! What is found before the first message.

use crate::shop::{Functions, Shop, own, subscriber};
use modi_broker::{
    AppExt, Attempt, Broker, Early, FromMessage, Handler, Json, MemoryBroker, Order, Publisher, Spec, Subscribes,
    TestApp, argument, early, handler,
};
use modi_core::graph::{Edge, HandlerNode, Node, order};
use modi_core::module::{Cell, Module, Owns, Provides};
use modi_core::service::{Made, Source, Wire, node, node_with};
use modi_core::{App, Dependency, Error, Resolver, Result, dependency, lifetime, provide};
use std::sync::Arc;

async fn nothing(_: Json<u32>) {}

subscriber!(First = nothing(n: Json<u32>) -> (), Spec::new("orders").group("shop"));
subscriber!(Second = nothing(n: Json<u32>) -> (), Spec::new("orders").group("shop"));
subscriber!(Named = nothing(n: Json<u32>) -> (), Spec::new("orders").group("sh.op"));
subscriber!(Elsewhere = nothing(n: Json<u32>) -> (), Spec::new("orders").group("audit").broker("archive"));
subscriber!(Wide = nothing(n: Json<u32>) -> (), Spec::new("wide").group("w").concurrency(300).order(Order::None));
subscriber!(Default = nothing(n: Json<u32>) -> (), Spec::new("users"));

struct Broken;
struct Cells {
    functions: Cell<Functions>,
    late: Cell<Late>,
}
own!(Broken, Cells, 0 functions: Functions);
own!(Broken, Cells, 1 late: Late);

/// A service that must not be built where the configuration is wrong.
struct Late;

impl Source for Late {
    type Output = Self;
    type Life = lifetime::Singleton;
    type Keep = lifetime::Whole;
}
impl<M: Module> Wire<M> for Late {
    const EDGES: &'static [Edge] = &[];
    fn make(_: &Resolver<'_, M>) -> Result<Made<Self>> {
        Err(Error::new("built before the configuration was checked"))
    }
}

impl Subscribes<Broken> for Functions {
    const HANDLERS: &'static [HandlerNode] = &[
        handler::<Broken, First>("first"),
        handler::<Broken, Second>("second"),
        handler::<Broken, Named>("named"),
        handler::<Broken, Elsewhere>("elsewhere"),
        handler::<Broken, Default>("default"),
        handler::<Broken, Wide>("wide"),
    ];
}
impl Module for Broken {
    const NAME: &'static str = "Broken";
    const GRAPH: &'static [Node] =
        &[node_with::<Self, Functions>(<Functions as Subscribes<Self>>::HANDLERS), node::<Self, Late>()];
    const ORDER: &'static [usize] = &order::<2>(Self::NAME, Self::GRAPH);
    type Cells = Cells;
    fn unit() -> Option<Self> {
        Some(Self)
    }
    fn cells(self) -> Cells {
        Cells { functions: Cell::empty(), late: Cell::empty() }
    }
}

/// The error of the start and what lies below it.
fn told(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        text = format!("{text}: {error}");
        next = error.source();
    }
    text
}

#[tokio::test(start_paused = true)]
async fn every_problem_is_reported_at_once_before_anything_is_built() {
    let app = App::new(Broken).name("my shop").broker(Broker::memory()).broker(Broker::memory());
    let text = told(&app.start().await.unwrap_err());
    for part in [
        "two default brokers",
        "`Broken::first` and `Broken::second` both listen to `orders` in the group `shop`",
        "the group `sh.op` of `Broken::named` may have letters, digits, `-` and `_` only",
        "`Broken::elsewhere` listens on the broker `archive`, which the application does not have",
        "the application's name `my shop` is the group of `Broken::default`",
        "`Broken::wide` handles 300 messages side by side and may have 256 of them in hand: raise its `prefetch`",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    assert_eq!(text.lines().count(), 7, "{text}");
}

#[tokio::test(start_paused = true)]
async fn subscribers_without_a_default_broker_are_reported() {
    let app = App::new(Shop).name("shop").named_broker("archive", MemoryBroker::new());
    let text = told(&app.start().await.unwrap_err());
    assert_eq!(text.matches("names no broker").count(), 7, "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_test_has_one_broker_for_every_name() {
    let text = told(&TestApp::start(Broken).await.unwrap_err());
    assert!(!text.contains("archive"), "{text}");
}

/// A service that publishes.
struct Outbox(Publisher);

impl Source for Outbox {
    type Output = Self;
    type Life = lifetime::Singleton;
    type Keep = lifetime::Whole;
}
impl<M: Module> Wire<M> for Outbox
where
    Publisher: Dependency<M>,
{
    const EDGES: &'static [Edge] = &[dependency::edge::<M, Publisher>("publisher")];
    fn make(cx: &Resolver<'_, M>) -> Result<Made<Self>> {
        Ok(Made::Ready(Arc::new(Self(dependency::take(cx)?))))
    }
}
struct Outboxes;
struct OutboxCells {
    outbox: Cell<Outbox>,
}
own!(Outboxes, OutboxCells, 0 outbox: Outbox);
impl Module for Outboxes {
    const NAME: &'static str = "Outboxes";
    const GRAPH: &'static [Node] = &[node::<Self, Outbox>()];
    const ORDER: &'static [usize] = &order::<1>(Self::NAME, Self::GRAPH);
    type Cells = OutboxCells;
    fn unit() -> Option<Self> {
        Some(Self)
    }
    fn cells(self) -> OutboxCells {
        OutboxCells { outbox: Cell::empty() }
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_publishes_and_says_so_where_there_is_no_broker() {
    let app = TestApp::start(Outboxes).await.unwrap();
    app.get::<Outbox>().0.publish("sent", &7).await.unwrap();
    assert_eq!(app.published::<u32>("sent"), [7]);
    let text = told(&App::new(Outboxes).start().await.unwrap_err());
    assert!(text.contains("`Outbox` needs a `Publisher`, and the application has no broker"), "{text}");
}
