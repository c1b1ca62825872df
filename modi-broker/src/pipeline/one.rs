//! The loop of a subscriber that handles one message at a time, in order.

use super::desk::Desk;
use super::exit::Exit;
use super::failure::Failure;
use super::job::{Begin, InHand, Shared};
use super::line::Line;
use super::work::Work;
use crate::contract::{Delivery, Source};
use crate::handler::Signals;
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

pub(super) async fn work<W: Work>(
    shared: &Shared<W>,
    desk: &mut Desk<'_>,
    source: &mut dyn Source,
) -> Result<(), Exit> {
    let limit = shared.work.spec().limit;
    let mut batch = Vec::with_capacity(limit);
    let mut signals = Signals::default();
    let mut line = Line::new(shared, desk);
    while line.goes_on() {
        line.probe().await;
        line.see_to_late().await;
        if batch.is_empty() {
            line.receive(source, limit, None, &mut batch).await;
        }
        // Where they are: moving them out one by one costs more than all the loop does beside.
        for delivery in &mut batch {
            if line.desk.is_paced() && !line.holds() {
                line.keep_pace(1).await;
            }
            if line.holds() {
                line.hold(delivery.take());
                continue;
            }
            let (number, origin) = (delivery.attempt, delivery.lease.origin());
            if line.desk.is_gone(origin.lane) {
                line.desk.release(delivery.lease.take());
                continue;
            }
            let message = &delivery.message;
            let begin = if W::EARLY || W::BY_HAND || Failure::may_crash(number) {
                Begin::first(message, number)
            } else {
                signals.watch.begin(message, number, || &shared.work.part(message).about);
                let mut attempted = {
                    let work = shared.work.attempt(message, number, origin.lane, &mut line.room, &signals);
                    let mut running = pin!(Some(work));
                    // Most handlers do not wait, and then none of what is below is needed.
                    match poll_fn(|cx| Poll::Ready(shared.run(running.as_mut(), cx))).await {
                        Poll::Ready(attempted) => attempted,
                        Poll::Pending => {
                            signals.watch.exit();
                            line.desk.drive(pin!(shared.see_through(message, &signals, running.as_mut()))).await
                        }
                    }
                };
                signals.watch.handled(shared.counters.seconds());
                signals.end(|| attempted.is_cut_off());
                let is_watched = signals.watch.is_open();
                if !is_watched && shared.finish_now(&mut attempted, message, &mut line.room) && line.is_plain() {
                    let is_due = line.desk.ack(delivery.lease.take());
                    if !shared.work.is_scopeless() {
                        line.room.leave(&shared.name);
                    }
                    if is_due {
                        line.desk.settling.begin(&mut line.desk.tally).await;
                    }
                    continue;
                }
                Begin::With(attempted)
            };
            signals.watch.exit();
            std::mem::swap(&mut line.room.signals.watch, &mut signals.watch);
            let Delivery { message, lease, .. } = delivery.take();
            let (lease, begins_at) = line.desk.begin(lease);
            let hand = InHand { message, number, origin, lease, arrival: 0, key: None };
            line.go_on(hand, begins_at, begin, false).await;
        }
        batch.clear();
        line.take_held(&mut batch);
        line.desk.tally.flush();
        line.desk.give_way(limit).await;
    }
    line.finish(source, batch).await
}
