//! What every test has at hand: a broker with a prefix of its own, applications, members, and patience.

use super::member::Member;
use super::probe::{Probe, Script};
use super::run::Proof;
use super::stage::{Scene, Stage};
use super::subject::{Claims, Server, Subject};
use crate::contract::{
    Connection, Outgoing, Place, Provision, Publish, REDRIVE, Receipt, SubscribeOptions, Subscription,
};
use crate::{AppExt, Broker, BrokerError, DeadLetter, Message, RunningAppExt, SubscriberStats, Subscribers};
use modi_core::{App, Result, RunningApp, StartError};
use std::collections::HashSet;
use std::fmt::Display;
use std::future::Future;
use std::panic::Location;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::OnceCell;
use tokio::time::{Instant, sleep, timeout};

/// How long a test waits for what has to happen.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);
/// How long a test looks for what must not happen.
pub(super) const QUIET: Duration = Duration::from_millis(300);
/// How long a drain may take.
pub(super) const DRAIN: Duration = Duration::from_secs(2);
/// The topic and the group of most tests.
pub(super) const TOPIC: &str = "items";
pub(super) const GROUP: &str = "g";

/// One test of one subject.
pub(super) struct Test<'a> {
    pub(super) subject: &'a dyn Subject,
    pub(super) claims: Claims,
    /// With the prefix.
    pub(super) broker: Broker,
    prefix: String,
    ends: OnceCell<(Arc<dyn Connection>, Arc<dyn Publish>)>,
    /// The topics that are made.
    made: Mutex<HashSet<String>>,
}

impl<'a> Test<'a> {
    pub(super) fn new(subject: &'a dyn Subject, name: &str) -> Self {
        Self::on(subject, name, subject.broker())
    }

    /// The same test on another broker.
    pub(super) fn on(subject: &'a dyn Subject, name: &str, broker: Broker) -> Self {
        let number = name.split('_').next().unwrap_or_default();
        let prefix = format!("{number}-{:08x}.", fastrand::u32(..));
        let broker = broker.with_prefix(&prefix);
        Self { subject, claims: subject.claims(), broker, prefix, ends: OnceCell::new(), made: Mutex::default() }
    }

    /// The same test on a server that it has for itself.
    pub(super) fn with_server(&self) -> Option<(Self, Box<dyn Server>)> {
        let server = self.subject.server()?;
        let name = self.prefix.split('-').next().unwrap_or_default();
        Some((Self::on(self.subject, name, server.broker()), server))
    }

    /// Closes what the test has opened.
    pub(super) async fn finish(mut self) {
        if let Some((connection, publish)) = self.ends.take() {
            drop(publish);
            within(connection.close(PATIENCE)).await.unwrap();
        }
    }

    async fn ends(&self) -> &(Arc<dyn Connection>, Arc<dyn Publish>) {
        let open = async {
            let connection = self.broker.connector().connect().await.unwrap();
            let publish = connection.publisher().await.unwrap();
            (connection, publish)
        };
        self.ends.get_or_init(|| within(open)).await
    }

    pub(super) async fn connection(&self) -> &dyn Connection {
        &*self.ends().await.0
    }

    pub(super) async fn publisher(&self) -> &dyn Publish {
        &*self.ends().await.1
    }

    /// Makes a topic.
    pub(super) async fn make(&self, topic: &str) {
        if self.made.lock().unwrap().insert(topic.to_owned()) {
            let connection = self.connection().await;
            within(connection.provision(&[Place::Topic(topic)], Provision::Missing)).await.unwrap();
        }
    }

    /// Publishes to a topic, confirmed.
    pub(super) async fn put(&self, topic: &str, message: Message) -> Receipt {
        self.make(topic).await;
        self.send(Outgoing::new(Place::Topic(topic), message)).await.unwrap()
    }

    /// Publishes messages with these ids, in their order, confirmed.
    pub(super) async fn put_ids(&self, ids: impl IntoIterator<Item = impl Display>) {
        for id in ids {
            self.put(TOPIC, item(id)).await;
        }
    }

