//! The time a call has left. It is made once, from the invocation's own limit, and travels with the call: whoever waits
//! for something asks it how long.

use std::time::{Duration, Instant, SystemTime};

/// A point in time after which an answer is of no use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(Instant);

/// What may be gone of an invocation's time when its function first looks.
const UNDERWAY: Duration = Duration::from_secs(5);

/// The time ran out before the work was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the deadline passed")]
pub struct Elapsed;

impl Deadline {
    /// `budget` from now.
    pub fn after(budget: Duration) -> Self {
        Self(Instant::now() + budget)
    }

    /// When Lambda ends the invocation, less a `reserve` in which the answer is written; at most `longest` from now.
    ///
    /// An invocation that has just begun has time left. If it seems to have none, this environment's clock is wrong, and the
    /// longest time applies; so it does with `cargo lambda watch`, which gives a duration where Lambda gives a point in time.
    pub fn of_invocation(ends: SystemTime, reserve: Duration, longest: Duration) -> Self {
        let left = ends
            .duration_since(SystemTime::now())
            .ok()
            .filter(|left| !left.is_zero())
            .unwrap_or(longest);
        Self::after(left.saturating_sub(reserve).min(longest))
    }

    /// The same for an invocation that has just begun, of a function whose `timeout` is known: so this is what it has left, and a
    /// clock that says something else is wrong. Only a few seconds of it may be gone already.
    pub fn of_timeout(ends: SystemTime, reserve: Duration, timeout: Duration) -> Self {
        let left = ends.duration_since(SystemTime::now()).unwrap_or_default();
        let is_plausible = left <= timeout && left + UNDERWAY >= timeout;
        Self::after(
            if is_plausible {
                left
            } else {
                timeout.saturating_sub(UNDERWAY)
            }
            .saturating_sub(reserve),
        )
    }

    /// What is left; zero when it has passed.
    pub fn remaining(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    /// The earlier of this deadline and `budget` from now.
    #[must_use]
    pub fn at_most(self, budget: Duration) -> Self {
        self.min(Self::after(budget))
    }

    /// This deadline moved forward, so that what comes after still has `reserve`.
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
        let deadline =
            Deadline::of_invocation(ends, Duration::from_secs(5), Duration::from_mins(1));
        assert!(
            deadline.remaining() > Duration::from_secs(20)
                && deadline.remaining() <= Duration::from_secs(25)
        );
    }

    #[test]
    fn a_clock_that_is_wrong_by_minutes_takes_no_invocation_its_time() {
        for wrong in [
            SystemTime::now() - Duration::from_mins(5),
            SystemTime::now() + Duration::from_mins(5),
        ] {
            let deadline = Deadline::of_invocation(wrong, Duration::ZERO, Duration::from_mins(1));
            assert!(deadline.remaining() > Duration::from_secs(50));
        }
    }

    #[test]
    fn whoever_knows_its_timeout_is_not_misled_by_any_clock() {
        let timeout = Duration::from_mins(5);
        for seconds in [
            0, 1, 100, 170, 200, 290, 294, 296, 299, 300, 310, 600, 3_600,
        ] {
            let ends = SystemTime::now() + Duration::from_secs(seconds);
            let left = Deadline::of_timeout(ends, Duration::from_secs(1), timeout).remaining();
            assert!(
                left > Duration::from_secs(292) && left < timeout,
                "{seconds}: {left:?}"
            );
        }
        let past = SystemTime::now() - timeout;
        assert!(
            Deadline::of_timeout(past, Duration::ZERO, timeout).remaining()
                > Duration::from_secs(292)
        );
    }

    #[test]
    fn a_runtime_that_gives_no_point_in_time_leaves_the_longest_call() {
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
        assert_eq!(
            deadline.run(std::future::pending::<()>()).await,
            Err(Elapsed)
        );
    }
}
