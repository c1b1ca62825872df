//! What a handler is told to do, what it notes, and how a test waits for that.

use super::stage::Scene;
use crate::{Context, IntoReply, Message, Outcome, Publisher, Reply, To};
use futures_util::future::BoxFuture;
use modi_core::{Completion, Error, Result, Scoped};
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use tokio::sync::watch;
use tokio::time::Instant;

/// One call of a handler.
pub(super) struct Call<T> {
    pub(super) takes: T,
    pub(super) context: Context,
    pub(super) publisher: Publisher,
}

impl<T> Call<T> {
    pub(super) fn id(&self) -> &str {
        self.context.message_id().unwrap_or_default()
    }

    pub(super) fn attempt(&self) -> u32 {
        self.context.attempt()
    }
}

/// What a handler plays.
pub(super) struct Script<S: Scene>(Box<Play<S>>);

type Play<S> = dyn Fn(<S as Scene>::Call) -> BoxFuture<'static, Result<<S as Scene>::Said>> + Send + Sync;

impl<S: Scene> Script<S> {
    pub(super) fn new<F: Future<Output = Result<S::Said>> + Send + 'static>(
        play: impl Fn(S::Call) -> F + Send + Sync + 'static,
    ) -> Self {
        Self(Box::new(move |call| Box::pin(play(call))))
    }

    pub(super) fn play(&self, call: S::Call) -> BoxFuture<'static, Result<S::Said>> {
        (self.0)(call)
    }
}

/// What a handler returns.
#[derive(Debug)]
pub(super) enum Said {
    Outcome(Outcome),
    Publish(Vec<To<Message>>),
}

/// What a script comes to.
pub(super) type Played = BoxFuture<'static, Result<Said>>;

/// It is done.
pub(super) const ACK: Result<Said> = Ok(Said::Outcome(Outcome::Ack));

impl From<Outcome> for Said {
    fn from(outcome: Outcome) -> Self {
        Self::Outcome(outcome)
    }
}

impl IntoReply for Said {
    fn into_reply(self) -> Result<Reply> {
        match self {
            Self::Outcome(outcome) => outcome.into_reply(),
            Self::Publish(messages) => messages.into_reply(),
        }
    }
}

/// What happened to one message.
#[derive(Clone, Debug)]
pub(super) struct Note {
    pub(super) id: String,
    pub(super) attempt: u32,
    pub(super) at: Instant,
    pub(super) what: What,
}

/// What can happen.
#[derive(Clone, Debug)]
pub(super) enum What {
    Began {
        unit: u32,
    },
    /// The same, for one of so many.
    Batch(usize),
    Succeeded,
    Failed,
    /// It was dropped on its way, or it panicked.
    Cut,
    /// A scoped service was completed so.
    Completed {
        unit: u32,
        how: &'static str,
    },
}

/// Notes what happens, in the order in which it does.
#[derive(Debug)]
pub(super) struct Probe {
    notes: watch::Sender<Vec<Note>>,
    units: AtomicU32,
    /// The completion of so many more units fails.
    pub(super) failing_units: AtomicU32,
}

impl Default for Probe {
    fn default() -> Self {
        Self { notes: watch::Sender::new(Vec::new()), units: AtomicU32::new(0), failing_units: AtomicU32::new(0) }
    }
}

/// A call that does not come to its own end.
struct Leaves<'a> {
    probe: &'a Probe,
    of: &'a [(String, u32)],
    ended: bool,
}

impl Drop for Leaves<'_> {
    fn drop(&mut self) {
        if !self.ended {
            self.probe.note_all(self.of, &What::Cut);
        }
    }
}

impl Probe {
    /// Notes how a call begins and ends.
    pub(super) async fn watch<T>(
        &self,
        of: &[(String, u32)],
        began: What,
        call: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        self.note_all(of, &began);
        let mut leaves = Leaves { probe: self, of, ended: false };
        let said = call.await;
        leaves.ended = true;
        self.note_all(of, if said.is_ok() { &What::Succeeded } else { &What::Failed });
        said
    }

    fn note_all(&self, of: &[(String, u32)], what: &What) {
        of.iter().for_each(|(id, attempt)| self.note(id, *attempt, what.clone()));
    }

    fn note(&self, id: &str, attempt: u32, what: What) {
        let note = Note { id: id.to_owned(), attempt, at: Instant::now(), what };
        self.notes.send_modify(|notes| notes.push(note));
    }

    pub(super) fn notes(&self) -> Vec<Note> {
        self.notes.borrow().clone()
    }

    /// The calls that have begun.
    pub(super) fn begun(&self) -> Vec<Note> {
        begun(&self.notes.borrow())
    }

    /// The messages of the calls that have succeeded, in that order, each as often as it was.
    pub(super) fn handled(&self) -> Vec<String> {
        handled(&self.notes.borrow())
    }

    /// Waits until the notes are so.
    pub(super) async fn until(&self, mut holds: impl FnMut(&[Note]) -> bool) {
        let mut notes = self.notes.subscribe();
        let _seen = notes.wait_for(|notes| holds(notes)).await;
    }
}

pub(super) fn begun(notes: &[Note]) -> Vec<Note> {
    notes.iter().filter(|note| matches!(note.what, What::Began { .. } | What::Batch(_))).cloned().collect()
}

pub(super) fn handled(notes: &[Note]) -> Vec<String> {
    notes.iter().filter(|note| matches!(note.what, What::Succeeded)).map(|note| note.id.clone()).collect()
}

/// A unit of work: one an attempt.
pub(super) struct Unit {
    pub(super) number: u32,
    pub(super) probe: Arc<Probe>,
}

impl Unit {
    pub(super) fn new(probe: Arc<Probe>) -> Self {
        Self { number: probe.units.fetch_add(1, Ordering::Relaxed) + 1, probe }
    }
}

impl Scoped for Unit {
    async fn complete(&self, completion: &Completion<'_>) -> Result {
        let how = match completion {
            Completion::Success => "success",
            Completion::Failed(_) => "failure",
            Completion::Panicked(_) => "panic",
            Completion::DeadlineExceeded => "deadline",
            _ => "cut",
        };
        self.probe.note("", 0, What::Completed { unit: self.number, how });
        let failing = &self.probe.failing_units;
        let fails = failing.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok();
        if fails { Err(Error::new("the unit of work cannot be completed")) } else { Ok(()) }
    }
}