    pub(super) async fn send(&self, outgoing: Outgoing<'_>) -> Result<Receipt, BrokerError> {
        let answer = self.publisher().await.send(outgoing);
        within(answer.wait()).await
    }

    /// Joins a group without an application.
    pub(super) async fn join(&self, topic: &str, group: &str) -> Member {
        self.join_with(SubscribeOptions::new(topic, group)).await
    }

    pub(super) async fn join_with(&self, options: SubscribeOptions) -> Member {
        self.make(&options.topic).await;
        Member::new(self.subscribe(&options).await.unwrap())
    }

    pub(super) async fn subscribe(&self, options: &SubscribeOptions) -> Result<Subscription, BrokerError> {
        let connection = self.connection().await;
        within(connection.subscribe(options)).await
    }

    /// Listens to the dead letters of a group: before there are any, since not every broker keeps them.
    pub(super) async fn dead(&self, topic: &str, group: &str) -> Member {
        let (place, connection) = (Place::Dead { group, topic }, self.connection().await);
        within(connection.provision(&[place], Provision::Missing)).await.unwrap();
        Member::new(self.subscribe(&SubscribeOptions::new(place.to_string(), REDRIVE)).await.unwrap())
    }

    /// What a group has not finished.
    pub(super) async fn lag(&self, topic: &str, group: &str) -> Option<u64> {
        let options = SubscribeOptions::new(topic, group);
        let connection = self.connection().await;
        within(connection.lag(&options)).await.unwrap()
    }

    /// Waits until a group has finished everything, as far as the broker tells.
    pub(super) async fn drained(&self, topic: &str, group: &str) {
        let begun = Instant::now();
        while self.lag(topic, group).await.unwrap_or(0) > 0 {
            assert!(begun.elapsed() < PATIENCE, "`{topic}` is not finished by `{group}` after {PATIENCE:?}");
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// Starts an application that is called as the default group.
    pub(super) async fn start<S: Scene, F: Future<Output = Result<S::Said>> + Send + 'static>(
        &self,
        play: impl Fn(S::Call) -> F + Send + Sync + 'static,
    ) -> Running<S> {
        self.start_as(GROUP, play).await
    }

    /// Starts an application with this name, which is its group.
    pub(super) async fn start_as<S: Scene, F: Future<Output = Result<S::Said>> + Send + 'static>(
        &self,
        name: &str,
        play: impl Fn(S::Call) -> F + Send + Sync + 'static,
    ) -> Running<S> {
        self.start_on(&self.broker, name, play).await.unwrap_or_else(|error| panic!("not started: {error:?}"))
    }

    /// Starts one on another broker, which may fail.
    pub(super) async fn start_on<S: Scene, F: Future<Output = Result<S::Said>> + Send + 'static>(
        &self,
        broker: &Broker,
        name: &str,
        play: impl Fn(S::Call) -> F + Send + Sync + 'static,
    ) -> Result<Running<S>, StartError> {
        let probe = Arc::<Probe>::default();
        let stage = Stage::<S> { probe: probe.clone(), script: Arc::new(Script::new(play)) };
        // Reports are added up by broker: each application has its own.
        let broker = broker.clone().counted_anew();
        let app = App::new(stage).name(name).drain_deadline(DRAIN).broker(broker.clone());
        Ok(Running { app: within(app.start()).await?, probe, broker })
    }

    /// What a broker that hands each message out once does with one that its member did not finish: it is gone.
    pub(super) async fn forgets(&self) -> Proof {
        let mut member = self.join("forgotten", GROUP).await;
        self.put("forgotten", item(1)).await;
        member.one().await;
        drop(member);
        assert!(self.join("forgotten", GROUP).await.strays().await.is_empty(), "it came again");
        Proof::Denied("at_least_once")
    }

    /// Waits for what must not happen.
    pub(super) async fn quiet(&self) {
        sleep(QUIET).await;
    }
}

/// An application that runs.
pub(super) struct Running<S: Scene> {
    pub(super) app: RunningApp<Stage<S>>,
    pub(super) probe: Arc<Probe>,
    pub(super) broker: Broker,
}

