//! Rate limits that are exact, decided together, in one round trip at most.
//!
//! A route declares its limits; one script call on the server's clock decides all those of a request: if one refuses, none is
//! charged, and a refused call is never counted, so a client that keeps knocking gets in as soon as it may. A key that was
//! refused is remembered in the environment until its time, so a flood costs no round trip. While Valkey is gone each limit
//! does what it says: see [`OnLoss`].
//!
//! A key cannot be made without whose limit it is: a [`Subject`] of a tenant or a user holds the tenant.
//!
//! ```
//! use std::time::Duration;
//! use wenzhen::{config::LimitSettings, deadline::Deadline};
//! use wenzhen::limits::{Limit, Limiter, OnLoss, Scope, Who};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! const LIMITS: &[Limit] =
//!     &[Limit::sliding_window("address", Scope::Address, 100, Duration::from_mins(1)).on_loss(OnLoss::Local)];
//!
//! // With `Some(valkey)` they are the fleet's; without it, each environment has a tenth.
//! let limiter = Limiter::new(None, LIMITS, &LimitSettings::default())?;
//! let who = Who { address: Some("192.0.2.1".parse().unwrap()), caller: None };
//! for _ in 0..10 {
//!     assert!(limiter.decide(who, &[], Deadline::after(Duration::from_secs(1))).await.is_admitted());
//! }
//! let refused = limiter.decide(who, &[], Deadline::after(Duration::from_secs(1))).await;
//! assert!(refused.retry_after().unwrap() > Duration::from_secs(50));
//! # Ok::<_, wenzhen::config::ConfigError>(())
//! # }).unwrap();
//! ```

mod decision;
pub mod machine;
pub mod script;

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

pub use crate::config::{Algorithm, OnLoss};
use crate::config::{ConfigError, LimitSettings};
use crate::deadline::Deadline;
use crate::identity::{Caller, TenantId, UserId};
use crate::telemetry::metrics;
use crate::valkey::{ScriptCall, Valkey};
pub use decision::{Decision, Mode, Standing};
use machine::{Machine, Verdict};

/// What each environment may let in of a limit while Valkey is gone: one part of so many.
const LOCAL_SHARE: u64 = 10;

/// In microseconds.
const TEN_YEARS: u64 = 10 * 365 * 86_400 * 1_000_000;

/// The most that one call is charged.
const MOST: u64 = 1_000_000_000;

/// Refused keys that are remembered.
const MOST_REFUSED: usize = 10_000;

/// How much in how much time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How it is counted.
    pub algorithm: Algorithm,
    /// How much.
    pub limit: u64,
    /// In how many microseconds.
    pub window: u64,
}

impl Rate {
    /// Microseconds in which a bucket gets one more; rounded up, so that never more than the limit is let in.
    pub const fn step(&self) -> u64 {
        self.window.div_ceil(self.limit)
    }
}

/// Whose calls a limit counts together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
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
    name: &'static str,
    scope: Scope,
    rate: Rate,
    on_loss: OnLoss,
    is_settled: bool,
}

impl Limit {
    /// Never more than `limit` in any `window`.
    pub const fn sliding_window(
        name: &'static str,
        scope: Scope,
        limit: u64,
        window: Duration,
    ) -> Self {
        Self::new(name, scope, Algorithm::SlidingWindow, limit, window)
    }

