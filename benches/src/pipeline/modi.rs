//! Modi: the application as users write it, on the broker inside the process.

use super::case::{Case, Crowd, Flow, Work};
#[cfg(feature = "crowd")]
use super::crowd::{AmongServices, AmongSubscribers};
use super::ledger::Ledger;
use super::order::Bodies;
use super::subject::{Prepare, Run};
use ::bytes::Bytes;
use ::modi::prelude::*;
use ::modi::{Error, MemoryBroker, Module, Result, RunningApp};
use std::sync::Arc;
use tokio::runtime::Runtime;
use tokio::task::yield_now;

const TOPIC: &str = "orders";

/// Publishes through the application.
#[injectable]
#[derive(Debug)]
pub struct Feed {
    publisher: Publisher,
}

impl Feed {
    async fn publish(&self, mut bodies: Bodies, messages: u64, batch: u64) -> Result {
        for number in 0..messages {
            self.publisher.to(TOPIC).bytes(bodies.payload(number)).send().await?;
            if (number + 1) % batch == 0 {
                yield_now().await;
            }
        }
        Ok(())
    }
}

/// The scoped service.
#[injectable(scoped)]
#[derive(Debug)]
pub struct Desk {
    ledger: Arc<Ledger>,
}

#[subscriber("orders", prefetch = 200, batch = 100, linger = "1ms")]
async fn batched(bodies: Vec<Bytes>, ledger: Arc<Ledger>) {
    bodies.iter().for_each(|body| ledger.body(body));
}

#[module(providers = [Feed], subscribers = [batched])]
struct BatchModule {
    #[provide]
    ledger: Arc<Ledger>,
}

/// The subscribers of one setting and their modules.
macro_rules! setting {
    ($setting:ident, $prefetch:tt, $concurrency:tt) => {
        mod $setting {
            use crate::pipeline::hand::Payment;
            use crate::pipeline::ledger::Ledger;
            use crate::pipeline::modi::{Desk, Feed};
            use crate::pipeline::order::Order;
            use ::bytes::Bytes;
            use ::modi::prelude::*;
            use std::sync::Arc;

            #[subscriber("orders", prefetch = $prefetch, concurrency = $concurrency, order = none)]
            async fn bytes(body: Bytes, ledger: Arc<Ledger>) {
                ledger.body(&body);
            }

            #[module(providers = [Feed], subscribers = [bytes])]
            pub(super) struct BytesModule {
                #[provide]
                pub(super) ledger: Arc<Ledger>,
            }

            #[subscriber("orders", prefetch = $prefetch, concurrency = $concurrency, order = none)]
            async fn json(Json(order): Json<Order>, ledger: Arc<Ledger>) {
                ledger.order(&order);
            }

            #[module(providers = [Feed], subscribers = [json])]
            pub(super) struct JsonModule {
                #[provide]
                pub(super) ledger: Arc<Ledger>,
            }

            #[subscriber("orders", prefetch = $prefetch, concurrency = $concurrency, order = none)]
            async fn scoped(Json(order): Json<Order>, desk: Arc<Desk>) {
                desk.ledger.order(&order);
            }

            #[module(providers = [Feed, Desk], subscribers = [scoped])]
            pub(super) struct ScopedModule {
                #[provide]
                pub(super) ledger: Arc<Ledger>,
            }

            #[subscriber("orders", publish = "paid", prefetch = $prefetch, concurrency = $concurrency, order = none)]
            async fn publishing(Json(order): Json<Order>, ledger: Arc<Ledger>) -> Json<Payment> {
                ledger.order(&order);
                Json(Payment::of(&order))
            }

            #[module(providers = [Feed], subscribers = [publishing])]
            pub(super) struct PublishingModule {
                #[provide]
                pub(super) ledger: Arc<Ledger>,
            }
        }
    };
}

setting!(one_by_one, 1, 1);
setting!(concurrency_1, 64, 1);
setting!(concurrency_8, 64, 8);
setting!(concurrency_64, 64, 64);

