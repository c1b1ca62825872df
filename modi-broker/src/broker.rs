//! Which broker an application uses: a URL, parsed and not yet opened.

use crate::MemoryBroker;
use crate::contract::{Connect, Provision};
use crate::pipeline::{Counters, Report, SubscriberStats};
use crate::prefix::{Prefix, Prefixed};
use std::env::{self, VarError};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// A broker that an application can be given: [`AppExt::broker`](crate::AppExt::broker). Making one opens nothing.
///
/// ```
/// use modi_broker::Broker;
///
/// let broker = Broker::from_url("memory://")?;
/// assert_eq!(format!("{broker:?}"), "Broker(memory)");
/// let refused = Broker::from_url("kafka://user:secret@host").unwrap_err();
/// assert_eq!(refused.to_string(), "`kafka://` needs the Cargo feature `kafka` of `modi`");
/// # Ok::<(), modi_broker::BrokerUrlError>(())
/// ```
#[derive(Clone)]
pub struct Broker {
    scheme: &'static str,
    connect: Arc<dyn Connect>,
    patience: Duration,
    provision: Provision,
    prefix: Option<Arc<str>>,
    counted: Arc<Mutex<Vec<Counted>>>,
}

/// A subscriber and the numbers of each of its members.
type Counted = (String, Vec<Arc<Counters>>);

/// How long an application waits for a broker that is not there yet.
const PATIENCE: Duration = Duration::from_secs(30);

/// The environment variable that [`Broker::from_env`] reads.
const VARIABLE: &str = "MODI_BROKER_URL";

/// Why a broker's URL cannot be used. Shows neither the URL nor a part that may be secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BrokerUrlError {
    /// The environment variable is not set.
    #[error(
        "the environment variable `MODI_BROKER_URL` is not set: write for example `kafka://host:9092`, \
         `amqp://host`, `redis://host`, `nats://host`, or `memory://` for a broker inside the process"
    )]
    Unset,
    /// The environment variable is not text.
    #[error("the environment variable `MODI_BROKER_URL` is not UTF-8")]
    NotText,
    /// There is no scheme.
    #[error("the broker's URL has no scheme: write for example `kafka://host:9092` or `memory://`")]
    NoScheme,
    /// No broker has this scheme.
    #[error("no broker has the scheme `{scheme}`: there are {}", SCHEMES.join(", "))]
    UnknownScheme {
        /// The scheme.
        scheme: String,
    },
    /// The broker was left out of the build.
    #[error("`{scheme}://` needs the Cargo feature `{feature}` of `modi`")]
    Feature {
        /// The scheme.
        scheme: &'static str,
        /// The feature.
        feature: &'static str,
    },
    /// The memory broker has no address.
    #[error("`memory://` is the whole URL: the broker inside the process has no address")]
    Address,
}

const SCHEMES: [&str; 8] = ["kafka", "amqp", "amqps", "redis", "rediss", "nats", "tls", "memory"];

impl Broker {
    /// The broker inside the process: see [`MemoryBroker`].
    pub fn memory() -> Self {
        MemoryBroker::new().into()
    }

    /// A broker of one's own making. The scheme is what log lines call it.
    pub fn new(scheme: &'static str, connect: impl Connect) -> Self {
        Self {
            scheme,
            connect: Arc::new(connect),
            patience: PATIENCE,
            provision: Provision::Missing,
            prefix: None,
            counted: Arc::default(),
        }
    }

    /// Parses a URL. Its scheme chooses the broker; each but `memory` is a Cargo feature.
    ///
    /// # Errors
    ///
    /// [`BrokerUrlError`], which never shows the URL.
    pub fn from_url(url: &str) -> Result<Self, BrokerUrlError> {
        let (scheme, rest) = url.split_once("://").ok_or(BrokerUrlError::NoScheme)?;
        let scheme = scheme.trim().to_ascii_lowercase();
        match scheme.as_str() {
            "memory" if rest.trim().is_empty() => Ok(Self::memory()),
            "memory" => Err(BrokerUrlError::Address),
            "kafka" => Err(BrokerUrlError::Feature { scheme: "kafka", feature: "kafka" }),
            "amqp" => Err(BrokerUrlError::Feature { scheme: "amqp", feature: "rabbitmq" }),
            "amqps" => Err(BrokerUrlError::Feature { scheme: "amqps", feature: "rabbitmq" }),
            "redis" => Err(BrokerUrlError::Feature { scheme: "redis", feature: "redis" }),
            "rediss" => Err(BrokerUrlError::Feature { scheme: "rediss", feature: "redis" }),
            "nats" => Err(BrokerUrlError::Feature { scheme: "nats", feature: "nats" }),
            "tls" => Err(BrokerUrlError::Feature { scheme: "tls", feature: "nats" }),
            // What has other characters may be a password that lost its place.
            other if other.len() <= 16 && other.bytes().all(|byte| byte.is_ascii_alphabetic()) => {
                Err(BrokerUrlError::UnknownScheme { scheme })
            }
            _ => Err(BrokerUrlError::NoScheme),
        }
    }

    /// Parses the environment variable `MODI_BROKER_URL`.
    ///
    /// # Errors
    ///
    /// [`BrokerUrlError`]; an unset variable is one, because a service must not swallow messages for the want of it.
    pub fn from_env() -> Result<Self, BrokerUrlError> {
        Self::from_variable(env::var(VARIABLE), None)
    }

