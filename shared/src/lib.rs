//! wenzhen (问诊): what every function of the consultation backend shares.
//!
//! A module uses only what stands below it (`tests/architecture.rs` holds it):
//!
//! | level | modules |
//! |---|---|
//! | running functions; the description of the API | [`lambda`]; [`openapi`] |
//! | the consultation agent; chat completions | [`agent`], [`chat`] |
//! | documents that answers quote and cite | [`knowledge`] |
//! | models; HTTP; health | [`ai`], [`http`], [`health`] |
//! | what a function is made from | [`setup`] |
//! | export, erasure, retention | [`privacy`] |
//! | vertical slices | [`users`], [`reports`], [`uploads`], [`realtime`] |
//! | the slice that they share; below it | [`consultations`]; [`jobs`], [`audit`] |
//! | staying up; changes of access | [`resilience`], [`limits`], [`cache`]; [`access`] |
//! | one room per real service | [`postgres`] and [`valkey`], then [`aws`] |
//! | logs and metrics; settings | [`telemetry`], then [`config`] |
//! | pure | [`triage`], [`page`], then [`identity`], [`deadline`], [`error`], [`locale`] |
//! | what a reader sees of a text; schemas | `text`; `schema` |

pub mod access;
pub mod agent;
pub mod ai;
pub mod audit;
pub mod aws;
pub mod cache;
pub mod chat;
pub mod config;
pub mod consultations;
pub mod deadline;
pub mod error;
pub mod fleet_metrics;
pub mod health;
pub mod http;
pub mod identity;
pub mod jobs;
pub mod knowledge;
pub mod lambda;
pub mod limits;
pub mod locale;
pub mod migrations;
pub mod openapi;
pub mod page;
pub mod postgres;
pub mod privacy;
pub mod realtime;
pub mod reports;
pub mod resilience;
mod schema;
pub mod setup;
pub mod telemetry;
mod text;
pub mod trace_export;
pub mod triage;
pub mod uploads;
pub mod users;
pub mod valkey;

pub use uuid::Uuid;
