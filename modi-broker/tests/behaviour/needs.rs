//! What subscribers need, what their brokers can do, and what has to be there.

use crate::capture::Capture;
use crate::flaky::{Call, Flaky};
use crate::lab::Lab;
use crate::shop::{Functions, Probe, Shop, own, subscriber};
use crate::side::Side;
use crate::time::pass;
use modi_broker::contract::{OrderScope, Provision, Start};
use modi_broker::{
    AppExt, Attempt, Broker, DeadLetter, Early, FromMessage, Handler, Json, MemoryBroker, Message, Order, Outcome,
    Publisher, RunningAppExt, Spec, SubscriberState, Subscribes, TestApp, argument, early, handler,
};
use modi_core::graph::{Edge, HandlerNode, Node, order};
use modi_core::module::{Cell, Module, Owns, Provides};
use modi_core::service::node_with;
use modi_core::{App, Error, Result, StartError, provide};
use std::sync::{Arc, Barrier};
use std::time::Duration;

async fn nothing(_: Json<u32>) {}

const MINUTE: Duration = Duration::from_secs(60);

subscriber!(Keyed = nothing(n: Json<u32>) -> (), Spec::new("keyed").order(Order::Key).concurrency(4));
subscriber!(Late = nothing(n: Json<u32>) -> (), Spec::new("late").start(Start::Earliest).redeliver(&[MINUTE]));
subscriber!(Plain = nothing(n: Json<u32>) -> (), Spec::new("plain"));

struct Picky;
struct Cells {
    functions: Cell<Functions>,
}
own!(Picky, Cells, 0 functions: Functions);

impl Subscribes<Picky> for Functions {
    const HANDLERS: &'static [HandlerNode] =
        &[handler::<Picky, Keyed>("keyed"), handler::<Picky, Late>("late"), handler::<Picky, Plain>("plain")];
}
impl Module for Picky {
    const NAME: &'static str = "Picky";
    const GRAPH: &'static [Node] = &[node_with::<Self, Functions>(<Functions as Subscribes<Self>>::HANDLERS)];
    const ORDER: &'static [usize] = &order::<1>(Self::NAME, Self::GRAPH);
    type Cells = Cells;
    fn unit() -> Option<Self> {
        Some(Self)
    }
    fn cells(self) -> Cells {
        Cells { functions: Cell::empty() }
    }
}

fn told(error: StartError) -> String {
    format!("{:#}", Error::new(error))
}

