//! Publishing by hand: one message, several, to several topics, and what it refuses.

use crate::shop::{Probe, Shop};
use modi_broker::{AppExt, Broker, BrokerErrorKind, MemoryBroker, Message, PublishError, Publisher, TestApp};
use modi_core::App;
use std::time::{Duration, SystemTime};

/// A publisher of a running application, on this broker.
async fn publisher(memory: &MemoryBroker) -> (modi_core::RunningApp<Shop>, Publisher) {
    let app = App::new(Shop).name("shop").broker(Broker::from(memory.clone())).start().await.unwrap();
    let publisher = app.host().extension::<Publisher>().unwrap().clone();
    (app, publisher)
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_sent_in_order_and_each_message_has_an_answer_of_its_own() {
    let memory = MemoryBroker::new();
    let (_app, publisher) = publisher(&memory).await;
    let topics = ["first", "", "first", "second"];
    let messages = topics.iter().zip(0..).map(|(topic, n)| (topic, Message::json(&n).unwrap()));
    let receipts = publisher.publish_all(messages).await;
    let positions: Vec<_> = receipts.iter().map(|receipt| receipt.as_ref().ok().and_then(|it| it.position)).collect();
    assert_eq!(positions, [Some(0), None, Some(1), Some(0)]);
    assert!(matches!(receipts[1], Err(PublishError::NoTopic)));
    let payload = |at: usize| memory.messages("first")[at].payload().cloned().unwrap();
    assert_eq!((payload(0), payload(1)), ("0".into(), "2".into()));
}

#[tokio::test(start_paused = true)]
async fn one_that_fails_does_not_take_the_confirmations_of_the_others() {
    let memory = MemoryBroker::new().with_capacity(1).with_full_deadline(Duration::from_secs(1));
    let (app, publisher) = publisher(&memory).await;
    app.get::<Probe>().on("judged", |_| std::future::pending());
    publisher.publish("judged", &1).await.unwrap();
    let messages = ["judged", "elsewhere"].map(|topic| (topic, Message::json(&2).unwrap()));
    let receipts = publisher.publish_all(messages).await;
    let Err(PublishError::Broker { topic, source }) = &receipts[0] else { panic!("{receipts:?}") };
    assert_eq!((&**topic, source.kind()), ("judged", BrokerErrorKind::Full));
    assert!(receipts[1].is_ok(), "{receipts:?}");
}

#[tokio::test(start_paused = true)]
async fn a_message_goes_to_each_of_several_topics_with_all_that_belongs_to_it() {
    let memory = MemoryBroker::new();
    let (_app, publisher) = publisher(&memory).await;
    let at = SystemTime::UNIX_EPOCH + Duration::from_millis(1_234);
    let publication = publisher.to_all(&["audit", "billing"]).key("k").header("tenant", "acme").id("m-1");
    let publication = publication.timestamp(at).correlation_id("c-1").json(&7).unwrap();
    let receipts = publication.send().await;
    assert_eq!(receipts.len(), 2);
    for topic in ["audit", "billing"] {
        let [message] = &memory.messages(topic)[..] else { panic!("one message in {topic}") };
        assert_eq!((message.id(), message.timestamp()), (Some("m-1"), Some(at)));
        assert_eq!(message.correlation_id().as_deref(), Some("c-1"));
        assert_eq!(message.headers().text("tenant"), Some("acme"));
        assert_eq!(message.content_type(), Some("application/json"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_payload_brings_its_content_type_and_leaves_the_rest() {
    let memory = MemoryBroker::new();
    let (_app, publisher) = publisher(&memory).await;
    let publication = publisher.to("notes").header("tenant", "acme").payload("hello".to_owned()).unwrap();
    publication.send().await.unwrap();
    let [message] = &memory.messages("notes")[..] else { panic!("one message") };
    assert_eq!(message.content_type(), Some("text/plain; charset=utf-8"));
    assert_eq!(message.headers().text("tenant"), Some("acme"));
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_encoded_names_its_topics() {
    let app = TestApp::start(Shop).await.unwrap();
    let publisher = app.app().host().extension::<Publisher>().unwrap();
    let map = std::collections::HashMap::from([((1, 2), 3)]);
    let error = publisher.to_all(&["a", "b"]).json(&map).err().map(|error| error.to_string());
    assert_eq!(error.as_deref(), Some("the message for `a`, `b` cannot be encoded"));
}

#[tokio::test(start_paused = true)]
async fn what_the_broker_cannot_do_is_refused_before_it_is_sent() {
    let memory = MemoryBroker::new();
    let (_app, publisher) = publisher(&memory).await;
    let error = publisher.to("notes").partition(1).send().await.err();
    let Some(PublishError::Broker { source, .. }) = error else { panic!("{error:?}") };
    assert_eq!(source.kind(), BrokerErrorKind::Unsupported);
    assert!(memory.messages("notes").is_empty());
}