    /// `limit` in each `window`, evenly, and up to `burst` at once.
    pub const fn token_bucket(
        name: &'static str,
        scope: Scope,
        limit: u64,
        window: Duration,
        burst: u64,
    ) -> Self {
        Self::new(name, scope, Algorithm::TokenBucket { burst }, limit, window)
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "a window has at most a day of microseconds"
    )]
    const fn new(
        name: &'static str,
        scope: Scope,
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
            on_loss: OnLoss::Open,
            is_settled: false,
        }
    }

    /// A limit that is there only if the operator sets it.
    pub const fn unless_set(name: &'static str, scope: Scope) -> Self {
        Self::new(
            name,
            scope,
            Algorithm::SlidingWindow,
            0,
            Duration::from_mins(1),
        )
    }

    /// What it does while Valkey is gone; it lets every call in unless told otherwise.
    #[must_use]
    pub const fn on_loss(mut self, on_loss: OnLoss) -> Self {
        self.on_loss = on_loss;
        self
    }

    /// Calls are charged by an estimate and settled later. A refusal may then end sooner than it says, so it is not remembered.
    #[must_use]
    pub const fn settled(mut self) -> Self {
        self.is_settled = true;
        self
    }

    /// The limit with what the operator changes of it; none if it has no rate.
    fn with(mut self, settings: &LimitSettings) -> Result<Option<Self>, ConfigError> {
        if let Some(setting) = settings.of(self.name) {
            self.rate.limit = setting.limit.unwrap_or(self.rate.limit);
            self.rate.algorithm = setting.algorithm(self.rate.algorithm, self.rate.limit);
            self.on_loss = setting.on_loss.unwrap_or(self.on_loss);
            if let Some(window) = setting
                .window
                .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
            {
                self.rate.window = u64::try_from(window.as_micros()).unwrap_or(u64::MAX);
            }
        }
        if self.rate.limit == 0 && settings.of(self.name).is_none() {
            return Ok(None);
        }
        let is_empty = matches!(self.rate.algorithm, Algorithm::TokenBucket { burst: 0 });
        let wrong = |problem: &str| Err(ConfigError::new(format!("LIMITS.{}", self.name), problem));
        if self.rate.limit == 0 || self.rate.window == 0 || is_empty {
            return wrong("needs a limit, a window and a burst of more than 0");
        }
        if let Algorithm::TokenBucket { burst } = self.rate.algorithm {
            // A bucket counts in whole microseconds: within a hundredth of what is said, and filled within ten years.
            if self.rate.limit.saturating_mul(100) > self.rate.window {
                return wrong(
                    "is too much for its window: at most 10,000 a second can be counted exactly",
                );
            }
            if burst.saturating_mul(self.rate.step()) > TEN_YEARS {
                return wrong("has a burst that would take more than ten years to fill");
            }
        }
        Ok(Some(self))
    }
}

/// Every route's that asks for a token: 100 calls a second from one address, and 200 at once, as at the edge.
pub const ADDRESS: Limit =
    Limit::token_bucket("address", Scope::Address, 100, Duration::from_secs(1), 200)
        .on_loss(OnLoss::Local);

/// Every authenticated route's: 100 calls in 60 s by one person.
pub const USER: Limit = Limit::sliding_window("user", Scope::User, 100, Duration::from_mins(1));

/// Every authenticated route's, if the operator sets it: calls by one tenant.
pub const TENANT: Limit = Limit::unless_set("tenant", Scope::Tenant);

/// Every route's, if the operator sets it: all calls.
pub const GLOBAL: Limit = Limit::unless_set("global", Scope::Global);

/// What a route has unless it declares something else.
pub const DEFAULT: &[Limit] = &[ADDRESS, USER, TENANT, GLOBAL];

/// Who calls, as far as it is known.
#[derive(Clone, Copy, Default)]
pub struct Who<'a> {
    /// The address that the gateway saw.
    pub address: Option<IpAddr>,
    /// The authenticated caller.
    pub caller: Option<&'a Caller>,
}

/// Whose usage a key counts. One of a tenant's data cannot be made without the tenant.
enum Subject<'a> {
    Address(IpAddr),
    User(&'a TenantId, &'a UserId),
    Tenant(&'a TenantId),
    Global,
}

impl<'a> Subject<'a> {
    fn of(scope: Scope, who: Who<'a>) -> Option<Self> {
        match scope {
            Scope::Address => who
                .address
                .map(|address| Self::Address(address.to_canonical())),
            Scope::User => who
                .caller
                .map(|caller| Self::User(&caller.tenant, &caller.user)),
            Scope::Tenant => who.caller.map(|caller| Self::Tenant(&caller.tenant)),
            Scope::Global => Some(Self::Global),
        }
    }

    /// A tenant's id holds no `/`, and a user's stands last: no two subjects have one key.
    fn key(&self) -> String {
        match self {
            Self::Address(IpAddr::V4(address)) => format!("address/{address}"),
            Self::Address(IpAddr::V6(address)) => {
                let [a, b, c, d, ..] = address.segments();
                format!("address/{a:x}-{b:x}-{c:x}-{d:x}")
            }
            Self::User(tenant, user) => format!("user/{}/{}", tenant.as_str(), user.as_str()),
            Self::Tenant(tenant) => format!("tenant/{}", tenant.as_str()),
            Self::Global => "global".to_owned(),
        }
    }
}

/// What a call was charged before it was known what it costs.
#[derive(Debug, Clone, Copy)]
pub struct Charge {
    /// How much.
    pub calls: u64,
    /// When.
    pub at: SystemTime,
    /// Who counted it.
    pub mode: Mode,
}

/// The limits of a route.
pub struct Limiter {
    valkey: Option<Arc<Valkey>>,
    prefix: String,
    limits: Vec<Limit>,
    local: Mutex<Machine>,
    refused: Mutex<HashMap<String, Refused>>,
}

/// A key that was refused: until when, and at what cost. A smaller cost may get in sooner.
#[derive(Clone, Copy)]
struct Refused {
    until: SystemTime,
    wait: Duration,
    cost: u64,
}

