//! Limits as routes declare them, with the operator's changes.

use std::time::Duration;

use serde::Serialize;

use super::rate::Rate;
use crate::config::{Algorithm, ConfigError, FailureMode, LimitSetting, LimitSettings};

/// The longest that an empty bucket may take to fill: ten years, in microseconds.
const MAX_FILL_TIME: u128 = 10 * 365 * 86_400 * 1_000_000;

/// Whose calls a limit counts together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LimitScope {
    /// Those from one address; an `IPv6` network of 64 bits is one.
    Address,
    /// Those of one person.
    User,
    /// Those of one tenant.
    Tenant,
    /// All.
    Global,
}

/// One limit, as a route declares it.
#[derive(Debug, Clone, Copy)]
pub struct Limit {
    pub(super) name: &'static str,
    pub(super) scope: LimitScope,
    pub(super) rate: Rate,
    pub(super) failure_mode: FailureMode,
    pub(super) is_settled: bool,
}

impl Limit {
    /// Never more than `limit` in any `window`.
    pub const fn sliding_window(
        name: &'static str,
        scope: LimitScope,
        limit: u64,
        window: Duration,
    ) -> Self {
        Self::new(name, scope, Algorithm::SlidingWindow, limit, window)
    }

    /// `limit` in each `window`, evenly, and up to `burst` at once.
    pub const fn token_bucket(
        name: &'static str,
        scope: LimitScope,
        limit: u64,
        window: Duration,
        burst: u64,
    ) -> Self {
        Self::new(name, scope, Algorithm::TokenBucket { burst }, limit, window)
    }

    /// A limit that is there only if the operator sets it.
    pub const fn unless_set(name: &'static str, scope: LimitScope) -> Self {
        let window = Duration::from_mins(1);
        Self::new(name, scope, Algorithm::SlidingWindow, 0, window)
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "a window has at most a day of microseconds"
    )]
    const fn new(
        name: &'static str,
        scope: LimitScope,
        algorithm: Algorithm,
        limit: u64,
        window: Duration,
    ) -> Self {
        let rate = Rate {
            algorithm,
            limit,
            window: window.as_micros() as u64,
        };

        Self {
            name,
            scope,
            rate,
            failure_mode: FailureMode::Open,
            is_settled: false,
        }
    }

    /// How it fails while Valkey is gone; it fails open unless told otherwise.
    #[must_use]
    pub const fn failure_mode(mut self, failure_mode: FailureMode) -> Self {
        self.failure_mode = failure_mode;
        self
    }

    /// Calls are charged by an estimate and settled later. A refusal may then end sooner than it
    /// says, so it is not remembered.
    #[must_use]
    pub const fn settled(mut self) -> Self {
        self.is_settled = true;
        self
    }

    /// The name by which its costs and settings are given.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The limit with the operator's changes; `None` if it has no rate.
    pub(super) fn with_settings(
        mut self,
        settings: &LimitSettings,
    ) -> Result<Option<Self>, ConfigError> {
        match settings.of(self.name) {
            Some(setting) => self.apply(setting),
            None if self.rate.limit == 0 => return Ok(None),
            None => {}
        }

        let checked = self.check_rate().map(|()| Some(self));
        checked.map_err(|problem| ConfigError::new(format!("LIMITS.{}", self.name), problem))
    }

    fn apply(&mut self, setting: &LimitSetting) {
        let rate = &mut self.rate;
        rate.limit = setting.limit.unwrap_or(rate.limit);
        rate.algorithm = setting.algorithm(rate.algorithm, rate.limit);
        self.failure_mode = setting.failure_mode.unwrap_or(self.failure_mode);

        let window = setting.window.map(Duration::try_from_secs_f64);
        if let Some(Ok(window)) = window {
            rate.window = u64::try_from(window.as_micros()).unwrap_or(u64::MAX);
        }
    }

    fn check_rate(&self) -> Result<(), &'static str> {
        let Rate {
            algorithm,
            limit,
            window,
        } = self.rate;
        let is_empty = algorithm == Algorithm::TokenBucket { burst: 0 };
        if limit == 0 || window == 0 || is_empty {
            return Err("needs a limit, a window and a burst of more than 0");
        }

        if self.rate.fill_time() > MAX_FILL_TIME {
            return Err("has a burst that would take more than ten years to fill");
        }
        Ok(())
    }
}

/// Of every route that asks for a token: 100 calls a second from one address, and 200 at once, as
/// at the edge.
pub const ADDRESS: Limit = Limit::token_bucket(
    "address",
    LimitScope::Address,
    100,
    Duration::from_secs(1),
    200,
)
.failure_mode(FailureMode::Local);

/// Of every authenticated route: 100 calls in 60 s by one person.
pub const USER: Limit =
    Limit::sliding_window("user", LimitScope::User, 100, Duration::from_mins(1));

/// Of every authenticated route, if the operator sets it: calls by one tenant.
pub const TENANT: Limit = Limit::unless_set("tenant", LimitScope::Tenant);

/// Of every route, if the operator sets it: all calls.
pub const GLOBAL: Limit = Limit::unless_set("global", LimitScope::Global);

/// Of every call that is held back until there is something to answer: its seconds. Two calls of
/// one person may wait all the time, and more of them for a while. The guard does not decide it: a
/// call over it is answered at once.
pub const WAIT: Limit =
    Limit::token_bucket("wait", LimitScope::User, 120, Duration::from_mins(1), 120)
        .failure_mode(FailureMode::Local);

/// The same of all people of a tenant: fifty calls may wait all the time, and three hundred may
/// begin at once.
pub const TENANT_WAIT: Limit = Limit::token_bucket(
    "tenant_wait",
    LimitScope::Tenant,
    3_000,
    Duration::from_mins(1),
    600,
)
.failure_mode(FailureMode::Local);

/// Of the WebSocket API: connections that one person opens. A client that loses its network comes
/// back at once, and then more slowly.
pub const CONNECTS: Limit =
    Limit::token_bucket("connects", LimitScope::User, 30, Duration::from_mins(1), 20)
        .failure_mode(FailureMode::Local);

/// Of the WebSocket API: frames that one person sends, over all connections.
pub const MESSAGES: Limit =
    Limit::token_bucket("messages", LimitScope::User, 10, Duration::from_secs(1), 50)
        .failure_mode(FailureMode::Local);

/// The limits of a route that declares none of its own.
pub const DEFAULT: &[Limit] = &[ADDRESS, USER, TENANT, GLOBAL];
