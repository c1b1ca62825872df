//! The cases of the pipeline benchmarks.

use std::fmt;

/// What is done with each message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Work {
    /// The payload as it is, and one singleton.
    Bytes,
    /// 256 bytes of JSON, decoded, and one singleton.
    Json,
    /// The same with one scoped service.
    Scoped,
    /// The same with one singleton, and one message that is published from the result.
    Publishing,
    /// The payloads as they are, at most 100 in one call, and one singleton.
    Batches,
}

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Flow {
    /// The topic was filled before.
    Dispatch,
    /// Messages are published meanwhile.
    PublishAndDispatch,
}

/// What stands in the application beside the subscriber that is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Crowd {
    /// Nothing.
    Nobody,
    /// Somebody who reads its metrics after every [`SCRAPED`](super::ledger::SCRAPED) messages.
    Scraper,
    /// 100 subscribers that wait.
    #[cfg(feature = "crowd")]
    Subscribers,
    /// 200 services.
    #[cfg(feature = "crowd")]
    Services,
}

/// One case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Case {
    /// What is done with each message.
    pub work: Work,
    /// What is measured.
    pub flow: Flow,
    /// How many messages come at once.
    pub batch: u64,
    /// How many are handled side by side.
    pub concurrency: u32,
    /// What stands beside it.
    pub crowd: Crowd,
}

impl Case {
    /// All of them.
    pub fn all() -> Vec<Self> {
        let mut cases = Vec::new();
        let crowd = Crowd::Nobody;
        for work in [Work::Bytes, Work::Json, Work::Scoped, Work::Publishing] {
            for flow in [Flow::Dispatch, Flow::PublishAndDispatch] {
                for (batch, concurrency) in [(64, 1), (64, 8), (64, 64), (1, 1), (1, 8), (1, 64)] {
                    // What is handed out one by one is handled one by one.
                    if flow == Flow::PublishAndDispatch || batch > 1 || concurrency == 1 {
                        cases.push(Self { work, flow, batch, concurrency, crowd });
                    }
                }
            }
        }
        for flow in [Flow::Dispatch, Flow::PublishAndDispatch] {
            let bytes = Self { work: Work::Bytes, flow, batch: 64, concurrency: 1, crowd: Crowd::Scraper };
            cases.extend([bytes, Self { work: Work::Batches, batch: 100, crowd, ..bytes }]);
        }
        #[cfg(feature = "crowd")]
        for crowd in [Crowd::Subscribers, Crowd::Services] {
            for flow in [Flow::Dispatch, Flow::PublishAndDispatch] {
                cases.push(Self { work: Work::Bytes, flow, batch: 64, concurrency: 1, crowd });
            }
        }
        cases
    }

    /// The case with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::all().into_iter().find(|case| case.to_string() == name)
    }

    /// The most instructions that Modi may take for a message, by itself or above the hand-written loop.
    pub fn goal(&self) -> Option<Goal> {
        let Self { work, flow, batch: 64, concurrency: 1, crowd: Crowd::Nobody } = self else { return None };
        match (work, flow) {
            (Work::Bytes, Flow::Dispatch) => Some(Goal { instructions: 700, above_hand: false }),
            (Work::Bytes, Flow::PublishAndDispatch) => Some(Goal { instructions: 1_300, above_hand: false }),
            (Work::Json, Flow::Dispatch) => Some(Goal { instructions: 700, above_hand: true }),
            _ => None,
        }
    }
}

/// What Modi is to stay within, beside [`ALLOCATIONS`].
#[derive(Clone, Copy, Debug)]
pub struct Goal {
    /// Instructions for a message.
    pub instructions: u32,
    /// They are counted above those of the hand-written loop.
    pub above_hand: bool,
}

/// Fewer than so many allocations above those of the hand-written loop: a batch may allocate, a message may not.
pub const ALLOCATIONS: f64 = 0.1;

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { work, flow, batch, concurrency, crowd } = self;
        write!(f, "{work}, {flow}, batch {batch}, concurrency {concurrency}{crowd}")
    }
}

impl fmt::Display for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bytes => "bytes",
            Self::Json => "json",
            Self::Scoped => "json and a scoped service",
            Self::Publishing => "json and a result",
            Self::Batches => "bytes in batches",
        })
    }
}

impl fmt::Display for Flow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Dispatch => "dispatch",
            Self::PublishAndDispatch => "publish and dispatch",
        })
    }
}

impl fmt::Display for Crowd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nobody => "",
            Self::Scraper => ", metrics read",
            #[cfg(feature = "crowd")]
            Self::Subscribers => ", among 100 subscribers",
            #[cfg(feature = "crowd")]
            Self::Services => ", among 200 services",
        })
    }
}
