//! Copies that a group gets later, and publications that are seen later.

use super::{Member, put, send, text, texts};
use crate::shop::{Probe, Shop};
use modi_broker::contract::{Outgoing, Place};
use modi_broker::{MemoryBroker, Message, TestApp};
use std::time::Duration;
use tokio::time::{Instant, advance};

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn retry<'a>(group: &'a str, topic: &'a str, after: Duration, text: String) -> Outgoing<'a> {
    Outgoing::new(Place::Retry { group, topic, after }, Message::new(text))
}

#[tokio::test(start_paused = true)]
async fn a_delayed_copy_is_for_its_group_alone_and_comes_when_it_is_due() {
    let memory = MemoryBroker::new();
    let mut mine = Member::join(&memory, "events", "mine").await;
    let mut other = Member::join(&memory, "events", "other").await;
    send(&memory, retry("mine", "events", seconds(10), "again".into())).await.unwrap();
    put(&memory, "events", &["fresh"]).await;
    assert_eq!(texts(&mine.wait(9).await), ["fresh"]);
    let begun = Instant::now();
    let out = mine.wait(9).await;
    assert_eq!((texts(&out), out[0].attempt, begun.elapsed()), (vec!["again".into()], 1, seconds(10)));
    assert_eq!(texts(&other.look(9)), ["fresh"]);
    advance(seconds(60)).await;
    assert!(other.look(9).is_empty());
    mine.done(out).await;
    advance(seconds(60)).await;
    assert!(mine.look(9).is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_copy_that_is_not_finished_comes_again_to_the_group() {
    let memory = MemoryBroker::new();
    let mut first = Member::join(&memory, "events", "g").await;
    send(&memory, retry("g", "events", seconds(1), "again".into())).await.unwrap();
    assert_eq!(texts(&first.wait(9).await), ["again"]);
    let mut second = Member::join(&memory, "events", "g").await;
    assert!(second.look(9).is_empty());
    drop(first);
    let out = second.look(9);
    assert_eq!((texts(&out), out[0].attempt), (vec!["again".into()], 2));
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_copies_of_mixed_delays_are_on_time_while_fresh_messages_flow() {
    let memory = MemoryBroker::new();
    let mut member = Member::join(&memory, "events", "g").await;
    let begun = Instant::now();
    for number in 0..10_000_u64 {
        // From 0 to 10 minutes, in no order.
        let after = Duration::from_millis(number * 7_919 % 600_000);
        let text = after.as_millis().to_string();
        send(&memory, retry("g", "events", after, text)).await.unwrap();
    }
    let (mut late, mut fresh) = (0, 0);
    while late < 10_000 {
        put(&memory, "events", &["fresh"]).await;
        let out = member.wait(256).await;
        for delivery in &out {
            let text = text(&delivery.message);
            let Ok(due) = text.parse().map(Duration::from_millis) else {
                fresh += 1;
                continue;
            };
            late += 1;
            let waited = begun.elapsed();
            assert!(waited >= due, "{waited:?} is earlier than {due:?}");
            assert!(waited <= due + seconds(1).max(due / 10), "{waited:?} is later than {due:?}");
        }
        member.done(out).await;
        advance(Duration::from_millis(100)).await;
    }
    assert!(fresh > 5_000, "{fresh}");
}

#[tokio::test(start_paused = true)]
async fn settled_waits_for_a_delayed_copy_and_the_next_application_gets_it() {
    let memory = MemoryBroker::new();
    let app = TestApp::new(Shop).broker(&memory).start().await.unwrap();
    let copy = |number: u32| {
        let place = Place::Retry { group: "judges", topic: "judged", after: seconds(600) };
        Outgoing::new(place, Message::json(&number).unwrap())
    };
    send(&memory, copy(1)).await.unwrap();
    let begun = Instant::now();
    app.settled().await.unwrap();
    assert_eq!(begun.elapsed(), seconds(600));
    assert_eq!(app.get::<Probe>().notes("judged"), ["judged 1 attempt 1"]);
    send(&memory, copy(2)).await.unwrap();
    app.stop().await.unwrap();

    let app = TestApp::new(Shop).broker(&memory).start().await.unwrap();
    app.settled().await.unwrap();
    assert_eq!(app.get::<Probe>().notes("judged"), ["judged 2 attempt 1"]);
    assert!(begun.elapsed() >= seconds(1_200));
}

#[tokio::test(start_paused = true)]
async fn a_delayed_publication_is_seen_at_its_time_by_every_group() {
    let memory = MemoryBroker::new();
    let mut early = Member::join(&memory, "events", "early").await;
    let later = |text: &'static str, after| {
        let outgoing = Outgoing::new(Place::Topic("events"), Message::new(text));
        send(&memory, Outgoing { delay: Some(seconds(after)), ..outgoing })
    };
    later("second", 20).await.unwrap();
    later("first", 10).await.unwrap();
    assert!(memory.messages("events").is_empty());
    let begun = Instant::now();
    assert_eq!((texts(&early.wait(9).await), begun.elapsed()), (vec!["first".into()], seconds(10)));
    assert_eq!((texts(&early.wait(9).await), begun.elapsed()), (vec!["second".into()], seconds(20)));
    assert_eq!(texts(&Member::join(&memory, "events", "late").await.look(9)), ["first", "second"]);
}

#[tokio::test(start_paused = true)]
async fn settled_waits_for_a_delayed_publication_also_where_nobody_listens() {
    let memory = MemoryBroker::new();
    let app = TestApp::new(Shop).broker(&memory).start().await.unwrap();
    let begun = Instant::now();
    for (topic, after) in [("nobody.listens", 30), ("judged", 60)] {
        let outgoing = Outgoing::new(Place::Topic(topic), Message::json(&7).unwrap());
        send(&memory, Outgoing { delay: Some(seconds(after)), ..outgoing }).await.unwrap();
    }
    assert!(app.messages("nobody.listens").is_empty());
    app.settled().await.unwrap();
    assert_eq!(begun.elapsed(), seconds(60));
    assert_eq!(app.messages("nobody.listens").len(), 1);
    assert_eq!(app.get::<Probe>().notes("judged"), ["judged 7 attempt 1"]);
}
