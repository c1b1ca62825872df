//! A service that runs until a signal. Its handler works until a line comes in; with `stuck` as the argument it
//! blocks its thread meanwhile.

use modi::prelude::*;
use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, BufReader};

/// What the handler does.
#[injectable]
struct Work {
    #[default(is_stuck())]
    stuck: bool,
}

fn is_stuck() -> bool {
    std::env::args().nth(1).as_deref() == Some("stuck")
}

/// Works until a line comes in: waiting for it, or blocking its thread.
#[subscriber("work", group = "work")]
async fn work(_message: Message, work: Arc<Work>) -> io::Result<()> {
    writeln!(io::stdout(), "working")?;
    if work.stuck {
        io::stdin().read_line(&mut String::new())?;
    } else {
        BufReader::new(tokio::io::stdin()).read_line(&mut String::new()).await?;
    }
    writeln!(io::stdout(), "worked")
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
        writeln!(io::stdout(), "stopped")?;
        Ok(())
    }
}

#[module(providers = [Work, Asker], subscribers = [work])]
struct ServiceModule;

#[tokio::main]
async fn main() -> modi::Result {
    let app = App::new(ServiceModule).name("service").broker(Broker::memory());
    // Nobody waits long for a handler that cannot end.
    let app = if is_stuck() { app.drain_deadline(Duration::from_millis(500)) } else { app };
    let stop = app.stop_handle();
    tokio::spawn(async move {
        stop.stopped().await;
        writeln!(io::stdout(), "stopping")
    });
    let outcome = app.run().await;
    // What follows is the end of the runtime, which waits for every thread.
    writeln!(io::stdout(), "ended")?;
    outcome
}
