//! Results are confirmed beside the next messages, and nothing is settled before what came in front of it.

use crate::idle;
use crate::odd::Odd;
use crate::shop::{Probe, Shop};
use crate::time::pass;
use modi_broker::{AppExt, Broker, MemoryBroker, Message, Outcome, SubscriberStats};
use modi_core::{App, RunningApp};
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::time::Instant;

const A_SECOND: Duration = Duration::from_millis(1_010);

async fn start(odd: &Odd) -> (RunningApp<Shop>, Broker) {
    start_with(odd, [2, 4, 5, 6]).await
}

/// Even numbers lead to a publication.
async fn start_with(odd: &Odd, numbers: [u32; 4]) -> (RunningApp<Shop>, Broker) {
    let broker = Broker::new("odd", odd.clone());
    for number in numbers {
        odd.memory.publish("orders.created", Message::json(&number).unwrap()).await.unwrap();
    }
    let app = App::new(Shop).name("Shop").broker(broker.clone()).start().await.unwrap();
    idle().await;
    (app, broker)
}

/// How many of the four messages are settled, up to the first that is not.
fn done(odd: &Odd) -> usize {
    4 - odd.memory.messages("orders.created").len()
}

/// What the handler that publishes has done.
fn orders(broker: &Broker) -> SubscriberStats {
    let report = broker.report();
    report.subscribers.iter().find(|subscriber| subscriber.name == "Shop::created").unwrap().clone()
}

fn created(app: &RunningApp<Shop>) -> Vec<String> {
    app.get::<Probe>().notes("created")
}

#[tokio::test(start_paused = true)]
async fn the_next_messages_do_not_wait_for_a_confirmation_and_are_settled_after_it() {
    let odd = Odd { confirms_slowly: true, ..Odd::new(&MemoryBroker::new()) };
    let begun = Instant::now();
    let (app, broker) = start(&odd).await;
    let all = ["created 2 attempt 1", "created 4 attempt 1", "created 5 attempt 1", "created 6 attempt 1"];
    assert_eq!(created(&app), all);
    assert_eq!(begun.elapsed().as_secs(), 0);
    assert_eq!(done(&odd), 0, "also 5, which published nothing: 2 is in front of it");
    pass(A_SECOND).await;
    assert_eq!(done(&odd), 4);
    assert_eq!(orders(&broker).published, 3);
    app.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_confirmation_that_is_lost_sends_the_same_message_again_and_does_not_call_the_handler() {
    let odd = Odd::new(&MemoryBroker::new());
    odd.loses.store(1, Ordering::Relaxed);
    let (app, broker) = start(&odd).await;
    pass(A_SECOND).await;
    assert_eq!((created(&app).len(), orders(&broker).retried), (4, 0));
    assert_eq!(done(&odd), 4);
    assert_eq!(app.get::<Probe>().notes("requested").len(), 3);
    app.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_publication_that_fails_twice_calls_the_handler_again_and_nothing_behind_it_is_settled_before() {
    let odd = Odd::new(&MemoryBroker::new());
    odd.loses.store(1, Ordering::Relaxed);
    let (app, broker) = start(&odd).await;
    assert_eq!(created(&app).len(), 4);
    odd.loses.store(1, Ordering::Relaxed);
    app.get::<Probe>().on("created", |_| async {
        pass(A_SECOND).await;
        Ok(Outcome::Ack)
    });
    pass(A_SECOND * 2).await;
    assert_eq!(done(&odd), 0);
    pass(A_SECOND * 2).await;
    assert_eq!(created(&app)[4..], ["created 2 attempt 2"]);
    assert_eq!(done(&odd), 4);
    assert_eq!(orders(&broker).retried, 1);
    app.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn publications_that_never_succeed_are_an_outage_and_leave_every_message_with_the_broker() {
    let odd = Odd::new(&MemoryBroker::new());
    odd.loses.store(usize::MAX, Ordering::Relaxed);
    let (app, broker) = start_with(&odd, [2, 4, 6, 8]).await;
    pass(Duration::from_secs(600)).await;
    let stats = orders(&broker);
    assert!(stats.degraded && stats.dead_lettered == 0, "{stats:?}");
    odd.loses.store(0, Ordering::Relaxed);
    pass(Duration::from_secs(120)).await;
    let stats = orders(&broker);
    assert_eq!((stats.acked, stats.published, stats.degraded), (4, 4, false));
    app.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_drain_waits_for_confirmations_until_its_deadline_and_then_gives_back() {
    for (deadline, wanted) in [(5, (4, 0)), (0, (0, 4))] {
        let odd = Odd { confirms_slowly: true, ..Odd::new(&MemoryBroker::new()) };
        let broker = Broker::new("odd", odd.clone());
        for number in [2, 4, 5, 6] {
            odd.memory.publish("orders.created", Message::json(&number).unwrap()).await.unwrap();
        }
        let app = App::new(Shop).name("Shop").drain_deadline(Duration::from_secs(deadline)).broker(broker.clone());
        let app = app.start().await.unwrap();
        idle().await;
        assert_eq!(created(&app).len(), 4);
        app.stop().await.unwrap();
        let stats = orders(&broker);
        assert_eq!((stats.acked, stats.released), wanted, "{deadline}");
    }
}
