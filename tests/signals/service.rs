//! A service that runs until a signal. With `stuck` as its argument its handler blocks the thread.

use modi::prelude::*;
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

/// What the handler does.
#[injectable]
struct Work {
    #[default(std::env::args().nth(1).as_deref() == Some("stuck"))]
    stuck: bool,
}

#[subscriber("work", group = "work")]
async fn work(_message: Message, work: Arc<Work>) -> std::io::Result<()> {
    writeln!(std::io::stdout(), "working")?;
    if work.stuck {
        std::thread::sleep(Duration::from_secs(600));
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    writeln!(std::io::stdout(), "worked")
}

/// Asks for work once the application is connected.
struct Asker {
    publisher: Publisher,
}

#[injectable(lifecycle)]
impl Asker {
    fn new(publisher: Publisher) -> Self {
        Self { publisher }
    }
}

impl Lifecycle for Asker {
    async fn on_start(&self) -> modi::Result {
        let publisher = self.publisher.clone();
        tokio::spawn(async move { publisher.publish("work", "please").await });
        Ok(())
    }

    async fn on_stop(&self) -> modi::Result {
        writeln!(std::io::stdout(), "stopped")?;
        Ok(())
    }
}

#[module(providers = [Work, Asker], subscribers = [work])]
struct ServiceModule;

#[tokio::main]
async fn main() -> modi::Result {
    let app = App::new(ServiceModule).name("service").drain_deadline(Duration::from_millis(500));
    app.broker(Broker::memory()).run().await
}
