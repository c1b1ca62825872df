//! The lease of a message as an argument: the handler settles it by hand, when it likes.

use super::signal::Signals;
use crate::contract::SettleResult;
use crate::sync::{AtomicWaker, Mutex};
use crate::{Attempt, FromMessage, Outcome};
use modi_core::{Error, Module};
use std::fmt;
use std::sync::{Arc, PoisonError, Weak};
use tokio::sync::oneshot;

/// The right to settle the message in hand. A handler that takes it settles its messages itself, also after it has
/// returned: it may collect them, or hand them to a task of its own.
///
/// A lease that is dropped without a word is released: the message comes again, and is counted as
/// [`returned`](crate::SubscriberStats::returned). A handler that fails, panics or misses its deadline leaves its message
/// to the failure path, whatever it did with the lease meanwhile, but for one that it had settled. Until it is settled a
/// message counts as handed out, so no more than the `prefetch` can be held. At a stop leases may be settled until the
/// drain deadline.
///
/// ```
/// use modi_broker::{Json, Lease};
/// use tokio::sync::mpsc;
///
/// async fn reading(Json(value): Json<f64>, lease: Lease) {
///     let (send, mut receive) = mpsc::channel::<(f64, Lease)>(64); // made elsewhere, once
///     send.send((value, lease)).await.ok();
///     // Somewhere else, in its own time:
///     while let Some((_value, lease)) = receive.recv().await {
///         lease.ack().await;
///         # break;
///     }
/// }
/// ```
#[must_use = "a lease that is dropped gives its message back"]
pub struct Lease(Option<Arc<Ticket>>);

impl Lease {
    /// The one of the attempt in hand, once.
    pub(crate) fn of(signals: &Signals) -> Option<Self> {
        let ticket = signals.ticket().filter(|ticket| ticket.hand_out());
        ticket.cloned().map(|ticket| Self(Some(ticket)))
    }

    /// The message is done. Returns when the broker has answered, as far as it answers:
    /// [`SettleResult::LeaseLost`] says that the message comes again.
    pub async fn ack(mut self) -> SettleResult {
        let (answer, answered) = oneshot::channel();
        let said = self.say(Outcome::Ack, Some(answer));
        // Without a subscriber there is nobody who could settle it.
        if said { answered.await.unwrap_or(SettleResult::LeaseLost) } else { SettleResult::LeaseLost }
    }

    /// Leaves the message to the pipeline, which does what the outcome says: [`Outcome::Retry`] calls the handler again as
    /// the retry policy says, [`Outcome::Reject`] writes a dead letter. Whether the lease was still good.
    pub fn settle(mut self, outcome: Outcome) -> bool {
        self.say(outcome, None)
    }

    fn say(&mut self, outcome: Outcome, answer: Option<oneshot::Sender<SettleResult>>) -> bool {
        self.0.take().is_some_and(|ticket| ticket.say(Word::Said(outcome, answer)))
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(ticket) = self.0.take() {
            ticket.say(Word::Dropped);
        }
    }
}

impl<M: Module> FromMessage<M> for Lease {
    const BY_HAND: bool = true;

    fn take(attempt: &Attempt<'_, M>) -> Result<Self, Error> {
        Self::of(attempt.signals).ok_or_else(|| {
            Error::reject("the lease cannot be taken: a handler takes it once, and `Handler::BY_HAND` says so")
        })
    }
}

/// What a lease and the pipeline share.
pub(crate) struct Ticket {
    pub(crate) id: u64,
    /// Gone with the subscriber: leases that outlive it are no good.
    inbox: Weak<Inbox>,
    state: Mutex<State>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// The handler runs and has not taken it.
    New,
    /// The handler runs and has taken it.
    Taken,
    /// It was dropped while the handler ran.
    Dropped,
    /// The handler has returned and left it to somebody.
    Parked,
    /// The pipeline has heard, or the attempt was another one.
    Over,
}

/// What a lease says at last.
pub(crate) enum Word {
    Said(Outcome, Option<oneshot::Sender<SettleResult>>),
    Dropped,
}

/// What is left of a lease when its handler has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Left {
    /// Somebody has it.
    Parked,
    /// It was dropped.
    Dropped,
    /// It was never taken, or is taken back.
    Free,
    /// It was settled.
    Settled,
}

impl Ticket {
    pub(crate) fn new(id: u64, inbox: Weak<Inbox>) -> Arc<Self> {
        Arc::new(Self { id, inbox, state: Mutex::new(State::New) })
    }

    fn hand_out(&self) -> bool {
        self.change(|state| match state {
            State::New => (State::Taken, true),
            other => (other, false),
        })
    }

    /// Whether the lease was still good.
    fn say(&self, word: Word) -> bool {
        let is_heard = self.change(|state| match (state, &word) {
            (State::Taken, Word::Dropped) => (State::Dropped, false),
            (State::Taken | State::Parked, _) => (State::Over, true),
            (other, _) => (other, false),
        });
        let inbox = self.inbox.upgrade().filter(|_| is_heard);
        inbox.map(|inbox| inbox.push(self.id, word)).is_some()
    }

    /// The handler has ended; one that succeeded may have left the lease to somebody.
    pub(crate) fn ended(&self, succeeded: bool) -> Left {
        self.change(|state| match state {
            State::Taken if succeeded => (State::Parked, Left::Parked),
            State::Dropped if succeeded => (State::Over, Left::Dropped),
            State::New | State::Taken | State::Dropped | State::Parked => (State::Over, Left::Free),
            State::Over => (State::Over, Left::Settled),
        })
    }

    /// The handler is called again.
    pub(crate) fn renew(&self) -> Arc<Self> {
        Self::new(self.id, self.inbox.clone())
    }

    fn change<R>(&self, next: impl FnOnce(State) -> (State, R)) -> R {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (new, result) = next(*state);
        *state = new;
        result
    }
}

/// Where leases say their words: one a subscriber.
#[derive(Default)]
pub(crate) struct Inbox {
    words: Mutex<Vec<(u64, Word)>>,
    pub(crate) waker: AtomicWaker,
}

impl Inbox {
    fn push(&self, id: u64, word: Word) {
        self.words.lock().unwrap_or_else(PoisonError::into_inner).push((id, word));
        self.waker.wake();
    }

    pub(crate) fn take(&self) -> Vec<(u64, Word)> {
        std::mem::take(&mut self.words.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lease")
    }
}
impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ticket({})", self.id)
    }
}
