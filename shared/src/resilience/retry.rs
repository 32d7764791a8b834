//! The one retry loop. Nothing else waits and tries again.
//!
//! It tries again only an operation that may be done twice and that a second attempt can help, as
//! the error itself says. It waits as long as the other side asks, never less, or with jitter below
//! a ceiling that doubles ("Exponential backoff and jitter", AWS architecture blog, which compares
//! the two kinds):
//!
//! | after | wait |
//! |---|---|
//! | a failure, which may have passed already | full jitter: anything up to the ceiling |
//! | a throttle that names no time | equal jitter: half of the ceiling, and up to half more |
//!
//! A limit has not passed a moment later, and each attempt that comes too early counts against it;
//! more than that is not waited, since another provider may be there to ask.
//!
//! It takes all time from the call's deadline: it does not begin a wait that does not fit into it.
//!
//! ```
//! use std::time::Duration;
//! use wenzhen::deadline::Deadline;
//! use wenzhen::resilience::retry::{self, RetryPolicy, RetryAdvice, Retryable};
//!
//! #[derive(Debug)]
//! struct Busy;
//!
//! impl Retryable for Busy {
//!     fn retry_advice(&self) -> RetryAdvice {
//!         RetryAdvice::AfterBackoff { max_attempts: 3 }
//!     }
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! let policy = RetryPolicy::idempotent(Duration::from_millis(1), Duration::from_millis(10));
//! let deadline = Deadline::after(Duration::from_secs(1));
//! let answer = retry::run(&policy, deadline, |attempt| async move {
//!     if attempt < 3 { Err(Busy) } else { Ok(attempt) }
//! });
//! assert_eq!(answer.await.unwrap(), 3);
//! # });
//! ```

use std::time::{Duration, SystemTime};

use crate::deadline::Deadline;
use crate::error::Error;

/// The most that is added to a wait that the other side asked for, so that callers who were told
/// the same time do not come back in the same moment.
const MAX_RETRY_AFTER_JITTER: Duration = Duration::from_millis(250);

/// Attempts in all for an [`Error`] that passes by itself; the deadline ends them earlier as a
/// rule.
const MAX_ATTEMPTS_FOR_ERRORS: u32 = 20;

/// How an operation may be tried again.
#[derive(Debug, Clone, Copy)]
pub struct RetryPolicy {
    base_delay: Duration,
    max_delay: Duration,
    min_attempt_time: Duration,
    is_idempotent: bool,
}

/// Whether another attempt can help, as an error says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryAdvice {
    /// It cannot: it would fail again, or must not be made.
    Never,
    /// It can, after a backoff.
    AfterBackoff {
        /// Attempts in all, the first included.
        max_attempts: u32,
    },
    /// It can, after a backoff that is never short: the other side is asked too often, and does not
    /// say when it may be asked again.
    AfterThrottle {
        /// What the other side asked for at least; nothing if it did not say.
        wait: Duration,
        /// Attempts in all, the first included.
        max_attempts: u32,
    },
    /// It can, after at least this time.
    After {
        /// What the other side asked for.
        wait: Duration,
        /// Attempts in all, the first included.
        max_attempts: u32,
    },
}

/// An error that knows whether another attempt can help.
pub trait Retryable {
    /// Whether this error is worth another attempt, and how long to wait first.
    fn retry_advice(&self) -> RetryAdvice;

    /// Whether the operation may have had an effect. An error before anything was sent has none, so
    /// that also an operation that is not idempotent may be tried again.
    fn may_have_had_effect(&self) -> bool {
        true
    }

    /// Whether an attempt was really made. The error that kept one from being made does not mask
    /// the error of an earlier attempt.
    fn was_attempted(&self) -> bool {
        true
    }
}

/// An error that passes by itself may be tried again, as long as the deadline allows it.
impl Retryable for Error {
    fn retry_advice(&self) -> RetryAdvice {
        if self.kind().is_retryable() {
            RetryAdvice::AfterBackoff {
                max_attempts: MAX_ATTEMPTS_FOR_ERRORS,
            }
        } else {
            RetryAdvice::Never
        }
    }
}

