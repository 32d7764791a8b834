//! The worker: runs the jobs of a batch of queue messages, each by itself, so that one bad record
//! neither fails nor delays the others.
//!
//! | step | file |
//! |---|---|
//! | One statement claims the jobs of up to ten records; one heartbeat serves them all. | `batch` |
//! | Each record is processed as its claim says. | `record` |
//! | A granted job runs within its time, isolated from the others' errors and panics. | `run` |
//! | What came of the run is written, and decides when the message comes again. | `settle` |
//! | A kind brings its handler, which is found by the kind's name. | `handler`, `registry` |
//!
//! [`super::lifecycle`] says what each end of a run does to the job and to its message.
//!
//! A job that kills its worker takes the rest of the batch along. So a job whose worker died, and
//! which is down to its last attempt, runs isolated: when the rest of its batch is done, and by
//! itself. A last attempt that died beside others is repeated like this. The job that kills gets no
//! company, and the others get their attempts.

mod batch;
mod context;
mod error;
mod handler;
mod record;
mod registry;
mod run;
mod settle;
mod write;

pub use batch::process_batch;
pub use context::WorkerContext;
pub use error::{Failure, JobError};
pub use handler::JobHandler;
pub use registry::JobRegistry;
pub use run::Run;
