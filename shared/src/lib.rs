//! wenzhen (问诊): what every function of the consultation backend shares.
//!
//! A module uses only what stands below it:
//!
//! | level | modules |
//! |---|---|
//! | the consultation agent | [`agent`] |
//! | models; the HTTP edge | [`ai`], [`http`] |
//! | vertical slices | [`consultations`], then [`jobs`] |
//! | one room per real service | [`telemetry`], [`postgres`], [`aws`] |
//! | settings | [`config`] |
//! | pure | [`identity`], [`deadline`], [`page`], [`error`], [`triage`] |

pub mod agent;
pub mod ai;
pub mod aws;
pub mod config;
pub mod consultations;
pub mod deadline;
pub mod error;
pub mod http;
pub mod identity;
pub mod jobs;
pub mod page;
pub mod postgres;
pub mod telemetry;
pub mod triage;

pub use uuid::Uuid;