impl RetryPolicy {
    /// For an operation that may be done twice. The backoff's ceiling is `base_delay`, doubled with
    /// each attempt, at most `max_delay`.
    pub const fn idempotent(base_delay: Duration, max_delay: Duration) -> Self {
        Self {
            base_delay,
            max_delay,
            min_attempt_time: Duration::ZERO,
            is_idempotent: true,
        }
    }

    /// For an operation that must not be done twice: it is tried again only while it provably had
    /// no effect.
    pub const fn non_idempotent(base_delay: Duration, max_delay: Duration) -> Self {
        Self {
            base_delay,
            max_delay,
            min_attempt_time: Duration::ZERO,
            is_idempotent: false,
        }
    }

    /// The time that a wait must leave for the attempt after it: less is of no use.
    #[must_use]
    pub const fn min_attempt_time(mut self, time: Duration) -> Self {
        self.min_attempt_time = time;
        self
    }

    /// How long to wait after the failed attempt of this number; `None` when there must be no
    /// other.
    fn next_delay(&self, error: &impl Retryable, attempt: u32) -> Option<Duration> {
        if !self.is_idempotent && error.may_have_had_effect() {
            return None;
        }

        match error.retry_advice() {
            RetryAdvice::AfterBackoff { max_attempts } if attempt < max_attempts => {
                Some(with_full_jitter(self.backoff_ceiling(attempt)))
            }
            RetryAdvice::AfterThrottle { wait, max_attempts } if attempt < max_attempts => {
                let asked = with_jitter_behind(wait);
                let backoff = with_equal_jitter(self.backoff_ceiling(attempt));
                Some(asked.max(backoff))
            }
            RetryAdvice::After { wait, max_attempts } if attempt < max_attempts => {
                Some(with_jitter_behind(wait))
            }
            _ => None,
        }
    }

    fn backoff_ceiling(&self, attempt: u32) -> Duration {
        let doublings = attempt.saturating_sub(1).min(20);
        let ceiling = self.base_delay.saturating_mul(1 << doublings);
        ceiling.min(self.max_delay)
    }
}

/// What the other side asked for, and a little more.
fn with_jitter_behind(wait: Duration) -> Duration {
    wait.saturating_add(with_full_jitter(MAX_RETRY_AFTER_JITTER))
}

/// Any time from nothing to `ceiling`.
fn with_full_jitter(ceiling: Duration) -> Duration {
    ceiling.mul_f64(fastrand::f64())
}

/// Any time from half of `ceiling` to all of it.
fn with_equal_jitter(ceiling: Duration) -> Duration {
    let half = ceiling / 2;
    half + with_full_jitter(half)
}

/// Runs the operation, which is told the number of the attempt, from 1, until it succeeds or
/// another attempt is of no use; then the error of its last attempt is returned.
pub async fn run<T, E, Operation, Attempt>(
    policy: &RetryPolicy,
    deadline: Deadline,
    mut operation: Operation,
) -> Result<T, E>
where
    E: Retryable,
    Operation: FnMut(u32) -> Attempt,
    Attempt: Future<Output = Result<T, E>>,
{
    let mut attempt = 1;
    let mut last_attempted = None;

    loop {
        let error = match operation(attempt).await {
            Ok(value) => return Ok(value),
            Err(error) => error,
        };

        let delay = policy.next_delay(&error, attempt);
        let error = if error.was_attempted() {
            error
        } else {
            last_attempted.take().unwrap_or(error)
        };

        match delay {
            Some(delay) if fits_into(deadline, delay, policy.min_attempt_time) => {
                #[expect(
                    clippy::disallowed_methods,
                    reason = "the one retry loop; the delay fits into the deadline"
                )]
                tokio::time::sleep(delay).await;
            }
            _ => return Err(error),
        }

        last_attempted = Some(error);
        attempt += 1;
    }
}

