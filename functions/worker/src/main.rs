//! Wires the worker to its queue.

use std::sync::Arc;
use std::time::Duration;

use aws_lambda_events::sqs::SqsEvent;
use lambda_runtime::{LambdaEvent, service_fn};
use wenzhen::ai::Chains;
use wenzhen::aws::{self, Secrets};
use wenzhen::config::{self, DatabaseSettings};
use wenzhen::consultations::transcript::Transcripts;
use wenzhen::deadline::Deadline;
use wenzhen::jobs::outbox::Queue;
use wenzhen::postgres::Database;
use wenzhen::telemetry;
use wenzhen::valkey::Valkey;
use worker::{App, handle};

/// The function's time-out in template.yaml.
const LONGEST_INVOCATION: Duration = Duration::from_mins(5);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    telemetry::init();
    let aws = aws::sdk_config().await;
    let valkey = Valkey::from_env()?;
    let app = App {
        database: Database::new(&DatabaseSettings::from_env()?).await?,
        transcripts: Transcripts::new(&aws, config::transcripts_table()?),
        queue: Queue::new(&aws, config::jobs_queue_url()?),
        chains: Chains::new(&config::models()?, valkey, &Arc::new(Secrets::new(&aws)))?,
    };
    let app = &app;
    lambda_runtime::run(service_fn(move |event: LambdaEvent<SqsEvent>| async move {
        let deadline = Deadline::of_invocation(event.context.deadline(), Duration::ZERO, LONGEST_INVOCATION);
        Ok::<_, std::convert::Infallible>(handle(app, event.payload, deadline).await)
    }))
    .await
}
