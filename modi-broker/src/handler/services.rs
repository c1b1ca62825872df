//! Services as arguments: the same spellings as in a constructor.

use crate::{Attempt, FromMessage, Publisher};
use modi_core::graph::Key;
use modi_core::module::{Optional, Provides, Singleton};
use modi_core::provide::How;
use modi_core::{All, Dependency, Error, Lazy, Module, Service};
use std::sync::Arc;

impl<M: Provides<T>, T: ?Sized + Service> FromMessage<M> for Arc<T> {
    const TO: Option<Key> = Some(M::How::KEY);

    #[inline]
    fn take(attempt: &Attempt<'_, M>) -> Result<Self, Error> {
        M::How::take(&attempt.resolver)
    }
}

impl<M: Optional<T>, T: ?Sized + Service> FromMessage<M> for Option<Arc<T>> {
    const TO: Option<Key> = M::KEY;

    fn take(attempt: &Attempt<'_, M>) -> Result<Self, Error> {
        M::option(&attempt.resolver)
    }
}

impl<M: Provides<Self>, T: ?Sized + Service> FromMessage<M> for All<T> {
    const TO: Option<Key> = Some(M::How::KEY);

    fn take(attempt: &Attempt<'_, M>) -> Result<Self, Error> {
        Dependency::take(&attempt.resolver)
    }
}

impl<M: Singleton<T>, T: ?Sized + Service> FromMessage<M> for Lazy<T> {
    const TO: Option<Key> = Some(M::How::KEY);
    const LAZY: bool = true;

    fn take(attempt: &Attempt<'_, M>) -> Result<Self, Error> {
        Dependency::take(&attempt.resolver)
    }
}

impl<M: Module> FromMessage<M> for Publisher {
    const OF_MESSAGE: bool = false;

    fn take(attempt: &Attempt<'_, M>) -> Result<Self, Error> {
        Ok(attempt.publisher())
    }
}
