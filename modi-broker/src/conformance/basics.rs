//! A. What every broker carries, and to whom.

use super::member::{Member, id, ids_of};
use super::probe::ACK;
use super::run::Proof;
use super::stage::{Nothing, scenes};
use super::test::{GROUP, TOPIC, Test, ids, item, keyed, letter, sorted, within};
use crate::contract::{Answer, Outgoing, Place, Start, SubscribeOptions};
use crate::{Body, BrokerErrorKind, FailureKind, Json, Message, Spec};
use bytes::Bytes;
use futures_util::future::join_all;
use std::time::{Duration, SystemTime};

scenes! {
    Plain: Nothing = Spec::new(TOPIC);
    OnlyJson: Json<u32> = Spec::new(TOPIC).retries(0);
    Chooses: Body<u32> = Spec::new(TOPIC).retries(0);
}

/// A message there and back.
async fn round_trip(test: &Test<'_>, member: &mut Member, message: Message) -> Message {
    test.put(TOPIC, message).await;
    let delivery = member.one().await;
    let message = delivery.message.clone();
    member.done([delivery]).await;
    message
}

pub(super) async fn c01_payload_headers_key_id_and_time_come_as_they_were_sent(test: &Test<'_>) -> Proof {
    let mut member = test.join(TOPIC, GROUP).await;
    let at = SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_123);
    let sent = Message::new(vec![0, 0xff, 7])
        .with_id("order-7")
        .with_key("customer")
        .with_header("tenant", "acme")
        .with_header("second", "2")
        .with_timestamp(at)
        .with_content_type("application/x-own")
        .with_correlation_id("chain-1");
    let mut came = round_trip(test, &mut member, sent.clone()).await;
    // The broker may carry it as a header of this name.
    came.headers_mut().remove(crate::wire::CORRELATION_ID);
    assert_eq!(came, sent);
    assert_eq!((came.timestamp(), came.id()), (Some(at), Some("order-7")));
    assert_eq!(round_trip(test, &mut member, Message::new("bare")).await.payload(), Message::new("bare").payload());
    Proof::Held
}

pub(super) async fn c02_empty_and_absent_payloads_and_keys_are_told_apart(test: &Test<'_>) -> Proof {
    let mut member = test.join(TOPIC, GROUP).await;
    let came = round_trip(test, &mut member, Message::new("").with_key("")).await;
    assert_eq!((came.payload().map(Bytes::len), came.key().map(Bytes::len)), (Some(0), Some(0)));
    let came = round_trip(test, &mut member, Message::new("x")).await;
    assert!(came.key().is_none());
    let tombstone = Message::tombstone().with_key("k");
    if test.claims.tombstones {
        let came = round_trip(test, &mut member, tombstone).await;
        assert!(came.payload().is_none() && came.key().is_some());
        return Proof::Held;
    }
    let error = test.send(Outgoing::new(Place::Topic(TOPIC), tombstone)).await.unwrap_err();
    assert_eq!(error.kind(), BrokerErrorKind::Unsupported);
    assert!(member.strays().await.is_empty());
    Proof::Denied("tombstones")
}

pub(super) async fn c03_large_payloads_come_and_too_large_ones_are_refused_before_they_are_sent(
    test: &Test<'_>,
) -> Proof {
    let mut member = test.join(TOPIC, GROUP).await;
    let payload = |size: usize| (0..size).map(|at| at as u8).collect::<Vec<_>>();
    let came = round_trip(test, &mut member, Message::new(payload(512 << 10)).with_id("large")).await;
    assert_eq!(came.payload().map(|bytes| &bytes[..]), Some(&payload(512 << 10)[..]));
    let Some(largest) = test.claims.largest else { return Proof::Denied("largest") };
    // Beyond what a test should allocate it is enough that the limit is known.
    if largest <= 64 << 20 {
        let oversize = Outgoing::new(Place::Topic(TOPIC), Message::new(payload(largest + 1)));
        // Nothing has been waited for: it was not sent.
        let Answer::Now(Err(error)) = test.publisher().await.send(oversize) else { panic!("it was sent") };
        assert_eq!(error.kind(), BrokerErrorKind::TooLarge);
        assert!(error.is_permanent() && member.strays().await.is_empty());
    }
    Proof::Held
}

