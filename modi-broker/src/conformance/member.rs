//! A subscription without an application, with a few words for what tests do with one.

use super::test::{PATIENCE, QUIET, within};
use crate::contract::{Credit, Delivery, SettleResult, Settled, Settlement, Subscription, Verdict};
use crate::{BrokerError, Message};
use tokio::time::{Instant, timeout};

pub(super) struct Member {
    pub(super) subscription: Subscription,
    /// Handed out, and not yet asked for.
    spare: Vec<Delivery>,
}

impl Member {
    pub(super) fn new(subscription: Subscription) -> Self {
        Self { subscription, spare: Vec::new() }
    }

    /// The next call of its source that brings something. An error that is none for ever is asked past.
    async fn intake(&mut self, credit: Credit) -> Result<(), BrokerError> {
        loop {
            match self.subscription.source.next(credit, &mut self.spare).await {
                Ok(()) if self.spare.is_empty() => panic!("the intake is ready with nothing"),
                Err(error) if !error.is_permanent() => tokio::task::yield_now().await,
                other => return other,
            }
        }
    }

    /// So many, in their order.
    #[track_caller]
    pub(super) fn take(&mut self, many: usize) -> impl Future<Output = Vec<Delivery>> {
        let at = std::panic::Location::caller();
        async move {
            let begun = Instant::now();
            while self.spare.len() < many {
                let credit = Credit { messages: many - self.spare.len(), bytes: 64 << 20 };
                let left = PATIENCE.saturating_sub(begun.elapsed());
                match timeout(left, self.intake(credit)).await {
                    Ok(taken) => taken.unwrap(),
                    Err(_) => panic!("{at}: {} of {many} messages after {PATIENCE:?}", self.spare.len()),
                }
            }
            self.spare.drain(..many).collect()
        }
    }

    /// The next one.
    #[track_caller]
    pub(super) fn one(&mut self) -> impl Future<Output = Delivery> {
        let taken = self.take(1);
        async move { taken.await.remove(0) }
    }

    /// What comes while a test looks for what must not come.
    pub(super) async fn strays(&mut self) -> Vec<String> {
        let credit = Credit { messages: 256, bytes: 64 << 20 };
        let _nothing = timeout(QUIET, self.intake(credit)).await;
        self.spare.drain(..).map(|delivery| id(&delivery.message)).collect()
    }

    pub(super) async fn settle(
        &self,
        deliveries: impl IntoIterator<Item = Delivery>,
        verdict: Verdict,
    ) -> Vec<SettleResult> {
        let settle = |delivery: Delivery| Settlement { lease: delivery.lease, verdict };
        let mut items: Vec<_> = deliveries.into_iter().map(settle).collect();
        let many = items.len();
        match within(self.subscription.settle.settle(&mut items).wait()).await {
            Settled::All(result) => vec![result; many],
            Settled::Each(results) => results,
        }
    }

    /// Finishes them, and the broker takes it.
    pub(super) async fn done(&self, deliveries: impl IntoIterator<Item = Delivery>) {
        for result in self.settle(deliveries, Verdict::Done).await {
            assert!(takes(result), "settling is {result:?}");
        }
    }

    /// Ends its intake, then leaves.
    pub(super) async fn leave(mut self) {
        within(self.subscription.source.stop()).await.unwrap();
    }
}

/// The broker has the settlement, or will.
pub(super) fn takes(result: SettleResult) -> bool {
    matches!(result, SettleResult::Settled | SettleResult::Sent | SettleResult::Deferred)
}

pub(super) fn id(message: &Message) -> String {
    message.id().unwrap_or_default().to_owned()
}

pub(super) fn ids_of<'a>(deliveries: impl IntoIterator<Item = &'a Delivery>) -> Vec<String> {
    deliveries.into_iter().map(|delivery| id(&delivery.message)).collect()
}
