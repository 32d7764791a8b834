//! How fast calls may come, and the verdict of a limit on one of them.

use crate::config::Algorithm;

/// Each environment may let in one part of so many of a limit while Valkey is gone.
const LOCAL_PARTS: u64 = 10;

/// The largest full bucket that is counted exactly. A script's numbers are whole up to `2^53`, and
/// a full bucket and the largest charge must fit together.
const MAX_EXACT_TICKS: u128 = 1 << 52;

/// A full bucket whose step is rounded up: smaller, since the step grows.
const MAX_ROUNDED_TICKS: u128 = 1 << 51;

/// Entries of a window.
const MAX_WINDOW_ENTRIES: u64 = 10_000;

/// How much in how much time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How it is counted.
    pub algorithm: Algorithm,
    /// Calls, or tokens, in a window; at least 1.
    pub limit: u64,
    /// Microseconds.
    pub window: u64,
}

/// How a bucket fills, in whole numbers: time is counted in ticks, parts of a microsecond.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fill {
    /// Ticks in which a bucket gets one more.
    pub step: u64,
    /// Ticks of a microsecond.
    pub scale: u64,
}

impl Rate {
    /// How its bucket fills: exactly, as `window / limit` in lowest terms, if a script's numbers
    /// hold the whole bucket so. If they do not, with a step that is rounded up, so that never more
    /// than the limit is let in: it is longer by at most a millionth.
    pub fn fill(&self) -> Fill {
        let divisor = gcd(self.limit, self.window);
        let exact = Fill {
            step: self.window / divisor,
            scale: self.limit / divisor,
        };

        let is_held = |ticks: u128| ticks <= MAX_EXACT_TICKS;
        if is_held(u128::from(self.burst()) * u128::from(exact.step)) {
            exact
        } else {
            self.rounded_fill()
        }
    }

    fn rounded_fill(&self) -> Fill {
        let [limit, window, burst] = [self.limit, self.window, self.burst()].map(u128::from);
        let scale = (MAX_ROUNDED_TICKS * limit / (burst * window)).max(1);
        let step = (window * scale).div_ceil(limit);

        let number = |wide: u128| u64::try_from(wide).unwrap_or(u64::MAX);
        Fill {
            step: number(step),
            scale: number(scale),
        }
    }

    /// Microseconds in which an empty bucket is full.
    pub(super) fn fill_time(&self) -> u128 {
        let time = u128::from(self.burst()) * u128::from(self.window);
        time / u128::from(self.limit)
    }

    /// What a bucket holds; the limit, for a window.
    const fn burst(&self) -> u64 {
        match self.algorithm {
            Algorithm::TokenBucket { burst } => burst,
            Algorithm::SlidingWindow => self.limit,
        }
    }

    /// Microseconds within which the calls of a window are kept as one, which leaves when the last
    /// of them does. So a window has so many entries at most, whatever its limit; one whose limit
    /// is no larger keeps each call's microsecond.
    pub const fn grain(&self) -> u64 {
        let grain = self.window / MAX_WINDOW_ENTRIES;
        if self.limit > MAX_WINDOW_ENTRIES && grain > 1 {
            grain
        } else {
            1
        }
    }

    /// The part of it that one environment may let in by its own counts.
    pub(super) fn local_share(self) -> Self {
        let share = |whole: u64| whole.div_ceil(LOCAL_PARTS);
        let algorithm = match self.algorithm {
            Algorithm::TokenBucket { burst } => Algorithm::TokenBucket {
                burst: share(burst),
            },
            Algorithm::SlidingWindow => Algorithm::SlidingWindow,
        };

        Self {
            algorithm,
            limit: share(self.limit),
            window: self.window,
        }
    }
}

impl Fill {
    /// Ticks in which a bucket gets `cost` more.
    pub(super) fn ticks_of(self, cost: u64) -> u128 {
        u128::from(cost) * u128::from(self.step)
    }

