//! How long to wait before the next try, and where.

use crate::handler::Retries;
use modi_core::Advice;
use std::time::Duration;

/// Before a dead letter that could not be written is written again, or a failed intake goes on.
pub(super) const OUTAGE: Retries =
    Retries { limit: u32::MAX, first: Duration::from_secs(1), longest: Duration::from_secs(60), later: &[] };

/// What an error asks for beyond this is not waited for in place, where later messages wait too.
pub(super) const LONGEST_IN_PLACE: Duration = Duration::from_secs(5);

/// What follows a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Another one in place, after so long.
    Again(Duration),
    /// A copy that comes after so long.
    Later {
        after: Duration,
        /// Which begins anew: it takes a step of `redeliver`, and has all its retries in place.
        is_step: bool,
    },
    /// Nothing.
    Never,
}

/// How far a message has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Round {
    /// Attempts that failed since the last step.
    pub(super) failures: u32,
    /// Steps of `redeliver` that were taken.
    pub(super) step: u32,
}

impl Retries {
    /// What follows a failure. `puts_off`: copies that come later can be written here.
    pub(super) fn next(&self, round: Round, advice: Advice, puts_off: bool) -> Next {
        let least = match advice {
            Advice::Reject => return Next::Never,
            Advice::RetryAfter(after) => after,
            _ => Duration::ZERO,
        };
        if round.failures <= self.limit {
            return match least {
                after if puts_off && after > LONGEST_IN_PLACE => Next::Later { after, is_step: false },
                least => Next::Again(self.wait(round.failures).max(least)),
            };
        }
        match self.later.get(round.step as usize) {
            Some(step) if puts_off => Next::Later { after: least.max(*step), is_step: true },
            _ => Next::Never,
        }
    }

    /// The longest wait after so many failures: doubling from the first, up to the longest.
    fn cap(&self, failures: u32) -> Duration {
        let doubled = 1_u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX);
        self.first.saturating_mul(doubled).min(self.longest)
    }

    /// A random part of it, so that what failed together does not come back together.
    pub(super) fn wait(&self, failures: u32) -> Duration {
        self.cap(failures).mul_f64(fastrand::f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const RETRIES: Retries =
        Retries { limit: 9, first: Duration::from_millis(100), longest: Duration::from_millis(2_000), later: &[] };

    #[test]
    fn the_longest_wait_doubles_up_to_a_bound() {
        let caps: Vec<_> = (1..=7).map(|failures| RETRIES.cap(failures).as_millis()).collect();
        assert_eq!(caps, [100, 200, 400, 800, 1_600, 2_000, 2_000]);
        assert_eq!(RETRIES.cap(u32::MAX), RETRIES.longest);
    }

    #[test]
    fn a_wait_is_a_part_of_the_longest_and_not_always_the_same() {
        let waits: Vec<_> = (0..100).map(|_| RETRIES.wait(3)).collect();
        assert!(waits.iter().all(|wait| *wait <= Duration::from_millis(400)));
        assert!(waits.iter().any(|wait| *wait > Duration::from_millis(200)));
        assert!(waits.iter().any(|wait| *wait < Duration::from_millis(200)));
    }

    const STEPS: [Duration; 3] = [Duration::from_secs(60), Duration::from_millis(10), Duration::from_secs(3_600)];

    fn advice() -> impl Strategy<Value = Advice> {
        let after = prop_oneof![0..10_000_u64, Just(5_000), Just(5_001), Just(3_600_000)];
        prop_oneof![
            6 => Just(Advice::Retry),
            3 => after.prop_map(|after| Advice::RetryAfter(Duration::from_millis(after))),
            1 => Just(Advice::Reject),
        ]
    }

    proptest! {
        /// A message that fails for ever, with an error of its own each time.
        #[test]
        fn attempts_are_bounded_never_early_and_waited_for_in_place_only_while_that_is_short(
            (limit, first, longest) in (0..6_u32, 0..3_000_u64, 0..9_000_u64),
            steps in 0..=STEPS.len(),
            puts_off: bool,
            advice in prop::collection::vec(advice(), 64),
        ) {
            let (first, longest) = (Duration::from_millis(first), Duration::from_millis(longest));
            let retries = Retries { limit, first, longest, later: &STEPS[..steps] };
            let (mut round, mut attempts) = (Round { failures: 1, step: 0 }, 1);
            for advice in advice {
                let next = retries.next(round, advice, puts_off);
                let least = if let Advice::RetryAfter(after) = advice { after } else { Duration::ZERO };
                let has_retries = round.failures <= limit;
                prop_assert!(advice != Advice::Reject || next == Next::Never, "what is rejected is never tried again");
                match next {
                    Next::Again(wait) => {
                        let cap = first.saturating_mul(1 << (round.failures - 1)).min(longest);
                        prop_assert!(has_retries && wait >= least && wait <= cap.max(least));
                        prop_assert!(least <= LONGEST_IN_PLACE || !puts_off);
                        round.failures += 1;
                    }
                    Next::Later { after, is_step } => {
                        prop_assert!(puts_off && after >= least && is_step != has_retries);
                        if is_step {
                            prop_assert_eq!(after, least.max(STEPS[round.step as usize]));
                            round = Round { failures: 1, step: round.step + 1 };
                        } else {
                            prop_assert!(after == least && least > LONGEST_IN_PLACE);
                            round.failures += 1;
                        }
                    }
                    Next::Never => {
                        let is_last = !has_retries && (!puts_off || round.step as usize == steps);
                        prop_assert!(is_last || advice == Advice::Reject);
                        break;
                    }
                }
                attempts += 1;
                let most = if puts_off { (limit + 1) * (steps as u32 + 1) } else { limit + 1 };
                prop_assert!(attempts <= most, "{} of {}", attempts, most);
            }
        }
    }
}
