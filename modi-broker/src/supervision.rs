//! What is wanted of a subscriber and what it looks like from outside: shared by its supervisor, the handle and health.

use crate::pipeline::{Control, Counters, Report, SubscriberStats};
use crate::subscribers::{SubscriberError, SubscriberState, SubscriberStatus};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout};

/// How long a subscriber that is stopped alone may drain before what is left is given back.
const DRAIN: Duration = Duration::from_secs(20);
/// What is left then gets this long to be completed and given back.
pub(crate) const GRACE: Duration = Duration::from_secs(1);

/// One a subscriber, for all its runs. Nothing here is touched while messages run.
pub(crate) struct Supervision {
    pub(crate) name: Arc<str>,
    /// A member that does not answer for so long is stuck.
    patience: Duration,
    /// One a member.
    pub(crate) counters: Vec<Arc<Counters>>,
    inner: Mutex<Inner>,
    changes: watch::Sender<()>,
}

struct Inner {
    phase: Phase,
    wish: Wish,
    is_paused: bool,
    error: Option<String>,
    members: Vec<Member>,
    /// What it looked like last, and since when.
    seen: (SubscriberState, Instant),
}

/// Where its supervisor is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Starting,
    Running,
    Restarting,
    Stopped,
    Failed,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Wish {
    Run,
    Stop,
    /// The application stops, and it never runs again.
    End,
}

/// A member that runs.
struct Member {
    control: Arc<Control>,
    task: AbortHandle,
    /// Since when it has not answered.
    asked: Option<Instant>,
}

impl Supervision {
    pub(crate) fn new(name: impl Into<Arc<str>>, deadline: Duration, counters: Vec<Arc<Counters>>) -> Self {
        let inner = Inner {
            phase: Phase::Starting,
            wish: Wish::Run,
            is_paused: false,
            error: None,
            members: Vec::new(),
            seen: (SubscriberState::Starting, Instant::now()),
        };
        let patience = deadline.saturating_mul(2);
        Self { name: name.into(), patience, counters, inner: Mutex::new(inner), changes: watch::Sender::new(()) }
    }

    // What the handle and the application want.

    pub(crate) fn pause(&self, is_paused: bool) {
        self.change(|inner| {
            inner.is_paused = is_paused;
            let of = |member: &Member| if is_paused { member.control.pause() } else { member.control.resume() };
            inner.members.iter().for_each(of);
        });
    }

    /// Drains it, and waits for that.
    pub(crate) async fn stop(&self) -> Result<(), SubscriberError> {
        self.unwish(Wish::Stop);
        for within in [DRAIN, GRACE] {
            let ended = self.until(|inner| matches!(inner.phase, Phase::Stopped | Phase::Failed).then_some(()));
            if timeout(within, ended).await.is_ok() {
                return Ok(());
            }
            self.cut();
        }
        Err(SubscriberError::Stuck { name: self.name.to_string() })
    }

    /// Lets it run again, and waits for that.
    pub(crate) async fn start(&self) -> Result<(), SubscriberError> {
        self.change(|inner| {
            if inner.wish == Wish::Stop {
                (inner.wish, inner.phase, inner.error) = (Wish::Run, Phase::Starting, None);
            }
        });
        let failed = self.until(|inner| match inner.phase {
            _ if inner.wish == Wish::End => Some(Some("the application stops".to_owned())),
            Phase::Starting | Phase::Restarting => None,
            Phase::Running => Some(None),
            Phase::Stopped => Some(Some("it was stopped meanwhile".to_owned())),
            Phase::Failed => Some(inner.error.clone()),
        });
        match failed.await {
            None => Ok(()),
            Some(error) => Err(SubscriberError::NotStarted { name: self.name.to_string(), error }),
        }
    }

    /// It drains for ever.
    pub(crate) fn end(&self) {
        self.unwish(Wish::End);
    }

    /// Gives back what it still runs.
    pub(crate) fn cut(&self) {
        self.lock().members.iter().for_each(|member| member.control.cut());
    }

    /// Ends it by force.
    pub(crate) fn abort(&self) {
        self.lock().members.iter().for_each(|member| member.task.abort());
    }

    fn unwish(&self, wish: Wish) {
        self.change(|inner| {
            if inner.wish != Wish::End {
                inner.wish = wish;
            }
            inner.members.iter().for_each(|member| member.control.drain());
        });
    }

    // What its supervisor tells and asks.

    /// Whether it is not to run: then it is at rest.
    pub(crate) fn rests(&self) -> bool {
        let mut rests = false;
        self.change(|inner| {
            rests = inner.wish != Wish::Run;
            if rests && inner.phase != Phase::Failed {
                inner.phase = Phase::Stopped;
            }
        });
        rests
    }

