//! What the profiles claim and deny, each in both directions.

use super::{Member, connection, publisher, put, send, texts};
use crate::shop::{Probe, Shop};
use modi_broker::contract::{Delivery, OrderScope, Outgoing, Place, SettleResult, SubscribeOptions, Verdict};
use modi_broker::{BrokerErrorKind, MemoryBroker, MemoryProfile, Message, TestApp};
use std::time::Duration;
use tokio::time::{advance, timeout};

const SECOND: Duration = Duration::from_secs(1);

/// One message is out at a member of a new broker.
async fn one_out(profile: MemoryProfile) -> (MemoryBroker, Member, Vec<Delivery>) {
    let memory = MemoryBroker::like(profile);
    let mut member = Member::join(&memory, "events", "g").await;
    put(&memory, "events", &["1"]).await;
    let out = member.look(9);
    assert_eq!((texts(&out), out[0].attempt), (vec!["1".into()], 1), "{profile:?}");
    (memory, member, out)
}

#[tokio::test]
async fn what_was_published_before_a_group_is_seen_or_not() {
    for profile in MemoryProfile::ALL {
        let memory = MemoryBroker::like(profile);
        put(&memory, "events", &["1"]).await;
        let mut member = Member::join(&memory, "events", "g").await;
        assert_eq!(!member.look(9).is_empty(), member.0.capabilities.earliest, "{profile:?}");
        let mut late = Member::from_now(&memory, "events", "late").await;
        assert!(late.0.capabilities.latest && late.look(9).is_empty(), "{profile:?}");
        put(&memory, "events", &["2"]).await;
        assert_eq!((texts(&late.look(9)), texts(&member.look(9))), (vec!["2".into()], vec!["2".into()]), "{profile:?}");
    }
}

