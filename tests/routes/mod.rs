//! Mirrors the routes of the API.

mod access;
mod audit;
mod chat;
mod consultations;
mod health;
mod jobs;
mod knowledge;
mod limits;
mod triage;
mod uploads;
mod users;