    /// Waits until it is to run; `false` when it never will.
    pub(crate) async fn is_wanted(&self) -> bool {
        self.until(|inner| (inner.wish != Wish::Stop).then_some(inner.wish == Wish::Run)).await
    }

    /// Waits until it is not to run.
    pub(crate) async fn is_unwanted(&self) {
        self.until(|inner| (inner.wish != Wish::Run).then_some(())).await;
    }

    /// It runs as these members: what was wanted in the meantime is passed on.
    pub(crate) fn runs(&self, members: Vec<(Arc<Control>, AbortHandle)>) {
        self.change(|inner| {
            let members = members.into_iter().map(|(control, task)| Member { control, task, asked: None });
            (inner.phase, inner.error, inner.members) = (Phase::Running, None, members.collect());
            for Member { control, .. } in &inner.members {
                if inner.is_paused {
                    control.pause();
                }
                if inner.wish != Wish::Run {
                    control.drain();
                }
            }
        });
    }

    pub(crate) fn set(&self, phase: Phase, error: Option<String>) {
        self.change(|inner| {
            (inner.phase, inner.error) = (phase, error);
            inner.members.clear();
            // Whatever it ended for, it does not begin again by itself.
            if matches!(phase, Phase::Stopped | Phase::Failed) && inner.wish == Wish::Run {
                inner.wish = Wish::Stop;
            }
        });
    }

    /// Waits while it is about to begin or to begin again. Whether there was something to wait for.
    pub(crate) async fn settles(&self) -> bool {
        let is_between = |inner: &Inner| match inner.phase {
            Phase::Starting | Phase::Restarting => true,
            Phase::Running => inner.members.iter().any(|member| member.task.is_finished()),
            Phase::Stopped | Phase::Failed => false,
        };
        if !is_between(&self.lock()) {
            return false;
        }
        self.until(|inner| (!is_between(inner)).then_some(())).await;
        true
    }

    // What it looks like.

    /// Messages that were finished by all its runs.
    pub(crate) fn finished(&self) -> u64 {
        self.stats().finished()
    }

    /// What all its runs have done.
    pub(crate) fn stats(&self) -> SubscriberStats {
        Report { subscribers: self.counters.iter().map(|counters| SubscriberStats::of("", counters)).collect() }.total()
    }

    /// Asks each member whether it lives, and tells what it looks like.
    pub(crate) fn look(&self) -> SubscriberStatus {
        let now = Instant::now();
        let mut inner = self.lock();
        let mut stuck = false;
        for Member { control, asked, .. } in &mut inner.members {
            match *asked {
                Some(since) if control.is_asked() => stuck |= now.duration_since(since) > self.patience,
                _ => {
                    *asked = Some(now);
                    control.ask();
                }
            }
        }
        let (state, error) = self.state(&inner);
        if inner.seen.0 != state {
            inner.seen = (state, now);
        }
        let since = SystemTime::now() - now.duration_since(inner.seen.1);
        SubscriberStatus { name: self.name.to_string(), state, since, error, stuck }
    }

    fn state(&self, inner: &Inner) -> (SubscriberState, Option<String>) {
        let state = match inner.phase {
            Phase::Starting => SubscriberState::Starting,
            Phase::Restarting => SubscriberState::Restarting,
            Phase::Stopped => SubscriberState::Stopped,
            Phase::Failed => SubscriberState::Failed,
            Phase::Running => {
                if let Some(error) = inner.members.iter().find_map(|member| member.control.trouble()) {
                    return (SubscriberState::Reconnecting, Some(error));
                }
                match self.counters.iter().any(|counters| SubscriberStats::of("", counters).degraded) {
                    true => SubscriberState::Degraded,
                    false if inner.is_paused => SubscriberState::Paused,
                    false => SubscriberState::Running,
                }
            }
        };
        (state, inner.error.clone())
    }

    fn change(&self, change: impl FnOnce(&mut Inner)) {
        let mut inner = self.lock();
        change(&mut inner);
        let state = self.state(&inner).0;
        if inner.seen.0 != state {
            inner.seen = (state, Instant::now());
        }
        drop(inner);
        self.changes.send_replace(());
    }

    async fn until<T>(&self, check: impl Fn(&Inner) -> Option<T>) -> T {
        let mut changes = self.changes.subscribe();
        loop {
            changes.borrow_and_update();
            if let Some(found) = check(&self.lock()) {
                return found;
            }
            // The sender lives as long as `self`.
            let _changed = changes.changed().await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
