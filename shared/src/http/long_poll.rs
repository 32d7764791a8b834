//! Holding an answer back until there is something to say, for as long as the caller may.
//!
//! A call that waits holds an execution environment. So the seconds that the calls of one person,
//! and of one tenant, wait are limits, [`WAIT`] and [`TENANT_WAIT`]: a call over one is not
//! refused, but answered with what is known. They are charged every two seconds, so a call that
//! soon has its answer costs little, and one that is broken off no more.

use std::time::Duration;

use super::Response;
use super::problem::write_retry_headers;
use crate::deadline::Deadline;
use crate::identity::Caller;
use crate::limits::{Client, LimitCost, Limiter, TENANT_WAIT, WAIT};

/// The pause before the second look. Short, since rules and a fast model are done within a second.
const FIRST_DELAY: Duration = Duration::from_millis(100);

/// The longest pause between two looks.
const MAX_DELAY: Duration = Duration::from_secs(1);

/// The seconds of waiting that are charged at once.
const CHARGED_SECONDS: u64 = 2;

/// A call that looks again and again until it has its answer or its time is up.
pub struct LongPoll<'a> {
    limiter: &'a Limiter,
    caller: &'a Caller,
    until: Deadline,
    /// The end of the time that was charged.
    charged_until: Deadline,
    delay: Duration,
    retry_after: Option<Duration>,
}

impl<'a> LongPoll<'a> {
    /// A call that waits until `until` at most, if `limiter` lets it.
    pub fn new(limiter: &'a Limiter, caller: &'a Caller, until: Deadline) -> Self {
        Self {
            limiter,
            caller,
            until,
            charged_until: Deadline::after(Duration::ZERO),
            delay: FIRST_DELAY,
            retry_after: None,
        }
    }

    /// Waits until the next look. False if the time is up, or if the caller has waited too long of
    /// late: then the call is answered at once.
    pub async fn pause(&mut self) -> bool {
        if self.until.remaining().is_zero() || !self.charge().await {
            return false;
        }

        #[expect(
            clippy::disallowed_methods,
            reason = "a poll bounded by `until`, not a retry: every look succeeded"
        )]
        tokio::time::sleep(self.delay.min(self.until.remaining())).await;
        self.delay = (self.delay * 3 / 2).min(MAX_DELAY);
        true
    }

    /// Whether the next pause is paid for, or was before.
    async fn charge(&mut self) -> bool {
        if !self.charged_until.remaining().is_zero() {
            return true;
        }

        let client = Client {
            address: None,
            caller: Some(self.caller),
        };
        let costs = [WAIT, TENANT_WAIT].map(|limit| LimitCost {
            limit: limit.name(),
            cost: CHARGED_SECONDS,
        });
        let decision = self.limiter.decide(client, &costs, self.until).await;
        if !decision.is_admitted() {
            self.retry_after = decision.retry_after();
            return false;
        }

        self.charged_until = Deadline::after(Duration::from_secs(CHARGED_SECONDS));
        true
    }

    /// Tells a caller who was not let wait when to come back.
    pub fn write_retry_after(&self, response: &mut Response) {
        write_retry_headers(response.headers_mut(), self.retry_after);
    }
}

#[cfg(test)]
mod tests {
    use lambda_http::Body;

    use super::*;
    use crate::config::LimitSettings;
    use crate::identity::{Role, TenantId, UserId};

    fn caller(user: &str) -> Caller {
        Caller {
            tenant: TenantId::try_from("t".to_owned()).unwrap(),
            user: UserId::try_from(user.to_owned()).unwrap(),
            role: Role::Patient,
        }
    }

    fn limiter(settings: &str) -> Limiter {
        let settings = LimitSettings::parse(settings).unwrap();
        Limiter::new(None, &[WAIT, TENANT_WAIT], &settings).unwrap()
    }

    fn retry_after(poll: &LongPoll<'_>) -> Option<u64> {
        let mut response = Response::new(Body::Empty);
        poll.write_retry_after(&mut response);
        let value = response.headers().get("retry-after")?;
        Some(value.to_str().unwrap().parse().unwrap())
    }

    #[tokio::test]
    async fn a_person_who_has_waited_too_long_is_answered_at_once() {
        // Four seconds, for two calls of two.
        let limiter = limiter(r#"{"wait":{"limit":4,"burst":4}}"#);
        let (one, other) = (caller("one"), caller("other"));
        let until = Deadline::after(Duration::from_mins(1));

        let mut polls: Vec<_> = (0..3)
            .map(|_| LongPoll::new(&limiter, &one, until))
            .collect();
        assert!(polls[0].pause().await);
        assert!(polls[1].pause().await);
        assert!(!polls[2].pause().await);

        assert_eq!(retry_after(&polls[0]), None);
        let wait = retry_after(&polls[2]).unwrap();
        assert!((1..=60).contains(&wait), "{wait}");
        assert!(LongPoll::new(&limiter, &other, until).pause().await);
    }

    #[tokio::test]
    async fn the_people_of_a_tenant_wait_no_longer_than_it_may() {
        let limiter = limiter(r#"{"tenant_wait":{"limit":4,"burst":4}}"#);
        let until = Deadline::after(Duration::from_mins(1));
        let mut is_admitted = Vec::new();
        for user in ["one", "two", "three"] {
            let caller = caller(user);
            is_admitted.push(LongPoll::new(&limiter, &caller, until).charge().await);
        }

        assert_eq!(is_admitted, [true, true, false]);
    }

    /// Without Valkey, the environment has all of the limit: 120 seconds.
    #[tokio::test]
    async fn by_default_six_calls_of_twenty_seconds_may_wait() {
        let (limiter, one) = (limiter("{}"), caller("one"));
        let until = Deadline::after(Duration::from_mins(1));

        for _ in 0..6 * 20 / CHARGED_SECONDS {
            let mut poll = LongPoll::new(&limiter, &one, until);
            assert!(poll.charge().await);
        }
    }

    #[tokio::test]
    async fn looks_within_two_seconds_are_charged_once() {
        let limiter = limiter(r#"{"wait":{"limit":2,"burst":2}}"#);
        let one = caller("one");
        let mut poll = LongPoll::new(&limiter, &one, Deadline::after(Duration::from_mins(1)));
        for _ in 0..3 {
            assert!(poll.pause().await);
        }
    }

    #[tokio::test]
    async fn a_call_whose_time_is_up_is_charged_nothing() {
        let limiter = limiter(r#"{"wait":{"limit":2,"burst":2}}"#);
        let one = caller("one");
        let mut over = LongPoll::new(&limiter, &one, Deadline::after(Duration::ZERO));
        assert!(!over.pause().await);
        assert_eq!(retry_after(&over), None);

        let until = Deadline::after(Duration::from_mins(1));
        assert!(LongPoll::new(&limiter, &one, until).pause().await);
    }
}
