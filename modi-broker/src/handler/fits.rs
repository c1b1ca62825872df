//! What does not fit between a handler's topic, its arguments, its keys and its result: found by the compiler.

use super::Results;
use crate::contract::Pattern;
use crate::{Ack, BatchHandler, Handler, IntoReply, Spec};
use modi_core::Module;

/// Parts of a sentence about the handler, which is named before it.
pub(super) type Sentence = [&'static str; 4];

/// The first problem.
pub(super) const fn problem<M: Module, H: Handler<M>>() -> Option<Sentence> {
    let topic = H::SPEC.topic;
    match Pattern::parse(topic) {
        Err(error) => return Some(["` listens to `", topic, "`, which is no pattern: ", error.text()]),
        Ok(pattern) => {
            let mut at = 0;
            while at < H::PLACES.len() {
                if let Some(places) = H::PLACES[at]
                    && places != pattern.placeholders()
                {
                    return Some([
                        "` takes a `Path<_>` that does not fit its topic `",
                        topic,
                        "`: it has one value for each `{placeholder}`, and a tuple for several",
                        "",
                    ]);
                }
                at += 1;
            }
        }
    }
    if H::BY_HAND && matches!(H::SPEC.ack, Ack::Received) {
        return Some([
            "` takes the `Lease` of its message, and `ack = received` settles that before: leave one out",
            "",
            "",
            "",
        ]);
    }
    if H::BY_HAND && H::Reply::PUBLISHES {
        return Some([
            "` takes the `Lease` of its message: it publishes with a `Publisher`, not by its result",
            "",
            "",
            "",
        ]);
    }
    if matches!(H::SPEC.ack, Ack::Received) && H::SPEC.failure.keeps() {
        return Some([
            "` has `ack = received`, so a message that fails cannot stay with the broker: write `failure = dead_letter` or \
             `failure = drop`",
            "",
            "",
            "",
        ]);
    }
    let problem = match (H::Reply::PUBLISHES, &H::SPEC.results) {
        (true, Results::None) => {
            "` returns a message to publish and does not say where: write `publish = \"topic\"` or `reply` in its \
             attribute, or return a `To<_>`"
        }
        (false, Results::Topic(_) | Results::Topics(_)) => {
            "` has `publish = \"..\"`, and its result is not published there: return `Json<_>`, or leave `publish` out"
        }
        (false, Results::Reply) => "` has `reply`, and its result is no answer: return `Json<_>`, or leave `reply` out",
        (_, Results::Both) => {
            "` has `publish` and `reply`, and its result goes to one of them: publish the other with a `Publisher`"
        }
        (true, Results::Topics([])) => "` has `publish = []`: name a topic",
        _ => return None,
    };
    Some([problem, "", "", ""])
}

/// The same for a handler of batches.
pub(super) const fn batch_problem<M: Module, H: BatchHandler<M>>() -> Option<Sentence> {
    if let Err(error) = Pattern::parse(H::SPEC.topic) {
        return Some(["` listens to `", H::SPEC.topic, "`, which is no pattern: ", error.text()]);
    }
    let mut at = 0;
    while at < H::MISPLACED.len() {
        if let Some(problem) = H::MISPLACED[at] {
            return Some(["` ", problem, "", ""]);
        }
        at += 1;
    }
    let Spec { ack, concurrency, results, batch, .. } = H::SPEC;
    match (batch, ack, concurrency, results) {
        (None, ..) => Some(["` handles batches: say how large, with `batch = 100`", "", "", ""]),
        (_, Ack::Received, ..) => {
            Some(["` handles batches, which are acknowledged when handled: leave `ack` out", "", "", ""])
        }
        (.., 2.., _) => Some(["` handles one batch at a time: leave `concurrency` out", "", "", ""]),
        (.., Results::None) => None,
        _ => Some(["` handles batches: it publishes with a `Publisher`, not by its result", "", "", ""]),
    }
}

/// Stops the compilation with a sentence about a handler.
#[expect(clippy::panic, reason = "stops the compilation: the function is evaluated by the compiler")]
pub(super) const fn stop(name: &str, [first, second, third, fourth]: Sentence) -> ! {
    let (text, len) = join(["\n\n  handler `", name, first, second, third, fourth, "\n"]);
    match std::str::from_utf8(text.split_at(len).0) {
        Ok(text) => panic!("{}", text),
        Err(_) => panic!("{}", first),
    }
}

/// Joins texts in a constant. One that is too long is left out.
const fn join<const N: usize>(parts: [&str; N]) -> ([u8; 1024], usize) {
    let (mut text, mut len, mut part) = ([0; 1024], 0, 0);
    while part < parts.len() {
        let bytes = parts[part].as_bytes();
        let mut at = 0;
        while at < bytes.len() && bytes.len() <= text.len() / N {
            text[len] = bytes[at];
            len += 1;
            at += 1;
        }
        part += 1;
    }
    (text, len)
}