#[tokio::test(start_paused = true)]
async fn everything_that_subscribers_want_and_brokers_cannot_do_is_reported_before_the_first_message() {
    let flaky = Flaky::new(&MemoryBroker::new()).that(|can| {
        (can.order_scope, can.earliest, can.at_least_once) = (OrderScope::Process, false, false);
    });
    let app = App::new(Picky).name("picky").broker(Broker::new("odd", flaky.clone()));
    let text = told(app.start().await.unwrap_err());
    for part in [
        "`Picky::keyed` wants `order = key`",
        "`Picky::late` wants `start = earliest`",
        "`Picky::late` wants `redeliver`",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    assert_eq!(text.lines().count(), 4, "{text}");
    assert_eq!((flaky.count(Call::Next), flaky.count(Call::Close)), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn what_a_default_becomes_on_a_broker_that_cannot_do_it_is_said_once() {
    let start = async || {
        let flaky = Flaky::new(&MemoryBroker::new()).that(|can| can.at_least_once = false);
        App::new(Side).name("side").broker(Broker::new("odd", flaky)).start().await.unwrap()
    };
    // What other tests make known to `tracing` for the first time while this one begins to listen might be missed.
    start().await.stop().await.unwrap();
    let (capture, _guard) = Capture::start(tracing::Level::WARN);
    let app = start().await;
    app.stop().await.unwrap();
    let said: Vec<_> = capture.events().iter().map(|line| line.get("message").to_owned()).collect();
    assert_eq!(said.len(), 6, "all but the one that acknowledges at once: {said:?}");
    for (line, name) in said.iter().zip(["keyed", "laned", "free", "paid", "paced", "wide"]) {
        assert!(line.starts_with(&format!("`Side::{name}` loses what it has in hand")), "{line}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 5)]
async fn tasks_spread_handlers_that_hold_their_threads_and_count_under_one_name() {
    let app = TestApp::start(Lab).await.unwrap();
    let barrier = Arc::new(Barrier::new(3));
    app.get::<Probe>().on("spread", move |_| {
        // Nobody comes past this before three threads are here.
        barrier.wait();
        async { Ok(Outcome::Ack) }
    });
    let put = async |numbers| {
        for number in numbers {
            app.broker().publish("spread", Message::json(&number).unwrap()).await.unwrap();
        }
    };
    // Numbers are added up when a member waits, on its own thread.
    let handled = async |many| {
        while app.report().total().acked < many {
            tokio::task::yield_now().await;
        }
    };
    put(0..6).await;
    handled(6).await;
    let of: Vec<_> = app.report().subscribers.into_iter().filter(|stats| stats.name == "Lab::spread").collect();
    assert_eq!((of.len(), of[0].acked), (1, 6));

    let subscribers = app.subscribers();
    subscribers.stop("Lab::spread").await.unwrap();
    assert_eq!(subscribers.get("Lab::spread").unwrap().state, SubscriberState::Stopped);
    subscribers.start("Lab::spread").await.unwrap();
    put(6..9).await;
    handled(9).await;
    app.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_is_missing_is_an_error_where_it_is_to_be_verified_and_nobody_looks_where_that_is_off() {
    let memory = MemoryBroker::new();
    let with = |provision| {
        let flaky = Flaky::new(&memory);
        let broker = Broker::new("odd", flaky.clone()).provision(provision);
        (flaky, App::new(Shop).name("shop").broker(broker))
    };
    let (flaky, app) = with(Provision::Verify);
    let text = told(app.start().await.unwrap_err());
    for name in ["judged", "payments.requested", "dead.judges.judged", "dead.audit.orders.created"] {
        assert!(text.contains(&format!("`odd`: topic `{name}` does not exist")), "{name}\n{text}");
    }
    assert_eq!((flaky.count(Call::Subscribe), memory.topics().len()), (0, 0));

    let (flaky, app) = with(Provision::Off);
    app.start().await.unwrap().stop().await.unwrap();
    assert_eq!((flaky.count(Call::Provision), flaky.count(Call::Subscribe)), (0, 7));

    let (_, app) = with(Provision::Missing);
    app.start().await.unwrap().stop().await.unwrap();
    assert!(memory.topics().iter().any(|name| &**name == "dead.judges.judged"));
    let (_, app) = with(Provision::Verify);
    app.start().await.unwrap().stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_prefix_parts_applications_on_one_broker_and_nobody_sees_it() {
    let memory = MemoryBroker::new();
    let broker = |prefix| Broker::from(memory.clone()).with_prefix(prefix);
    let app = App::new(Shop).name("shop").broker(broker("staging."));
    let publisher = app.extension::<Publisher>().unwrap().clone();
    let staging = app.start().await.unwrap();
    let testing = App::new(Shop).name("shop").broker(broker("a.").with_prefix("testing.")).start().await.unwrap();
    publisher.publish("orders.created", &2).await.unwrap();
    publisher.publish("judged", "no number").await.unwrap();
    pass(Duration::from_secs(5)).await;
    assert_eq!(staging.get::<Probe>().notes("completed"), ["completed 2 via requested"]);
    assert!(testing.get::<Probe>().notes("").is_empty());

    let letters = memory.messages("dead.staging-judges.staging.judged");
    let letter = DeadLetter::read(letters.into_iter().next().unwrap()).unwrap();
    assert_eq!((&*letter.topic, &*letter.group), ("judged", "judges"));
    assert!(memory.topics().iter().any(|name| &**name == "a.testing.judged"), "{:?}", memory.topics());
    assert_eq!(staging.subscribers().list().len(), 7);
    staging.stop().await.unwrap();
    testing.stop().await.unwrap();

    let text = told(App::new(Shop).name("shop").broker(broker("sta ging")).start().await.unwrap_err());
    assert!(text.contains("the prefix `sta ging` of a broker may have letters, digits"), "{text}");
}
