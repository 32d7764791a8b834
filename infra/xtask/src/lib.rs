//! `cargo xtask`: the local stack and the chores around it.
//!
//! Everything it installs and starts lives in `.local/`, which may be deleted when the stack is
//! down. It is a library too, since the tests ask the same stack for tokens and logs.

pub mod bench;
pub mod calls;
pub mod check;
pub mod contract;
pub mod demo;
pub mod deploy;
pub mod functions;
pub mod knowledge;
pub mod logs;
pub mod modules;
mod node;
pub mod openapi;
pub mod process;
pub mod prometheus;
pub mod provider;
pub mod report;
mod routes;
mod sam;
pub mod services;
mod settings;
pub mod shape;
pub mod stack;
pub mod test;
pub mod tools;
pub mod trace;
pub mod triage_explain;
pub mod triage_report;
pub mod triage_train;
pub mod up;
pub mod users;
pub mod variables;
pub mod web;
