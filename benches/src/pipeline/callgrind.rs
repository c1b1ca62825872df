//! Instructions and allocations of a message: a run in a child under valgrind, at two sizes, and the difference.

use super::case::Case;
use super::subject::{Run, Subject};
use ::modi::{Error, Result};
use std::collections::HashSet;
use std::hint::black_box;
use std::path::Path;
use std::process::{Command, Stdio, exit};
use tokio::runtime::Runtime;

/// Whatever is done once is in both and falls out.
const SIZES: [u64; 2] = [4_000, 12_000];

/// What one message takes.
#[derive(Clone, Copy, Debug)]
pub struct Counted {
    /// Instructions.
    pub instructions: f64,
    /// Calls of the allocator that ask for memory.
    pub allocations: f64,
}

/// Whether there is a valgrind to count with.
pub fn is_there() -> bool {
    let version = Command::new("valgrind").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    version.is_ok_and(|status| status.success())
}

/// Counts, for a case that the subject can do on one thread.
///
/// # Errors
///
/// A child that fails, with what it said.
pub fn count(case: Case, subject: Subject) -> Result<Counted> {
    let children = SIZES.map(|messages| start(case, subject, messages));
    let mut totals = Vec::new();
    for child in children {
        totals.push(child?.wait()?);
    }
    let each = |of: fn(&Totals) -> u64| (of(&totals[1]) as f64 - of(&totals[0]) as f64) / (SIZES[1] - SIZES[0]) as f64;
    Ok(Counted { instructions: each(|totals| totals.instructions), allocations: each(|totals| totals.allocations) })
}

/// What the child does. It ends where the counting is to end.
///
/// # Errors
///
/// Those of the run.
pub fn child(case: Case, subject: Subject, messages: u64, runtime: &Runtime) -> Result {
    let prepare = subject.prepares(case, 1).ok_or_else(|| Error::new("the subject cannot do this"))?;
    let mut run = prepare(case, messages, runtime)?;
    counted_by_callgrind(&mut *run, runtime)?;
    exit(0)
}

/// Callgrind counts from here on. No other function may have this name in its own, or it would begin again there.
#[inline(never)]
fn counted_by_callgrind(run: &mut dyn Run, runtime: &Runtime) -> Result {
    black_box(run.work(runtime))
}

struct Child {
    process: std::process::Child,
    file: std::path::PathBuf,
}

struct Totals {
    instructions: u64,
    allocations: u64,
}

fn start(case: Case, subject: Subject, messages: u64) -> Result<Child> {
    let file = std::env::temp_dir().join(format!("modi-callgrind-{}-{messages}", std::process::id()));
    let process = Command::new("valgrind")
        // Toggling would leave out what comes after, too, but counts the calls of what comes before.
        .args(["--tool=callgrind", "--zero-before=*counted_by_callgrind*"])
        .arg(format!("--callgrind-out-file={}", file.display()))
        .arg(std::env::current_exe()?)
        .args(["counted", &case.to_string(), subject.name(), &messages.to_string()])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    Ok(Child { process, file })
}

impl Child {
    fn wait(self) -> Result<Totals> {
        let output = self.process.wait_with_output()?;
        if !output.status.success() {
            return Err(Error::new(format!("under valgrind: {}", String::from_utf8_lossy(&output.stderr))));
        }
        let totals = read(&self.file)?;
        std::fs::remove_file(&self.file)?;
        Ok(totals)
    }
}

/// Functions that ask for memory.
const ASKS: [&str; 5] = ["malloc", "calloc", "realloc", "posix_memalign", "aligned_alloc"];

/// Reads what callgrind wrote: <https://valgrind.org/docs/manual/cl-format.html>.
fn read(file: &Path) -> Result<Totals> {
    let text = std::fs::read_to_string(file)?;
    let mut totals = Totals { instructions: 0, allocations: 0 };
    // A name is written out where it comes first, and a number stands for it from then on.
    let mut asking = HashSet::new();
    let mut asks = false;
    for line in text.lines() {
        if let Some(total) = line.strip_prefix("totals: ") {
            totals.instructions = total.trim().parse()?;
        } else if let Some(name) = line.strip_prefix("fn=").or_else(|| line.strip_prefix("cfn=")) {
            let (number, name) = name.split_once(' ').unwrap_or((name, ""));
            if ASKS.contains(&name) {
                asking.insert(number.to_owned());
            }
            asks = line.starts_with('c') && asking.contains(number);
        } else if let Some(calls) = line.strip_prefix("calls=")
            && asks
        {
            totals.allocations += calls.split(' ').next().unwrap_or_default().parse::<u64>()?;
        }
    }
    Ok(totals)
}
