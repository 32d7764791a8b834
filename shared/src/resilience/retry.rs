//! The one retry loop. Nothing else waits and tries again.
//!
//! It tries again only what may be done twice and what a second try can help, as the error itself says; it waits with full
//! jitter ("Exponential backoff and jitter", AWS architecture blog) or as long as the other side asks, never less; and it
//! takes all time from the call's deadline: a wait that does not fit into it is not begun.
//!
//! ```
//! use std::time::Duration;
//! use wenzhen::deadline::Deadline;
//! use wenzhen::resilience::retry::{self, Again, Policy, Retryable};
//!
//! #[derive(Debug)]
//! struct Busy;
//!
//! impl Retryable for Busy {
//!     fn again(&self) -> Again {
//!         Again::AfterBackoff { attempts: 3 }
//!     }
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! let policy = Policy::idempotent(Duration::from_millis(1), Duration::from_millis(10));
//! let answer = retry::run(&policy, Deadline::after(Duration::from_secs(1)), |attempt| async move {
//!     if attempt < 3 { Err(Busy) } else { Ok(attempt) }
//! });
//! assert_eq!(answer.await.unwrap(), 3);
//! # });
//! ```

use std::time::{Duration, SystemTime};

use crate::deadline::Deadline;
use crate::error::Error;

/// The longest that is added to a wait that the other side asked for, so that those who were told the same time do not
/// come back in the same moment.
const SPREAD: Duration = Duration::from_millis(250);

/// How an operation may be tried again.
#[derive(Debug, Clone, Copy)]
pub struct Policy {
    first: Duration,
    longest: Duration,
    least: Duration,
    is_idempotent: bool,
}

/// Whether another try can help, as an error says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Again {
    /// No: it would fail again, or must not be asked again.
    Never,
    /// After a backoff, until there were `attempts` in all.
    AfterBackoff {
        /// Attempts in all, the first included.
        attempts: u32,
    },
    /// After at least this time, until there were `attempts` in all.
    After {
        /// What the other side asked for.
        wait: Duration,
        /// Attempts in all, the first included.
        attempts: u32,
    },
}

/// An error that knows whether another try can help.
pub trait Retryable {
    /// Whether, and when.
    fn again(&self) -> Again;

    /// Whether the operation may have had an effect. An error before anything was sent has none, so that also an
    /// operation that is not idempotent may be tried again.
    fn may_have_had_effect(&self) -> bool {
        true
    }

    /// Whether an attempt was really made. What kept one from being made does not mask what went wrong with an earlier one.
    fn was_tried(&self) -> bool {
        true
    }
}

/// What passes by itself may be tried again, as long as the deadline allows it.
impl Retryable for Error {
    fn again(&self) -> Again {
        if self.kind().is_retryable() {
            Again::AfterBackoff { attempts: 20 }
        } else {
            Again::Never
        }
    }
}

impl Policy {
    /// For an operation that may be done twice. The backoff's ceiling is `first`, doubled with each attempt, at most
    /// `longest`.
    pub const fn idempotent(first: Duration, longest: Duration) -> Self {
        Self {
            first,
            longest,
            least: Duration::ZERO,
            is_idempotent: true,
        }
    }

    /// For an operation that must not be done twice: it is tried again only while it provably had no effect.
    pub const fn once(first: Duration, longest: Duration) -> Self {
        Self {
            first,
            longest,
            least: Duration::ZERO,
            is_idempotent: false,
        }
    }

    /// A wait must leave an attempt this much time: one that only just fits is of no use.
    #[must_use]
    pub const fn leaving(mut self, least: Duration) -> Self {
        self.least = least;
        self
    }

    /// How long to wait after the failed attempt of this number; `None` when there must be no other.
    fn wait(&self, error: &impl Retryable, attempt: u32) -> Option<Duration> {
        if !self.is_idempotent && error.may_have_had_effect() {
            return None;
        }
        match error.again() {
            Again::AfterBackoff { attempts } if attempt < attempts => {
                Some(jittered(self.ceiling(attempt)))
            }
            Again::After { wait, attempts } if attempt < attempts => {
                Some(wait.saturating_add(jittered(SPREAD)))
            }
            _ => None,
        }
    }

    fn ceiling(&self, attempt: u32) -> Duration {
        self.first
            .saturating_mul(1 << attempt.saturating_sub(1).min(20))
            .min(self.longest)
    }
}

/// Anything from nothing to `ceiling`.
fn jittered(ceiling: Duration) -> Duration {
    ceiling.mul_f64(fastrand::f64())
}

/// Runs the operation, which is told the number of the attempt, from 1, until it succeeds or another try is of no use; then
/// the error of its last attempt is returned.
pub async fn run<T, E, Operation, Attempt>(
    policy: &Policy,
    deadline: Deadline,
    mut operation: Operation,
) -> Result<T, E>
where
    E: Retryable,
    Operation: FnMut(u32) -> Attempt,
    Attempt: Future<Output = Result<T, E>>,
{
    let mut attempt = 1;
    let mut last_tried = None;
    loop {
        let error = match operation(attempt).await {
            Ok(value) => return Ok(value),
            Err(error) => error,
        };
        let wait = policy.wait(&error, attempt);
        let error = if error.was_tried() {
            error
        } else {
            last_tried.take().unwrap_or(error)
        };
        match wait {
            Some(wait) if wait.saturating_add(policy.least) < deadline.remaining() => {
                #[expect(
                    clippy::disallowed_methods,
                    reason = "the one retry loop; the wait fits into the deadline"
                )]
                tokio::time::sleep(wait).await;
            }
            _ => return Err(error),
        }
        last_tried = Some(error);
        attempt += 1;
    }
}

