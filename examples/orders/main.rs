//! The order system over a file of events.
//!
//! `cargo run --release --example orders -- --input FILE --broker URL --rate N --seed N --json`

mod arguments;
mod arrivals;
mod summary;

use arguments::Arguments;
use arrivals::Arrivals;
use clap::Parser;
use modi::prelude::*;
use modi::{Error, RunningApp, Signals};
use shop::ShopModule;
use shop::feed::Feed;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use summary::{Books, Summary};

/// How long nothing may move before the run is given up.
const PATIENCE: Duration = Duration::from_secs(10);

#[tokio::main]
async fn main() -> ExitCode {
    // What handlers reject is counted below; what is worse is said at once.
    tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::ERROR)
        .with_writer(io::stderr)
        .init();
    let arguments = Arguments::parse();
    match run(&arguments).await.and_then(|summary| Ok(print(&summary, arguments.json)?)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Where that cannot be written either, the exit code says it.
            let _unheard = writeln!(io::stderr(), "orders: {error:?}");
            ExitCode::FAILURE
        }
    }
}

/// A reader that has gone away is no failure.
fn print(summary: &Summary, json: bool) -> io::Result<()> {
    let mut out = io::stdout();
    let written =
        writeln!(out, "{summary}").and_then(|()| if json { writeln!(out, "{}", summary.json()) } else { Ok(()) });
    match written.and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

async fn run(arguments: &Arguments) -> modi::Result<Summary> {
    let mut arrivals = Arrivals::open(arguments).await?;
    let broker = Broker::from_url(&arguments.broker)?;
    let app =
        App::new(ShopModule { settings: arguments.settings() }).name("shop").broker(broker.clone()).start().await?;
    let books = Books::of(&app);
    let begun = Instant::now();
    let (mut signals, stop) = (Signals::new()?, app.stop_handle());
    // A signal ends the feed; what was published is still handled, as far as the drain's deadline allows.
    let interrupted = tokio::spawn(async move {
        signals.next().await;
        stop.stop();
    });
    if arguments.announce {
        writeln!(io::stdout(), "running")?;
    }

    let fed = match feed(&app, &mut arrivals).await {
        Ok(()) => settled(&app, &broker, arrivals.published).await,
        failed => failed,
    };
    interrupted.abort();
    let took = begun.elapsed();
    arrivals.finish();
    let stopped = app.stop().await;
    fed?;
    stopped?;
    Ok(Summary::new(&arrivals, &books, &broker.report(), took))
}

/// Publishes the events in order of arrival, until they end or a signal comes.
async fn feed(app: &RunningApp<ShopModule>, arrivals: &mut Arrivals) -> modi::Result {
    let feed = app.get::<Feed>();
    let stop = app.stop_handle();
    while let Some(line) = tokio::select! {
        line = arrivals.next() => line?,
        () = stop.stopped() => None,
    } {
        let fed = feed.publish(line).await?;
        arrivals.count(fed);
    }
    Ok(())
}

/// Waits until what was published, and what followed from it, is finished.
async fn settled(app: &RunningApp<ShopModule>, broker: &Broker, published: u64) -> modi::Result {
    let stop = app.stop_handle();
    let (mut before, mut moved) = (None, Instant::now());
    while !stop.is_stopped() {
        let total = broker.report().total();
        let (finished, expected) = (total.finished(), published + total.published);
        // Two looks alike: a subscriber adds its numbers one by one.
        let same = before.replace((finished, expected)) == Some((finished, expected));
        if same && finished == expected {
            break;
        }
        if !same {
            moved = Instant::now();
        } else if moved.elapsed() > PATIENCE {
            let text = format!("{finished} of {expected} messages are finished, and none for {PATIENCE:?}");
            return Err(Error::new(text));
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Ok(())
}