pub(super) async fn c04_headers_of_every_kind_are_kept_or_the_publication_is_refused(test: &Test<'_>) -> Proof {
    let mut member = test.join(TOPIC, GROUP).await;
    let many = (0..24).fold(item("many"), |message, at| message.with_header(format!("name-{at}"), format!("{at}")));
    let kinds = [
        many,
        item("empty").with_header("none", "").with_header("after", "1"),
        item("bytes").with_header("raw", vec![0xff, 0x00, 0xfe]),
        item("twice").with_header("a", "1").with_header("b", "2").with_header("a", "3"),
        item("text").with_header("größe", "naïve ☂"),
        item("lines").with_header("text", "one\r\ntwo: three"),
    ];
    for sent in kinds {
        match test.send(Outgoing::new(Place::Topic(TOPIC), sent.clone())).await {
            Ok(_) => {
                let delivery = member.one().await;
                assert_eq!(delivery.message.headers(), sent.headers(), "{:?}", sent.id());
                member.done([delivery]).await;
            }
            Err(error) => assert!(error.is_permanent(), "{:?}: {error}", sent.id()),
        }
    }
    assert!(member.strays().await.is_empty(), "what was refused was sent");
    Proof::Held
}

pub(super) async fn c05_a_topic_gets_nothing_of_another(test: &Test<'_>) -> Proof {
    let topics = ["items", "items.more", "item", "items2"];
    let mut members = Vec::new();
    for topic in topics {
        members.push(test.join(topic, GROUP).await);
    }
    for topic in topics {
        test.put(topic, item(topic)).await;
    }
    for (member, topic) in members.iter_mut().zip(topics) {
        let delivery = member.one().await;
        assert_eq!(id(&delivery.message), topic);
        member.done([delivery]).await;
    }
    for member in &mut members {
        assert!(member.strays().await.is_empty());
    }
    Proof::Held
}

pub(super) async fn c06_what_is_published_before_a_group_is_there(test: &Test<'_>) -> Proof {
    test.put_ids(["before"]).await;
    let mut member = test.join(TOPIC, "first").await;
    if test.claims.earliest {
        let delivery = member.one().await;
        assert_eq!(id(&delivery.message), "before");
        member.done([delivery]).await;
    } else {
        assert!(member.strays().await.is_empty());
    }
    member.leave().await;
    test.put_ids(["between"]).await;
    let mut again = test.join(TOPIC, "first").await;
    if test.claims.at_least_once {
        // A group that is known gets what came while nobody was there.
        let delivery = again.one().await;
        assert_eq!(id(&delivery.message), "between");
        again.done([delivery]).await;
    } else {
        assert!(again.strays().await.is_empty());
    }
    if test.claims.earliest { Proof::Held } else { Proof::Denied("earliest") }
}

pub(super) async fn c07_a_new_group_starts_at_the_earliest_message_or_at_the_next(test: &Test<'_>) -> Proof {
    test.put_ids(["old"]).await;
    let join = |group: &'static str, start| {
        let options = SubscribeOptions { start, ..SubscribeOptions::new(TOPIC, group) };
        test.join_with(options)
    };
    let (mut early, mut late) = (join("early", Start::Earliest).await, join("late", Start::Latest).await);
    assert!(!test.claims.latest || late.strays().await.is_empty());
    let old = if test.claims.earliest { vec!["old"] } else { vec![] };
    for (member, expected) in [(&mut early, &old[..]), (&mut late, if test.claims.latest { &[] } else { &old[..] })] {
        let deliveries = member.take(expected.len()).await;
        assert_eq!(ids_of(&deliveries), expected);
        member.done(deliveries).await;
    }
    test.put_ids(["new"]).await;
    for member in [&mut early, &mut late] {
        let delivery = member.one().await;
        assert_eq!(id(&delivery.message), "new");
        member.done([delivery]).await;
    }
    match test.claims {
        claims if !claims.earliest => Proof::Denied("earliest"),
        claims if !claims.latest => Proof::Denied("latest"),
        _ => Proof::Held,
    }
}

pub(super) async fn c08_many_topics_at_once_each_get_their_own(test: &Test<'_>) -> Proof {
    let topics: Vec<_> = (0..30).map(|number| format!("topic.{number}")).collect();
    let mut members = Vec::new();
    for topic in &topics {
        members.push(test.join(topic, GROUP).await);
    }
    let publisher = test.publisher().await;
    let mut sent = Vec::new();
    for round in 0..10 {
        for topic in &topics {
            let message = item(format!("{topic}-{round}"));
            sent.push(publisher.send(Outgoing::new(Place::Topic(topic), message)).wait());
        }
    }
    for receipt in within(join_all(sent)).await {
        receipt.unwrap();
    }
    for (member, topic) in members.iter_mut().zip(&topics) {
        let deliveries = member.take(10).await;
        let expected = (0..10).map(|round| format!("{topic}-{round}"));
        assert_eq!(sorted(ids_of(&deliveries)), ids(expected));
        member.done(deliveries).await;
    }
    Proof::Held
}

