//! An application under test: on the broker inside the process, with providers replaced, without sleeping.

use crate::handler::decode_json;
use crate::{AppExt, Broker, DeadLetter, Faults, MemoryBroker, Message, Report, RunningAppExt, Subscribers};
use modi_core::module::{Provides, Singleton};
use modi_core::service::Wire;
use modi_core::{App, Error, Module, Overrides, Result, RunningApp, Service, StartError};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt;
use std::sync::Arc;

/// An application under test.
///
/// Publishing returns when the whole chain has settled: nothing is in flight and nothing is scheduled, also through
/// retries. Write `#[tokio::test(start_paused = true)]`, and waiting for retries takes no time. What a service spawns
/// for itself is not waited for.
///
/// ```
/// use modi_broker::TestApp;
/// # mod empty { include!("../tests/common/empty.rs"); }
/// # use empty::Empty;
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// let app = TestApp::start(Empty).await?;
/// app.publish("orders.created", &7).await?;
/// assert_eq!(app.published::<u32>("orders.created"), [7]);
/// app.stop().await
/// # }).unwrap();
/// ```
pub struct TestApp<M: Module> {
    app: RunningApp<M>,
    memory: MemoryBroker,
    broker: Broker,
}

/// A [`TestApp`] that is not running yet.
pub struct TestSetup<M: Module> {
    app: App<M>,
    overrides: Overrides<M>,
    memory: MemoryBroker,
}

impl<M: Module> TestApp<M> {
    /// Starts an application with nothing replaced.
    ///
    /// # Errors
    ///
    /// As [`App::start`].
    pub async fn start(root: M) -> Result<Self, StartError> {
        Self::new(root).start().await
    }

    /// Begins an application, named after its module.
    #[expect(clippy::new_ret_no_self, reason = "it reads as `App::new` does; what it begins is not running yet")]
    pub fn new(root: M) -> TestSetup<M> {
        TestSetup { app: App::new(root).name(M::NAME), overrides: Overrides::new(), memory: MemoryBroker::new() }
    }

    /// Publishes a value as JSON, and waits until the whole chain has settled.
    ///
    /// # Errors
    ///
    /// A value that cannot be written as JSON, a full topic, and what [`TestApp::settled`] says.
    pub async fn publish<T: Serialize + ?Sized>(&self, topic: &str, value: &T) -> Result {
        self.publish_message(topic, Message::json(value)?).await
    }

    /// The same for a message with a key, headers or a payload of its own.
    ///
    /// # Errors
    ///
    /// A full topic, and what [`TestApp::settled`] says.
    pub async fn publish_message(&self, topic: &str, message: Message) -> Result {
        self.memory.publish(topic, message).await?;
        self.settled().await
    }

    /// Waits until nothing is in flight and nothing is scheduled.
    ///
    /// # Errors
    ///
    /// A chain of more than 10,000 hops, with its topics, and an application that stops meanwhile.
    pub async fn settled(&self) -> Result {
        let stop = self.app.host().stop();
        tokio::select! {
            biased;
            () = stop.stopped() => Err(Error::new("the application has stopped: `stop` returns what for")),
            settled = self.all_settled() => settled,
        }
    }

    async fn all_settled(&self) -> Result {
        let subscribers = self.subscribers();
        loop {
            self.memory.settled().await?;
            // The broker waits for members only: a subscriber that begins again is none for a while.
            if !subscribers.settle().await {
                return Ok(());
            }
        }
    }

    /// Everything that was published to a topic, by the application and by the test, decoded.
    ///
    /// # Panics
    ///
    /// For a message that is not a `T` as JSON.
    #[track_caller]
    #[expect(clippy::panic, reason = "documented: a test asks for the wrong type")]
    pub fn published<T: DeserializeOwned>(&self, topic: &str) -> Vec<T> {
        let mut values = Vec::new();
        for (at, message) in self.messages(topic).iter().enumerate() {
            match decode_json(message) {
                Ok(value) => values.push(value),
                Err(error) => panic!("message {at} of `{topic}`: {:#}", Error::new(error)),
            }
        }
        values
    }

    /// Everything that was published to a topic, by the application and by the test.
    pub fn messages(&self, topic: &str) -> Vec<Message> {
        self.memory.history(topic)
    }

