//! What a handler returned, published: at once and confirmed later, or through what stands around the handler.

use super::attempt::{Attempted, End};
use super::confirming::{Unconfirmed, later};
use super::control::Stage;
use super::counters::count;
use super::failure::Failure;
use super::job::{Room, Shared};
use super::work::Work;
use crate::Message;
use crate::contract::{Answer, Outgoing};
use crate::handler::{Destination, Response, Responses};
use crate::middleware::Layers;
use crate::observe::Watch;
use crate::publisher::Cause;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use modi_core::Error;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use tokio::time::timeout;

impl<W: Work> Shared<W> {
    /// Publishes the results. What is not confirmed at once waits in the room.
    pub(super) fn respond(&self, message: &Message, room: &mut Room) -> Attempted {
        let cause = Cause::of(message, room.signals.watch.trace());
        let mut send = |response: Response| {
            let (places, result) = self.address(message, &cause, response)?;
            for to in places {
                match self.publish.send(Outgoing::new(to.place(), result.clone())) {
                    Answer::Now(Ok(_)) => count(&self.counters.published),
                    answer => {
                        let (message, answer) = (result.clone(), later(answer));
                        room.unconfirmed.push_back(Unconfirmed { to, message, answer, again: false });
                    }
                }
            }
            Ok(())
        };
        let sent = match std::mem::take(&mut room.responses) {
            Responses::None => Ok(()),
            Responses::One(response) => send(response),
            Responses::Many(responses) => responses.into_iter().try_for_each(send),
        };
        match sent {
            Err(error) => {
                room.unconfirmed.clear();
                Attempted::Failed(Failure::returned(error))
            }
            Ok(()) if room.unconfirmed.is_empty() => Attempted::Ended(End::Acked),
            Ok(()) => Attempted::Ended(End::Unconfirmed),
        }
    }

    /// Publishes the results through what stands around the handler: one after the other, each when the one before is
    /// confirmed. Boxed: few handlers have that.
    pub(super) fn respond_through<'a>(
        &'a self,
        layers: &'a Layers,
        message: &'a Message,
        responses: Responses,
        watch: &'a Watch,
    ) -> BoxFuture<'a, Attempted> {
        let publishing = async move {
            let cause = Cause::of(message, watch.trace());
            for response in responses.in_order() {
                let (places, result) = self.address(message, &cause, response)?;
                for to in places {
                    let outgoing = Outgoing::new(to.place(), result.clone());
                    layers.publish_result(&*self.publish, outgoing).await?;
                    count(&self.counters.published);
                }
            }
            Ok(End::Acked)
        };
        Box::pin(async move {
            let deadline = self.work.part(message).spec.deadline;
            let publishing = pin!(publishing);
            let publishing = AssertUnwindSafe(watch.run(publishing)).catch_unwind();
            match self.unless(Stage::Cut, timeout(deadline, publishing)).await {
                None => Attempted::Cut,
                Some(Ok(Ok(Ok(end)))) => Attempted::Ended(end),
                Some(Ok(Ok(Err(error)))) => Attempted::Failed(Failure::returned(error)),
                Some(Ok(Err(panic))) => self.panicked(&*panic),
                Some(Err(_)) => {
                    let error = Error::new(format!("its results were not published after {deadline:?}"));
                    Attempted::Failed(Failure::returned(error))
                }
            }
        })
    }

    /// Where a result goes, and as what.
    fn address<'a>(
        &'a self,
        message: &Message,
        cause: &Cause,
        response: Response,
    ) -> Result<(impl Iterator<Item = Destination> + use<'a, W>, Message), Error> {
        let about = &self.work.part(message).about;
        let (own, topics) = match response.topic {
            Some(topic) => (Some(Destination::Topic(topic)), &[][..]),
            None if about.replies => (message.reply_address().cloned().map(Destination::Reply), &[][..]),
            None => (None, &about.publish[..]),
        };
        if own.is_none() && topics.is_empty() {
            if !about.replies {
                // The compiler has refused this.
                let text = "the handler returned a message and does not say where to publish it";
                return Err(Error::reject(text));
            }
            tracing::debug!(subscriber = self.name, "an answer was dropped: its message asks for none");
        }
        let mut result = response.message;
        cause.mark(&mut result);
        if response.inherits_key && result.key().is_none() {
            result.set_key(message.key().cloned());
        }
        Ok((own.into_iter().chain(topics.iter().cloned().map(Destination::Topic)), result))
    }
}