/// What `Retry-After` says (RFC 9110, section 10.2.3): seconds, or a date, which is taken relative to `now`.
pub fn retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let date = httpdate::parse_http_date(value).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq)]
    struct Failed(Again, bool);

    impl Retryable for Failed {
        fn again(&self) -> Again {
            self.0
        }

        fn may_have_had_effect(&self) -> bool {
            self.1
        }
    }

    const POLICY: Policy = Policy::idempotent(Duration::from_millis(2), Duration::from_millis(5));
    const MINUTE: Duration = Duration::from_mins(1);

    /// Attempts until the end, when each of them fails like this.
    async fn attempts(policy: &Policy, left: Duration, again: Again, effect: bool) -> u32 {
        let made = std::sync::atomic::AtomicU32::new(0);
        let made = &made;
        let failed = run(policy, Deadline::after(left), |attempt| async move {
            made.store(attempt, std::sync::atomic::Ordering::Relaxed);
            Err::<(), _>(Failed(again, effect))
        });
        assert_eq!(failed.await, Err(Failed(again, effect)));
        made.load(std::sync::atomic::Ordering::Relaxed)
    }

    #[tokio::test]
    async fn an_error_says_how_often_it_is_worth_another_try() {
        assert_eq!(attempts(&POLICY, MINUTE, Again::Never, true).await, 1);
        assert_eq!(
            attempts(&POLICY, MINUTE, Again::AfterBackoff { attempts: 2 }, true).await,
            2
        );
        let asked = Again::After {
            wait: Duration::ZERO,
            attempts: 3,
        };
        assert_eq!(attempts(&POLICY, MINUTE, asked, true).await, 3);
    }

    #[tokio::test]
    async fn what_must_not_be_done_twice_is_tried_again_only_if_nothing_was_sent() {
        let once = Policy::once(Duration::from_millis(2), Duration::from_millis(5));
        let again = Again::AfterBackoff { attempts: 3 };
        assert_eq!(attempts(&once, MINUTE, again, true).await, 1);
        assert_eq!(attempts(&once, MINUTE, again, false).await, 3);
    }

    #[tokio::test]
    async fn a_wait_that_does_not_fit_is_not_begun() {
        let asked = Again::After {
            wait: Duration::from_secs(30),
            attempts: 3,
        };
        assert_eq!(
            attempts(&POLICY, Duration::from_secs(10), asked, true).await,
            1
        );
        let leaving = POLICY.leaving(Duration::from_secs(10));
        let asked = Again::After {
            wait: Duration::ZERO,
            attempts: 3,
        };
        assert_eq!(
            attempts(&leaving, Duration::from_secs(10), asked, true).await,
            1
        );
    }

    #[tokio::test]
    async fn what_kept_an_attempt_from_being_made_does_not_mask_the_one_before() {
        #[derive(Debug, PartialEq)]
        enum Fault {
            Answered500,
            NotLetIn,
        }
        impl Retryable for Fault {
            fn again(&self) -> Again {
                if *self == Self::NotLetIn {
                    Again::Never
                } else {
                    Again::AfterBackoff { attempts: 2 }
                }
            }

            fn was_tried(&self) -> bool {
                *self != Self::NotLetIn
            }
        }
        let failed = run(&POLICY, Deadline::after(MINUTE), |attempt| async move {
            Err::<(), _>(if attempt == 1 {
                Fault::Answered500
            } else {
                Fault::NotLetIn
            })
        });
        assert_eq!(failed.await, Err(Fault::Answered500));
        let failed = run(&POLICY, Deadline::after(MINUTE), |_| async {
            Err::<(), _>(Fault::NotLetIn)
        });
        assert_eq!(failed.await, Err(Fault::NotLetIn));
    }

    #[test]
    fn the_wait_is_jittered_below_a_ceiling_that_doubles() {
        let policy = Policy::idempotent(Duration::from_secs(1), Duration::from_secs(8));
        let backoff = Failed(Again::AfterBackoff { attempts: 100 }, true);
        for (attempt, ceiling) in [(1, 1), (2, 2), (3, 4), (4, 8), (50, 8)] {
            let waits: Vec<_> = (0..500)
                .filter_map(|_| policy.wait(&backoff, attempt))
                .collect();
            let ceiling = Duration::from_secs(ceiling);
            assert!(waits.iter().all(|wait| *wait <= ceiling));
            assert!(
                waits.iter().any(|wait| *wait < ceiling / 4)
                    && waits.iter().any(|wait| *wait > ceiling * 3 / 4)
            );
        }
    }

    #[test]
    fn nobody_comes_back_sooner_than_asked() {
        let asked = Failed(
            Again::After {
                wait: Duration::from_secs(2),
                attempts: 2,
            },
            true,
        );
        let waits: Vec<_> = (0..500).filter_map(|_| POLICY.wait(&asked, 1)).collect();
        assert!(
            waits.iter().all(
                |wait| *wait >= Duration::from_secs(2) && *wait <= Duration::from_millis(2_250)
            )
        );
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = httpdate::parse_http_date("Tue, 24 Nov 2026 08:00:00 GMT").unwrap();
        let date = |text: &str| retry_after(text, now);
        assert_eq!(date("7"), Some(Duration::from_secs(7)));
        assert_eq!(date(" 1.5 "), Some(Duration::from_millis(1_500)));
        assert_eq!(
            date("Tue, 24 Nov 2026 08:00:30 GMT"),
            Some(Duration::from_secs(30))
        );
        assert_eq!(date("Tue, 24 Nov 2026 07:00:00 GMT"), Some(Duration::ZERO));
        for wrong in ["", "soon", "-1", "NaN", "1e400"] {
            assert_eq!(date(wrong), None, "{wrong}");
        }
    }
}
