//! The loop of a subscriber that handles one message at a time, in order.

use super::attempt::{Attempted, End};
use super::breaker::PATIENCE;
use super::control::Stage;
use super::failure::Suspicion;
use super::job::{Room, Shared, Task};
use super::run::Desk;
use super::work::Work;
use crate::BrokerError;
use crate::contract::{Credit, Delivery, Source};
use crate::handler::Signals;
use futures_util::future::BoxFuture;
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

pub(super) async fn work<W: Work>(
    shared: &Shared<W>,
    desk: &mut Desk<'_>,
    source: &mut dyn Source,
) -> Result<(), BrokerError> {
    let mut batch = Vec::with_capacity(shared.work.spec().limit);
    let (mut room, mut signals) = (Room::default(), Signals::default());
    // What waits for the breaker, in order, and what waits for the fate of later messages.
    let (mut held, mut suspects) = (Vec::new(), Vec::new());
    let mut ended = Ok(());
    while ended.is_ok() && !desk.is_draining() {
        if shared.breaker.is_open() {
            let probe = desk.after(shared.breaker.pause());
            desk.drive(pin!(moment(shared, probe))).await;
        }
        if batch.is_empty() {
            let limit = shared.work.spec().limit - suspects.len().min(shared.work.spec().limit);
            let patience = (!suspects.is_empty()).then(|| desk.after(PATIENCE));
            let received = receive(desk, source, limit, patience, &mut batch).await;
            ended = desk.received(received, &batch);
            let is_alone = batch.is_empty() && patience.is_some_and(|moment| desk.has_come(moment));
            if ended.is_ok() && is_alone && !desk.is_draining() {
                ended = condemn(shared, desk, &mut room, &mut suspects).await;
            }
        }
        let mut holds = false;
        for delivery in batch.drain(..) {
            if holds || ended.is_err() || desk.is_draining() {
                held.push(delivery);
                continue;
            }
            let Delivery { message, attempt: number, lease } = delivery;
            let lane = lease.lane;
            if desk.is_gone(lane) {
                desk.release(lease);
                continue;
            }
            let mut attempted = None;
            if !W::EARLY {
                let mut running = pin!(Some(shared.work.attempt(&message, number, lane, &mut room, &signals)));
                // Most handlers do not wait, and then none of what is below is needed.
                attempted = Some(match poll_fn(|cx| Poll::Ready(shared.run(running.as_mut(), cx))).await {
                    Poll::Ready(attempted) => attempted,
                    Poll::Pending => desk.drive(pin!(shared.see_through(&message, &signals, running.as_mut()))).await,
                });
            }
            if let Some(attempted) = &attempted {
                signals.end(|| attempted.is_cut_off());
            }
            if matches!(attempted, Some(Attempted::Ended(End::Acked)))
                && shared.is_over(&room)
                && !shared.breaker.is_troubled()
            {
                if desk.ack(lease) {
                    desk.settling.begin(&mut desk.tally).await;
                }
                continue;
            }
            let (mut lease, begins_at) = desk.begin(lease);
            let task = Task { message: &message, number, lane, begins_at, room: &mut room };
            let end = desk.drive(pin!(shared.handle(task, attempted))).await.end;
            if matches!(end, Ok(End::Kept | End::Suspected))
                && let Some(lease) = lease.take()
            {
                let delivery = Delivery { message, attempt: number, lease };
                match room.suspicion.take() {
                    Some(suspicion) => suspects.push((delivery, suspicion)),
                    None => {
                        held.extend(suspects.drain(..).map(|(delivery, _)| delivery));
                        held.push(delivery);
                        holds = true;
                    }
                }
                continue;
            }
            // In case of an error the message stays with the broker.
            if desk.end(lease, *end.as_ref().unwrap_or(&End::Released)) {
                desk.settling.begin(&mut desk.tally).await;
            }
            if !shared.work.is_scopeless() {
                shared.leave(&mut room.scope);
            }
            if shared.breaker.is_troubled() {
                if matches!(end, Ok(End::Acked | End::Dropped)) {
                    shared.recovered();
                    ended = condemn(shared, desk, &mut room, &mut suspects).await;
                }
                // A probe that tells nothing: the next one has its turn.
                holds = shared.breaker.is_open();
            }
            if let Err(error) = end {
                ended = Err(error);
            }
        }
        std::mem::swap(&mut batch, &mut held);
        desk.tally.flush();
        desk.give_way(shared.work.spec().limit).await;
    }
    suspects.into_iter().for_each(|(delivery, _)| desk.release(delivery.lease));
    batch.into_iter().for_each(|delivery| desk.release(delivery.lease));
    ended
}

/// Waits for a moment, or for the stop.
async fn moment<W: Work>(shared: &Shared<W>, at: u64) {
    let come = poll_fn(|_| if shared.clock.has_come(at) { Poll::Ready(()) } else { Poll::Pending });
    shared.unless(Stage::Draining, come).await;
}

type Suspect = (Delivery, Box<Suspicion>);

/// Writes the dead letters of those whose failure was their own.
#[cold]
fn condemn<'a, W: Work>(
    shared: &'a Shared<W>,
    desk: &'a mut Desk<'_>,
    room: &'a mut Room,
    suspects: &'a mut Vec<Suspect>,
) -> BoxFuture<'a, Result<(), BrokerError>> {
    Box::pin(async move {
        while !suspects.is_empty() {
            let (Delivery { message, lease, .. }, suspicion) = suspects.remove(0);
            let lane = lease.lane;
            if desk.is_gone(lane) {
                desk.release(lease);
                continue;
            }
            room.suspicion = Some(suspicion);
            let task = Task { message: &message, number: 0, lane, begins_at: None, room: &mut *room };
            let end = desk.drive(pin!(shared.handle(task, None))).await.end;
            desk.end(Some(lease), *end.as_ref().unwrap_or(&End::Released));
            end?;
        }
        Ok(())
    })
}

/// Waits for a batch, for the end of its patience, or for the stop. Settling goes on beside it.
async fn receive(
    desk: &mut Desk<'_>,
    source: &mut dyn Source,
    limit: usize,
    patience: Option<u64>,
    batch: &mut Vec<Delivery>,
) -> Result<(), BrokerError> {
    let credit = limit.saturating_sub(desk.settling.outstanding());
    let mut next =
        (credit > 0 && desk.may_receive()).then(|| source.next(Credit { messages: credit, bytes: 8 << 20 }, batch));
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
        let mut is_over = patience.is_some_and(|moment| desk.has_come(moment));
        while !is_over && desk.wait(cx) {
            is_over = next.is_none() && limit > 0 && desk.may_receive()
                || patience.is_some_and(|moment| desk.has_come(moment));
        }
        if is_over || desk.is_draining() {
            return Poll::Ready(Ok(()));
        }
        desk.rest();
        Poll::Pending
    })
    .await
}