impl<S: Scene> Running<S> {
    /// Drains and stops.
    pub(super) async fn stop(self) -> Arc<Probe> {
        within(self.app.stop()).await.unwrap();
        self.probe
    }

    /// Ends without a word, as a process does that is killed: nothing is drained, nothing is given back.
    pub(super) fn kill(self) -> Arc<Probe> {
        drop(self.app);
        self.probe
    }

    pub(super) fn stats(&self) -> SubscriberStats {
        self.broker.report().total()
    }

    pub(super) fn subscribers(&self) -> Subscribers {
        self.app.subscribers()
    }

    /// Waits until its numbers are so.
    #[track_caller]
    pub(super) fn until(&self, holds: impl Fn(&SubscriberStats) -> bool) -> impl Future<Output = ()> {
        let at = Location::caller();
        async move {
            let begun = Instant::now();
            while !holds(&self.stats()) {
                assert!(begun.elapsed() < PATIENCE, "{at}: not after {PATIENCE:?}: {:#?}", self.stats());
                sleep(Duration::from_millis(5)).await;
            }
        }
    }

    /// Waits until these many messages are handled, each counted once.
    #[track_caller]
    pub(super) fn handles(&self, many: usize) -> impl Future<Output = ()> {
        let at = Location::caller();
        async move {
            let all = |notes: &[super::probe::Note]| distinct(&super::probe::handled(notes)) >= many;
            if timeout(PATIENCE, self.probe.until(all)).await.is_err() {
                panic!("{at}: {} of {many} messages are handled after {PATIENCE:?}", distinct(&self.probe.handled()));
            }
        }
    }

    /// Waits until these many calls have begun.
    #[track_caller]
    pub(super) fn begins(&self, many: usize) -> impl Future<Output = ()> {
        let at = Location::caller();
        async move {
            let all = |notes: &[super::probe::Note]| super::probe::begun(notes).len() >= many;
            if timeout(PATIENCE, self.probe.until(all)).await.is_err() {
                panic!("{at}: {} of {many} calls have begun after {PATIENCE:?}", self.probe.begun().len());
            }
        }
    }
}

/// A message with an id, which is its payload too.
pub(super) fn item(id: impl Display) -> Message {
    let id = format!("{id}");
    Message::new(id.clone()).with_id(id)
}

/// The same with a key.
pub(super) fn keyed(id: impl Display, key: impl Display) -> Message {
    item(id).with_key(format!("{key}"))
}

pub(super) fn distinct(ids: &[String]) -> usize {
    ids.iter().collect::<HashSet<_>>().len()
}

pub(super) fn sorted(mut ids: Vec<String>) -> Vec<String> {
    ids.sort();
    ids
}

/// The ids of numbers, sorted as text.
pub(super) fn ids(numbers: impl IntoIterator<Item = impl Display>) -> Vec<String> {
    sorted(numbers.into_iter().map(|number| number.to_string()).collect())
}

/// The next dead letter.
pub(super) async fn letter(dead: &mut Member) -> DeadLetter {
    let delivery = dead.one().await;
    let letter = DeadLetter::read(delivery.message.clone());
    dead.done([delivery]).await;
    letter.unwrap_or_else(|| panic!("a message among the dead letters that is none"))
}

/// What has to happen within the patience of a test.
#[track_caller]
pub(super) fn within<T>(work: impl Future<Output = T>) -> impl Future<Output = T> {
    let at = Location::caller();
    async move {
        match timeout(PATIENCE, work).await {
            Ok(done) => done,
            Err(_) => panic!("{at}: it has not happened within {PATIENCE:?}"),
        }
    }
}

/// Never early, and late by no more than a second or a tenth.
#[track_caller]
pub(super) fn assert_on_time(took: Duration, delay: Duration) {
    let slack = Duration::from_secs(1).max(delay / 10);
    assert!(took >= delay, "{took:?} is earlier than {delay:?}");
    assert!(took <= delay + slack, "{took:?} is later than {delay:?} and {slack:?}");
}
