//! The loop of a subscriber that handles one message at a time, in order.

use super::attempt::End;
use super::job::{Room, Shared, Task};
use super::run::Desk;
use crate::contract::{Delivery, Source};
use crate::{BrokerError, Handler};
use modi_core::Module;
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

pub(super) async fn work<M: Module, H: Handler<M>>(
    shared: &Shared<M, H>,
    desk: &mut Desk<'_>,
    source: &mut dyn Source,
) -> Result<(), BrokerError> {
    let mut batch = Vec::with_capacity(H::SPEC.limit);
    let mut room = Room::default();
    while !desk.is_draining() {
        let received = receive(desk, source, H::SPEC.limit, &mut batch).await;
        desk.received(received, &batch)?;
        let mut fatal = None;
        for delivery in batch.drain(..) {
            let Delivery { message, attempt: number, lease } = delivery;
            let lane = lease.lane;
            if fatal.is_some() || desk.is_draining() || desk.is_gone(lane) {
                desk.release(lease);
                continue;
            }
            let (lease, begins_at) = desk.begin(lease);
            let end = {
                let mut job = pin!(shared.handle(Task { message: &message, number, lane, begins_at, room: &mut room }));
                poll_fn(|cx| {
                    loop {
                        if let Poll::Ready(ended) = job.as_mut().poll(cx) {
                            return Poll::Ready(ended.end);
                        }
                        if !desk.wait(cx) {
                            desk.rest();
                            return Poll::Pending;
                        }
                    }
                })
                .await
            };
            // In case of an error the message stays with the broker.
            if desk.end(lease, *end.as_ref().unwrap_or(&End::Released)) {
                desk.settling.begin(&mut desk.tally).await;
            }
            if !shared.plan.is_empty() {
                shared.leave(&mut room.scope);
            }
            fatal = end.err();
        }
        desk.tally.flush();
        if let Some(error) = fatal {
            return Err(error);
        }
        desk.give_way(H::SPEC.limit).await;
    }
    Ok(())
}

/// Waits for a batch, or for the stop. Settling goes on beside it.
async fn receive(
    desk: &mut Desk<'_>,
    source: &mut dyn Source,
    limit: usize,
    batch: &mut Vec<Delivery>,
) -> Result<(), BrokerError> {
    let credit = limit.saturating_sub(desk.settling.outstanding());
    let mut next = (credit > 0 && desk.may_receive()).then(|| source.next(credit, batch));
    poll_fn(|cx| {
        desk.settling.poll(cx, &mut desk.tally);
        if let Some(next) = &mut next
            && let Poll::Ready(received) = next.as_mut().poll(cx)
        {
            return Poll::Ready(received);
        }
        if next.is_none() {
            // Without credit the settlements are what everybody waits for.
            desk.start_settling(cx);
            if desk.may_receive() && desk.settling.outstanding() < limit {
                return Poll::Ready(Ok(()));
            }
        }
        while desk.wait(cx) {
            if next.is_none() && desk.may_receive() {
                return Poll::Ready(Ok(()));
            }
        }
        if desk.is_draining() {
            return Poll::Ready(Ok(()));
        }
        desk.rest();
        Poll::Pending
    })
    .await
}
