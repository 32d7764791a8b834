//! Rate limits that are exact, decided together, in one round trip at most.
//!
//! A route declares its limits; one script call on the server's clock decides all those of a
//! request: if one refuses, none is charged, and a refused call is never counted, so a client that
//! keeps knocking gets in as soon as it may. A key that was refused is remembered in the
//! environment until its time, so a flood costs no round trip. While Valkey is gone each limit
//! fails open, closed or local, as its [`FailureMode`] says. Where none is configured, each
//! environment counts by itself, against all of a limit.
//!
//! A key cannot be made without its tenant: the subject of a tenant's or a user's limit holds it.
//!
//! ```
//! use std::time::Duration;
//! use wenzhen::{config::LimitSettings, deadline::Deadline};
//! use wenzhen::limits::{Client, FailureMode, Limit, LimitScope, Limiter};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! const PER_ADDRESS: Limit =
//!     Limit::sliding_window("address", LimitScope::Address, 10, Duration::from_mins(1))
//!         .failure_mode(FailureMode::Local);
//!
//! // With `Some(valkey)` the counts are the fleet's; without it, each environment's.
//! let limiter = Limiter::new(None, &[PER_ADDRESS], &LimitSettings::default())?;
//! let client = Client { address: Some("192.0.2.1".parse().unwrap()), caller: None };
//! let deadline = Deadline::after(Duration::from_secs(1));
//! for _ in 0..10 {
//!     assert!(limiter.decide(client, &[], deadline).await.is_admitted());
//! }
//!
//! let refused = limiter.decide(client, &[], deadline).await;
//! assert!(refused.retry_after().unwrap() > Duration::from_secs(50));
//! # Ok::<_, wenzhen::config::ConfigError>(())
//! # }).unwrap();
//! ```
//!
//! [`Limiter::decide`] makes a round trip of its own. Where something else is asked of Valkey at
//! the same time, [`Limiter::prepare`] adds the limits to a [`Batch`](crate::valkey::Batch).

mod client;
mod decision;
mod limit;
mod limiter;
pub mod local;
mod rate;
mod refusals;
pub mod script;
mod settlement;
mod view;

pub use crate::config::{Algorithm, FailureMode};
pub use client::Client;
pub use decision::{Decision, DecisionMode, LimitStatus};
pub use limit::{
    ADDRESS, CONNECTS, DEFAULT, GLOBAL, Limit, LimitScope, MESSAGES, TENANT, TENANT_WAIT, USER,
    WAIT,
};
pub use limiter::{LimitCost, Limiter, PendingDecision};
pub use rate::{Fill, LimitCheck, Rate, Verdict};
pub use settlement::{Charge, Settlement};
pub use view::{LimitView, views};
