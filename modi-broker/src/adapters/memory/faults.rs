//! Failures on purpose, for tests.

use super::MemoryBroker;
use super::publishing::Published;
use crate::contract::{Answer, Place};
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Mutex, MutexGuard, Notify};
use crate::{BrokerError, BrokerErrorKind};
use std::fmt;
use std::sync::PoisonError;
use std::time::Duration;
use tokio::time::{Instant, sleep, sleep_until};

/// Lets a [`MemoryBroker`] fail on purpose.
///
/// It reaches everything that applications do. What a test publishes itself, with [`MemoryBroker::publish`], never fails
/// this way. Topics are named as they are written to: `orders.created`, or `dead.<group>.<topic>` and
/// `retry.<group>.<topic>`. To kill the broker, see [`MemoryBroker::crash`].
///
/// ```
/// use modi_broker::{BrokerErrorKind, MemoryBroker};
///
/// let memory = MemoryBroker::new();
/// let faults = memory.faults();
/// faults.fail_publication("payments.requested", 1, BrokerErrorKind::Unavailable); // the next one
/// faults.lose_confirmation("payments.requested", 2); // the one behind it
/// faults.clear();
/// ```
#[derive(Clone)]
pub struct Faults(MemoryBroker);

/// What is going to fail.
#[derive(Default)]
pub(super) struct Plan {
    /// Whether anything is: all that is read where nothing is.
    is_armed: AtomicBool,
    planned: Mutex<Planned>,
    back: Notify,
}

#[derive(Default)]
struct Planned {
    publications: Vec<Publication>,
    dead_letters: Option<BrokerErrorKind>,
    away: Option<Away>,
    confirm_after: Duration,
}

struct Publication {
    place: String,
    /// How many are published there until this one, and with it.
    left: u64,
    fault: Fault,
}

#[derive(Clone, Copy)]
enum Fault {
    Refuse(BrokerErrorKind),
    LoseConfirmation,
}

#[derive(Clone, Copy)]
struct Away {
    until: Option<Instant>,
}

/// What becomes of one publication.
pub(super) struct Fate {
    loses_confirmation: bool,
    confirm_after: Duration,
    place: String,
}

impl Faults {
    /// The n-th publication to a topic from now on, counted from 1, fails with this kind, and nothing is stored.
    pub fn fail_publication(&self, topic: &str, nth: u64, kind: BrokerErrorKind) {
        self.plan(topic, nth, Fault::Refuse(kind));
    }

    /// The n-th publication to a topic from now on, counted from 1, is stored, and answered with
    /// [`BrokerErrorKind::Unavailable`].
    pub fn lose_confirmation(&self, topic: &str, nth: u64) {
        self.plan(topic, nth, Fault::LoseConfirmation);
    }

    /// No dead letter can be written until [`Faults::accept_dead_letters`].
    pub fn refuse_dead_letters(&self, kind: BrokerErrorKind) {
        self.change(|planned| planned.dead_letters = Some(kind));
    }

    /// Dead letters can be written again.
    pub fn accept_dead_letters(&self) {
        self.change(|planned| planned.dead_letters = None);
    }

    /// Publications are answered so much later than they are stored. Zero: at once.
    pub fn confirm_after(&self, delay: Duration) {
        self.change(|planned| planned.confirm_after = delay);
    }

    /// The broker is away until [`Faults::come_back`]: connecting, publishing and intake fail with
    /// [`BrokerErrorKind::Unavailable`], and settlements wait. What members have in hand stays theirs.
    pub fn go_away(&self) {
        self.leave(Away { until: None });
    }

    /// The same for so long, on tokio's clock.
    pub fn go_away_for(&self, time: Duration) {
        self.leave(Away { until: Some(Instant::now() + time) });
    }

    /// The broker is there again.
    pub fn come_back(&self) {
        self.change(|planned| planned.away = None);
        self.state().back.notify_waiters();
    }

    /// Nothing fails any more.
    pub fn clear(&self) {
        self.change(|planned| *planned = Planned::default());
        self.state().back.notify_waiters();
    }

