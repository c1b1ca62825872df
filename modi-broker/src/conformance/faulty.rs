//! Any broker with a fault: what is told to fail fails, and what is called is noted.

use crate::contract::{
    Abilities, Answer, Connect, Connection, Credit, Delivery, Difference, Origin, Outgoing, Place, Provision, Publish,
    Receipt, Settle, Settled, Settlement, Source, SubscribeOptions, Subscription,
};
use crate::{Broker, BrokerError, BrokerErrorKind, Message};
use async_trait::async_trait;
use futures_util::future::BoxFuture;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::watch;

/// What can fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    Connect,
    /// An intake. Those that wait are woken.
    Next,
    Stop,
    Settle,
    /// A publication to a topic.
    Topic,
    /// To the dead letters.
    Dead,
    Flush,
    Close,
}

/// How a publication fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// It is not sent.
    Refused(BrokerErrorKind),
    /// It is sent, and nobody hears of it.
    Unconfirmed,
}

#[derive(Clone)]
pub(super) struct Faulty {
    inner: Broker,
    state: Arc<Mutex<State>>,
    /// Publications to topics are confirmed while it is so; and who waits for an intake looks when it changes.
    confirms: Arc<watch::Sender<bool>>,
}

#[derive(Default)]
struct State {
    calls: Vec<Operation>,
    faults: Vec<(Operation, usize, Fault)>,
}

impl Faulty {
    pub(super) fn new(inner: &Broker) -> Self {
        Self { inner: inner.clone(), state: Arc::default(), confirms: Arc::new(watch::Sender::new(true)) }
    }

    pub(super) fn broker(&self) -> Broker {
        Broker::new("faulty", self.clone())
    }

    /// The next calls of this kind fail.
    pub(super) fn fail(&self, call: Operation, times: usize, fault: Fault) {
        self.state.lock().unwrap().faults.push((call, times, fault));
        self.confirms.send_modify(|_| {});
    }

    /// They are refused as by a broker that is away.
    pub(super) fn refuse(&self, call: Operation, times: usize) {
        self.fail(call, times, Fault::Refused(BrokerErrorKind::Unavailable));
    }

    pub(super) fn confirms(&self, confirms: bool) {
        self.confirms.send_replace(confirms);
    }

    /// What was called, in its order.
    pub(super) fn calls(&self) -> Vec<Operation> {
        self.state.lock().unwrap().calls.clone()
    }

    fn note(&self, call: Operation) {
        self.state.lock().unwrap().calls.push(call);
    }

    fn fault(&self, call: Operation) -> Option<Fault> {
        let mut state = self.state.lock().unwrap();
        let (_, times, fault) = state.faults.iter_mut().find(|(of, times, _)| *of == call && *times > 0)?;
        *times -= 1;
        Some(*fault)
    }

    fn call(&self, call: Operation) -> Result<(), BrokerError> {
        self.note(call);
        match self.fault(call) {
            Some(Fault::Refused(kind)) => Err(BrokerError::new(kind, format!("a fault of {call:?}"))),
            _ => Ok(()),
        }
    }
}

/// Something of the broker, with the fault.
struct With<T>(T, Faulty);

#[async_trait]
impl Connect for Faulty {
    async fn connect(&self) -> Result<Arc<dyn Connection>, BrokerError> {
        self.call(Operation::Connect)?;
        Ok(Arc::new(With(self.inner.connector().connect().await?, self.clone())))
    }
}

#[async_trait]
impl Connection for With<Arc<dyn Connection>> {
    async fn provision(&self, wanted: &[Place<'_>], mode: Provision) -> Result<Vec<Difference>, BrokerError> {
        self.0.provision(wanted, mode).await
    }
    async fn subscribe(&self, options: &SubscribeOptions) -> Result<Subscription, BrokerError> {
        let Subscription { capabilities, source, settle, lanes } = self.0.subscribe(options).await?;
        let source = Box::new(With(source, self.1.clone()));
        Ok(Subscription { capabilities, source, settle: Arc::new(With(settle, self.1.clone())), lanes })
    }
    async fn publisher(&self) -> Result<Arc<dyn Publish>, BrokerError> {
        Ok(Arc::new(With(self.0.publisher().await?, self.1.clone())))
    }
    async fn lag(&self, options: &SubscribeOptions) -> Result<Option<u64>, BrokerError> {
        self.0.lag(options).await
    }
    async fn close(&self, within: Duration) -> Result<(), BrokerError> {
        self.1.call(Operation::Close)?;
        self.0.close(within).await
    }
}

#[async_trait]
impl Source for With<Box<dyn Source>> {
    async fn next(&mut self, credit: Credit, into: &mut Vec<Delivery>) -> Result<(), BrokerError> {
        let mut changed = self.1.confirms.subscribe();
        loop {
            self.1.call(Operation::Next)?;
            tokio::select! {
                biased;
                taken = self.0.next(credit, into) => return taken,
                _ = changed.changed() => {}
            }
        }
    }
    async fn stop(&mut self) -> Result<(), BrokerError> {
        self.1.call(Operation::Stop)?;
        self.0.stop().await
    }
}

impl Settle for With<Arc<dyn Settle>> {
    fn settle(&self, items: &mut Vec<Settlement>) -> Answer<Settled> {
        self.1.note(Operation::Settle);
        self.0.settle(items)
    }
    fn source(&self, origin: Origin) -> Option<String> {
        self.0.source(origin)
    }
}

impl Publish for With<Arc<dyn Publish>> {
    fn send(&self, message: Outgoing<'_>) -> Answer<Result<Receipt, BrokerError>> {
        let call = if matches!(message.place, Place::Dead { .. }) { Operation::Dead } else { Operation::Topic };
        self.1.note(call);
        let fault = self.1.fault(call);
        if let Some(Fault::Refused(kind)) = fault {
            return Answer::Now(Err(BrokerError::new(kind, format!("`{}`: a fault on purpose", message.place))));
        }
        let answer = self.0.send(message);
        let mut confirms = self.1.confirms.subscribe();
        if fault.is_none() && (call != Operation::Topic || *confirms.borrow()) {
            return answer;
        }
        Answer::Later(Box::pin(async move {
            let answer = answer.wait().await;
            if fault == Some(Fault::Unconfirmed) {
                return Err(BrokerError::new(BrokerErrorKind::Unavailable, "the confirmation was lost"));
            }
            let _open = confirms.wait_for(|confirms| *confirms).await;
            answer
        }))
    }
    fn request(&self, question: Outgoing<'_>, within: Duration) -> BoxFuture<'static, Result<Message, BrokerError>> {
        self.0.request(question, within)
    }
    fn abilities(&self) -> Abilities {
        self.0.abilities()
    }
    fn flush(&self) -> BoxFuture<'static, Result<(), BrokerError>> {
        self.1.note(Operation::Flush);
        self.0.flush()
    }
}
