//! Benchmarks that stand beside each other: every subject does the same work in the same run.
//!
//! `cargo run --release -p modi-benches --features rivals -- container [--json FILE]`

use clap::{Parser, Subcommand};
use modi_benches::container;
use modi_benches::measure::Suite;
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Parser)]
#[command(about = "Side-by-side benchmarks of Modi")]
struct Arguments {
    #[command(subcommand)]
    suite: Which,
    /// Writes the figures to this file as well.
    #[arg(long, global = true)]
    json: Option<PathBuf>,
    /// How many rounds to measure; subjects take turns within a round.
    #[arg(long, global = true, default_value_t = 15)]
    rounds: usize,
}

#[derive(Subcommand)]
enum Which {
    /// Building a graph, getting a service, a scope for a message.
    Container,
}

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for people")]
fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let mut suite = Suite::new(arguments.rounds);
    let run = match arguments.suite {
        Which::Container => container::run(&mut suite),
    };
    if let Err(error) = run {
        eprintln!("{error:?}");
        return ExitCode::FAILURE;
    }
    println!("{}", suite.table());
    match arguments.json.map(|file| std::fs::write(&file, suite.json()).map_err(|error| (file, error))) {
        None | Some(Ok(())) => ExitCode::SUCCESS,
        Some(Err((file, error))) => {
            eprintln!("cannot write {}: {error}", file.display());
            ExitCode::FAILURE
        }
    }
}
