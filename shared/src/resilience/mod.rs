//! Staying up while others are down: a circuit [`breaker`] whose state is the fleet's, the one
//! [`retry`] loop, and a [`hedge`] budget. Nothing here knows of models or medicine.
//!
//! The time that all of it spends comes out of a [`Deadline`](crate::deadline::Deadline), which is
//! made once for each call.

pub mod breaker;
pub mod hedge;
pub mod retry;
