//! A queue's consumer as a type.

use std::time::Duration;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use futures::future::LocalBoxFuture;
use lambda_runtime::Context;
use serde_json::value::RawValue;

use super::{Answer, Invoke, buffered, read};
use crate::config::ConfigError;
use crate::deadline::Deadline;
use crate::setup::Setup;
use crate::telemetry::metrics;

/// A function that consumes a queue, batch by batch.
pub trait QueueConsumer: Sized + 'static {
    /// The queue's logical name in the template, such as `JobsQueue`.
    const QUEUE: &'static str;

    /// The function's time-out, as the template has it.
    const TIMEOUT: Duration;

    /// Makes the consumer, once for each execution environment.
    fn from_env(setup: &Setup) -> impl Future<Output = Result<Self, ConfigError>>;

    /// Works on one batch. The answer names the messages that have to come again.
    fn handle(&self, event: SqsEvent, deadline: Deadline)
    -> impl Future<Output = SqsBatchResponse>;
}

/// A consumer in service.
pub(super) struct Consumer<C>(pub(super) C);

impl<C: QueueConsumer> Invoke for Consumer<C> {
    fn invoke<'a>(
        &'a self,
        event: &'a RawValue,
        context: &'a Context,
    ) -> LocalBoxFuture<'a, Result<Answer, lambda_runtime::Error>> {
        Box::pin(async {
            let event = read(event)?;
            let deadline = Deadline::of_timeout(context.deadline(), Duration::ZERO, C::TIMEOUT);
            let answer = self.0.handle(event, deadline).await;
            // Lambda counts a batch as answered whose messages all come again.
            metrics::add_failures(u64::from(!answer.batch_item_failures.is_empty()));
            buffered(&answer)
        })
    }
}
