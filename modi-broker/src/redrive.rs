//! Dead letters back to the group that could not handle them.

use crate::contract::{
    Answer, Credit, Delivery, Lease, Outgoing, Place, Provision, Publish, REDRIVE, Receipt, Settlement,
    SubscribeOptions, Verdict,
};
use crate::redelivery::fresh;
use crate::{Broker, BrokerError, DeadLetter, FailureKind};
use std::fmt;
use std::time::{Duration, SystemTime};
use tokio::time::timeout;

/// Sends the dead letters of a group back to it: see [`Broker::redrive`].
#[must_use = "nothing is sent before `run`"]
pub struct Redrive<'a> {
    broker: &'a Broker,
    topic: String,
    group: String,
    only: Option<FailureKind>,
}

/// Nothing has come for so long: what is left is in other hands.
const IDLE: Duration = Duration::from_secs(5);
const CLOSE: Duration = Duration::from_secs(1);

impl Broker {
    /// Sends the dead letters of a topic back to the group that could not handle them, and to no other. Call it once what was
    /// wrong is mended.
    ///
    /// Each message arrives as it was published, and its attempts are counted from 1. It is confirmed before its dead letter
    /// is settled, so ending the redrive at any moment loses none; it may send some twice. What becomes a dead letter while
    /// it runs is not sent again. `topic` is what the subscriber listens to: the pattern, where it is one.
    ///
    /// ```
    /// use modi_broker::{Broker, FailureKind};
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// let broker = Broker::from_url("memory://").unwrap();
    /// let sent = broker.redrive("orders.created", "orders").only(FailureKind::Deadline).run().await?;
    /// assert_eq!(sent, 0);
    /// # Ok::<(), modi_broker::BrokerError>(())
    /// # }).unwrap();
    /// ```
    pub fn redrive(&self, topic: impl Into<String>, group: impl Into<String>) -> Redrive<'_> {
        Redrive { broker: self, topic: topic.into(), group: group.into(), only: None }
    }
}

impl Redrive<'_> {
    /// Only those whose failure was of this kind. The others go behind those that are written meanwhile.
    pub fn only(self, kind: FailureKind) -> Self {
        Self { only: Some(kind), ..self }
    }

    /// Sends them, on a connection of its own. Returns how many.
    ///
    /// # Errors
    ///
    /// What the broker cannot do. What was sent before stays sent, and the rest stays where it is.
    pub async fn run(self) -> Result<u64, BrokerError> {
        let (group, topic) = (&*self.group, &*self.topic);
        let dead = Place::Dead { group, topic };
        let connection = self.broker.connector().connect().await?;
        let wanted = [dead, Place::Retry { group, topic, after: Duration::ZERO }];
        connection.provision(&wanted, Provision::Missing).await?;
        let publish = connection.publisher().await?;
        let options = SubscribeOptions::new(dead.to_string(), REDRIVE);
        let mut letters = connection.subscribe(&options).await?;
        // As many as there are now; where the broker cannot tell, those that are older than this.
        let lag = connection.lag(&options).await?;
        let (mut left, until) = (lag.unwrap_or(u64::MAX), lag.is_none().then(SystemTime::now));
        let (mut batch, mut sent, mut result) = (Vec::new(), 0, Ok(()));
        while left > 0 && result.is_ok() {
            let messages = usize::try_from(left).unwrap_or(usize::MAX).min(options.limit.messages);
            let credit = Credit { messages, bytes: options.limit.bytes };
            match timeout(IDLE, letters.source.next(credit, &mut batch)).await {
                Err(_) => break,
                Ok(received) => result = received,
            }
            left -= batch.len() as u64;
            let mut settlements = Vec::with_capacity(batch.len());
            let pending: Vec<_> = batch.drain(..).map(|letter| self.send(&*publish, letter, until)).collect();
            for (lease, answer) in pending {
                let verdict = match answer {
                    // It was written after the redrive began.
                    None => {
                        left = 0;
                        Verdict::Release
                    }
                    Some(_) if result.is_err() => Verdict::Release,
                    Some((is_meant, answer)) => match answer.wait().await {
                        Ok(_) => {
                            sent += u64::from(is_meant);
                            Verdict::Done
                        }
                        Err(error) => {
                            result = Err(error);
                            Verdict::Release
                        }
                    },
                };
                settlements.push(Settlement { lease, verdict });
            }
            letters.settle.settle(&mut settlements).wait().await;
        }
        let stopped = letters.source.stop().await;
        drop(letters);
        result.and(stopped).and(connection.close(CLOSE).await).map(|()| sent)
    }

    /// Sends one letter, or puts back what is not meant. `None` for one that is newer than `until`.
    fn send(&self, publish: &dyn Publish, letter: Delivery, until: Option<SystemTime>) -> (Lease, Option<Sent>) {
        let Delivery { message, lease, .. } = letter;
        let (group, topic) = (&*self.group, &*self.topic);
        let read = DeadLetter::read(message.clone());
        if until.is_some() && read.as_ref().and_then(|letter| letter.last_failure) > until {
            return (lease, None);
        }
        let meant = read.filter(|letter| self.only.is_none_or(|kind| letter.kind == kind));
        let is_meant = meant.is_some();
        let outgoing = match meant {
            Some(letter) => {
                let place = Place::Retry { group, topic, after: Duration::ZERO };
                Outgoing::new(place, fresh(letter.message, &letter.topic, topic))
            }
            None => Outgoing::new(Place::Dead { group, topic }, message),
        };
        (lease, Some((is_meant, publish.send(outgoing))))
    }
}

/// Whether it goes to the group, and the confirmation.
type Sent = (bool, Answer<Result<Receipt, BrokerError>>);

impl fmt::Debug for Redrive<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { topic, group, only, .. } = self;
        f.debug_struct("Redrive")
            .field("topic", topic)
            .field("group", group)
            .field("only", only)
            .finish_non_exhaustive()
    }
}
