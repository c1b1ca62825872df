//! One application whose handlers fail in every way, and where each message went.
//!
//! `cargo run --example failures`: on the broker inside the process, in a few seconds. The exit code is 1 if a message was
//! lost, or ended twice.

mod handlers;
mod ledger;
mod plan;
mod table;

use handlers::{FailureModule, Stock};
use ledger::{Ledger, Seen};
use modi::prelude::*;
use modi::{MemoryBroker, RunningApp};
use plan::{DEADLY, PLAN};
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;
use table::Table;
use tokio::time::{Instant, sleep};

/// So often a message ends the process before it is a dead letter.
const KILLS: u32 = 10;
/// How long a message may take to come to its end.
const PATIENCE: Duration = Duration::from_secs(20);

#[tokio::main]
async fn main() -> ExitCode {
    // A panic of a handler is a failed attempt, and the table tells of it.
    std::panic::set_hook(Box::new(|_| {}));
    tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::ERROR)
        .with_writer(io::stderr)
        .init();
    let table = match run().await {
        Ok(table) => table,
        Err(error) => {
            let _unheard = writeln!(io::stderr(), "failures: {error:?}");
            return ExitCode::FAILURE;
        }
    };
    let printed = writeln!(io::stdout(), "{table}");
    if table.adds_up() && printed.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

async fn run() -> modi::Result<Table> {
    let (memory, ledger) = (MemoryBroker::new(), Ledger::default());
    // Its report adds up what all starts of the application have done.
    let broker = Broker::from(memory.clone());

    // A message whose handler never comes to its end, because the process does.
    memory.publish(DEADLY.topic, DEADLY.message()).await?;
    for kill in 1..=KILLS {
        let app = start(&broker, &ledger).await?;
        ledger.until_called(DEADLY.id, kill).await;
        drop(app); // nothing is drained, nothing is settled
    }

    let app = start(&broker, &ledger).await?;
    for planned in PLAN {
        memory.publish(planned.topic, planned.message()).await?;
    }
    let begun = Instant::now();
    while !Table::of(&memory, &ledger, &broker.report()).is_complete() && begun.elapsed() < PATIENCE {
        // What all of them need is away until the breaker has found that out.
        if broker.report().total().degraded {
            app.get::<Stock>().comes_back();
        }
        sleep(Duration::from_millis(10)).await;
    }
    app.stop().await?;
    Ok(Table::of(&memory, &ledger, &broker.report()))
}

/// As after each crash: a new application on the broker that has kept everything.
async fn start(broker: &Broker, ledger: &Ledger) -> modi::Result<RunningApp<FailureModule>> {
    let seen = ledger.clone();
    let app = App::new(FailureModule).name("failures").broker(broker.clone());
    Ok(app.middleware(Seen(ledger.clone())).on_error(move |failed| seen.failed(failed)).start().await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn every_message_ends_once_and_where_the_plan_says() {
        let table = run().await.unwrap();
        assert!(table.adds_up(), "{table}");
        for (planned, row) in table.rows() {
            assert_eq!(row.ends, [planned.end], "{}\n{table}", planned.id);
            assert_eq!(row.calls, planned.calls, "{}\n{table}", planned.id);
        }
    }
}