fn fits_into(deadline: Deadline, delay: Duration, min_attempt_time: Duration) -> bool {
    delay.saturating_add(min_attempt_time) < deadline.remaining()
}

/// The time that `Retry-After` asks for (RFC 9110, section 10.2.3): seconds, or a date, which is
/// taken relative to `now`.
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
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[derive(Debug, Clone, Copy, PartialEq)]
    struct Failed {
        advice: RetryAdvice,
        had_effect: bool,
    }

    impl Retryable for Failed {
        fn retry_advice(&self) -> RetryAdvice {
            self.advice
        }

        fn may_have_had_effect(&self) -> bool {
            self.had_effect
        }
    }

    const POLICY: RetryPolicy =
        RetryPolicy::idempotent(Duration::from_millis(2), Duration::from_millis(5));
    const MINUTE: Duration = Duration::from_mins(1);

    fn after(wait: Duration, max_attempts: u32) -> Failed {
        Failed {
            advice: RetryAdvice::After { wait, max_attempts },
            had_effect: true,
        }
    }

    fn after_backoff(max_attempts: u32) -> Failed {
        Failed {
            advice: RetryAdvice::AfterBackoff { max_attempts },
            had_effect: true,
        }
    }

    /// Attempts until the end, when each of them fails like this.
    async fn count_attempts(policy: &RetryPolicy, time: Duration, error: Failed) -> u32 {
        let made = AtomicU32::new(0);
        let made = &made;
        let result = run(policy, Deadline::after(time), |attempt| async move {
            made.store(attempt, Ordering::Relaxed);
            Err::<(), _>(error)
        });

        assert_eq!(result.await, Err(error));

        made.load(Ordering::Relaxed)
    }

    #[tokio::test]
    async fn an_error_says_how_often_it_is_worth_another_try() {
        let never = Failed {
            advice: RetryAdvice::Never,
            had_effect: true,
        };
        assert_eq!(count_attempts(&POLICY, MINUTE, never).await, 1);
        assert_eq!(count_attempts(&POLICY, MINUTE, after_backoff(2)).await, 2);

        let at_once = after(Duration::ZERO, 3);
        assert_eq!(count_attempts(&POLICY, MINUTE, at_once).await, 3);
    }

    /// An operation that must not be done twice is tried again only if nothing was sent.
    #[tokio::test]
    async fn what_is_not_idempotent_is_retried_only_if_unsent() {
        let policy =
            RetryPolicy::non_idempotent(Duration::from_millis(2), Duration::from_millis(5));
        let sent = after_backoff(3);
        assert_eq!(count_attempts(&policy, MINUTE, sent).await, 1);

        let unsent = Failed {
            had_effect: false,
            ..sent
        };
        assert_eq!(count_attempts(&policy, MINUTE, unsent).await, 3);
    }

    #[tokio::test]
    async fn a_wait_that_does_not_fit_is_not_begun() {
        let time = Duration::from_secs(10);
        let too_late = after(Duration::from_secs(30), 3);
        assert_eq!(count_attempts(&POLICY, time, too_late).await, 1);

        let policy = POLICY.min_attempt_time(Duration::from_secs(10));
        let at_once = after(Duration::ZERO, 3);
        assert_eq!(count_attempts(&policy, time, at_once).await, 1);
    }

    #[derive(Debug, PartialEq)]
    enum CallError {
        Answered500,
        NotAdmitted,
    }

    impl Retryable for CallError {
        fn retry_advice(&self) -> RetryAdvice {
            match self {
                Self::NotAdmitted => RetryAdvice::Never,
                Self::Answered500 => RetryAdvice::AfterBackoff { max_attempts: 2 },
            }
        }

        fn was_attempted(&self) -> bool {
            *self != Self::NotAdmitted
        }
    }

    /// The error that kept an attempt from being made does not mask the error before it.
    #[tokio::test]
    async fn an_attempt_that_was_not_made_masks_no_error() {
        let result = run(&POLICY, Deadline::after(MINUTE), |attempt| async move {
            Err::<(), _>(if attempt == 1 {
                CallError::Answered500
            } else {
                CallError::NotAdmitted
            })
        });
        assert_eq!(result.await, Err(CallError::Answered500));

        let result = run(&POLICY, Deadline::after(MINUTE), |_| async {
            Err::<(), _>(CallError::NotAdmitted)
        });
        assert_eq!(result.await, Err(CallError::NotAdmitted));
    }

    #[test]
    fn the_wait_is_jittered_below_a_ceiling_that_doubles() {
        let policy = RetryPolicy::idempotent(Duration::from_secs(1), Duration::from_secs(8));
        for (attempt, seconds) in [(1, 1), (2, 2), (3, 4), (4, 8), (50, 8)] {
            let delays: Vec<_> = (0..500)
                .filter_map(|_| policy.next_delay(&after_backoff(100), attempt))
                .collect();

            let ceiling = Duration::from_secs(seconds);
            assert!(delays.iter().all(|delay| *delay <= ceiling));
            assert!(delays.iter().any(|delay| *delay < ceiling / 4));
            assert!(delays.iter().any(|delay| *delay > ceiling * 3 / 4));
        }
    }

    /// Three attempts at a limit take at least half of the two ceilings between them.
    #[test]
    fn the_wait_after_a_throttle_is_at_least_half_its_ceiling() {
        let policy = RetryPolicy::idempotent(Duration::from_secs(1), Duration::from_secs(8));
        let throttled = Failed {
            advice: RetryAdvice::AfterThrottle {
                wait: Duration::ZERO,
                max_attempts: 100,
            },
            had_effect: true,
        };
        for (attempt, seconds) in [(1, 1), (2, 2), (3, 4), (4, 8), (50, 8)] {
            let delays: Vec<_> = (0..500)
                .filter_map(|_| policy.next_delay(&throttled, attempt))
                .collect();

            let ceiling = Duration::from_secs(seconds);
            assert_eq!(delays.len(), 500);
            let expected = ceiling / 2..=ceiling;
            assert!(delays.iter().all(|delay| expected.contains(delay)));
            assert!(delays.iter().any(|delay| *delay < ceiling * 5 / 8));
            assert!(delays.iter().any(|delay| *delay > ceiling * 7 / 8));
        }

        let last = Failed {
            advice: RetryAdvice::AfterThrottle {
                wait: Duration::ZERO,
                max_attempts: 3,
            },
            ..throttled
        };
        assert_eq!(policy.next_delay(&last, 3), None);
    }

    #[test]
    fn no_caller_comes_back_sooner_than_asked() {
        let error = after(Duration::from_secs(2), 2);
        let delays = (0..500).filter_map(|_| POLICY.next_delay(&error, 1));

        let expected = Duration::from_secs(2)..=Duration::from_millis(2_250);
        let delays: Vec<_> = delays.collect();
        assert!(delays.iter().all(|delay| expected.contains(delay)));
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = httpdate::parse_http_date("Tue, 24 Nov 2026 08:00:00 GMT").unwrap();
        let wait = |text: &str| retry_after(text, now);
        assert_eq!(wait("7"), Some(Duration::from_secs(7)));
        assert_eq!(wait(" 1.5 "), Some(Duration::from_millis(1_500)));

        let half_a_minute_later = "Tue, 24 Nov 2026 08:00:30 GMT";
        let an_hour_ago = "Tue, 24 Nov 2026 07:00:00 GMT";
        assert_eq!(wait(half_a_minute_later), Some(Duration::from_secs(30)));
        assert_eq!(wait(an_hour_ago), Some(Duration::ZERO));

        for wrong in ["", "soon", "-1", "NaN", "1e400"] {
            assert_eq!(wait(wrong), None, "{wrong}");
        }
    }
}