    /// The same, with the URL for an unset variable.
    ///
    /// # Errors
    ///
    /// [`BrokerUrlError`].
    pub fn from_env_or(url: &str) -> Result<Self, BrokerUrlError> {
        Self::from_variable(env::var(VARIABLE), Some(url))
    }

    fn from_variable(value: Result<String, VarError>, or: Option<&str>) -> Result<Self, BrokerUrlError> {
        match (value, or) {
            (Ok(url), _) if !url.trim().is_empty() => Self::from_url(url.trim()),
            (Err(VarError::NotUnicode(_)), _) => Err(BrokerUrlError::NotText),
            (_, Some(url)) => Self::from_url(url),
            (_, None) => Err(BrokerUrlError::Unset),
        }
    }

    /// How long the start of an application waits for a broker that is not there yet, trying again and again. By default 30
    /// seconds; zero fails at the first error. What can never work, such as a wrong password, fails at once. The
    /// application's own start deadline holds as well.
    #[must_use]
    pub fn wait_for(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// What the start does about topics and dead-letter places that are missing: it creates them by default, and never
    /// alters what is there. With [`Provision::Verify`] what is missing is an error of the start, all of it at once; with
    /// [`Provision::Off`] nobody looks. Differences that are not missing places are logged.
    #[must_use]
    pub fn provision(self, provision: Provision) -> Self {
        Self { provision, ..self }
    }

    /// Puts a prefix before every topic and group that applications use on this broker: several environments can share
    /// one broker. Handlers, dead letters and reports show the names without it. In groups its dots become hyphens. It
    /// consists of letters, digits, `-`, `_` and `.`; the start of an application says when it does not.
    ///
    /// ```
    /// use modi_broker::{Broker, MemoryBroker};
    ///
    /// let memory = MemoryBroker::new();
    /// let broker = Broker::from(memory).with_prefix("staging."); // `orders` is `staging.orders` in `memory`
    /// ```
    #[must_use]
    pub fn with_prefix(self, prefix: &str) -> Self {
        let connect = Arc::new(Prefixed(self.connect, Prefix::new(prefix)));
        let before = self.prefix.as_deref().unwrap_or_default();
        let prefix = Some(format!("{before}{prefix}").into());
        Self { connect, prefix, ..self }
    }

    /// What its subscribers have done, in every application that was given this broker or a clone of it.
    pub fn report(&self) -> Report {
        let counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        let of = |(name, members): &Counted| {
            let members = members.iter().map(|counters| SubscriberStats::of(name, counters)).collect();
            SubscriberStats { name: name.clone(), ..Report { subscribers: members }.total() }
        };
        Report { subscribers: counted.iter().map(of).collect() }
    }

    /// The numbers of a subscriber with so many members.
    pub(crate) fn count(&self, subscriber: &str, members: usize) -> Vec<Arc<Counters>> {
        let counters: Vec<Arc<Counters>> = (0..members).map(|_| Arc::default()).collect();
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        counted.push((subscriber.to_owned(), counters.clone()));
        counters
    }

    pub(crate) fn provisioning(&self) -> Provision {
        self.provision
    }

    pub(crate) fn prefix(&self) -> Option<&str> {
        self.prefix.as_deref()
    }

    pub(crate) fn patience(&self) -> Duration {
        self.patience
    }

    /// The same with a report of its own.
    #[cfg(all(feature = "conformance", not(test)))]
    pub(crate) fn counted_anew(self) -> Self {
        Self { counted: Arc::default(), ..self }
    }

    pub(crate) fn connector(&self) -> &dyn Connect {
        &*self.connect
    }

    pub(crate) fn scheme(&self) -> &'static str {
        self.scheme
    }
}

impl From<MemoryBroker> for Broker {
    fn from(broker: MemoryBroker) -> Self {
        Self::new("memory", broker)
    }
}

/// The scheme only: a URL may hold a password.
impl fmt::Debug for Broker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Broker({})", self.scheme)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(url: &str) -> Option<BrokerUrlError> {
        Broker::from_url(url).err()
    }

    #[test]
    fn every_scheme_of_a_broker_that_is_left_out_names_its_feature() {
        let features = [
            ("kafka", "kafka"),
            ("amqp", "rabbitmq"),
            ("amqps", "rabbitmq"),
            ("redis", "redis"),
            ("rediss", "redis"),
            ("nats", "nats"),
            ("tls", "nats"),
        ];
        for (scheme, feature) in features {
            assert_eq!(refused(&format!("{scheme}://u:p@host")), Some(BrokerUrlError::Feature { scheme, feature }));
        }
    }

    #[test]
    fn no_error_shows_a_secret() {
        for url in ["hunter2", "hunter2@host:1", "user:hunter2@host://x", "memory://hunter2", "kafka://u:hunter2@h"] {
            let error = refused(url).map(|error| format!("{error} {error:?}")).unwrap_or_default();
            assert!(!error.is_empty() && !error.contains("hunter2"), "{url}: {error}");
        }
        assert_eq!(refused("mqtt://host"), Some(BrokerUrlError::UnknownScheme { scheme: "mqtt".to_owned() }));
    }

    #[test]
    fn an_unset_variable_is_an_error_that_says_what_to_write_unless_there_is_another_url() {
        let unset = || Err(VarError::NotPresent);
        let error = Broker::from_variable(unset(), None).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(error.contains("MODI_BROKER_URL") && error.contains("memory://"), "{error}");
        assert!(Broker::from_variable(unset(), Some("memory://")).is_ok());
        assert!(Broker::from_variable(Ok(String::new()), None).is_err());
        assert!(Broker::from_variable(Ok("memory://".to_owned()), None).is_ok());
    }
}
