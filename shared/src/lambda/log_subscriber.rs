//! A function that reads log groups as a type.

use std::time::Duration;

use aws_lambda_events::cloudwatch_logs::LogsEvent;
use futures::future::LocalBoxFuture;
use lambda_runtime::Context;
use serde_json::value::RawValue;

use super::{Answer, Invoke, buffered, read};
use crate::config::ConfigError;
use crate::deadline::Deadline;
use crate::error::{Error, error_chain};
use crate::setup::Setup;

/// Kept from the invocation's time for the answer and the log line.
const ANSWER_RESERVE: Duration = Duration::from_secs(1);

/// A function to which CloudWatch hands lines of log groups. It must not read its own: each line
/// would make another one.
pub trait LogSubscriber: Sized + 'static {
    /// The function's time-out, as the template has it.
    const TIMEOUT: Duration;

    /// Makes the function, once for each execution environment.
    fn from_env(setup: &Setup) -> impl Future<Output = Result<Self, ConfigError>>;

    /// Takes some lines of one group. After an error Lambda hands them over again, twice.
    fn handle(
        &self,
        lines: Vec<String>,
        deadline: Deadline,
    ) -> impl Future<Output = Result<(), Error>>;
}

/// A subscriber in service.
pub(super) struct Subscriber<S>(pub(super) S);

impl<S: LogSubscriber> Invoke for Subscriber<S> {
    fn invoke<'a>(
        &'a self,
        event: &'a RawValue,
        context: &'a Context,
    ) -> LocalBoxFuture<'a, Result<Answer, lambda_runtime::Error>> {
        Box::pin(async {
            let event: LogsEvent = read(event)?;
            let lines = event.aws_logs.data.log_events.into_iter();
            let lines = lines.map(|line| line.message).collect();

            let deadline = Deadline::of_timeout(context.deadline(), ANSWER_RESERVE, S::TIMEOUT);
            match self.0.handle(lines, deadline).await {
                Ok(()) => buffered(&()),
                Err(error) => {
                    tracing::error!(error = %error, causes = error_chain(&error), "failed");
                    Err(error.to_string().into())
                }
            }
        })
    }
}
