//! Questions and their answers, results for several topics, topics with placeholders, messages that are seen later.

use crate::idle;
use crate::shop::{Probe, subscriber};
use crate::stage::stage;
use crate::time::pass;
use modi_broker::{
    Attempt, BrokerErrorKind, Context, Early, FromMessage, Handler, Json, MemoryBroker, MemoryProfile, Message,
    Outcome, Path, PublishError, Publisher, Spec, TestApp, To, argument, early,
};
use modi_core::graph::Edge;
use modi_core::{Module, Result};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::time::Instant;

/// `#[subscriber("price.of", group = "g", reply)]`
async fn price(Json(n): Json<u32>, context: Context, probe: Arc<Probe>) -> Result<Option<Json<u32>>> {
    let outcome = probe.play("price", n, &context).await?;
    Ok((outcome == Outcome::Ack).then_some(Json(n * 2)))
}

/// `#[subscriber("news", group = "g", publish = ["paper", "radio"])]`
async fn news(Json(n): Json<u32>) -> Vec<Json<u32>> {
    vec![Json(n), Json(n + 1)]
}

/// `#[subscriber("pairs", group = "g")]`
async fn pairs(Json(n): Json<u32>) -> (To<Json<u32>>, To<String>) {
    (To::new("numbers", Json(n)), To::new("texts", n.to_string()))
}

/// `#[subscriber("shops.{shop}.orders.{order}", group = "g")]`
async fn ordered(Path((shop, order)): Path<(String, u32)>, context: Context, probe: Arc<Probe>) {
    probe.note(format!("ordered {order} of {shop} from {}", context.topic()));
}

/// `#[subscriber("files.{path..}", group = "g")]`
async fn filed(Path(path): Path<String>, probe: Arc<Probe>) {
    probe.note(format!("filed {path}"));
}

subscriber!(Price = price(n: Json<u32>, context: Context, probe: Arc<Probe>) -> Result<Option<Json<u32>>>,
    Spec::new("price.of").group("g").reply());
subscriber!(News = news(n: Json<u32>) -> Vec<Json<u32>>, Spec::new("news").group("g").publish_all(&["paper", "radio"]));
subscriber!(Pairs = pairs(n: Json<u32>) -> (To<Json<u32>>, To<String>), Spec::new("pairs").group("g"));
subscriber!(Ordered = ordered(path: Path<(String, u32)>, context: Context, probe: Arc<Probe>) -> (),
    Spec::new("shops.{shop}.orders.{order}").group("g"));
subscriber!(Filed = filed(path: Path<String>, probe: Arc<Probe>) -> (), Spec::new("files.{path..}").group("g"));
stage!(Answers: Price "price", News "news", Pairs "pairs", Ordered "ordered", Filed "filed");

async fn start() -> (TestApp<Answers>, Publisher) {
    let app = TestApp::start(Answers).await.unwrap();
    let publisher = app.app().host().extension::<Publisher>().unwrap().clone();
    (app, publisher)
}