    /// The dead letters of a topic, of all its groups.
    pub fn dead_letters(&self, topic: &str) -> Vec<DeadLetter> {
        let names = self.memory.topics();
        let of_topic = names.iter().filter(|name| {
            // Groups have no dots.
            let rest = name.strip_prefix("dead.").and_then(|rest| rest.split_once('.'));
            rest.is_some_and(|(_, source)| source == topic)
        });
        of_topic.flat_map(|name| self.memory.history(name)).filter_map(DeadLetter::read).collect()
    }

    /// Sends the dead letters of a topic back to the groups that could not handle them, and waits until everything has
    /// settled. Returns how many. [`TestApp::dead_letters`] goes on listing them.
    ///
    /// # Errors
    ///
    /// As [`Redrive::run`](crate::Redrive::run), and what [`TestApp::settled`] says.
    pub async fn redrive(&self, topic: &str) -> Result<u64> {
        let mut sent = 0;
        for name in self.memory.topics() {
            // Groups have no dots.
            if let Some((group, source)) = name.strip_prefix("dead.").and_then(|rest| rest.split_once('.'))
                && source == topic
            {
                sent += self.broker.redrive(topic, group).run().await?;
            }
        }
        self.settled().await?;
        Ok(sent)
    }

    /// Borrows a singleton of the module.
    ///
    /// # Panics
    ///
    /// For a service that only overridden providers needed.
    #[track_caller]
    pub fn get<T: ?Sized + Service>(&self) -> &Arc<T>
    where
        M: Singleton<T>,
    {
        self.app.get()
    }

    /// What the subscribers have done.
    pub fn report(&self) -> Report {
        self.broker.report()
    }

    /// The subscribers: how they are, to be paused, stopped and started.
    pub fn subscribers(&self) -> Subscribers {
        self.app.subscribers()
    }

    /// The broker, which outlives the application: another one can be started on it.
    pub fn broker(&self) -> &MemoryBroker {
        &self.memory
    }

    /// Lets the broker fail on purpose.
    pub fn faults(&self) -> Faults {
        self.memory.faults()
    }

    /// The running application.
    pub fn app(&self) -> &RunningApp<M> {
        &self.app
    }

    /// Drains and stops.
    ///
    /// # Errors
    ///
    /// As [`RunningApp::stop`].
    pub async fn stop(self) -> Result {
        self.app.stop().await
    }
}

impl<M: Module> TestSetup<M> {
    /// Puts `fake` in the place of what provides `T`, whichever module owns it.
    #[must_use]
    pub fn replace<T: ?Sized + Service>(self, fake: Arc<T>) -> Self
    where
        M: Provides<T>,
    {
        Self { overrides: self.overrides.replace(fake), ..self }
    }

    /// The same, seen from module `N`: reaches what `N` keeps private.
    #[must_use]
    pub fn replace_in<N: Provides<T>, T: ?Sized + Service>(self, fake: Arc<T>) -> Self {
        Self { overrides: self.overrides.replace_in::<N, T>(fake), ..self }
    }

    /// Puts a fake there that is injected itself, from the root module. The closure is the coercion: `|fake| fake`.
    #[must_use]
    pub fn replace_with<T: ?Sized + Service, F: Wire<M>>(self, coerce: fn(Arc<F::Output>) -> Arc<T>) -> Self
    where
        M: Provides<T>,
    {
        Self { overrides: self.overrides.replace_with::<T, F>(coerce), ..self }
    }

    /// Uses this broker: one that another test application used, or one with a smaller capacity.
    #[must_use]
    pub fn broker(self, memory: &MemoryBroker) -> Self {
        Self { memory: memory.clone(), ..self }
    }

    /// Changes anything else about the application: its name, its deadlines.
    #[must_use]
    pub fn configure(self, change: impl FnOnce(App<M>) -> App<M>) -> Self {
        Self { app: change(self.app), ..self }
    }

    /// Starts it.
    ///
    /// # Errors
    ///
    /// As [`App::start`].
    pub async fn start(self) -> Result<TestApp<M>, StartError> {
        let Self { app, overrides, memory } = self;
        memory.record();
        let broker = Broker::from(memory.clone());
        let (app, registry) = crate::app::registered(app.overrides(overrides));
        registry.one_for_all();
        let app = app.broker(broker.clone()).start().await?;
        Ok(TestApp { app, memory, broker })
    }
}

impl<M: Module> fmt::Debug for TestApp<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TestApp({:?})", self.app)
    }
}
impl<M: Module> fmt::Debug for TestSetup<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TestSetup({:?})", self.app)
    }
}
