//! What the program can be told.

use clap::Parser;
use shop::storage::Settings;
use std::path::PathBuf;

/// Runs the order system over a file of events.
#[derive(Parser)]
#[command(name = "orders")]
pub(crate) struct Arguments {
    /// The events, one a line.
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/data/orders.jsonl"))]
    pub(crate) input: PathBuf,
    /// The broker's URL.
    #[arg(long, default_value = "memory://")]
    pub(crate) broker: String,
    /// Events a second, on average; the gaps are random. Without it they come as fast as they are confirmed.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) rate: Option<u32>,
    /// The seed of the random gaps.
    #[arg(long, default_value_t = 7)]
    pub(crate) seed: u64,
    /// Prints `running` on the first line once signals are heard.
    #[arg(long, hide = true)]
    pub(crate) announce: bool,
    /// Prints the summary as one JSON object on the last line as well.
    #[arg(long)]
    pub(crate) json: bool,
}

impl Arguments {
    /// A stock that runs out on the way.
    pub(crate) fn settings(&self) -> Settings {
        let stock = [("product_1", 6000), ("product_2", 4000), ("product_3", 1000)];
        Settings {
            stock: stock.map(|(product, quantity)| (product.to_owned(), quantity)).into(),
            ..Settings::default()
        }
    }
}
