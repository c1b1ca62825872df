//! What a handler's context shares with what the handler has spawned, in every order in which they may run.

use super::Signals;
use crate::sync::in_every_order;
use loom::future::block_on;
use loom::thread;

#[test]
fn whoever_waits_for_the_cancellation_is_woken() {
    in_every_order(|| {
        let mut signals = Signals::default();
        let waiting = [signals.take(), signals.take()].map(|signal| {
            thread::spawn(move || {
                block_on(signal.cancelled());
                assert!(signal.is_cancelled());
            })
        });
        signals.end(|| true);
        waiting.into_iter().for_each(|thread| thread.join().unwrap());
    });
}
