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
use modi::{RunningApp, Signals};
use shop::ShopModule;
use shop::feed::Feed;
use std::process::ExitCode;
use std::time::{Duration, Instant};
use summary::{Books, Summary};

#[tokio::main]
#[expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for people")]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments).await {
        Ok(summary) => {
            println!("{summary}");
            if arguments.json {
                println!("{}", summary.json());
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("orders: {error:?}");
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stdout, reason = "a program for people")]
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
        println!("running");
    }

    let fed = feed(&app, &mut arrivals).await;
    if fed.is_ok() && !app.stop_handle().is_stopped() {
        settled(&app, &broker, arrivals.published).await;
    }
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
        let known = feed.publish(&line).await?;
        arrivals.count(known);
    }
    Ok(())
}

/// Waits until what was published, and what followed from it, is finished.
async fn settled(app: &RunningApp<ShopModule>, broker: &Broker, published: u64) {
    let stop = app.stop_handle();
    let mut before = None;
    while !stop.is_stopped() {
        let total = broker.report().total();
        let quiet = total.finished() == published + total.published;
        // Two looks alike: a subscriber adds its numbers one by one.
        if quiet && before.replace(total.finished()) == Some(total.finished()) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
