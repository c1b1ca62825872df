//! What an application says about itself: enough, not too often, and nothing secret.

use crate::capture::{Capture, Line};
use crate::observed::Desk;
use crate::shop::Probe;
use bytes::Bytes;
use modi_broker::{Broker, Message, Outcome, TestApp};
use modi_core::Error;
use std::time::Duration;
use tracing::Level;

const SECRET: &str = "hunter2";

fn shows_secret(line: &Line) -> bool {
    line.fields.values().any(|value| value.contains(SECRET))
}

/// A message whose every part is secret but for its number.
fn secretive(payload: impl Into<Bytes>) -> Message {
    let message = Message::new(payload).with_key(SECRET).with_header("authorization", SECRET);
    message.with_header("traceparent", SECRET).with_header("tracestate", SECRET).with_reply_to(SECRET)
}

#[tokio::test(start_paused = true)]
async fn no_line_and_no_span_shows_what_is_in_a_message_or_in_a_url() {
    let (capture, _guard) = Capture::start(Level::TRACE);
    let app = TestApp::start(Desk).await.unwrap();
    app.get::<Probe>().on("invoice", |call| async move {
        match call.number {
            1 => Ok(Outcome::drop("not ours")),
            2 => Ok(Outcome::reject("never")),
            3 => panic!("no"),
            4 => std::future::pending().await,
            5 => Ok(Outcome::retry()),
            6 => Err(Error::new("not yet")),
            _ => Ok(Outcome::Ack),
        }
    });
    // One that is handled after each, or else this were an outage.
    for number in (1..=7).flat_map(|number| [number, 7]) {
        app.publish_message("invoices", secretive(number.to_string())).await.unwrap();
    }
    for payload in [SECRET, "\"hunter2\"", "{\"hunter2\": 1}", "[\"hunter2\"]"] {
        app.publish_message("invoices", secretive(payload)).await.unwrap();
    }
    let refused = Broker::from_url("mqtt://user:hunter2@host").unwrap_err();
    tracing::error!(error = %refused, details = ?refused, "refused");
    app.stop().await.unwrap();

    let (events, spans) = (capture.events(), capture.spans());
    let ours = |line: &&Line| line.target.starts_with("modi");
    assert!(events.iter().filter(ours).count() > 20 && spans.iter().filter(ours).count() > 20);
    let shown: Vec<_> = events.iter().chain(&spans).filter(|line| shows_secret(line)).collect();
    assert!(shown.is_empty(), "{shown:#?}");
}

#[tokio::test(start_paused = true)]
async fn failures_are_told_at_most_ten_times_a_second_and_the_rest_is_counted() {
    let (capture, _guard) = Capture::start(Level::INFO);
    let app = TestApp::start(Desk).await.unwrap();
    app.get::<Probe>().on("invoice", |_| async { Ok(Outcome::reject("never")) });
    for n in 0..30 {
        app.broker().publish("invoices", Message::json(&n).unwrap()).await.unwrap();
    }
    app.settled().await.unwrap();
    tokio::time::advance(Duration::from_secs(1)).await;
    app.publish("invoices", &30).await.unwrap();
    let lines = capture.said("an attempt failed");
    let suppressed: Vec<_> = lines.iter().map(|line| line.get("suppressed")).collect();
    assert_eq!(suppressed, [&[""; 10][..], &["20"]].concat());
    assert_eq!(app.dead_letters("invoices").len(), 31);
}

#[tokio::test(start_paused = true)]
async fn every_line_about_a_subscriber_names_it_alike() {
    let (capture, _guard) = Capture::start(Level::DEBUG);
    let app = TestApp::start(Desk).await.unwrap();
    app.get::<Probe>().on("invoice", |call| async move {
        match call.number {
            1 => Ok(Outcome::drop("not ours")),
            _ => Err(Error::new("not yet")),
        }
    });
    for n in 1..=2 {
        app.publish("invoices", &n).await.unwrap();
    }
    for text in ["an attempt failed", "a message was dropped on purpose"] {
        let lines = capture.said(text);
        assert!(
            !lines.is_empty() && lines.iter().all(|line| line.get("subscriber") == "Desk::invoice_came"),
            "{lines:#?}"
        );
    }
    let failed = &capture.said("an attempt failed")[0];
    assert_eq!((failed.level, failed.get("topic"), failed.get("attempt")), (Level::WARN, "invoices", "1"));
    assert_eq!((failed.get("kind"), failed.get("error")), ("error", "not yet"));
}