/// One limit that applies to a call.
struct Applied<'a> {
    limit: &'a Limit,
    key: String,
    cost: u64,
}

impl Limiter {
    /// The declared limits with what the operator changes of them.
    pub fn new(
        valkey: Option<Arc<Valkey>>,
        limits: &[Limit],
        settings: &LimitSettings,
    ) -> Result<Self, ConfigError> {
        let limits = limits
            .iter()
            .map(|limit| limit.with(settings))
            .collect::<Result<Vec<_>, _>>()?;
        let limits = limits.into_iter().flatten().collect();
        let prefix = valkey
            .as_ref()
            .map_or("local", |valkey| valkey.prefix())
            .to_owned();
        Ok(Self {
            valkey,
            prefix,
            limits,
            local: Mutex::default(),
            refused: Mutex::default(),
        })
    }

    /// Decides whether a call may be made, and charges it if so. `costs` says what a limit is charged, where that is not 1.
    /// One round trip; none if the caller was refused before and its time has not come.
    pub async fn decide(
        &self,
        who: Who<'_>,
        costs: &[(&str, u64)],
        deadline: Deadline,
    ) -> Decision {
        self.decide_with(who, costs, None, deadline).await.0
    }

    /// The same, and in the same round trip what else is to be asked of Valkey, whose answer comes second: none if Valkey is gone,
    /// or was not asked.
    pub async fn decide_with(
        &self,
        who: Who<'_>,
        costs: &[(&str, u64)],
        more: Option<ScriptCall<'_>>,
        deadline: Deadline,
    ) -> (Decision, Option<redis::Value>) {
        let applied = self.applied(who, costs);
        if applied.is_empty() {
            return (Decision::unlimited(), None);
        }
        if let Some(decision) = self.remembered(&applied) {
            return (decision, None);
        }
        let Some(valkey) = &self.valkey else {
            return (self.without(&applied), None);
        };
        let calls: Vec<_> = [Self::call(&applied)].into_iter().chain(more).collect();
        let mut answers = valkey
            .run(&calls, deadline)
            .await
            .unwrap_or_default()
            .into_iter();
        let verdicts = answers.next().as_ref().and_then(script::read);
        match verdicts.filter(|verdicts| verdicts.len() == applied.len()) {
            Some(verdicts) => (
                self.decided(&applied, verdicts, Mode::Shared),
                answers.next(),
            ),
            None => (self.without(&applied), None),
        }
    }

    /// Charges what a call has really cost, in place of what it was charged some time ago; less gives back, but no more than has
    /// not come back by itself since. `mode` is that of the decision: what nobody counted is not given back. Only buckets are
    /// settled: a window keeps what was let in.
    pub async fn settle(
        &self,
        name: &str,
        who: Who<'_>,
        charge: Charge,
        cost: u64,
        deadline: Deadline,
    ) {
        let Some(limit) = self.limits.iter().find(|limit| limit.name == name) else {
            return;
        };
        let Some(subject) = Subject::of(limit.scope, who) else {
            return;
        };
        if limit.rate.algorithm == Algorithm::SlidingWindow {
            return;
        }
        let key = self.key(limit, &subject);
        let passed =
            u64::try_from(charge.at.elapsed().unwrap_or_default().as_micros()).unwrap_or(u64::MAX);
        let owed = |rate: &Rate, calls: u64| {
            calls
                .min(MOST)
                .saturating_mul(rate.step())
                .saturating_sub(passed)
        };
        match (charge.mode, &self.valkey) {
            (Mode::Shared, Some(valkey)) => {
                let moved = i128::from(owed(&limit.rate, cost))
                    - i128::from(owed(&limit.rate, charge.calls));
                if moved == 0 {
                    return;
                }
                if let Err(error) = valkey.run(&[script::settle(key, moved)], deadline).await {
                    tracing::warn!(limit = name, error = %error, "what a call has really cost is not charged");
                }
            }
            (Mode::Local, _) if limit.on_loss == OnLoss::Local => {
                let rate = share(limit.rate);
                let mut local = self.local.lock().unwrap_or_else(PoisonError::into_inner);
                local.settle(&key, owed(&rate, charge.calls), owed(&rate, cost));
            }
            _ => {}
        }
    }