pub(super) async fn c09_fifty_publishers_and_three_members_of_a_group_share_every_message_once(
    test: &Test<'_>,
) -> Proof {
    let mut members = Vec::new();
    for _ in 0..3 {
        members.push(test.start::<Plain, _>(|_| async { ACK }).await);
    }
    let publishers = (0..50).map(|publisher| async move {
        for number in 0..20 {
            test.put(TOPIC, keyed(format!("{publisher}-{number}"), publisher)).await;
        }
    });
    join_all(publishers).await;
    within(async {
        while members.iter().map(|member| member.stats().acked).sum::<u64>() < 1_000 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
    test.quiet().await;
    let mut handled = Vec::new();
    for member in members {
        handled.extend(member.stop().await.handled());
    }
    let expected = (0..50).flat_map(|publisher| (0..20).map(move |number| format!("{publisher}-{number}")));
    assert_eq!(sorted(handled), ids(expected), "each once, and by one member");
    Proof::Held
}

pub(super) async fn c10_two_groups_each_get_everything(test: &Test<'_>) -> Proof {
    let one = test.start_as::<Plain, _>("one", |_| async { ACK }).await;
    let two = test.start_as::<Plain, _>("two", |_| async { ACK }).await;
    test.put_ids(0..50).await;
    for app in [one, two] {
        app.handles(50).await;
        assert_eq!(sorted(app.stop().await.handled()), ids(0..50));
    }
    Proof::Held
}

pub(super) async fn c11_a_pattern_gets_what_it_matches_with_its_topic(test: &Test<'_>) -> Proof {
    for topic in ["logs.error", "logs.warn", "logs.a.b", "other.error"] {
        test.make(topic).await;
    }
    let options = SubscribeOptions::new("logs.{level}", GROUP);
    let subscribed = test.subscribe(&options).await;
    if !test.claims.patterns {
        assert_eq!(subscribed.unwrap_err().kind(), BrokerErrorKind::Unsupported);
        return Proof::Denied("patterns");
    }
    let mut one = Member::new(subscribed.unwrap());
    let mut more = test.join_with(SubscribeOptions::new("logs.{rest..}", "more")).await;
    // Also topics that nobody has made before.
    let topics = ["logs.error", "logs.warn", "logs.a.b", "other.error", "logs.debug"];
    for topic in topics {
        test.send(Outgoing::new(Place::Topic(topic), item(topic))).await.unwrap();
    }
    for (member, expected) in [
        (&mut one, &["logs.debug", "logs.error", "logs.warn"][..]),
        (&mut more, &["logs.a.b", "logs.debug", "logs.error", "logs.warn"][..]),
    ] {
        let deliveries = member.take(expected.len()).await;
        for delivery in &deliveries {
            assert_eq!(delivery.message.topic().map(|topic| &**topic), delivery.message.id());
        }
        assert_eq!(sorted(ids_of(&deliveries)), expected);
        member.done(deliveries).await;
        assert!(member.strays().await.is_empty());
    }
    Proof::Held
}

pub(super) async fn c12_a_typed_argument_refuses_another_content_type_and_a_choosing_one_obeys_it(
    test: &Test<'_>,
) -> Proof {
    let mut typed_dead = test.dead(TOPIC, "typed").await;
    let mut chooses_dead = test.dead(TOPIC, "chooses").await;
    let typed = test.start_as::<OnlyJson, _>("typed", |_| async { ACK }).await;
    let chooses = test.start_as::<Chooses, _>("chooses", |_| async { ACK }).await;
    test.put(TOPIC, Message::new("7").with_id("json").with_content_type("application/json")).await;
    test.put(TOPIC, Message::new("7").with_id("text").with_content_type("text/plain")).await;
    test.put(TOPIC, Message::new("7").with_id("none")).await;
    for dead in [&mut typed_dead, &mut chooses_dead] {
        let letter = letter(dead).await;
        assert_eq!((letter.message.id(), letter.kind), (Some("text"), FailureKind::Decode));
    }
    typed.handles(2).await;
    chooses.handles(2).await;
    assert_eq!(sorted(typed.stop().await.handled()), ["json", "none"]);
    assert_eq!(sorted(chooses.stop().await.handled()), ["json", "none"]);
    Proof::Held
}
