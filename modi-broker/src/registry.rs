//! The brokers of an application by name, shared by its builder, its component and its publishers.

use crate::Broker;
use crate::failed::SharedHook;
use crate::handler::Errors;
use crate::middleware::Outermost;
use crate::publisher::Link;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub(crate) struct Registry {
    entries: Mutex<Vec<Entry>>,
    /// The default broker stands for every name: tests have one broker.
    one_for_all: AtomicBool,
    on_error: Mutex<Option<SharedHook>>,
    /// Dead letters do not tell errors, where their subscribers do not say otherwise.
    hides_errors: AtomicBool,
    /// What stands around all handlers and all that is published.
    pub(crate) middleware: Outermost,
}

#[derive(Clone)]
pub(crate) struct Entry {
    /// `None` is the default broker.
    pub(crate) name: Option<String>,
    /// `None` where something publishes to a default broker that nobody gave.
    pub(crate) broker: Option<Broker>,
    pub(crate) link: Arc<Link>,
}

impl Registry {
    pub(crate) fn new() -> Self {
        let default = Entry { name: None, broker: None, link: Arc::new(Link::new()) };
        Self {
            entries: Mutex::new(vec![default]),
            one_for_all: AtomicBool::new(false),
            on_error: Mutex::new(None),
            hides_errors: AtomicBool::new(false),
            middleware: Outermost::default(),
        }
    }

    /// A name that is taken is kept, so that the start can report it.
    pub(crate) fn add(&self, name: Option<String>, broker: Broker) {
        let mut entries = self.lock();
        match &mut entries[0] {
            default if name.is_none() && default.broker.is_none() => default.broker = Some(broker),
            _ => entries.push(Entry { name, broker: Some(broker), link: Arc::new(Link::new()) }),
        }
    }

    pub(crate) fn one_for_all(&self) {
        self.one_for_all.store(true, Ordering::Relaxed);
    }

    /// The default broker first.
    pub(crate) fn entries(&self) -> Vec<Entry> {
        self.lock().clone()
    }

    /// Which entry a name means.
    pub(crate) fn find(&self, name: Option<&str>) -> Option<usize> {
        if self.one_for_all.load(Ordering::Relaxed) {
            return Some(0);
        }
        self.lock().iter().position(|entry| entry.name.as_deref() == name)
    }

    pub(crate) fn link(&self, name: Option<&str>) -> Option<Arc<Link>> {
        let at = self.find(name)?;
        Some(self.lock()[at].link.clone())
    }

    /// The hook that sees the failures of every subscriber.
    pub(crate) fn on_error(&self) -> Option<SharedHook> {
        self.on_error.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn errors(&self) -> Errors {
        if self.hides_errors.load(Ordering::Relaxed) { Errors::Off } else { Errors::On }
    }

    pub(crate) fn set_errors(&self, errors: Errors) {
        self.hides_errors.store(errors == Errors::Off, Ordering::Relaxed);
    }

    pub(crate) fn set_on_error(&self, hook: SharedHook) {
        *self.on_error.lock().unwrap_or_else(PoisonError::into_inner) = Some(hook);
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.lock().iter().map(|entry| &entry.name)).finish()
    }
}
