//! Wires the worker to its queue.

use std::sync::Arc;
use std::time::Duration;

use aws_lambda_events::sqs::SqsEvent;
use lambda_runtime::{LambdaEvent, service_fn};
use wenzhen::ai::Chains;
use wenzhen::aws::{self, Secrets};
use wenzhen::cache::Cache;
use wenzhen::config::{self, DatabaseSettings};
use wenzhen::consultations::transcript::Transcripts;
use wenzhen::deadline::Deadline;
use wenzhen::jobs::queue::Queue;
use wenzhen::postgres::Database;
use wenzhen::reports::Bucket;
use wenzhen::{telemetry, valkey::Valkey};
use worker::{App, TIMEOUT, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    telemetry::init();
    let aws = aws::sdk_config().await;
    let valkey = Valkey::from_env()?;
    let app = App {
        database: Database::new(&DatabaseSettings::from_env()?).await?,
        queue: Queue::new(&aws, config::jobs_queue_url()?),
        dead_letters: Queue::new(&aws, config::dead_letter_queue_url()?),
        transcripts: Transcripts::new(&aws, config::transcripts_table()?),
        chains: Chains::new(
            &config::models()?,
            valkey.clone(),
            &Arc::new(Secrets::new(&aws)),
        )?,
        reports: Bucket::new(&aws, config::reports_bucket()?),
        cache: Cache::new(valkey),
    };
    let app = &app;
    lambda_runtime::run(service_fn(move |event: LambdaEvent<SqsEvent>| async move {
        let deadline = Deadline::of_timeout(event.context.deadline(), Duration::ZERO, TIMEOUT);
        Ok::<_, std::convert::Infallible>(handle(app, event.payload, deadline).await)
    }))
    .await
}
