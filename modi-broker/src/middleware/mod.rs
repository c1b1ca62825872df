//! What stands around handlers, and around what they publish.
//!
//! | file | its job |
//! |---|---|
//! | `call` | the call of a handler, as middleware sees it |
//! | `next` | from one middleware to the next |
//! | `inside`, `sinks` | what is inside of all of them: handlers, and the broker |
//! | `layers` | which of them there are: erased, taken for an attempt, in order |

mod call;
mod inside;
mod layers;
mod next;
mod sinks;

pub use call::Call;
pub use layers::around;
pub use next::{Next, NextPublish};

pub(crate) use layers::{Layers, Outermost, Surroundings};

use crate::contract::{Outgoing, Receipt};
use crate::{PublishError, Reply};
use modi_core::{Error, Service};

/// Something around handlers and around publications: it measures, checks, changes, refuses or repeats them.
///
/// Implement one of the two methods, or both; the other passes everything on.
///
/// | written | around |
/// |---|---|
/// | `App::new(..).middleware(value)` | every handler and everything that is published in the application |
/// | `#[module(middleware = [Audit])]` | every handler that the module lists, and what these publish |
/// | `#[subscriber("..", middleware = [Timing, Audit])]` | that handler, and what it publishes |
///
/// The application's are the outermost, then come the module's, then the subscriber's; in a list the first is the
/// outermost. Handlers and publications pass them in the same order, from the outside to the inside. Of an application's
/// publications only those of handlers pass the module's and the subscriber's: a service that takes a
/// [`Publisher`](crate::Publisher) publishes through the application's.
///
/// What is listed in a module or for a subscriber is a service: its module provides or imports it, and it takes what it
/// needs as every service does. A scoped one is made for each attempt, and shares that attempt's other scoped services with the
/// handler.
///
/// ```
/// use modi_broker::{Call, Middleware, Next, NextPublish, Outgoing, Outcome, PublishError, Receipt, Reply};
/// use modi_core::Error;
///
/// /// Handles messages of known tenants, and says of which tenant a publication is.
/// struct Tenants { known: Vec<String> }
///
/// impl Middleware for Tenants {
///     async fn handle(&self, call: &Call<'_>, next: Next<'_>) -> Result<Reply, Error> {
///         match call.message().headers().text("tenant") {
///             Some(tenant) if self.known.iter().any(|known| known == tenant) => next.run().await,
///             _ => Ok(Outcome::drop("not one of our tenants").into()),
///         }
///     }
///
///     async fn publish(&self, mut message: Outgoing<'_>, next: NextPublish<'_>) -> Result<Receipt, PublishError> {
///         message.message.headers_mut().append("via", "tenants");
///         next.send(message).await
///     }
/// }
/// ```
///
/// Messages for a test go around it, and so do dead letters and copies that are tried again later: they are not the
/// handler's.
#[diagnostic::on_unimplemented(message = "`{Self}` is not a middleware", label = "write `impl Middleware for {Self}`")]
pub trait Middleware: Service {
    /// Around the handler of an attempt. The pipeline calls it once the arguments that come from the message are decoded
    /// and the scope is open, and completes the scope after it.
    ///
    /// It may leave out [`Next::run`], call it again, and return something else than what that came to. What it returns is
    /// the result of the handler: an error is tried again, unless it says otherwise.
    ///
    /// Panics and the deadline are outside of every middleware: it is dropped with the handler then, and a panic of its own is
    /// a failed attempt.
    ///
    /// # Errors
    ///
    /// Those of the handler, or its own.
    fn handle(&self, call: &Call<'_>, next: Next<'_>) -> impl Future<Output = Result<Reply, Error>> + Send {
        let _ = call;
        async move { next.run().await }
    }

    /// Around each message that is published: the results of a handler, after its scope was completed, and what is sent
    /// through a [`Publisher`](crate::Publisher).
    ///
    /// It may change the message, refuse it with [`PublishError::Refused`], or send further ones. The publications of a
    /// handler pass one after the other, each when the one before is confirmed; without any middleware all its results are
    /// sent before the first is confirmed. What it publishes itself, through a publisher that it stands around, comes back to
    /// it.
    ///
    /// # Errors
    ///
    /// Those of the broker, or its own. For a result of the handler it is the handler's error.
    fn publish(
        &self,
        message: Outgoing<'_>,
        next: NextPublish<'_>,
    ) -> impl Future<Output = Result<Receipt, PublishError>> + Send {
        async move { next.send(message).await }
    }
}
