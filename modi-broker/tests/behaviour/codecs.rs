//! Payloads in several formats: declared, checked, and written.

use crate::shop::{Probe, subscriber};
use crate::stage::stage;
use bytes::Bytes;
use modi_broker::{Attempt, Body, Early, FromMessage, Handler, Json, Message, Spec, TestApp, argument, early};
use modi_core::graph::Edge;
use modi_core::{Module, Result};
use std::sync::Arc;

/// `#[subscriber("strict", group = "g")]`
async fn strict(Json(n): Json<u32>, probe: Arc<Probe>) {
    probe.note(format!("strict {n}"));
}

/// `#[subscriber("any", group = "g")]`
async fn any(body: Option<Body<u32>>, probe: Arc<Probe>) {
    probe.note(format!("any {:?}", body.map(|Body(n)| n)));
}

/// `#[subscriber("text", group = "g", publish = "shouted")]`
async fn shouted(text: String) -> String {
    text.to_uppercase()
}

/// `#[subscriber("raw", group = "g", publish = "halves")]`
async fn halves(payload: Bytes) -> Option<Vec<Bytes>> {
    let (left, right) = payload.split_at(payload.len() / 2);
    (!payload.is_empty()).then(|| vec![Bytes::copy_from_slice(left), Bytes::copy_from_slice(right)])
}

subscriber!(Strict = strict(n: Json<u32>, probe: Arc<Probe>) -> (), Spec::new("strict").group("g"));
subscriber!(Any = any(body: Option<Body<u32>>, probe: Arc<Probe>) -> (), Spec::new("any").group("g"));
subscriber!(Shouted = shouted(text: String) -> String, Spec::new("text").group("g").publish("shouted"));
subscriber!(Halves = halves(payload: Bytes) -> Option<Vec<Bytes>>, Spec::new("raw").group("g").publish("halves"));
stage!(Codecs: Strict "strict", Any "any", Shouted "shouted", Halves "halves");

async fn put(app: &TestApp<Codecs>, topic: &str, payload: &'static [u8], content_type: &str) {
    let message = Message::new(payload).with_content_type(content_type);
    app.publish_message(topic, message).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_typed_argument_refuses_another_content_type_and_the_choosing_one_obeys_it() {
    let app = TestApp::start(Codecs).await.unwrap();
    for (topic, content_type) in [("strict", "application/json"), ("strict", ""), ("any", "text/json"), ("any", "")] {
        put(&app, topic, b"7", content_type).await;
    }
    app.publish_message("any", Message::tombstone()).await.unwrap();
    let probe = app.get::<Probe>();
    assert_eq!(probe.notes("strict"), ["strict 7", "strict 7"]);
    assert_eq!(probe.notes("any"), ["any Some(7)", "any Some(7)", "any None"]);
    put(&app, "strict", b"7", "text/plain").await;
    put(&app, "any", b"7", "text/plain").await;
    for topic in ["strict", "any"] {
        let [letter] = &app.dead_letters(topic)[..] else { panic!("one dead letter of {topic}") };
        assert_eq!(letter.kind, modi_broker::FailureKind::Decode);
        assert!(letter.error.contains("`text/plain`"), "{:?}", letter.error);
    }
}

#[tokio::test(start_paused = true)]
async fn text_and_bytes_are_taken_whatever_is_declared_and_results_say_what_they_are() {
    let app = TestApp::start(Codecs).await.unwrap();
    put(&app, "text", b"hello", "application/json").await;
    put(&app, "raw", b"abcd", "image/png").await;
    let shouted = app.messages("shouted");
    assert_eq!(shouted[0].payload().map(|payload| &payload[..]), Some(&b"HELLO"[..]));
    assert_eq!(shouted[0].content_type(), Some("text/plain; charset=utf-8"));
    let halves: Vec<_> = app.messages("halves").iter().map(|half| half.payload().cloned()).collect();
    assert_eq!(halves, [Some(Bytes::from("ab")), Some(Bytes::from("cd"))]);
    put(&app, "text", b"\xff", "text/plain").await;
    assert_eq!(app.dead_letters("text").len(), 1, "no text");
}

#[cfg(feature = "msgpack")]
mod msgpack {
    use super::*;
    use modi_broker::{MsgPack, To};

    /// `#[subscriber("packed", group = "g", publish = "doubled")]`
    async fn doubled(MsgPack(n): MsgPack<u32>) -> Result<MsgPack<u32>> {
        Ok(MsgPack(n * 2))
    }

    /// `#[subscriber("doubled", group = "g")]`
    async fn passed_on(Body(n): Body<u32>) -> Vec<To<MsgPack<u32>>> {
        vec![To::new("any", MsgPack(n))]
    }

    subscriber!(Doubled = doubled(n: MsgPack<u32>) -> Result<MsgPack<u32>>, Spec::new("packed").group("g").publish("doubled"));
    subscriber!(PassedOn = passed_on(n: Body<u32>) -> Vec<To<MsgPack<u32>>>, Spec::new("doubled").group("g"));
    stage!(Packed: Doubled "doubled", PassedOn "passed_on");

    #[tokio::test(start_paused = true)]
    async fn messagepack_goes_through_a_chain() {
        let app = TestApp::start(Packed).await.unwrap();
        app.publish_message("packed", Message::new(&b"\x15"[..])).await.unwrap();
        let [any] = &app.messages("any")[..] else { panic!("one message") };
        assert_eq!(any.payload().map(|payload| &payload[..]), Some(&b"\x2a"[..]));
        assert_eq!(any.content_type(), Some("application/vnd.msgpack"));
        app.publish("packed", &1).await.unwrap();
        assert_eq!(app.dead_letters("packed").len(), 1, "JSON is refused");
    }
}

#[cfg(feature = "protobuf")]
mod protobuf {
    use super::*;
    use modi_broker::Protobuf;

    #[derive(Clone, PartialEq, prost::Message)]
    pub(crate) struct Number {
        #[prost(uint32, tag = "1")]
        pub(crate) n: u32,
    }

    /// `#[subscriber("numbers", group = "g", publish = "doubled")]`
    async fn doubled(number: Option<Protobuf<Number>>) -> Option<Protobuf<Number>> {
        number.map(|Protobuf(Number { n })| Protobuf(Number { n: n * 2 }))
    }

    subscriber!(Doubled = doubled(number: Option<Protobuf<Number>>) -> Option<Protobuf<Number>>,
        Spec::new("numbers").group("g").publish("doubled"));
    stage!(Numbers: Doubled "doubled");

    #[tokio::test(start_paused = true)]
    async fn protocol_buffers_go_in_and_out() {
        let app = TestApp::start(Numbers).await.unwrap();
        let payload = prost::Message::encode_to_vec(&Number { n: 21 });
        app.publish_message("numbers", Message::new(payload)).await.unwrap();
        app.publish_message("numbers", Message::tombstone()).await.unwrap();
        let [doubled] = &app.messages("doubled")[..] else { panic!("one message") };
        let payload = doubled.payload().cloned().unwrap_or_default();
        assert_eq!(<Number as prost::Message>::decode(payload).unwrap(), Number { n: 42 });
        assert_eq!(doubled.content_type(), Some("application/protobuf"));
    }
}
