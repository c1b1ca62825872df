//! What an application counts, as text for a scraper.
#![expect(clippy::panic, reason = "a handler panics")]

use crate::observed::Desk;
use crate::shop::Probe;
use modi_broker::prometheus_client::metrics::gauge::Gauge;
use modi_broker::{MemoryBroker, Message, Metrics, Outcome, RunningAppExt, TestApp};
use modi_core::Error;
use std::collections::{BTreeMap, BTreeSet};

const DOCUMENT: &str = include_str!("../../../docs/metrics.md");

/// An application in which everything has happened that is counted.
async fn busy() -> TestApp<Desk> {
    let app = TestApp::start(Desk).await.unwrap();
    let probe = app.get::<Probe>();
    probe.on("invoice", |call| async move {
        match call.number {
            1 => Ok(Outcome::drop("not ours")),
            2 => Ok(Outcome::reject("never")),
            3 => panic!("no"),
            4 => std::future::pending().await,
            5 if call.attempt == 1 => Err(Error::new("not yet")),
            _ => Ok(Outcome::Ack),
        }
    });
    for n in 1..=5 {
        app.publish("invoices", &n).await.unwrap();
    }
    app.publish("orders", &7).await.unwrap();
    app
}

/// The value of one sample.
fn value(text: &str, name: &str, subscriber: &str) -> Option<f64> {
    let begin = format!("{name}{{subscriber=\"{subscriber}\"");
    text.lines().find(|line| line.starts_with(&begin))?.rsplit(' ').next()?.parse().ok()
}

