//! One subscription: a member of a group.

use super::topic::{State, Topic};
use crate::BrokerError;
use crate::contract::{Answer, Credit, Delivery, Settle, Settled, Settlement, Source};
use async_trait::async_trait;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Poll, Waker};
use tokio::time::{Sleep, sleep_until};

/// Shared by the two halves: the last of them that goes gives back what the member has in hand.
pub(super) struct Member {
    topic: Arc<Topic>,
    group: usize,
    number: u32,
}

/// Intake or settlement.
pub(super) struct Half(pub(super) Arc<Member>);

impl Member {
    pub(super) fn join(topic: Arc<Topic>, group: &Arc<str>) -> Self {
        let mut state = topic.lock();
        let at = Topic::group(&mut state, group);
        let group = &mut state.groups[at];
        if group.members == 0 {
            // Under the lock, so that a message that comes in is counted once.
            topic.watch.add(group.open);
        }
        let number = group.join();
        drop(state);
        Self { topic, group: at, number }
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        let mut state = self.topic.lock();
        let group = &mut state.groups[self.group];
        group.leave(self.number);
        group.wakers.drain(..).for_each(Waker::wake);
        let left_open = if group.members == 0 { group.open } else { 0 };
        drop(state);
        self.topic.watch.take_off(left_open);
    }
}

#[async_trait]
impl Source for Half {
    async fn next(&mut self, credit: Credit, into: &mut Vec<Delivery>) -> Result<(), BrokerError> {
        let Member { topic, group, number } = &*self.0;
        let mut timer: Option<Pin<Box<Sleep>>> = None;
        poll_fn(|cx| {
            loop {
                let due = {
                    let mut state = topic.lock();
                    let State { base, log, groups, .. } = &mut *state;
                    let group = &mut groups[*group];
                    group.take(*number, *base, log, credit.messages, into);
                    if !into.is_empty() {
                        return Poll::Ready(Ok(()));
                    }
                    if !group.wakers.iter().any(|waker| waker.will_wake(cx.waker())) {
                        group.wakers.push(cx.waker().clone());
                    }
                    group.due()
                };
                let Some(due) = due else { return Poll::Pending };
                let timer = timer.get_or_insert_with(|| Box::pin(sleep_until(due)));
                if timer.deadline() != due {
                    timer.as_mut().reset(due);
                }
                if timer.as_mut().poll(cx).is_pending() {
                    return Poll::Pending;
                }
            }
        })
        .await
    }

    async fn stop(&mut self) -> Result<(), BrokerError> {
        // Nothing is read ahead.
        Ok(())
    }
}

impl Settle for Half {
    fn settle(&self, items: &mut Vec<Settlement>) -> Answer<Settled> {
        Answer::Now(self.0.topic.settle(self.0.group, items))
    }
}
