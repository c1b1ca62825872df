//! The broker in memory passes the suite, in each of its profiles.

use futures_util::future::BoxFuture;
use modi_broker::conformance::{self, Claims, Clock, Hook, ITEMS, Server, Subject};
use modi_broker::contract::OrderScope;
use modi_broker::{Broker, MemoryBroker, MemoryProfile};

/// The broker in memory with this profile, and what it is called.
struct Memory(MemoryProfile, &'static str);

impl Subject for Memory {
    fn name(&self) -> &str {
        self.1
    }
    fn broker(&self) -> Broker {
        MemoryBroker::like(self.0).into()
    }
    fn claims(&self) -> Claims {
        claims(self.0)
    }
    fn clock(&self) -> Clock {
        Clock::Paused
    }
    fn server(&self) -> Option<Box<dyn Server>> {
        Some(Box::new(Crashing(MemoryBroker::like(self.0))))
    }
    fn lacks(&self) -> &[Hook] {
        &[Hook::MoveLeader, Hook::Variants, Hook::Intruder]
    }
}

/// One that can be killed: what was confirmed is left.
struct Crashing(MemoryBroker);

impl Server for Crashing {
    fn broker(&self) -> Broker {
        self.0.clone().into()
    }
    fn crash(&self) -> Option<BoxFuture<'_, ()>> {
        Some(Box::pin(async { self.0.crash() }))
    }
}

/// What the table of [`MemoryProfile`] says.
fn claims(profile: MemoryProfile) -> Claims {
    let mib = |many: usize| Some(many << 20);
    let all = Claims { dedupe: false, partition: false, durable: false, ..Claims::ALL };
    let live = Claims { durable: true, delay: false, ..all };
    let queue = Claims { order_scope: OrderScope::Process, delayed_release: false, ..live };
    match profile {
        MemoryProfile::Native => all,
        MemoryProfile::Kafka => Claims {
            counts_attempts: false,
            single_release: false,
            delayed_release: false,
            deals_lanes: true,
            partition: true,
            request: false,
            largest: mib(1),
            ..live
        },
        MemoryProfile::RabbitMq => Claims { earliest: false, tombstones: false, largest: mib(16), ..queue },
        MemoryProfile::Redis => Claims { patterns: false, request: false, largest: mib(512), ..queue },
        MemoryProfile::JetStream => {
            Claims { delayed_release: true, tombstones: false, dedupe: true, largest: mib(1), ..queue }
        }
        _ => Claims {
            at_least_once: false,
            durable: false,
            earliest: false,
            counts_attempts: false,
            single_release: false,
            confirms: false,
            tombstones: false,
            largest: mib(1),
            ..queue
        },
    }
}

/// One test for each item.
macro_rules! profiles {
    ($($module:ident: $profile:ident;)*) => {$(
        mod $module {
            const SUBJECT: super::Memory = super::Memory(super::MemoryProfile::$profile, stringify!($module));

            modi_broker::conformance_tests!(SUBJECT);

            #[test]
            fn c91_the_suite_passes_several_times_at_once() {
                super::conformance::stress(&SUBJECT, super::ITEMS, 2);
            }
        }
    )*};
}

profiles! {
    native: Native;
    kafka: Kafka;
    rabbitmq: RabbitMq;
    redis: Redis;
    jetstream: JetStream;
    core_nats: Core;
}
