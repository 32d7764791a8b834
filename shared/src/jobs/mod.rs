//! Durable work: jobs in PostgreSQL, sent from an outbox, carried by SQS, done by the `worker`
//! function.
//!
//! | step | module |
//! |---|---|
//! | A job's row commits with the work that it belongs to, and an outbox row with it. | [`store`] |
//! | The request sends the job's message. A sweep sends what a crash left unsent. | [`outbox`] |
//! | A run claims its job: it gets a lease with a fencing token. | [`claim`] |
//! | The worker runs the jobs of a batch of messages, each by itself. | [`worker`] |
//! | A run that does not complete its job releases the lease, or defers the job. | [`transition`] |
//! | The dead-letter queue's messages are processed, failed jobs are redriven. | [`dead_letters`] |
//!
//! [`lifecycle`] has all states of a job, and what leads from one to the next. The row says what is
//! left to do; a message is only a hint that there may be something.
//!
//! **A new kind is one type and one handler.** The type is the kind's payload and implements
//! [`JobPayload`], with the reasons for which the kind's jobs fail. The handler does the work and
//! implements [`worker::JobHandler`]. Nothing in this module changes.

mod changes;
pub mod claim;
pub mod dead_letters;
mod heartbeat;
pub mod lease;
pub mod lifecycle;
mod message;
mod new_job;
pub mod outbox;
mod payload;
pub mod queue;
mod reason;
mod sql;
mod state;
pub mod store;
pub mod transition;
mod view;
pub mod worker;

pub use changes::{ChangedJob, EndedJob};
pub use lease::Lease;
pub use message::{JobMessage, record_span};
pub use new_job::{MAX_PAYLOAD_BYTES, NewJob};
pub use payload::{JobKind, JobPayload};
pub use reason::{Reason, ReasonText};
pub(crate) use sql::completion_sql;
pub use state::{JobState, MAX_ATTEMPTS};
pub use view::{AcceptedJob, Job, JobView, RedrivenView};
