//! Who is measured, and how one of them does the work of a case.

#[cfg(feature = "rivals")]
use super::ruststream;
use super::{case::Case, hand, modi};
use ::modi::Result;
use std::fmt;
use tokio::runtime::Runtime;

/// Who is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    /// A loop over the same bodies with the same handlers, and nothing else.
    Hand,
    /// The application as users write it.
    Modi,
    /// RustStream.
    #[cfg(feature = "rivals")]
    RustStream,
}

/// A run of a case: what is not measured has been done.
pub trait Run {
    /// What is measured: it returns when every message was handled.
    ///
    /// # Errors
    ///
    /// Those of the subject.
    fn work(&mut self, runtime: &Runtime) -> Result;

    /// Stops what runs, and checks that every message was handled once.
    ///
    /// # Errors
    ///
    /// Those of the subject, and messages that are missing.
    fn finish(self: Box<Self>, runtime: &Runtime) -> Result;
}

/// A way to make runs of a case: with so many messages, on one thread or on two.
pub type Prepare = fn(Case, u64, &Runtime) -> Result<Box<dyn Run>>;

impl Subject {
    /// All of them.
    pub const ALL: &[Self] = &[
        Self::Hand,
        Self::Modi,
        #[cfg(feature = "rivals")]
        Self::RustStream,
    ];

    /// The subject with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|subject| subject.name() == name)
    }

    /// What rows call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Hand => "hand",
            Self::Modi => "modi",
            #[cfg(feature = "rivals")]
            Self::RustStream => "ruststream",
        }
    }

    /// How it does a case, if it can.
    pub fn prepares(self, case: Case, threads: usize) -> Option<Prepare> {
        match self {
            Self::Hand => (threads == 1).then_some(hand::prepare),
            Self::Modi => modi::prepares(case),
            #[cfg(feature = "rivals")]
            Self::RustStream => ruststream::prepares(case, threads),
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
