//! The loop of a subscriber that handles several messages side by side.

use super::desk::Desk;
use super::exit::Exit;
use super::floor::Floor;
use super::job::{Room, Shared, Task};
use super::work::Work;
use crate::Message;
use crate::contract::{Credit, Delivery, Source};
use std::future::poll_fn;
use std::task::Poll;

pub(super) async fn work<W: Work>(
    shared: &Shared<W>,
    desk: &mut Desk<'_>,
    source: &mut dyn Source,
) -> Result<(), Exit> {
    let limit = shared.work.spec().limit;
    // One by one, credit would come back one by one, and batches would be single messages.
    let least = (limit / 4).max(1);
    let start = |task: Task<Message, Box<Room>>, begin| shared.handle(task, begin);
    let mut floor = Floor::new(shared, desk, start);
    let mut batch: Vec<Delivery> = Vec::with_capacity(limit);
    loop {
        if floor.desk.has_to_stop() {
            floor.desk.stop_intake(source).await;
        }
        // A breaker that is open wants the one message that probes, and nothing else.
        let is_single = shared.breaker.is_open() || floor.desk.is_careful();
        let messages = if is_single { 1 } else { limit.saturating_sub(floor.out()) };
        let credit = Credit { messages, bytes: floor.bytes_left() };
        let mut next = floor.wants(limit, least).then(|| source.next(credit, &mut batch));
        let received = poll_fn(|cx| {
            floor.turn(cx);
            let is_confirmed = floor.desk.is_draining() && floor.desk.is_confirmed();
            if let Some(next) = &mut next
                && floor.desk.may_receive()
                && let Poll::Ready(received) = next.as_mut().poll(cx)
            {
                return Poll::Ready(received);
            }
            if next.is_none() && floor.held == 0 {
                // Without credit the settlements are what everybody waits for.
                floor.desk.start_settling(cx);
            }
            let is_over = match floor.desk.is_draining() {
                true if floor.desk.has_to_stop() => true,
                true => next.is_some() || floor.held == 0 && is_confirmed,
                false => next.is_some() != floor.wants(limit, least),
            };
            if is_over {
                return Poll::Ready(Ok(()));
            }
            floor.desk.rest();
            Poll::Pending
        })
        .await;
        drop(next);
        let received = floor.desk.received(received, &mut batch);
        floor.admit(&mut batch);
        floor.desk.tally.flush();
        if let Err(error) = received {
            floor.fail(error.into());
        }
        if floor.desk.is_draining() && floor.held == 0 && floor.desk.is_confirmed() {
            return floor.fatal.map_or(Ok(()), Err);
        }
        floor.desk.give_way(limit).await;
    }
}
