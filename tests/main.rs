//! The integration and end-to-end tests: one binary, one stack, the real template deployed.
//!
//! `cargo xtask test` brings the stack up and says where it is in `WENZHEN_STACK_ENV`. Only
//! `chaos`, which runs last and alone, starts, stops or harms a server of it. Each test works in a
//! tenant of its own, so tests neither see nor wait for each other.
#![expect(
    clippy::disallowed_methods,
    reason = "tests read their stack's place, spawn servers and poll with bounds"
)]

mod access_changes;
mod adapters;
mod agent;
mod architecture;
mod auth;
mod breaker;
mod cache;
mod chain;
mod chaos;
mod dependencies;
mod functions;
mod jobs;
mod knowledge;
mod limits;
mod migrations;
mod postgres;
mod privacy;
mod provider;
mod readers;
mod realtime;
mod routes;
mod smoke;
mod support;
mod template;
mod traces;
mod transport;
mod triage;
mod valkey_cluster;
mod worker;
