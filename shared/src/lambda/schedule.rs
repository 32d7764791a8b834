//! A scheduled function as a type.

use std::time::Duration;

use futures::future::LocalBoxFuture;
use lambda_runtime::Context;
use serde::Serialize;
use serde_json::value::RawValue;
use tracing::Instrument;

use super::{Answer, Invoke, buffered, trace_parent};
use crate::config::ConfigError;
use crate::deadline::Deadline;
use crate::error::{Error, ErrorKind, error_chain};
use crate::setup::Setup;
use crate::telemetry::trace;

/// Kept from the invocation's time for the answer and the log line.
const ANSWER_RESERVE: Duration = Duration::from_secs(2);

/// A function that runs by a schedule. Its event says nothing that matters.
pub trait Schedule: Sized + 'static {
    /// The function's time-out, as the template has it.
    const TIMEOUT: Duration;

    /// What one run did, for an operator who invokes it by hand.
    type Summary: Serialize;

    /// Makes the function, once for each execution environment.
    fn from_env(setup: &Setup) -> impl Future<Output = Result<Self, ConfigError>>;

    /// Runs once. Runs may overlap.
    fn run(&self, deadline: Deadline) -> impl Future<Output = Result<Self::Summary, Error>>;
}

/// A scheduled function in service.
pub(super) struct Scheduled<S> {
    pub(super) name: &'static str,
    pub(super) schedule: S,
}

impl<S: Schedule> Invoke for Scheduled<S> {
    fn invoke<'a>(
        &'a self,
        _: &'a RawValue,
        context: &'a Context,
    ) -> LocalBoxFuture<'a, Result<Answer, lambda_runtime::Error>> {
        let span = tracing::info_span!(
            "schedule",
            function = self.name,
            request_id = context.request_id,
            trace_id = tracing::field::Empty
        );
        let work = async {
            let deadline = Deadline::of_timeout(context.deadline(), ANSWER_RESERVE, S::TIMEOUT);
            let summary = match deadline.run(self.schedule.run(deadline)).await {
                Ok(done) => done,
                Err(elapsed) => {
                    Err(Error::new(ErrorKind::TimedOut, "It took too long.").with_source(elapsed))
                }
            };

            match summary {
                Ok(summary) => buffered(&summary),
                Err(error) => {
                    tracing::error!(error = %error, causes = error_chain(&error), "failed");
                    trace::fail(error.kind().slug());
                    // Said to Lambda, so that the invocation counts as failed.
                    Err(error.to_string().into())
                }
            }
        };

        let span = trace::begin(span, trace_parent(context));
        Box::pin(work.instrument(span))
    }
}