#[tokio::test]
async fn a_message_in_the_hands_of_a_member_that_dies_comes_again_or_is_gone() {
    for profile in MemoryProfile::ALL {
        let (memory, member, out) = one_out(profile).await;
        let capabilities = member.0.capabilities.clone();
        drop((member, out));
        let mut next = Member::join(&memory, "events", "g").await;
        let attempts: Vec<_> = next.look(9).iter().map(|delivery| delivery.attempt).collect();
        let expected = match (capabilities.at_least_once, capabilities.counts_attempts) {
            (false, _) => vec![],
            (true, counts) => vec![1 + u32::from(counts)],
        };
        assert_eq!(attempts, expected, "{profile:?}");
        assert_eq!(publisher(&memory).await.abilities().confirms, capabilities.at_least_once, "{profile:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_verdict_is_taken_or_refused() {
    for profile in MemoryProfile::ALL {
        let (_memory, mut member, out) = one_out(profile).await;
        let capabilities = member.0.capabilities.clone();
        let result = member.settle(out, Verdict::Release).await;
        let again = member.look(9);
        if capabilities.single_release {
            assert!(matches!(result[..], [SettleResult::Settled | SettleResult::Sent]), "{profile:?}: {result:?}");
            assert_eq!((texts(&again), again[0].attempt), (vec!["1".into()], 1), "{profile:?}");
        } else {
            assert_eq!((result, again.len()), (vec![SettleResult::Unsupported], 0), "{profile:?}");
        }

        let (_memory, mut member, out) = one_out(profile).await;
        let result = member.settle(out, Verdict::RetryAfter(10 * SECOND)).await;
        if capabilities.delayed_release {
            assert!(matches!(result[..], [SettleResult::Settled | SettleResult::Sent]), "{profile:?}: {result:?}");
            advance(10 * SECOND - Duration::from_millis(1)).await;
            assert!(member.look(9).is_empty(), "{profile:?}");
            advance(Duration::from_millis(1)).await;
            assert_eq!(member.look(9)[0].attempt, 2, "{profile:?}");
        } else {
            assert_eq!(result, [SettleResult::Unsupported], "{profile:?}");
        }
    }
}

#[tokio::test]
async fn finishing_is_answered_as_by_the_live_broker() {
    use MemoryProfile as P;
    let answers = [
        (P::Native, SettleResult::Settled),
        (P::Kafka, SettleResult::Deferred),
        (P::RabbitMq, SettleResult::Sent),
        (P::Redis, SettleResult::Settled),
        (P::JetStream, SettleResult::Sent),
        (P::Core, SettleResult::Sent),
    ];
    for (profile, answer) in answers {
        let (memory, member, out) = one_out(profile).await;
        assert_eq!(member.done(out).await, [answer], "{profile:?}");
        drop(member);
        let mut next = Member::join(&memory, "events", "g").await;
        // Kafka's was not committed: nobody said good-bye.
        assert_eq!(next.look(9).len(), usize::from(profile == P::Kafka), "{profile:?}");
    }
}

#[tokio::test]
async fn a_key_is_at_one_member_where_order_reaches_so_far() {
    for profile in MemoryProfile::ALL {
        let memory = MemoryBroker::like(profile);
        let mut first = Member::join(&memory, "events", "g").await;
        let mut second = Member::join(&memory, "events", "g").await;
        for text in ["1", "2"] {
            memory.publish("events", Message::new(text).with_key("k")).await.unwrap();
        }
        let (mut one, mut two) = (first.look(1), second.look(1));
        if one.is_empty() {
            (one, two) = (second.look(1), first.look(1));
        }
        let is_kept = first.0.capabilities.order_scope == OrderScope::Partition;
        assert_eq!((one.len(), two.len()), (1, usize::from(!is_kept)), "{profile:?}: {two:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_publication_asks_for_is_done_or_refused() {
    for profile in MemoryProfile::ALL {
        let memory = MemoryBroker::like(profile);
        let mut member = Member::join(&memory, "events", "g").await;
        let abilities = publisher(&memory).await.abilities();
        let outgoing = |text| Outgoing::new(Place::Topic("events"), Message::new(text));
        let cases = [
            ("delay", abilities.delay, Outgoing { delay: Some(SECOND), ..outgoing("x") }),
            ("partition", abilities.partition, Outgoing { partition: Some(3), ..outgoing("x") }),
            ("tombstone", abilities.tombstones, Outgoing { message: Message::tombstone(), ..outgoing("x") }),
        ];
        for (what, is_claimed, outgoing) in cases {
            let expected = outgoing.message.clone();
            let sent = send(&memory, outgoing).await;
            if is_claimed {
                sent.unwrap();
                let out = member.wait(9).await;
                assert_eq!(out[0].message, expected, "{profile:?}: {what}");
                member.done(out).await;
            } else {
                let kind = sent.map_err(|error| error.kind());
                assert_eq!(kind, Err(BrokerErrorKind::Unsupported), "{profile:?}: {what}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn questions_and_answers_are_carried_or_refused() {
    for profile in MemoryProfile::ALL {
        let memory = MemoryBroker::like(profile);
        let mut member = Member::join(&memory, "sums", "g").await;
        let publisher = publisher(&memory).await;
        let asked = publisher.request(Outgoing::new(Place::Topic("sums"), Message::new("?")), SECOND);
        if publisher.abilities().request {
            let out = member.wait(1).await;
            let reply = Outgoing::new(Place::Reply(out[0].message.reply_to().unwrap()), Message::new("!"));
            publisher.send(reply).wait().await.unwrap();
            assert_eq!(asked.await.unwrap(), Message::new("!"), "{profile:?}");
        } else {
            assert_eq!(asked.await.unwrap_err().kind(), BrokerErrorKind::Unsupported, "{profile:?}");
            let reply = publisher.send(Outgoing::new(Place::Reply("x"), Message::new("!"))).wait().await;
            assert_eq!(reply.unwrap_err().kind(), BrokerErrorKind::Unsupported, "{profile:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn one_of_several_messages_with_one_id_is_kept_or_all_are() {
    for profile in MemoryProfile::ALL {
        let memory = MemoryBroker::like(profile);
        let mut member = Member::join(&memory, "events", "g").await;
        let publish = || memory.publish("events", Message::new("1").with_id("a"));
        let (first, second) = (publish().await.unwrap(), publish().await.unwrap());
        let dedupes = publisher(&memory).await.abilities().dedupe;
        assert_eq!((first.duplicate, second.duplicate), (false, dedupes), "{profile:?}");
        assert!(!dedupes || second.position == first.position, "{profile:?}");
        memory.publish("events", Message::new("2")).await.unwrap();
        memory.publish("events", Message::new("3").with_id("b")).await.unwrap();
        assert_eq!(member.look(9).len(), if dedupes { 3 } else { 4 }, "{profile:?}");
        advance(120 * SECOND).await;
        assert!(!publish().await.unwrap().duplicate, "{profile:?}: the window is over");
        assert_eq!(member.look(9).len(), 1, "{profile:?}");
    }
}

#[tokio::test]
async fn the_largest_message_is_taken_and_a_larger_one_is_refused_before_it_is_stored() {
    for profile in MemoryProfile::ALL {
        let memory = MemoryBroker::like(profile);
        let Some(largest) = publisher(&memory).await.abilities().largest else { continue };
        let _member = Member::join(&memory, "events", "g").await;
        let message = Message::new(vec![0; largest]);
        memory.publish("events", message.clone()).await.unwrap();
        let refused = memory.publish("events", message.with_header("a", "b")).await.unwrap_err();
        assert_eq!(refused.kind(), BrokerErrorKind::TooLarge, "{profile:?}");
        assert!(refused.is_permanent());
        assert_eq!(memory.messages("events").len(), 1, "{profile:?}");
    }
}

#[tokio::test]
async fn a_pattern_is_taken_or_refused() {
    for profile in MemoryProfile::ALL {
        let memory = MemoryBroker::like(profile);
        let claimed = Member::join(&memory, "x", "g").await.0.capabilities.patterns;
        let subscribed = connection(&memory).await.subscribe(&SubscribeOptions::new("logs.{level}", "g")).await;
        match subscribed {
            Ok(subscription) if claimed => {
                put(&memory, "logs.error", &["1"]).await;
                let mut member = Member(subscription);
                assert_eq!(texts(&member.look(9)), ["1"], "{profile:?}");
            }
            other => {
                let kind = other.map(drop).map_err(|error| error.kind());
                assert_eq!((claimed, kind), (false, Err(BrokerErrorKind::Unsupported)), "{profile:?}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_delayed_copy_is_kept_wherever_anything_is() {
    for profile in MemoryProfile::ALL {
        let memory = MemoryBroker::like(profile);
        let mut member = Member::join(&memory, "events", "g").await;
        let place = Place::Retry { group: "g", topic: "events", after: SECOND };
        let sent = send(&memory, Outgoing::new(place, Message::new("again"))).await;
        if member.0.capabilities.at_least_once {
            sent.unwrap();
            memory.crash();
            member.try_look(9).unwrap_err();
            let out = member.wait(9).await;
            assert_eq!((texts(&out), out[0].attempt), (vec!["again".into()], 1), "{profile:?}");
            member.done(out).await;
            assert_eq!(connection(&memory).await.lag(&SubscribeOptions::new("events", "g")).await.unwrap(), Some(0));
        } else {
            assert_eq!(sent.unwrap_err().kind(), BrokerErrorKind::Unsupported, "{profile:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_chain_of_handlers_settles_and_its_dead_letters_are_found() {
    for profile in MemoryProfile::ALL {
        let memory = MemoryBroker::like(profile);
        let app = TestApp::new(Shop).broker(&memory).start().await.unwrap();
        let chain = async {
            for number in 1..=20 {
                app.publish("orders.created", &number).await.unwrap();
            }
            app.publish("judged", "not a number").await.unwrap();
        };
        timeout(600 * SECOND, chain).await.unwrap_or_else(|_| panic!("{profile:?} does not settle"));
        assert_eq!(
            app.published::<u32>("payments.completed"),
            (1..=10).map(|n| n * 2).collect::<Vec<_>>(),
            "{profile:?}"
        );
        assert_eq!(app.get::<Probe>().notes("completed").len(), 10, "{profile:?}");
        assert_eq!(app.dead_letters("judged").len(), 1, "{profile:?}");
        app.stop().await.unwrap();
    }
}

#[tokio::test]
async fn on_rabbitmq_a_message_for_no_queue_is_gone_and_a_dead_letter_is_not() {
    let memory = MemoryBroker::like(MemoryProfile::RabbitMq);
    put(&memory, "events", &["1"]).await;
    assert!(memory.messages("events").is_empty());
    let dead = Outgoing::new(Place::Dead { group: "g", topic: "events" }, Message::new("1"));
    send(&memory, dead).await.unwrap();
    assert_eq!(texts(&Member::join(&memory, "dead.g.events", "redrive").await.look(9)), ["1"]);
    drop(Member::join(&memory, "events", "g").await);
    put(&memory, "events", &["2"]).await;
    assert_eq!(texts(&Member::join(&memory, "events", "g").await.look(9)), ["2"], "the queue stays bound");
}

#[tokio::test]
async fn on_core_nats_nothing_waits_for_anybody() {
    let memory = MemoryBroker::like(MemoryProfile::Core).with_capacity(2);
    let mut first = Member::join(&memory, "events", "g").await;
    let mut second = Member::join(&memory, "events", "g").await;
    put(&memory, "events", &["1", "2", "3"]).await;
    assert_eq!(texts(&first.look(1)), ["1"]);
    drop(first);
    assert_eq!(texts(&second.look(9)), ["2"], "too slow for the third");
    memory.crash();
    second.try_look(9).unwrap_err();
    assert!(second.look(9).is_empty());
    drop(second);
    put(&memory, "events", &["4"]).await;
    assert!(Member::join(&memory, "events", "g").await.look(9).is_empty());
}
