//! `.broker(..)` on an application.

use crate::component::Brokers;
use crate::registry::Registry;
use crate::subscribers::Roster;
use crate::{Broker, Errors, Failed, Metrics, Middleware, Outcome, Publisher, Subscribers};
use modi_core::{App, Module};
use std::sync::Arc;

/// Gives an application its brokers.
///
/// ```
/// use modi_broker::{AppExt, Broker};
/// use modi_core::App;
/// # mod empty { include!("../tests/common/empty.rs"); }
/// # use empty::Empty;
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// let app = App::new(Empty).broker(Broker::from_env_or("memory://")?).start().await?;
/// app.stop().await
/// # }).unwrap();
/// ```
pub trait AppExt: Sized {
    /// The broker of every subscriber and publisher that names none.
    #[must_use]
    fn broker(self, broker: impl Into<Broker>) -> Self;

    /// A further broker: `#[subscriber("..", broker = "audit")]`, [`Publisher::on`].
    #[must_use]
    fn named_broker(self, name: impl Into<String>, broker: impl Into<Broker>) -> Self;

    /// A function that sees every failed attempt of every subscriber and may choose what follows, as
    /// [`Spec::on_error`](crate::Spec::on_error) does; that one is asked first. The last one given counts.
    #[must_use]
    fn on_error(self, hook: impl Fn(&Failed<'_>) -> Option<Outcome> + Send + Sync + 'static) -> Self;

    /// Whether dead letters tell errors, where their subscribers do not say otherwise: [`Spec::errors`](crate::Spec::errors).
    /// By default they do.
    #[must_use]
    fn errors(self, errors: Errors) -> Self;

    /// Puts a middleware around every handler and every publication of the application, inside of those before it: see
    /// [`Middleware`]. It is a value, and needs no module; what is injected is listed in a module.
    #[must_use]
    fn middleware(self, middleware: impl Middleware) -> Self;
}

impl<M: Module> AppExt for App<M> {
    fn broker(self, broker: impl Into<Broker>) -> Self {
        let (app, registry) = registered(self);
        registry.add(None, broker.into());
        app
    }

    fn named_broker(self, name: impl Into<String>, broker: impl Into<Broker>) -> Self {
        let (app, registry) = registered(self);
        registry.add(Some(name.into()), broker.into());
        app
    }

    fn on_error(self, hook: impl Fn(&Failed<'_>) -> Option<Outcome> + Send + Sync + 'static) -> Self {
        let (app, registry) = registered(self);
        registry.set_on_error(Arc::new(hook));
        app
    }

    fn errors(self, errors: Errors) -> Self {
        let (app, registry) = registered(self);
        registry.set_errors(errors);
        app
    }

    fn middleware(self, middleware: impl Middleware) -> Self {
        let (app, registry) = registered(self);
        registry.middleware.add(middleware);
        app
    }
}

/// The first broker brings the component and the publisher; further ones join them.
pub(crate) fn registered<M: Module>(app: App<M>) -> (App<M>, Arc<Registry>) {
    if let Some(registry) = app.extension::<Arc<Registry>>().cloned() {
        return (app, registry);
    }
    let (registry, roster) = (Arc::new(Registry::new()), Arc::<Roster>::default());
    let app = app.extend(registry.clone()).extend(Subscribers::new(roster.clone())).extend(Metrics::new());
    let app = app.component(Brokers::new(registry.clone(), roster));
    match registry.link(None) {
        Some(link) => (app.extend(Publisher::new(registry.clone(), link)), registry),
        None => (app, registry),
    }
}
