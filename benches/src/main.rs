//! Benchmarks that stand beside each other: every subject does the same work in the same run.
//!
//! `cargo run --release -p modi-benches --features rivals -- container [--json FILE]`, or `pipeline` in its place.

use clap::{Parser, Subcommand};
use modi_benches::measure::Suite;
use modi_benches::{container, pipeline};
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
    /// A message from its topic to its settlement: instructions, allocations, processor time, latency. Takes about ten
    /// minutes.
    Pipeline {
        /// Runs only the cases with this text in their name.
        #[arg(long, default_value = "")]
        only: String,
    },
    /// What runs under valgrind for the suite `pipeline`.
    #[command(hide = true)]
    Counted { case: String, subject: String, messages: u64 },
}

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for people")]
fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let mut suite = Suite::new(arguments.rounds);
    let run = match arguments.suite {
        Which::Container => container::run(&mut suite).map(|()| suite.table()),
        Which::Pipeline { only } => pipeline::run(&mut suite, arguments.rounds, &only).map(|table| table.to_string()),
        Which::Counted { case, subject, messages } => {
            return match pipeline::counted(&case, &subject, messages) {
                Ok(()) => ExitCode::SUCCESS,
                Err(error) => fail(&error),
            };
        }
    };
    match run {
        Ok(table) => println!("{table}"),
        Err(error) => return fail(&error),
    }
    match arguments.json.map(|file| std::fs::write(&file, suite.json()).map_err(|error| (file, error))) {
        None | Some(Ok(())) => ExitCode::SUCCESS,
        Some(Err((file, error))) => {
            eprintln!("cannot write {}: {error}", file.display());
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stderr, reason = "a program for people")]
fn fail(error: &modi::Error) -> ExitCode {
    eprintln!("{error:?}");
    ExitCode::FAILURE
}
