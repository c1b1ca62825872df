//! The memory broker with a bad day: it refuses what it is told to refuse, and counts what is asked of it.

use async_trait::async_trait;
use modi_broker::contract::{
    Capabilities, Connect, Connection, Credit, Delivery, Difference, Place, Provision, Publish, Source,
    SubscribeOptions, Subscription,
};
use modi_broker::{BrokerError, BrokerErrorKind, MemoryBroker};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Notify;

/// What can be refused, and is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    Connect,
    Provision,
    Subscribe,
    /// Of a source. A refusal of these wakes the sources that wait.
    Next,
    Stop,
    Close,
}

#[derive(Clone)]
pub(crate) struct Flaky {
    memory: MemoryBroker,
    changes: fn(&mut Capabilities),
    state: Arc<Mutex<State>>,
    changed: Arc<Notify>,
}

#[derive(Default)]
struct State {
    calls: Vec<Call>,
    /// So many calls are still refused.
    refusals: Vec<(Call, usize, BrokerErrorKind)>,
}

impl Flaky {
    pub(crate) fn new(memory: &MemoryBroker) -> Self {
        Self { memory: memory.clone(), changes: |_| {}, state: Arc::default(), changed: Arc::default() }
    }

    /// Its subscriptions can do something else.
    pub(crate) fn that(self, changes: fn(&mut Capabilities)) -> Self {
        Self { changes, ..self }
    }

    /// The next calls of this kind fail.
    pub(crate) fn refuse(&self, call: Call, times: usize, kind: BrokerErrorKind) {
        self.state.lock().unwrap().refusals.push((call, times, kind));
        self.changed.notify_waiters();
    }

    pub(crate) fn count(&self, call: Call) -> usize {
        self.state.lock().unwrap().calls.iter().filter(|other| **other == call).count()
    }

    fn call(&self, call: Call) -> Result<(), BrokerError> {
        let mut state = self.state.lock().unwrap();
        state.calls.push(call);
        self.refused(&mut state, call)
    }

    fn refused(&self, state: &mut State, call: Call) -> Result<(), BrokerError> {
        match state.refusals.iter_mut().find(|(other, times, _)| *other == call && *times > 0) {
            None => Ok(()),
            Some((_, times, kind)) => {
                *times -= 1;
                Err(BrokerError::new(*kind, format!("a bad day for {call:?}")))
            }
        }
    }
}

struct FlakyConnection(Arc<dyn Connection>, Flaky);
struct FlakySource(Box<dyn Source>, Flaky);

#[async_trait]
impl Connect for Flaky {
    async fn connect(&self) -> Result<Arc<dyn Connection>, BrokerError> {
        self.call(Call::Connect)?;
        Ok(Arc::new(FlakyConnection(self.memory.connect().await?, self.clone())))
    }
}

#[async_trait]
impl Connection for FlakyConnection {
    async fn provision(&self, wanted: &[Place<'_>], mode: Provision) -> Result<Vec<Difference>, BrokerError> {
        self.1.call(Call::Provision)?;
        self.0.provision(wanted, mode).await
    }
    async fn subscribe(&self, options: &SubscribeOptions) -> Result<Subscription, BrokerError> {
        self.1.call(Call::Subscribe)?;
        let mut subscription = self.0.subscribe(options).await?;
        (self.1.changes)(&mut subscription.capabilities);
        subscription.source = Box::new(FlakySource(subscription.source, self.1.clone()));
        Ok(subscription)
    }
    async fn publisher(&self) -> Result<Arc<dyn Publish>, BrokerError> {
        self.0.publisher().await
    }
    async fn lag(&self, options: &SubscribeOptions) -> Result<Option<u64>, BrokerError> {
        self.0.lag(options).await
    }
    async fn close(&self, within: Duration) -> Result<(), BrokerError> {
        self.1.call(Call::Close)?;
        self.0.close(within).await
    }
}

#[async_trait]
impl Source for FlakySource {
    async fn next(&mut self, credit: Credit, into: &mut Vec<Delivery>) -> Result<(), BrokerError> {
        self.1.call(Call::Next)?;
        let changed = self.1.changed.notified();
        tokio::select! {
            biased;
            taken = self.0.next(credit, into) => taken,
            () = changed => self.1.refused(&mut self.1.state.lock().unwrap(), Call::Next),
        }
    }
    async fn stop(&mut self) -> Result<(), BrokerError> {
        self.1.call(Call::Stop)?;
        self.0.stop().await
    }
}
