//! The memory broker with a difference: slow settlements, slow confirmations, a record of what is out and what is settled.

use crate::time::{pass, passing};
use async_trait::async_trait;
use futures_util::future::BoxFuture;
use modi_broker::contract::{
    Abilities, Answer, Connect, Connection, Credit, Delivery, Difference, Origin, Outgoing, Place, Provision, Publish,
    Settle, Settled, Settlement, Source, SubscribeOptions, Subscription, Verdict,
};
use modi_broker::{BrokerError, BrokerErrorKind, MemoryBroker, Message, Receipt};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The memory broker with a difference.
#[derive(Clone)]
pub(crate) struct Odd {
    pub(crate) memory: MemoryBroker,
    /// It can never take a dead letter.
    pub(crate) refuses_dead_letters: bool,
    /// A settlement takes a second.
    pub(crate) settles_slowly: bool,
    /// A confirmation takes a second.
    pub(crate) confirms_slowly: bool,
    /// So many publications to topics are not stored, and fail after a second.
    pub(crate) loses: Arc<AtomicUsize>,
    /// It does not tell where messages are.
    pub(crate) names_no_source: bool,
    /// The most bytes of payload and headers that a copy or a dead letter may have.
    pub(crate) largest: Option<usize>,
    /// What is to come later it puts back into the topic then.
    pub(crate) puts_off: bool,
    /// What it answers to copies and dead letters, one after the other, before it takes them.
    pub(crate) refuses: Arc<Mutex<Vec<BrokerErrorKind>>>,
    /// The copies that were to come later, with their delays.
    pub(crate) copies: Arc<Mutex<Vec<(Duration, Message)>>>,
    pub(crate) out: Arc<AtomicUsize>,
    /// The most that were out at once.
    pub(crate) most: Arc<AtomicUsize>,
    /// Positions and verdicts, in the order of the calls.
    pub(crate) settled: Arc<Mutex<Vec<(u64, Verdict)>>>,
}

impl Odd {
    pub(crate) fn new(memory: &MemoryBroker) -> Self {
        Self {
            memory: memory.clone(),
            refuses_dead_letters: false,
            settles_slowly: false,
            confirms_slowly: false,
            loses: Arc::default(),
            names_no_source: false,
            largest: None,
            puts_off: false,
            refuses: Arc::default(),
            copies: Arc::default(),
            out: Arc::default(),
            most: Arc::default(),
            settled: Arc::default(),
        }
    }
}

struct OddConnection(Arc<dyn Connection>, Odd);
struct OddPublish(Arc<dyn Publish>, Odd);
struct OddSettle(Arc<dyn Settle>, Odd);
struct OddSource(Box<dyn Source>, Odd);

#[async_trait]
impl Connect for Odd {
    async fn connect(&self) -> Result<Arc<dyn Connection>, BrokerError> {
        Ok(Arc::new(OddConnection(self.memory.connect().await?, self.clone())))
    }
}

#[async_trait]
impl Connection for OddConnection {
    async fn provision(&self, wanted: &[Place<'_>], mode: Provision) -> Result<Vec<Difference>, BrokerError> {
        self.0.provision(wanted, mode).await
    }
    async fn subscribe(&self, options: &SubscribeOptions) -> Result<Subscription, BrokerError> {
        let mut subscription = self.0.subscribe(options).await?;
        subscription.settle = Arc::new(OddSettle(subscription.settle, self.1.clone()));
        subscription.source = Box::new(OddSource(subscription.source, self.1.clone()));
        Ok(subscription)
    }
    async fn publisher(&self) -> Result<Arc<dyn Publish>, BrokerError> {
        Ok(Arc::new(OddPublish(self.0.publisher().await?, self.1.clone())))
    }
    async fn lag(&self, options: &SubscribeOptions) -> Result<Option<u64>, BrokerError> {
        self.0.lag(options).await
    }
    async fn close(&self, within: Duration) -> Result<(), BrokerError> {
        self.0.close(within).await
    }
}

#[async_trait]
impl Source for OddSource {
    async fn next(&mut self, credit: Credit, into: &mut Vec<Delivery>) -> Result<(), BrokerError> {
        let before = into.len();
        self.0.next(credit, into).await?;
        let taken = into.len() - before;
        self.1.most.fetch_max(self.1.out.fetch_add(taken, Ordering::Relaxed) + taken, Ordering::Relaxed);
        Ok(())
    }
    async fn stop(&mut self) -> Result<(), BrokerError> {
        self.0.stop().await
    }
}

impl Settle for OddSettle {
    fn source(&self, origin: Origin) -> Option<String> {
        (!self.1.names_no_source).then(|| format!("odd/{}", origin.words[0]))
    }
    fn settle(&self, items: &mut Vec<Settlement>) -> Answer<Settled> {
        let (inner, odd, mut items) = (self.0.clone(), self.1.clone(), std::mem::take(items));
        odd.settled.lock().unwrap().extend(items.iter().map(|item| (item.lease.words[0], item.verdict)));
        if !odd.settles_slowly {
            odd.out.fetch_sub(items.len(), Ordering::Relaxed);
            return inner.settle(&mut items);
        }
        Answer::Later(Box::pin(async move {
            pass(Duration::from_secs(1)).await;
            odd.out.fetch_sub(items.len(), Ordering::Relaxed);
            inner.settle(&mut items).wait().await
        }))
    }
}

/// In bytes of payload and headers.
pub(crate) fn size(message: &Message) -> usize {
    let headers = message.headers().iter().map(|(name, value)| name.len() + value.len());
    message.payload().map_or(0, bytes::Bytes::len) + headers.sum::<usize>()
}

impl Publish for OddPublish {
    fn send(&self, message: Outgoing<'_>) -> Answer<Result<Receipt, BrokerError>> {
        if self.1.refuses_dead_letters && matches!(message.place, Place::Dead { .. }) {
            return Answer::Now(Err(BrokerError::new(BrokerErrorKind::TooLarge, "too large")));
        }
        if matches!(message.place, Place::Topic(_))
            && self.1.loses.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok()
        {
            let lost = passing(Duration::from_secs(1));
            return Answer::Later(Box::pin(async {
                lost.await;
                Err(BrokerError::new(BrokerErrorKind::Unavailable, "the connection was cut"))
            }));
        }
        let follows_a_failure = matches!(message.place, Place::Dead { .. } | Place::Retry { .. });
        if follows_a_failure && let Some(kind) = self.1.refuses.lock().unwrap().pop() {
            return Answer::Now(Err(BrokerError::new(kind, "refused")));
        }
        if follows_a_failure && self.1.largest.is_some_and(|largest| size(&message.message) > largest) {
            return Answer::Now(Err(BrokerError::new(BrokerErrorKind::TooLarge, "too large")));
        }
        if let Place::Retry { topic, after, .. } = message.place
            && self.1.puts_off
        {
            self.1.copies.lock().unwrap().push((after, message.message.clone()));
            let (memory, topic) = (self.1.memory.clone(), topic.to_owned());
            tokio::spawn(async move {
                pass(after).await;
                memory.publish(&topic, message.message).await
            });
            return Answer::Now(Ok(Receipt::default()));
        }
        let answer = self.0.send(message);
        if !self.1.confirms_slowly {
            return answer;
        }
        let confirmed = passing(Duration::from_secs(1));
        Answer::Later(Box::pin(async move {
            confirmed.await;
            answer.wait().await
        }))
    }
    fn abilities(&self) -> Abilities {
        self.0.abilities()
    }
    fn flush(&self) -> BoxFuture<'static, Result<(), BrokerError>> {
        self.0.flush()
    }
}