    /// The names of its limits.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.limits.iter().map(|limit| limit.name)
    }

    fn key(&self, limit: &Limit, subject: &Subject<'_>) -> String {
        // All keys of a request are in one slot of a cluster, since one script decides them.
        // The algorithms keep different things, so a key is one algorithm's.
        let kind = if limit.rate.algorithm == Algorithm::SlidingWindow {
            "w"
        } else {
            "b"
        };
        format!(
            "{}:{{limits}}:{}:{kind}:{}",
            self.prefix,
            limit.name,
            subject.key()
        )
    }

    fn applied(&self, who: Who<'_>, costs: &[(&str, u64)]) -> Vec<Applied<'_>> {
        let cost = |name| {
            costs
                .iter()
                .find(|(limit, _)| *limit == name)
                .map_or(1, |(_, cost)| (*cost).min(MOST))
        };
        let applies = |limit: &'_ Limit| Some(self.key(limit, &Subject::of(limit.scope, who)?));
        let with_key = self
            .limits
            .iter()
            .filter_map(|limit| Some((limit, applies(limit)?)));
        with_key
            .map(|(limit, key)| Applied {
                limit,
                key,
                cost: cost(limit.name),
            })
            .collect()
    }

    fn call<'a>(applied: &[Applied<'_>]) -> ScriptCall<'a> {
        let keys = applied.iter().map(|one| one.key.clone()).collect();
        script::decide(keys, applied.iter().map(|one| (one.limit.rate, one.cost)))
    }

    /// The refusal of one whose time has not come.
    fn remembered(&self, applied: &[Applied<'_>]) -> Option<Decision> {
        let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        let now = SystemTime::now();
        let known = applied.iter().find_map(|one| {
            let known = refused
                .get(&one.key)
                .filter(|known| known.cost <= one.cost)?;
            // A longer wait than was said means that the clock was set back.
            let wait = known
                .until
                .duration_since(now)
                .ok()
                .filter(|wait| *wait <= known.wait)?;
            Some(Standing::refused(one.limit, wait))
        });
        drop(refused);
        known.map(|standing| Decision::new(vec![standing], Mode::Shared))
    }

    fn decided(&self, applied: &[Applied<'_>], verdicts: Vec<Verdict>, mode: Mode) -> Decision {
        for (one, verdict) in applied
            .iter()
            .zip(&verdicts)
            .filter(|(_, verdict)| !verdict.is_admitted)
        {
            metrics::count("LimitRefused", &[("limit", one.limit.name)]);
            if let (Mode::Shared, Some(wait), false) = (mode, verdict.wait, one.limit.is_settled) {
                self.remember(one, wait);
            }
        }
        let standings = applied
            .iter()
            .zip(verdicts)
            .map(|(one, verdict)| Standing::new(one.limit, &verdict));
        Decision::new(standings.collect(), mode)
    }

    fn remember(&self, one: &Applied<'_>, wait: u64) {
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        let now = SystemTime::now();
        if refused.len() >= MOST_REFUSED {
            refused.retain(|_, known| known.until > now);
        }
        if refused.len() < MOST_REFUSED {
            let wait = Duration::from_micros(wait);
            refused.insert(
                one.key.clone(),
                Refused {
                    until: now + wait,
                    wait,
                    cost: one.cost,
                },
            );
        }
    }

    /// Each limit does what it says it does while Valkey is gone.
    fn without(&self, applied: &[Applied<'_>]) -> Decision {
        let with = |on_loss: OnLoss| {
            applied
                .iter()
                .filter(move |one| one.limit.on_loss == on_loss)
        };
        let mode = if with(OnLoss::Closed).next().is_some() {
            Mode::Closed
        } else if with(OnLoss::Local).next().is_some() {
            Mode::Local
        } else {
            Mode::Open
        };
        metrics::count("LimiterAlone", &[("mode", mode.as_str())]);
        if mode == Mode::Closed {
            let closed =
                with(OnLoss::Closed).map(|one| Standing::refused(one.limit, decision::CLOSED_FOR));
            return Decision::new(closed.collect(), mode);
        }
        let local: Vec<_> = with(OnLoss::Local).collect();
        let calls: Vec<_> = local
            .iter()
            .map(|one| (one.key.clone(), share(one.limit.rate), one.cost))
            .collect();
        let verdicts = self
            .local
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .decide(&calls, now());
        let standings = local
            .iter()
            .zip(&verdicts)
            .map(|(one, verdict)| Standing::new(one.limit, verdict));
        Decision::new(standings.collect(), mode)
    }
}

/// What one environment may let in of a limit.
fn share(rate: Rate) -> Rate {
    let part = |of: u64| of.div_ceil(LOCAL_SHARE);
    let algorithm = match rate.algorithm {
        Algorithm::TokenBucket { burst } => Algorithm::TokenBucket { burst: part(burst) },
        Algorithm::SlidingWindow => Algorithm::SlidingWindow,
    };
    Rate {
        algorithm,
        limit: part(rate.limit),
        window: rate.window,
    }
}

fn now() -> u64 {
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(now.as_micros()).unwrap_or(u64::MAX)
}
