//! The time that a call has left. It is made once, from the invocation's own limit, and travels
//! with the call: every wait is bounded by it.

use std::time::{Duration, Instant, SystemTime};

/// A point in time after which an answer is of no use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(Instant);

/// How much of an invocation's time may have passed before its function first looks at the clock.
const MAX_STARTUP_TIME: Duration = Duration::from_secs(5);

/// The time ran out before the work was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the deadline passed")]
pub struct Elapsed;

impl Deadline {
    /// `budget` from now.
    pub fn after(budget: Duration) -> Self {
        Self(Instant::now() + budget)
    }

    /// When Lambda ends the invocation, less a `reserve` in which the answer is written; at most
    /// `longest` from now.
    ///
    /// An invocation that has just begun has time left. If it seems to have none, this
    /// environment's clock is wrong, and `longest` applies. So it does with `cargo lambda watch`,
    /// which gives a duration where Lambda gives a point in time.
    pub fn of_invocation(ends: SystemTime, reserve: Duration, longest: Duration) -> Self {
        let left = ends.duration_since(SystemTime::now()).unwrap_or_default();
        let left = if left.is_zero() { longest } else { left };

        let usable = left.saturating_sub(reserve);
        Self::after(usable.min(longest))
    }

    /// When Lambda ends an invocation that has just begun, less a `reserve`, for a function whose
    /// `timeout` is known. At most a few seconds of it have passed, so a clock that says otherwise
    /// is wrong.
    pub fn of_timeout(ends: SystemTime, reserve: Duration, timeout: Duration) -> Self {
        let left = ends.duration_since(SystemTime::now()).unwrap_or_default();
        let is_plausible = left <= timeout && left + MAX_STARTUP_TIME >= timeout;
        let left = if is_plausible {
            left
        } else {
            timeout.saturating_sub(MAX_STARTUP_TIME)
        };

        Self::after(left.saturating_sub(reserve))
    }

    /// The time that is left; zero when the deadline has passed.
    pub fn remaining(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    /// The earlier of this deadline and `budget` from now.
    #[must_use]
    pub fn at_most(self, budget: Duration) -> Self {
        self.min(Self::after(budget))
    }

    /// This deadline moved forward, so that the step after this one still has `reserve`.
    #[must_use]
    pub fn less(self, reserve: Duration) -> Self {
        Self(self.0.checked_sub(reserve).unwrap_or(self.0))
    }

    /// Waits for `work`, but not beyond the deadline: then the work is dropped, which cancels it.
    pub async fn run<T>(self, work: impl Future<Output = T>) -> Result<T, Elapsed> {
        tokio::time::timeout_at(self.0.into(), work)
            .await
            .map_err(|_| Elapsed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invocation_ends_when_lambda_says() {
        let ends = SystemTime::now() + Duration::from_secs(30);
        let reserve = Duration::from_secs(5);

        let left = Deadline::of_invocation(ends, reserve, Duration::from_mins(1)).remaining();
        assert!(left > Duration::from_secs(20));
        assert!(left <= Duration::from_secs(25));
    }

    #[test]
    fn a_clock_wrong_by_minutes_takes_no_invocation_its_time() {
        let now = SystemTime::now();
        let off = Duration::from_mins(5);

        for wrong in [now - off, now + off] {
            let deadline = Deadline::of_invocation(wrong, Duration::ZERO, Duration::from_mins(1));
            assert!(deadline.remaining() > Duration::from_secs(50));
        }
    }

    #[test]
    fn a_known_timeout_is_not_misled_by_any_clock() {
        let timeout = Duration::from_mins(5);
        let at_least = Duration::from_secs(292);

        for seconds in [
            0, 1, 100, 170, 200, 290, 294, 296, 299, 300, 310, 600, 3_600,
        ] {
            let ends = SystemTime::now() + Duration::from_secs(seconds);
            let left = Deadline::of_timeout(ends, Duration::from_secs(1), timeout).remaining();
            assert!(left > at_least && left < timeout, "{seconds}: {left:?}");
        }

        let past = SystemTime::now() - timeout;
        let left = Deadline::of_timeout(past, Duration::ZERO, timeout).remaining();
        assert!(left > at_least);
    }

    /// `cargo lambda watch` gives a duration.
    #[test]
    fn a_runtime_without_a_point_in_time_leaves_the_longest_call() {
        let duration = SystemTime::UNIX_EPOCH + Duration::from_mins(10);
        let deadline = Deadline::of_invocation(duration, Duration::ZERO, Duration::from_mins(1));
        assert!(deadline.remaining() > Duration::from_secs(50));
    }

    #[test]
    fn a_share_never_exceeds_the_whole() {
        let whole = Deadline::after(Duration::from_secs(5));

        assert_eq!(whole.at_most(Duration::from_mins(1)), whole);
        assert!(whole.at_most(Duration::from_secs(1)) < whole);
        assert!(whole.less(Duration::from_secs(1)) < whole);
    }

    #[tokio::test]
    async fn work_that_never_ends_is_dropped_at_the_deadline() {
        let deadline = Deadline::after(Duration::from_millis(20));
        let outcome = deadline.run(std::future::pending::<()>()).await;
        assert_eq!(outcome, Err(Elapsed));
    }
}
