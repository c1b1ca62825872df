//! Trace context in and out: attempts as spans, and what they publish as their children.

use crate::capture::{Capture, Line};
use crate::observed::Desk;
use crate::shop::Probe;
use modi_broker::{Message, Outcome, TestApp, TraceParent, wire};
use modi_core::Error;
use tracing::Level;

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

fn order() -> Message {
    let message = Message::json(&7).unwrap();
    message.with_header(wire::TRACEPARENT, PARENT).with_header(wire::TRACESTATE, "vendor=1,other=2")
}

fn spans_of(capture: &Capture, subscriber: &str) -> Vec<Line> {
    capture.spans().into_iter().filter(|span| span.get("subscriber") == subscriber).collect()
}

/// As trace id and span id.
fn parent_of(message: &Message) -> (String, String) {
    ids_of(message, wire::TRACEPARENT)
}

fn ids_of(message: &Message, header: &str) -> (String, String) {
    let parent: TraceParent = message.headers().text(header).unwrap().parse().unwrap();
    (format!("{:032x}", parent.trace_id()), format!("{:016x}", parent.span_id()))
}

fn ids(span: &Line) -> (String, String) {
    (span.get("trace_id").to_owned(), span.get("span_id").to_owned())
}

#[tokio::test(start_paused = true)]
async fn an_attempt_is_a_span_of_the_trace_that_its_message_came_with_and_the_parent_of_what_it_publishes() {
    let (capture, _guard) = Capture::start(Level::DEBUG);
    let app = TestApp::start(Desk).await.unwrap();
    app.publish_message("orders", order()).await.unwrap();

    let spans = spans_of(&capture, "Desk::order_came");
    let [span] = &spans[..] else { panic!("{spans:?}") };
    assert_eq!((span.get("trace_id"), span.get("parent_span_id")), (TRACE, "b7ad6b7169203331"));
    assert_eq!((span.target, span.name, span.is_open), ("modi::handle", "modi.handle", false));
    for topic in ["notices", "invoices"] {
        let [message] = &app.messages(topic)[..] else { panic!("{topic}") };
        assert_eq!(parent_of(message), ids(span), "{topic}");
        assert_eq!(message.headers().text(wire::TRACESTATE), Some("vendor=1,other=2"));
    }
    let next = &spans_of(&capture, "Desk::invoice_came")[0];
    assert_eq!((next.get("trace_id"), next.get("parent_span_id")), (TRACE, span.get("span_id")));
    assert_eq!(app.get::<Probe>().notes("trace"), [format!("trace 00-{TRACE}-{}-01", span.get("span_id"))]);
}

#[tokio::test(start_paused = true)]
async fn what_a_handler_says_is_in_its_span_also_after_it_has_waited() {
    let (capture, _guard) = Capture::start(Level::DEBUG);
    let app = TestApp::start(Desk).await.unwrap();
    app.publish_message("orders", order()).await.unwrap();
    for text in ["before", "after"] {
        let within = capture.said(text)[0].within.unwrap();
        assert_eq!(capture.spans()[within].get("subscriber"), "Desk::order_came", "{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_without_a_trace_begins_one_where_somebody_records_it() {
    let (capture, _guard) = Capture::start(Level::DEBUG);
    let app = TestApp::start(Desk).await.unwrap();
    app.publish("orders", &7).await.unwrap();
    let span = &spans_of(&capture, "Desk::order_came")[0];
    assert_eq!(span.get("parent_span_id"), "");
    assert_eq!(parent_of(&app.messages("invoices")[0]), ids(span));
    assert_eq!(app.messages("invoices")[0].headers().get(wire::TRACESTATE), None);
}

#[tokio::test(start_paused = true)]
async fn where_nobody_records_spans_a_trace_goes_on_as_it_came() {
    let (capture, _guard) = Capture::start(Level::INFO);
    let app = TestApp::start(Desk).await.unwrap();
    app.publish_message("orders", order()).await.unwrap();
    for topic in ["notices", "invoices"] {
        let message = &app.messages(topic)[0];
        assert_eq!(message.headers().text(wire::TRACEPARENT), Some(PARENT), "{topic}");
        assert_eq!(message.headers().text(wire::TRACESTATE), Some("vendor=1,other=2"));
    }
    assert!(capture.spans().is_empty());
    assert_eq!(app.get::<Probe>().notes("trace"), [format!("trace {PARENT}")]);

    app.publish("orders", &8).await.unwrap();
    assert_eq!(app.messages("invoices")[1].headers().get(wire::TRACEPARENT), None);
}

#[tokio::test(start_paused = true)]
async fn each_retry_is_a_span_of_its_own_and_the_dead_letter_belongs_to_the_last_one() {
    for (message, parent) in [(order(), Some("b7ad6b7169203331")), (Message::json(&7).unwrap(), None)] {
        let (capture, _guard) = Capture::start(Level::DEBUG);
        let app = TestApp::start(Desk).await.unwrap();
        app.get::<Probe>().on("order", |_| async { Err(Error::new("out of stock")) });
        app.publish_message("orders", message).await.unwrap();

        let spans = spans_of(&capture, "Desk::order_came");
        assert_eq!(spans.iter().map(|span| span.get("attempt")).collect::<Vec<_>>(), ["1", "2", "3", "4"]);
        assert!(spans.iter().all(|span| span.get("trace_id") == spans[0].get("trace_id") && !span.is_open));
        assert!(spans.iter().all(|span| span.get("otel.status_code") == "ERROR" && span.get("error.type") == "error"));
        match parent {
            Some(parent) => assert!(spans.iter().all(|span| span.get("parent_span_id") == parent)),
            None => assert_eq!(spans[1].get("parent_span_id"), spans[0].get("span_id")),
        }
        let letter = &app.messages("dead.desk.orders")[0];
        assert_eq!(ids_of(letter, wire::DEAD_TRACEPARENT), ids(&spans[3]));
        assert_eq!(
            letter.headers().text(wire::TRACEPARENT).is_some(),
            parent.is_some(),
            "the message's own is untouched"
        );
        let places = capture.said("an attempt failed").iter().map(|line| line.within.unwrap()).collect::<Vec<_>>();
        assert_eq!(
            places.iter().map(|at| capture.spans()[*at].get("attempt").to_owned()).collect::<Vec<_>>(),
            ["1", "2", "3", "4"]
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_span_ends_with_its_message_whatever_becomes_of_that() {
    let (capture, _guard) = Capture::start(Level::DEBUG);
    let app = TestApp::start(Desk).await.unwrap();
    app.get::<Probe>().on("invoice", |call| async move {
        match call.number {
            1 => Ok(Outcome::drop("not ours")),
            2 => Ok(Outcome::reject("never")),
            3 => panic!("no"),
            4 => std::future::pending().await,
            _ => Ok(Outcome::Ack),
        }
    });
    for n in 1..=5 {
        app.publish_message("invoices", Message::json(&n).unwrap()).await.unwrap();
    }
    app.publish_message("invoices", Message::new("no number")).await.unwrap();
    let spans = spans_of(&capture, "Desk::invoice_came");
    let kinds = |n: usize| spans[n].get("error.type");
    assert_eq!(spans.len(), 1 + 1 + 4 + 4 + 1 + 1);
    assert_eq!(
        (kinds(0), kinds(1), kinds(2), kinds(6), kinds(10), kinds(11)),
        ("", "reject", "panic", "deadline", "", "decode")
    );
    assert!(spans.iter().all(|span| !span.is_open), "{spans:#?}");
}
