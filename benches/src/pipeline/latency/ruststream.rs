//! RustStream.

use super::Probe;
use crate::pipeline::order::Bodies;
use ::modi::{Error, Result};
use ruststream::OutgoingMessage;
use ruststream::memory::prelude::*;
use std::convert::Infallible;
use std::sync::Arc;

#[derive(Deserialized)]
struct Body<'a>(&'a [u8]);

#[derive(FromRef)]
struct Services {
    probe: Arc<Probe>,
}

#[subscriber("orders")]
async fn probed(body: &Body<'_>, State(probe): State<Arc<Probe>>) -> HandlerOutcome {
    probe.came(body.0);
    HandlerOutcome::ack()
}

pub(super) async fn run() -> Result<Vec<u64>> {
    let probe = Arc::new(Probe::new());
    let (broker, services) = (MemoryBroker::new(), Services { probe: probe.clone() });
    let app = RustStream::new(AppInfo::new("bench", "0.1.0"))
        .on_startup(async move |()| Ok::<_, Infallible>(services))
        .with_broker(broker.clone(), |b| {
            b.include(probed);
        });
    let running = app.start().await.map_err(|error| Error::new(error.to_string()))?;
    let (publisher, mut bodies) = (broker.publisher(), Bodies::new()?);
    for number in Probe::numbers() {
        probe.goes(number).await;
        publisher.publish(OutgoingMessage::produced("orders", bodies.buffer(number)), None).await?;
    }
    let took = probe.took().await;
    running.shutdown().await.map_err(|error| Error::new(error.to_string()))?;
    Ok(took)
}
