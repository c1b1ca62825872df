//! Members that wait, and what other threads do meanwhile, in every order in which they may run.

use super::MemoryBroker;
use crate::contract::{Connection, Credit, Delivery, Settlement, SubscribeOptions, Subscription, Verdict};
use crate::sync::in_every_order;
use crate::{BrokerError, Message};
use loom::future::block_on;
use loom::thread;

fn subscribe(memory: &MemoryBroker, topic: &str) -> Subscription {
    let options = SubscribeOptions::new(topic, "group");
    block_on(memory.subscribe(&options)).expect("a member")
}

fn next(member: &mut Subscription) -> Result<Vec<Delivery>, BrokerError> {
    let mut into = Vec::new();
    block_on(member.source.next(Credit { messages: 1, bytes: 1 << 20 }, &mut into)).map(|()| into)
}

fn publish(memory: &MemoryBroker, topic: &str) {
    block_on(memory.publish(topic, Message::new("text"))).expect("there is room");
}

fn settle(member: &Subscription, delivery: Delivery, verdict: Verdict) {
    let mut items = vec![Settlement { lease: delivery.lease, verdict }];
    block_on(member.settle.settle(&mut items).wait());
}

#[test]
fn a_message_that_comes_while_a_member_begins_to_wait_is_handed_out() {
    in_every_order(|| {
        let memory = MemoryBroker::new();
        let mut member = subscribe(&memory, "events");
        let publishing = thread::spawn(move || publish(&memory, "events"));
        assert_eq!(next(&mut member).expect("a message").len(), 1);
        publishing.join().unwrap();
    });
}

#[test]
fn each_of_two_members_gets_one_of_two_messages() {
    in_every_order(|| {
        let memory = MemoryBroker::new();
        let waiting = [(); 2].map(|()| {
            let mut member = subscribe(&memory, "events");
            thread::spawn(move || {
                assert_eq!(next(&mut member).expect("a message").len(), 1);
                // It is a member until the other has its message.
                member
            })
        });
        publish(&memory, "events");
        publish(&memory, "events");
        let members = waiting.map(|thread| thread.join().unwrap());
        drop(members);
    });
}

#[test]
fn a_message_that_one_member_gives_back_wakes_the_other() {
    in_every_order(|| {
        let memory = MemoryBroker::new();
        let [mut one, mut other] = [(); 2].map(|()| subscribe(&memory, "events"));
        publish(&memory, "events");
        let delivery = next(&mut one).expect("a message").pop().expect("one");
        let waiting = thread::spawn(move || assert_eq!(next(&mut other).expect("a message").len(), 1));
        settle(&one, delivery, Verdict::Release);
        waiting.join().unwrap();
    });
}

#[test]
fn what_a_member_has_in_hand_when_it_goes_wakes_the_other() {
    in_every_order(|| {
        let memory = MemoryBroker::new();
        let [mut one, mut other] = [(); 2].map(|()| subscribe(&memory, "events"));
        publish(&memory, "events");
        assert_eq!(next(&mut one).expect("a message").len(), 1);
        let waiting = thread::spawn(move || assert_eq!(next(&mut other).expect("a message").len(), 1));
        drop(one);
        waiting.join().unwrap();
    });
}

#[test]
fn a_topic_that_is_made_while_the_member_of_a_pattern_begins_to_wait_is_noticed() {
    in_every_order(|| {
        let memory = MemoryBroker::new();
        let mut member = subscribe(&memory, "events.{what}");
        let publishing = thread::spawn(move || publish(&memory, "events.new"));
        assert_eq!(next(&mut member).expect("a message").len(), 1);
        publishing.join().unwrap();
    });
}

#[test]
fn a_broker_that_goes_away_while_a_member_begins_to_wait_is_noticed() {
    in_every_order(|| {
        let memory = MemoryBroker::new();
        let mut member = subscribe(&memory, "events");
        let leaving = thread::spawn(move || memory.faults().go_away());
        assert!(next(&mut member).is_err());
        leaving.join().unwrap();
    });
}

#[test]
fn a_crash_while_a_member_begins_to_wait_is_noticed() {
    in_every_order(|| {
        let memory = MemoryBroker::new();
        let mut member = subscribe(&memory, "events");
        let crashing = thread::spawn(move || memory.crash());
        assert!(next(&mut member).is_err());
        crashing.join().unwrap();
    });
}

#[test]
fn a_settlement_goes_on_when_the_broker_comes_back() {
    in_every_order(|| {
        let memory = MemoryBroker::new();
        let mut member = subscribe(&memory, "events");
        publish(&memory, "events");
        let delivery = next(&mut member).expect("a message").pop().expect("one");
        memory.faults().go_away();
        let returning = {
            let memory = memory.clone();
            thread::spawn(move || memory.faults().come_back())
        };
        settle(&member, delivery, Verdict::Done);
        returning.join().unwrap();
        assert!(memory.messages("events").is_empty());
    });
}

#[test]
fn whoever_waits_until_all_has_settled_is_told() {
    in_every_order(|| {
        let memory = MemoryBroker::new();
        let mut member = subscribe(&memory, "events");
        publish(&memory, "events");
        let settling = thread::spawn(move || {
            let delivery = next(&mut member).expect("a message").pop().expect("one");
            settle(&member, delivery, Verdict::Done);
            member
        });
        block_on(memory.settled()).expect("no chain");
        assert!(memory.messages("events").is_empty());
        drop(settling.join().unwrap());
    });
}
