//! Mirrors the routes of the API.

mod access;
mod audit;
mod chat;
mod consultations;
mod description;
mod health;
mod jobs;
mod knowledge;
mod limits;
mod metrics;
mod sign_out;
mod triage;
pub mod uploads;
mod users;
