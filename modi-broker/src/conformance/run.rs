//! How an item is run: on a runtime of its own, with everything accounted for at its end.

use super::subject::{Clock, Hook, Subject};
use super::test::Test;
use futures_util::future::LocalBoxFuture;
use modi_core::scope::panic_text;
use std::fmt;
use std::io::Write;
use std::panic::AssertUnwindSafe;
use std::sync::Mutex;
use std::time::Duration;
use tokio::runtime::{Builder, Handle};
use tokio::time::{Instant, sleep};

/// One test of the suite.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Item {
    /// Its number and a sentence.
    pub name: &'static str,
    pub(super) run: for<'a> fn(&'a Test<'_>) -> LocalBoxFuture<'a, Proof>,
}

/// What a test has shown. One that fails panics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Proof {
    /// It holds.
    Held,
    /// The broker says that it cannot do this, and behaves so: the name of the claim that it does not make.
    Denied(&'static str),
    /// It was not tried: the subject has no such hook, and says so.
    Skipped(Hook),
}

impl Item {
    /// Runs it, says on standard error what was not shown, and why.
    ///
    /// # Panics
    ///
    /// When the subject does not pass.
    pub fn check(&self, subject: &dyn Subject) {
        let proof = self.prove(subject);
        if proof != Proof::Held {
            // Past the capture of test output: a skip is to be seen.
            let line = format!("conformance: {}: {}: {proof}\n", subject.name(), self.name);
            let _seen = std::io::stderr().lock().write_all(line.as_bytes());
        }
    }

    /// Runs it.
    ///
    /// # Panics
    ///
    /// When the subject does not pass.
    pub fn prove(&self, subject: &dyn Subject) -> Proof {
        let mut builder = match subject.clock() {
            Clock::Paused => Builder::new_current_thread(),
            Clock::Real => Builder::new_multi_thread(),
        };
        let runtime = builder.enable_all().start_paused(subject.clock() == Clock::Paused).build().unwrap();
        let proof = runtime.block_on(async {
            let before = Handle::current().metrics().num_alive_tasks();
            let test = Test::new(subject, self.name);
            let proof = (self.run)(&test).await;
            test.finish().await;
            leaves_nothing(before).await;
            proof
        });
        if let Proof::Skipped(hook) = proof {
            assert!(
                subject.lacks().contains(&hook),
                "skipped for want of {hook}, and `Subject::lacks` does not say so"
            );
        }
        proof
    }
}

/// Every task that was started has ended.
async fn leaves_nothing(before: usize) {
    let begun = Instant::now();
    let tasks = || Handle::current().metrics().num_alive_tasks();
    while tasks() > before {
        assert!(begun.elapsed() < Duration::from_secs(10), "{} tasks are left behind", tasks() - before);
        sleep(Duration::from_millis(1)).await;
    }
}

/// Runs the whole suite `times` at once, each in an order of its own.
///
/// # Panics
///
/// When an item fails, with all that did.
pub fn stress(subject: &dyn Subject, items: &[Item], times: usize) {
    let failures = Mutex::new(Vec::new());
    std::thread::scope(|threads| {
        for _ in 0..times {
            threads.spawn(|| {
                let mut items = items.to_vec();
                fastrand::shuffle(&mut items);
                for item in items {
                    let ran = std::panic::catch_unwind(AssertUnwindSafe(|| item.prove(subject)));
                    if let Err(panic) = ran {
                        failures.lock().unwrap().push(format!("{}: {}", item.name, panic_text(&*panic)));
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap();
    assert!(failures.is_empty(), "{} failures of {}:\n{}", failures.len(), subject.name(), failures.join("\n"));
}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Held => f.write_str("held"),
            Self::Denied(claim) => write!(f, "denied as declared: `{claim}`"),
            Self::Skipped(hook) => write!(f, "skipped: the subject lacks {hook}"),
        }
    }
}
impl fmt::Debug for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}
