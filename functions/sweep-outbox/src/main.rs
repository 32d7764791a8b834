//! Wires the sweep of the outbox to its schedule.

use sweep_outbox::{App, TIMEOUT, handle};
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
    schedule::serve(TIMEOUT, app, handle).await
}