#[tokio::test(start_paused = true)]
async fn a_question_is_answered_and_several_are_answered_in_parallel() {
    let (app, publisher) = start().await;
    let price: u32 = publisher.request("price.of", &21).await.unwrap();
    assert_eq!(price, 42);
    let (one, two) = tokio::join!(async { publisher.request::<_, u32>("price.of", &1).await }, async {
        publisher.request::<_, u32>("price.of", &2).await
    });
    assert_eq!((one.unwrap(), two.unwrap()), (2, 4));
    let text = publisher.request::<_, String>("price.of", &1).await;
    assert!(matches!(text, Err(PublishError::Answer { .. })), "{text:?}");
    app.settled().await.unwrap();
    assert_eq!(app.report().total().acked, 4);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_does_not_come_in_time_is_an_error_and_a_late_one_is_dropped() {
    let (app, publisher) = start().await;
    app.get::<Probe>().on("price", |_| async {
        pass(Duration::from_secs(3)).await;
        Ok(Outcome::Ack)
    });
    let begun = Instant::now();
    let asked = publisher.request::<_, u32>("price.of", &1).timeout(Duration::from_secs(2)).await;
    assert!(matches!(asked, Err(PublishError::NoAnswer { within, .. }) if within.as_secs() == 2), "{asked:?}");
    assert_eq!(begun.elapsed().as_secs(), 2);
    app.settled().await.unwrap();
    let total = app.report().total();
    assert_eq!((total.acked, total.dead_lettered), (1, 0), "the late answer harms nobody");
}

#[tokio::test(start_paused = true)]
async fn a_message_that_asks_for_nothing_is_handled_without_an_answer() {
    let (app, _) = start().await;
    app.publish("price.of", &1).await.unwrap();
    assert_eq!(app.report().total().acked, 1);
}

#[tokio::test(start_paused = true)]
async fn a_question_that_the_broker_does_not_carry_is_an_error() {
    let memory = MemoryBroker::like(MemoryProfile::Kafka);
    let app = TestApp::new(News2).broker(&memory).start().await.unwrap();
    let publisher = app.app().host().extension::<Publisher>().unwrap();
    let asked = publisher.request::<_, u32>("news", &1).await;
    let Err(PublishError::Broker { source, .. }) = asked else { panic!("{asked:?}") };
    assert_eq!(source.kind(), BrokerErrorKind::Unsupported);
}
use only_news::News2;
mod only_news {
    use super::*;
    stage!(News2: News "news");
}

#[tokio::test(start_paused = true)]
async fn each_result_goes_to_all_topics_in_their_order() {
    let (app, _) = start().await;
    app.publish("news", &1).await.unwrap();
    assert_eq!(app.published::<u32>("paper"), [1, 2]);
    assert_eq!(app.published::<u32>("radio"), [1, 2]);
    app.publish("pairs", &7).await.unwrap();
    assert_eq!(app.published::<u32>("numbers"), [7]);
    assert_eq!(app.messages("texts")[0].payload().map(|text| &text[..]), Some(&b"7"[..]));
}

#[tokio::test(start_paused = true)]
async fn placeholders_are_read_from_the_topic_that_a_message_came_from() {
    let (app, _) = start().await;
    app.publish("shops.berlin.orders.7", &()).await.unwrap();
    app.publish("shops.berlin.returns.7", &()).await.unwrap();
    app.publish("files.a.b.c", &()).await.unwrap();
    let probe = app.get::<Probe>();
    assert_eq!(probe.notes("ordered"), ["ordered 7 of berlin from shops.berlin.orders.7"]);
    assert_eq!(probe.notes("filed"), ["filed a.b.c"]);
    app.publish("shops.berlin.orders.seven", &()).await.unwrap();
    assert_eq!(app.report().total().dead_lettered, 1, "it can never be read");
}

#[tokio::test(start_paused = true)]
async fn a_delayed_message_is_not_early() {
    let (app, publisher) = start().await;
    let begun = Instant::now();
    publisher.to("news").json(&1).unwrap().delay(Duration::from_secs(60)).send().await.unwrap();
    let at = SystemTime::now() - Duration::from_secs(1);
    publisher.to("news").json(&5).unwrap().at(at).send().await.unwrap();
    idle().await;
    assert_eq!(app.published::<u32>("paper"), [5, 6], "what has come is seen at once");
    app.settled().await.unwrap();
    assert_eq!(app.published::<u32>("paper"), [5, 6, 1, 2]);
    assert_eq!(begun.elapsed().as_secs(), 60);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_delayed_here_is_refused_before_it_is_sent() {
    let memory = MemoryBroker::like(MemoryProfile::Redis);
    let app = TestApp::new(News2).broker(&memory).start().await.unwrap();
    let publisher = app.app().host().extension::<Publisher>().unwrap();
    let sent = publisher.to("elsewhere").message(Message::new("x")).delay(Duration::from_secs(1)).send().await;
    let Err(PublishError::Broker { source, .. }) = sent else { panic!("{sent:?}") };
    assert_eq!(source.kind(), BrokerErrorKind::Unsupported);
    assert!(memory.messages("elsewhere").is_empty());
}
