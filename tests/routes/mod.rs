//! Mirrors the routes of the API.

mod consultations;
