//! Wires the sweep of the outbox to its schedule.

use std::time::Duration;

use sweep_outbox::{App, handle};
use wenzhen::config::{self, DatabaseSettings};
use wenzhen::jobs::queue::Queue;
use wenzhen::postgres::Database;
use wenzhen::{aws, schedule, telemetry};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    telemetry::init();
    let aws = aws::sdk_config().await;
    let app = App {
        database: Database::new(&DatabaseSettings::from_env()?).await?,
        queue: Queue::new(&aws, config::jobs_queue_url()?),
    };
    schedule::serve(Duration::from_mins(1), app, handle).await
}
