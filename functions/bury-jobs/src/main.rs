//! Wires the burial to the dead-letter queue.

use std::time::Duration;

use aws_lambda_events::sqs::SqsEvent;
use bury_jobs::{App, TIMEOUT, handle};
use lambda_runtime::{LambdaEvent, service_fn};
use wenzhen::config::{self, DatabaseSettings};
use wenzhen::deadline::Deadline;
use wenzhen::jobs::queue::Queue;
use wenzhen::postgres::Database;
use wenzhen::{aws, telemetry};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    telemetry::init();
    let aws = aws::sdk_config().await;
    let app = App {
        database: Database::new(&DatabaseSettings::from_env()?).await?,
        queue: Queue::new(&aws, config::dead_letter_queue_url()?),
    };
    let app = &app;
    lambda_runtime::run(service_fn(move |event: LambdaEvent<SqsEvent>| async move {
        let deadline = Deadline::of_timeout(event.context.deadline(), Duration::ZERO, TIMEOUT);
        Ok::<_, std::convert::Infallible>(handle(app, event.payload, deadline).await)
    }))
    .await
}