#[tokio::test(start_paused = true)]
async fn what_happened_is_counted() {
    let app = busy().await;
    let text = app.app().metrics().encode().await.unwrap();
    let of = |name| value(&text, name, "Desk::invoice_came").unwrap();
    assert_eq!(of("modi_messages_received_total"), 6.0);
    assert_eq!(of("modi_messages_acked_total"), 2.0);
    assert_eq!(of("modi_messages_dropped_total"), 1.0);
    assert_eq!(of("modi_messages_rejected_total"), 1.0);
    assert_eq!(of("modi_messages_dead_lettered_total"), 3.0);
    assert_eq!(of("modi_attempts_panicked_total"), 4.0);
    assert_eq!(of("modi_attempts_deadline_exceeded_total"), 4.0);
    assert_eq!(of("modi_attempts_retried_total"), 7.0);
    assert_eq!(of("modi_messages_in_flight"), 0.0);
    assert_eq!(of("modi_subscriber_running"), 1.0);
    let count = of("modi_attempt_seconds_count");
    let sum = of("modi_attempt_seconds_sum");
    assert!(count >= 4.0 && (60.0..61.0).contains(&sum), "four attempts took 15 seconds: {count}, {sum}");
    assert_eq!(value(&text, "modi_results_published_total", "Desk::order_came"), Some(1.0));
    assert!(text.contains("modi_publications_total{broker=\"default\"} 1\n"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn the_lag_is_what_the_broker_says() {
    let memory = MemoryBroker::new();
    for n in 0..10 {
        memory.publish("invoices", Message::json(&n).unwrap()).await.unwrap();
    }
    let app = TestApp::new(Desk).broker(&memory).start().await.unwrap();
    let subscribers = app.app().subscribers();
    app.settled().await.unwrap();
    subscribers.pause("Desk::invoice_came").unwrap();
    for n in 0..3 {
        memory.publish("invoices", Message::json(&n).unwrap()).await.unwrap();
    }
    let text = app.app().metrics().encode().await.unwrap();
    assert_eq!(value(&text, "modi_messages_lag", "Desk::invoice_came"), Some(3.0));
    assert_eq!(value(&text, "modi_subscriber_paused", "Desk::invoice_came"), Some(1.0));
    assert_eq!(value(&text, "modi_subscriber_running", "Desk::invoice_came"), Some(0.0));
    subscribers.resume("Desk::invoice_came").unwrap();
    app.settled().await.unwrap();
    let text = app.app().metrics().encode().await.unwrap();
    assert_eq!(value(&text, "modi_messages_lag", "Desk::invoice_came"), Some(0.0));
}

#[tokio::test(start_paused = true)]
async fn a_publication_that_fails_is_counted() {
    let memory = MemoryBroker::new().with_capacity(1).with_full_deadline(std::time::Duration::ZERO);
    let app = TestApp::new(Desk).broker(&memory).start().await.unwrap();
    app.app().subscribers().pause("Desk::invoice_came").unwrap();
    let publisher = app.app().host().extension::<modi_broker::Publisher>().unwrap();
    let mut failed = 0;
    for n in 0..3 {
        failed += u32::from(publisher.publish("invoices", &n).await.is_err());
    }
    assert!(failed > 0);
    let text = app.app().metrics().encode().await.unwrap();
    assert!(text.contains(&format!("modi_publications_failed_total{{broker=\"default\"}} {failed}\n")), "{text}");
    assert!(text.contains(&format!("modi_publications_total{{broker=\"default\"}} {}\n", 3 - failed)), "{text}");
}

#[tokio::test(start_paused = true)]
async fn two_applications_share_nothing() {
    let (first, second) = (busy().await, TestApp::start(Desk).await.unwrap());
    first.app().metrics().register(|registry| {
        registry.register("own", "Only here", Gauge::<i64>::default());
    });
    let (first, second) =
        (first.app().metrics().encode().await.unwrap(), second.app().metrics().encode().await.unwrap());
    assert!(first.contains("\nown 0\n") && !second.contains("\nown 0\n"));
    assert_eq!(value(&second, "modi_messages_received_total", "Desk::invoice_came"), Some(0.0));
}

#[tokio::test(start_paused = true)]
async fn metrics_outlive_the_application_that_they_were_of() {
    let app = busy().await;
    let metrics: Metrics = app.app().metrics();
    app.stop().await.unwrap();
    let text = metrics.encode().await.unwrap();
    assert_eq!(value(&text, "modi_messages_received_total", "Desk::invoice_came"), Some(6.0));
    assert_eq!(value(&text, "modi_messages_lag", "Desk::invoice_came"), None, "nobody can be asked");
}

/// Names, kinds and labels of Modi's own, as an application exposes them.
fn exposed(text: &str) -> BTreeSet<String> {
    let mut labels = BTreeMap::<&str, BTreeSet<&str>>::new();
    let types: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' ')).collect();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let Some((name, rest)) = line.split_once('{') else { continue };
        let inner = rest.rsplit_once('}').unwrap().0;
        let keys = inner.split(',').map(|label| label.split('=').next().unwrap()).filter(|key| *key != "le");
        let family = types.iter().map(|(name, _)| *name).filter(|family| name.starts_with(family));
        let family = family.max_by_key(|family| family.len()).unwrap();
        labels.entry(family).or_default().extend(keys);
    }
    let row = |(name, kind): &(&str, &str)| {
        let labels = labels.get(name).into_iter().flatten().copied().collect::<Vec<_>>().join(", ");
        let suffix = if *kind == "counter" { "_total" } else { "" };
        let help = text.lines().find_map(|line| line.strip_prefix(&format!("# HELP {name} "))).unwrap();
        format!("| `{name}{suffix}` | {kind} | {labels} | {help} |")
    };
    types.iter().map(row).collect()
}

#[tokio::test(start_paused = true)]
async fn the_document_lists_what_an_application_exposes() {
    let app = busy().await;
    let text = app.app().metrics().encode().await.unwrap();
    assert!(text.ends_with("# EOF\n"));
    let documented = DOCUMENT.lines().filter(|line| line.starts_with("| `modi_")).map(str::to_owned);
    let (documented, exposed) = (documented.collect::<BTreeSet<_>>(), exposed(&text));
    let list = |rows: &BTreeSet<String>, without: &BTreeSet<String>| {
        rows.difference(without).cloned().collect::<Vec<_>>().join("\n")
    };
    assert_eq!(list(&exposed, &documented), "", "docs/metrics.md lacks these rows");
    assert_eq!(list(&documented, &exposed), "", "docs/metrics.md has these rows too many");
}