    /// Ticks of so many microseconds.
    pub(super) fn ticks_in(self, micros: u64) -> u128 {
        u128::from(micros) * u128::from(self.scale)
    }

    /// Microseconds of so many ticks, rounded up.
    pub(super) fn micros_of(self, ticks: u128) -> u64 {
        let micros = ticks.div_ceil(u128::from(self.scale));
        u64::try_from(micros).unwrap_or(u64::MAX)
    }
}

/// The greatest common divisor of two numbers, at least 1.
const fn gcd(mut left: u64, mut right: u64) -> u64 {
    while right > 0 {
        (left, right) = (right, left % right);
    }
    if left == 0 { 1 } else { left }
}

/// The question to one limit about one call.
#[derive(Debug, Clone)]
pub struct LimitCheck {
    /// The key under which the calls are counted.
    pub key: String,
    /// The limit's rate.
    pub rate: Rate,
    /// The charge if the call is let in: 1 for a call, or its tokens.
    pub cost: u64,
}

/// The verdict of one limit on a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// Whether it lets the call in.
    pub is_admitted: bool,
    /// What is left of the limit afterwards.
    pub remaining: u64,
    /// Microseconds until all of it is free again, if no call comes.
    pub reset: u64,
    /// Microseconds until the same call would be let in; `None` if it never would be.
    pub wait: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: u64 = 60_000_000;
    const DAY: u64 = 86_400_000_000;

    struct Case {
        limit: u64,
        window: u64,
        fill: Fill,
    }

    const EXACT: [Case; 5] = [
        Case {
            limit: 200_000,
            window: MINUTE,
            fill: Fill {
                step: 300,
                scale: 1,
            },
        },
        Case {
            limit: 10_000_000,
            window: MINUTE,
            fill: Fill { step: 6, scale: 1 },
        },
        Case {
            limit: 50_000_000,
            window: MINUTE,
            fill: Fill { step: 6, scale: 5 },
        },
        Case {
            limit: 49_999_999,
            window: MINUTE,
            fill: Fill {
                step: MINUTE,
                scale: 49_999_999,
            },
        },
        Case {
            limit: 1_000_000_000,
            window: 1_000,
            fill: Fill {
                step: 1,
                scale: 1_000_000,
            },
        },
    ];

    const fn bucket(limit: u64, window: u64) -> Rate {
        Rate {
            algorithm: Algorithm::TokenBucket { burst: limit },
            limit,
            window,
        }
    }

    #[test]
    fn a_bucket_fills_exactly_where_numbers_hold_it() {
        for Case {
            limit,
            window,
            fill,
        } in EXACT
        {
            assert_eq!(bucket(limit, window).fill(), fill, "{limit} in {window}");
        }
    }

    /// Rounded up: a step is never too short, and too long by a millionth at most.
    #[test]
    fn a_bucket_too_large_for_that_is_off_by_a_millionth() {
        let mut random = fastrand::Rng::with_seed(9);
        for _ in 0..100_000 {
            let rate = bucket(random.u64(1..=1_000_000_000), random.u64(1_000..=DAY));
            let Fill { step, scale } = rate.fill();
            let [limit, window] = [rate.limit, rate.window].map(u128::from);

            let counted = u128::from(step) * limit;
            let exact = window * u128::from(scale);
            assert!(counted >= exact, "{rate:?}");
            assert!((counted - exact) * 1_000_000 <= exact, "{rate:?}");
            assert!(limit * u128::from(step) <= MAX_EXACT_TICKS, "{rate:?}");
        }
    }

    #[test]
    fn a_window_keeps_each_calls_time_unless_they_are_many() {
        let grain = |limit| {
            let algorithm = Algorithm::SlidingWindow;
            Rate {
                algorithm,
                limit,
                window: MINUTE,
            }
            .grain()
        };
        assert_eq!(grain(100), 1);
        assert_eq!(grain(10_000), 1);
        assert_eq!(grain(10_000_000), 6_000);
    }
}