    fn leave(&self, away: Away) {
        self.change(|planned| planned.away = Some(away));
        self.0.wake_members();
    }

    fn plan(&self, place: &str, nth: u64, fault: Fault) {
        let publication = Publication { place: place.to_owned(), left: nth.max(1), fault };
        self.change(|planned| planned.publications.push(publication));
    }

    fn change(&self, change: impl FnOnce(&mut Planned)) {
        let state = self.state();
        let mut planned = state.lock();
        change(&mut planned);
        state.is_armed.store(planned.is_armed(), Ordering::Release);
    }

    fn state(&self) -> &Plan {
        &self.0.inner.shared.plan
    }
}

impl MemoryBroker {
    /// Lets it fail on purpose.
    pub fn faults(&self) -> Faults {
        Faults(self.clone())
    }
}

impl Planned {
    fn is_armed(&self) -> bool {
        !self.publications.is_empty()
            || self.dead_letters.is_some()
            || self.away.is_some()
            || !self.confirm_after.is_zero()
    }

    fn is_away(&self) -> bool {
        self.away.is_some_and(|away| away.until.is_none_or(|until| Instant::now() < until))
    }
}

impl Plan {
    fn lock(&self) -> MutexGuard<'_, Planned> {
        self.planned.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[inline]
    pub(super) fn is_armed(&self) -> bool {
        self.is_armed.load(Ordering::Acquire)
    }

    #[inline]
    pub(super) fn is_away(&self) -> bool {
        self.is_armed() && self.lock().is_away()
    }

    /// An error while the broker is away.
    pub(super) fn reach(&self) -> Result<(), BrokerError> {
        if self.is_away() {
            return Err(BrokerError::new(BrokerErrorKind::Unavailable, "the memory broker is away"));
        }
        Ok(())
    }

    /// Waits until it is not away.
    pub(super) async fn back(&self) {
        loop {
            let back = self.back.notified();
            let until = {
                let planned = self.lock();
                match planned.away.filter(|_| planned.is_away()) {
                    None => return,
                    Some(away) => away.until,
                }
            };
            match until {
                None => back.await,
                Some(until) => tokio::select! {
                    () = back => {}
                    () = sleep_until(until) => {}
                },
            }
        }
    }

    /// What becomes of a publication; an error for one that is not stored.
    pub(super) fn judge(&self, place: &Place<'_>) -> Result<Fate, BrokerError> {
        self.reach()?;
        let mut planned = self.lock();
        let place_name = place.to_string();
        let refused = |kind| Err(BrokerError::new(kind, format!("`{place_name}`: refused on purpose")));
        if let (Place::Dead { .. }, Some(kind)) = (place, planned.dead_letters) {
            return refused(kind);
        }
        planned.publications.iter_mut().filter(|other| other.place == place_name).for_each(|other| other.left -= 1);
        let mut due: Vec<Fault> = Vec::new();
        planned.publications.retain(|other| {
            let is_due = other.left == 0;
            due.extend(is_due.then_some(other.fault));
            !is_due
        });
        self.is_armed.store(planned.is_armed(), Ordering::Release);
        if let Some(kind) =
            due.iter().find_map(|fault| if let Fault::Refuse(kind) = fault { Some(*kind) } else { None })
        {
            return refused(kind);
        }
        Ok(Fate { loses_confirmation: !due.is_empty(), confirm_after: planned.confirm_after, place: place_name })
    }
}

impl Fate {
    /// The answer as its sender gets it.
    pub(super) fn of(self, answer: Published) -> Published {
        let Self { loses_confirmation, confirm_after, place } = self;
        if !loses_confirmation && confirm_after.is_zero() {
            return answer;
        }
        Answer::Later(Box::pin(async move {
            let receipt = answer.wait().await;
            sleep(confirm_after).await;
            if loses_confirmation && receipt.is_ok() {
                let text = format!("`{place}`: the confirmation was lost on purpose");
                return Err(BrokerError::new(BrokerErrorKind::Unavailable, text));
            }
            receipt
        }))
    }
}

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Faults")
    }
}
