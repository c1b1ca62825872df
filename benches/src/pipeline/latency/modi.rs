//! Modi.

use super::Probe;
use crate::pipeline::order::Bodies;
use ::modi::prelude::*;
use ::modi::{MemoryBroker, Result};
use bytes::Bytes;
use std::sync::Arc;

#[injectable]
struct Feed {
    publisher: Publisher,
}

#[subscriber("orders")]
async fn probed(body: Bytes, probe: Arc<Probe>) {
    probe.came(&body);
}

#[module(providers = [Feed], subscribers = [probed])]
struct ProbeModule {
    #[provide]
    probe: Arc<Probe>,
}

pub(super) async fn run() -> Result<Vec<u64>> {
    let probe = Arc::new(Probe::new());
    let app = App::new(ProbeModule { probe: probe.clone() }).name("bench").broker(MemoryBroker::new()).start().await?;
    let (feed, mut bodies) = (app.get::<Feed>().clone(), Bodies::new()?);
    for number in Probe::numbers() {
        probe.goes(number).await;
        feed.publisher.to("orders").bytes(bodies.payload(number)).send().await?;
    }
    let took = probe.took().await;
    app.stop().await?;
    Ok(took)
}