/// How to make runs of a case.
pub fn prepares(case: Case) -> Option<Prepare> {
    macro_rules! module {
        ($($module:ident)::+) => {
            |case, messages, runtime| {
                let module = |ledger| $($module)::+ { ledger };
                prepare(case, messages, runtime, module, |app| app.get::<Feed>().clone())
            }
        };
    }
    macro_rules! of {
        ($setting:ident) => {
            match case.work {
                Work::Bytes => module!($setting::BytesModule),
                Work::Json => module!($setting::JsonModule),
                Work::Scoped => module!($setting::ScopedModule),
                Work::Publishing => module!($setting::PublishingModule),
                Work::Batches => module!(BatchModule),
            }
        };
    }
    match case.crowd {
        Crowd::Nobody | Crowd::Scraper => {}
        #[cfg(feature = "crowd")]
        Crowd::Subscribers => return Some(module!(AmongSubscribers)),
        #[cfg(feature = "crowd")]
        Crowd::Services => return Some(module!(AmongServices)),
    }
    Some(match (case.flow, case.batch, case.concurrency) {
        (Flow::Dispatch, 1, 1) => of!(one_by_one),
        (_, _, 1) => of!(concurrency_1),
        (_, _, 8) => of!(concurrency_8),
        (_, _, 64) => of!(concurrency_64),
        _ => return None,
    })
}

struct Application<M: Module> {
    case: Case,
    messages: u64,
    ledger: Arc<Ledger>,
    root: Option<M>,
    broker: Broker,
    bodies: Option<Bodies>,
    feed: fn(&RunningApp<M>) -> Arc<Feed>,
    running: Option<RunningApp<M>>,
}

fn prepare<M: Module>(
    case: Case,
    messages: u64,
    runtime: &Runtime,
    module: fn(Arc<Ledger>) -> M,
    feed: fn(&RunningApp<M>) -> Arc<Feed>,
) -> Result<Box<dyn Run>> {
    let ledger = Arc::new(Ledger::new(messages));
    let memory = MemoryBroker::new();
    let mut bodies = Bodies::new()?;
    if case.flow == Flow::Dispatch {
        runtime.block_on(async {
            for number in 0..messages {
                memory.publish(TOPIC, Message::new(bodies.payload(number))).await?;
            }
            Ok::<_, Error>(())
        })?;
    }
    let (root, broker) = (Some(module(ledger.clone())), Broker::from(memory));
    Ok(Box::new(Application { case, messages, ledger, root, broker, bodies: Some(bodies), feed, running: None }))
}

impl<M: Module> Run for Application<M> {
    fn work(&mut self, runtime: &Runtime) -> Result {
        let Some((root, bodies)) = self.root.take().zip(self.bodies.take()) else { return Ok(()) };
        let (messages, batch) = (self.messages, self.case.batch);
        runtime.block_on(async {
            let app = App::new(root).name("bench").broker(self.broker.clone()).start().await?;
            let scraper = (self.case.crowd == Crowd::Scraper).then(|| {
                let (metrics, ledger) = (app.metrics().clone(), self.ledger.clone());
                tokio::spawn(async move {
                    loop {
                        ledger.more().await;
                        if metrics.encode().await.is_err() {
                            return;
                        }
                    }
                })
            });
            if self.case.flow == Flow::PublishAndDispatch {
                let feed = (self.feed)(&app);
                let publishing = tokio::spawn(async move { feed.publish(bodies, messages, batch).await });
                self.ledger.done().await;
                publishing.await??;
            } else {
                self.ledger.done().await;
            }
            if let Some(scraper) = scraper {
                scraper.abort();
            }
            self.running = Some(app);
            Ok(())
        })
    }

    fn finish(self: Box<Self>, runtime: &Runtime) -> Result {
        if let Some(app) = self.running {
            runtime.block_on(app.stop())?;
        }
        let total = self.broker.report().total();
        if self.ledger.is_whole() && total.acked == self.messages && total.settled == self.messages {
            Ok(())
        } else {
            Err(Error::new(format!("a message is missing: {total:?}")))
        }
    }
}
