//! What a subscriber needs against what its subscription can do. What the user wrote and the broker cannot do is a
//! problem; a default that it cannot do becomes the nearest that it can, which is said once at the start.

use crate::contract::{Abilities, Capabilities, OrderScope, Start};
use crate::handler::Results;
use crate::{Ack, Order, Spec};

/// How a spec and a broker fit: a sentence for each thing that does not.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Fit {
    /// The start fails for these.
    pub(crate) problems: Vec<String>,
    /// The start logs these.
    pub(crate) deviations: Vec<String>,
}

pub(crate) fn compare(
    subscriber: &str,
    scheme: &str,
    spec: &Spec,
    capabilities: &Capabilities,
    abilities: &Abilities,
) -> Fit {
    let mut fit = Fit::default();
    let mut problem = |text: String| fit.problems.push(format!("`{subscriber}` {text}"));
    let mut deviation = |text: String| fit.deviations.push(format!("`{subscriber}` {text}"));

    if !capabilities.patterns && spec.is_pattern() {
        problem(format!(
            "listens to the pattern `{}`, and `{scheme}` has no patterns: write a handler for each topic",
            spec.topic
        ));
    }

    let tasks = spec.tasks;
    if capabilities.order_scope == OrderScope::Process {
        let dealt = format!("`{scheme}` deals the messages of one key to all members of a group");
        match spec.order {
            Order::Key if tasks > 1 => problem(format!(
                "wants `order = key` with `tasks = {tasks}`, and {dealt}, of which each task is one: write \
                 `concurrency = {tasks}, scope = process` in the place of `tasks`, or `order = none`"
            )),
            Order::Lane if tasks > 1 && spec.order_is_written => problem(format!(
                "wants `order = lane` with `tasks = {tasks}`, and {dealt}, of which each task is one: leave out `tasks`, \
                 or write `order = none`"
            )),
            Order::Lane if tasks > 1 => deviation(format!(
                "keeps no order: it has `tasks = {tasks}`, and {dealt}; write `order = none` to say so"
            )),
            Order::Key if spec.scope != Some(OrderScope::Process) => problem(format!(
                "wants `order = key`, and {dealt}: write `scope = process` if the order within each process is enough, or \
                 `order = none`"
            )),
            _ if spec.scope == Some(OrderScope::Partition) => problem(format!(
                "wants `scope = partition`, and {dealt}: write `scope = process` if the order within each process is enough"
            )),
            _ => {}
        }
    }

    match spec.start {
        Some(Start::Latest) if !capabilities.latest => problem(format!(
            "wants `start = latest`, and a new group of `{scheme}` begins at the earliest message: leave it out"
        )),
        Some(Start::Earliest) if !capabilities.earliest => problem(format!(
            "wants `start = earliest`, and `{scheme}` keeps no messages for groups to come: write `start = latest`"
        )),
        None if !capabilities.earliest => deviation(format!(
            "begins at the next message: `{scheme}` keeps none for groups to come; write `start = latest` to say so"
        )),
        _ => {}
    }

    let keeps = capabilities.at_least_once && abilities.confirms;
    if !spec.retries.later.is_empty() && !keeps {
        problem(format!("wants `redeliver`, and `{scheme}` keeps no copies: leave it out; `retries` in place remain"));
    }
    if spec.results == Results::Reply && !abilities.request {
        problem(format!("wants `reply`, and `{scheme}` carries no answers: write `publish = \"..\"`"));
    }
    if !capabilities.at_least_once && spec.ack == Ack::Handled {
        deviation(format!(
            "loses what it has in hand when its process ends: `{scheme}` hands each message out once; write \
             `ack = received` to say so"
        ));
    }
    if !abilities.confirms {
        deviation(format!(
            "publishes results and dead letters without a confirmation: `{scheme}` keeps nothing that nobody listens to"
        ));
    }
    fit
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    /// As a broker with partitions: it can do everything.
    const ALL: Capabilities = Capabilities {
        at_least_once: true,
        durable: true,
        earliest: true,
        latest: true,
        counts_attempts: true,
        delayed_release: true,
        single_release: true,
        order_scope: OrderScope::Partition,
        patterns: true,
        settle_at: 1,
        linger: Duration::ZERO,
    };
    const SENDS: Abilities = Abilities {
        confirms: true,
        delay: true,
        partition: true,
        request: true,
        tombstones: true,
        dedupe: true,
        largest: None,
    };
    const QUEUE: Capabilities = Capabilities { order_scope: OrderScope::Process, ..ALL };
    const ONCE: Capabilities =
        Capabilities { at_least_once: false, durable: false, earliest: false, patterns: false, ..QUEUE };
    const SPEC: Spec = Spec::new("orders");

    fn fit(spec: Spec, capabilities: &Capabilities, confirms: bool) -> Fit {
        compare("Shop::created", "amqp", &spec, capabilities, &Abilities { confirms, ..SENDS })
    }

    #[test]
    fn what_a_broker_can_do_is_no_problem() {
        let key = SPEC.order(Order::Key);
        let later = const { &[Duration::from_secs(60)] };
        for spec in [
            SPEC,
            SPEC.tasks(4),
            key.concurrency(8).tasks(2).scope(OrderScope::Partition),
            SPEC.start(Start::Latest).redeliver(later),
            SPEC.start(Start::Earliest).order(Order::Lane).tasks(2),
            Spec::new("logs.{level}").publish("all"),
        ] {
            assert_eq!(fit(spec, &ALL, true), Fit::default(), "{spec:?}");
        }
        for spec in [
            SPEC.order(Order::Lane).concurrency(4),
            key.concurrency(8).scope(OrderScope::Process),
            SPEC.order(Order::None).tasks(4),
        ] {
            assert_eq!(fit(spec, &QUEUE, true), Fit::default(), "{spec:?}");
        }
        let said = Spec::new("orders").ack(Ack::Received).start(Start::Latest);
        assert_eq!(fit(said, &ONCE, true), Fit::default());
    }

    #[test]
    fn what_was_written_and_cannot_be_done_is_a_problem_that_names_the_setting_that_would_do() {
        let key = SPEC.order(Order::Key);
        let early = Capabilities { latest: false, ..ALL };
        let cases: [(Spec, &Capabilities, &str, &str); 9] = [
            (key, &QUEUE, "`order = key`", "`scope = process`"),
            (key.scope(OrderScope::Partition), &QUEUE, "`order = key`", "`scope = process`"),
            (key.concurrency(8).scope(OrderScope::Process).tasks(3), &QUEUE, "`tasks = 3`", "`concurrency = 3"),
            (SPEC.order(Order::Lane).tasks(2), &QUEUE, "`order = lane`", "`order = none`"),
            (SPEC.scope(OrderScope::Partition), &QUEUE, "`scope = partition`", "`scope = process`"),
            (SPEC.start(Start::Latest), &early, "`start = latest`", "leave it out"),
            (SPEC.ack(Ack::Received).start(Start::Earliest), &ONCE, "`start = earliest`", "`start = latest`"),
            (
                SPEC.ack(Ack::Received).start(Start::Latest).redeliver(const { &[Duration::from_secs(60)] }),
                &ONCE,
                "`redeliver`",
                "leave it out",
            ),
            (
                Spec::new("logs.{level}").ack(Ack::Received).start(Start::Latest),
                &ONCE,
                "`logs.{level}`",
                "a handler for each topic",
            ),
        ];
        for (spec, capabilities, wrote, instead) in cases {
            let Fit { problems, deviations } = fit(spec, capabilities, true);
            assert_eq!((problems.len(), deviations.len()), (1, 0), "{problems:?} {deviations:?}");
            for part in ["`Shop::created` ", "`amqp`", wrote, instead] {
                assert!(problems[0].contains(part), "{part}: {}", problems[0]);
            }
        }
    }

    #[test]
    fn a_default_that_cannot_be_done_is_said() {
        let cases: [(Spec, &Capabilities, bool, &[&str]); 4] = [
            (SPEC.tasks(2), &QUEUE, true, &["keeps no order"]),
            (SPEC, &ONCE, true, &["begins at the next message", "hands each message out once"]),
            (SPEC.start(Start::Latest), &ONCE, false, &["hands each message out once", "without a confirmation"]),
            (SPEC, &ALL, false, &["without a confirmation"]),
        ];
        for (spec, capabilities, confirms, said) in cases {
            let Fit { problems, deviations } = fit(spec, capabilities, confirms);
            assert_eq!((problems.len(), deviations.len()), (0, said.len()), "{problems:?} {deviations:?}");
            for (deviation, part) in deviations.iter().zip(said) {
                assert!(deviation.starts_with("`Shop::created` ") && deviation.contains(part), "{deviation}");
            }
        }
    }

    #[test]
    fn an_answer_needs_a_broker_that_carries_answers() {
        let silent = Abilities { request: false, ..SENDS };
        let fit = compare("Shop::priced", "amqp", &SPEC.reply(), &ALL, &silent);
        assert!(fit.problems.len() == 1 && fit.problems[0].contains("`reply`"), "{fit:?}");
        assert_eq!(compare("Shop::priced", "amqp", &SPEC.reply(), &ALL, &SENDS), Fit::default());
    }

    #[test]
    fn all_problems_of_a_subscriber_are_told() {
        let later = const { &[Duration::from_secs(60)] };
        let spec = Spec::new("logs.{level}").order(Order::Key).start(Start::Earliest).redeliver(later);
        assert_eq!(fit(spec, &ONCE, false).problems.len(), 4);
    }
}
