//! Circuit breakers whose state is the fleet's.
//!
//! On Lambda a breaker of its own in each environment protects no provider: each environment makes
//! its own five calls to a dead provider before it opens, and a fleet of a hundred makes five
//! hundred. Here a circuit is one document in Valkey, changed only by one script, on the server's
//! clock. What it does with a call:
//!
//! | phase | lets in | until |
//! |---|---|---|
//! | closed | every call | 5 consecutive faults, or a window with too many faults or slow calls |
//! | open | none | its time is over, and a call asks for a probe |
//! | half open | **one** probe, which holds a lease and a token | the probe ends, or its lease |
//! | ramp | a share of the calls that grows from a tenth to all | its time is over |
//!
//! **It costs a healthy call nothing.** Each environment decides on a copy of the state that is at
//! most [`SNAPSHOT_TTL`] old. Successes are counted here and go out with the next refresh; a fault,
//! a probe's end and a success after a fault are written at once.
//!
//! **A late result cannot harm.** A call belongs to the epoch in which it was let in. Its result is
//! ignored when the circuit is in another epoch by then, and so is the result of a probe whose
//! lease has passed to another one.
//!
//! **One client cannot open it for others.** Calls are counted by user and tenant. A user whose own
//! calls fail by these rules is left out alone, with one trial at a time; a tenant is left out by
//! the faults of several users, and the circuit opens for all by those of several tenants. A tenant
//! whose probe failed lets others probe first. What a provider asks one client, to be left alone,
//! holds for all once two tenants were asked.
//!
//! **Without Valkey** each environment goes on with its copy, by the same rules ([`state`]), alone;
//! the calls that it has counted are sent when Valkey is back.
//!
//! Only faults of the provider's health count. A refusal, a limit of one's own or a caller that
//! hangs up says nothing: let the [`Permit`] go.
//!
//! | file | knows |
//! |---|---|
//! | `state` | the state of one circuit and everything that changes it, without I/O |
//! | `phase` | what a circuit does with calls |
//! | `report` | what an environment reports of a circuit and asks of it |
//! | `window` | the calls of a sliding window |
//! | `client` | whose calls they are, and how they ended |
//! | `bar` | the bar of a user or a tenant that is left out |
//! | `clients` | the tenants and users: their calls, and which of them are left out |
//! | `verdict` | who is failing: a user, a tenant, or the provider |
//! | `cooldowns` | whom the provider asked to leave it alone |
//! | `script` | the wire form of `lua/*.lua`, which does the same on the server |
//! | `snapshot` | an environment's copy of the state, and the report that waits to be sent |
//! | `circuit` | how reports reach the fleet, and what happens when they do not |
//! | `permit` | the right to make one call, and how the call went |
//! | `admission` | whether a call may be made now |
//! | `view` | circuits as monitoring sees them |
//! | `breakers` | all circuits of one environment |
//!
//! ```
//! use std::time::Duration;
//! use wenzhen::deadline::Deadline;
//! use wenzhen::resilience::breaker::{Admission, Breakers, BreakerSettings};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! // With `Some(valkey)` the circuits are the fleet's.
//! let breakers = Breakers::new(None, [("payments", BreakerSettings::default())]);
//! let circuit = breakers.circuit("payments").unwrap();
//! let deadline = Deadline::after(Duration::from_secs(10));
//! for _ in 0..5 {
//!     match circuit.admit("a tenant/a user", deadline).await {
//!         // A call that went well is recorded with `record_success`.
//!         Admission::Granted(permit) => permit.record_failure(deadline).await,
//!         Admission::Refused(refusal) => panic!("{refusal:?}"),
//!     }
//! }
//! assert!(matches!(circuit.admit("a tenant/a user", deadline).await, Admission::Refused(_)));
//! // Its own calls failed, so others are let in.
//! assert!(matches!(circuit.admit("a tenant/another", deadline).await, Admission::Granted(_)));
//! assert_eq!(circuit.view().barred_users, 1);
//! # });
//! ```

mod admission;
pub mod bar;
mod breakers;
mod circuit;
pub mod client;
pub mod clients;
pub mod cooldowns;
mod permit;
mod phase;
mod report;
pub mod script;
mod snapshot;
pub mod state;
pub mod verdict;
mod view;
pub mod window;

pub use crate::config::BreakerSettings;
pub use admission::{Admission, Refusal, RefusalReason};
pub use breakers::Breakers;
pub use circuit::Circuit;
pub use permit::Permit;
pub use snapshot::SNAPSHOT_TTL;
pub use state::MAX_COOLDOWN;
pub use view::{CircuitView, WindowCounts};

#[cfg(test)]
mod model_tests;
#[cfg(test)]
mod tests;
