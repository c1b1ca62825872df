//! What becomes of a message that is not tried again in place: its copy, its dead letter, or what the policy says.

use super::attempt::End;
use super::backoff::OUTAGE;
use super::control::Stage;
use super::counters::count;
use super::exit::{Exit, Then};
use super::failure::{Failure, Later, Suspicion};
use super::job::{Paused, Shared};
use super::work::{Part, Work};
use crate::contract::{Origin, Outgoing, Place};
use crate::dead_letter::{FailureKind, Letter};
use crate::handler::FailurePolicy;
use crate::{BrokerError, Message, redelivery};
use modi_core::{BoxError, Error};
use tokio::time::Instant;

/// What became of a copy or a dead letter.
enum Written {
    Confirmed,
    /// The stop came first.
    Not,
    /// It never can be.
    Never(BrokerError),
}

/// Why a subscriber whose policy keeps its message does not go on.
#[derive(Debug, thiserror::Error)]
#[error("a message of `{topic}` cannot be handled, and stays there (`{}`, attempt {attempt})", kind.as_str())]
struct Unhandled {
    topic: String,
    kind: FailureKind,
    attempt: u32,
    #[source]
    source: BoxError,
}

impl<W: Work> Shared<W> {
    /// Ends a message whose failure was its own.
    #[cold]
    pub(super) async fn conclude(&self, message: &Message, origin: Origin, suspicion: Suspicion) -> Result<End, Exit> {
        let Suspicion { story, failure, later } = suspicion;
        let Part { spec, about, .. } = self.work.part(message);
        let (group, topic) = (&*about.group, &*about.topic);
        if let Some(Later { at, is_step }) = later {
            let copy = redelivery::copy(message, &story.retried(is_step, self.source(message, origin)));
            let left = || at.saturating_duration_since(Instant::now());
            match self.write(|| Place::Retry { group, topic, after: left() }, &copy, &about.name).await {
                Written::Confirmed => return Ok(End::Redelivered),
                Written::Not => return Ok(End::Released),
                Written::Never(error) => {
                    let error = error.to_string();
                    tracing::error!(subscriber = &*about.name, error, "a message cannot be put off, and is given up");
                }
            }
        }
        let then = match spec.failure {
            FailurePolicy::DeadLetter => {
                let letter = Letter { story, failure: &failure, source: self.source(message, origin), about };
                return self.bury(message, &letter).await;
            }
            FailurePolicy::Drop => {
                let (subscriber, kind, error) = (&*about.name, failure.kind.as_str(), format!("{:#}", failure.error));
                tracing::warn!(subscriber, topic, kind, error, "a message that cannot be handled is dropped");
                self.count_refused(&failure);
                return Ok(End::Discarded);
            }
            FailurePolicy::Stop => Then::Stop,
            FailurePolicy::Restart => Then::Restart,
            FailurePolicy::StopApp => Then::StopApp,
        };
        let (topic, source) = (topic.to_owned(), failure.error.into());
        let error = Error::new(Unhandled { topic, kind: failure.kind, attempt: story.attempts, source });
        Err(Exit::GaveUp { then, error })
    }

    /// Writes the dead letter, confirmed. While that is not possible the message stays unsettled.
    async fn bury(&self, message: &Message, letter: &Letter<'_>) -> Result<End, Exit> {
        let Letter { failure, about, .. } = letter;
        let place = Place::Dead { group: &about.group, topic: &about.topic };
        match self.write(|| place, &letter.write(message), &about.name).await {
            Written::Confirmed => {}
            Written::Not => return Ok(End::Released),
            Written::Never(error) => return Err(error.into()),
        }
        self.count_refused(failure);
        Ok(End::DeadLettered)
    }

    /// Where the original was, also of a copy.
    fn source(&self, message: &Message, origin: Origin) -> Option<String> {
        match message.retried() {
            Some(retried) => retried.source.clone(),
            None => self.settle.source(origin),
        }
    }

    fn count_refused(&self, failure: &Failure) {
        if matches!(failure.kind, FailureKind::Reject | FailureKind::Decode) {
            count(&self.counters.rejected);
        }
    }

    /// Writes a message, confirmed, however long that takes: until then the original stays.
    async fn write<'a>(&self, place: impl Fn() -> Place<'a>, message: &Message, subscriber: &str) -> Written {
        let mut failures = 0;
        loop {
            let to = place();
            let answer = self.publish.send(Outgoing::new(to, message.clone()));
            let error = match self.unless(Stage::Cut, answer.wait()).await {
                None => return Written::Not,
                Some(Ok(_)) => return Written::Confirmed,
                Some(Err(error)) => error,
            };
            let (text, place) = (error.to_string(), to.to_string());
            if error.is_permanent() {
                tracing::error!(subscriber, place, error = text, "what follows a failure can never be written");
                return Written::Never(error);
            }
            tracing::error!(
                subscriber,
                place,
                error = text,
                "what follows a failure was not written; its message stays"
            );
            failures += 1;
            if matches!(self.pause(OUTAGE.wait(failures), false).await, Paused::Stopped) {
                return Written::Not;
            }
        }
    }
}
