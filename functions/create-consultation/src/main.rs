//! Wires `POST /v1/consultations`.

use create_consultation::{App, LIMITS, handle};
use wenzhen::config::{self, DatabaseSettings};
use wenzhen::http::{Edge, serve};
use wenzhen::jobs::queue::Queue;
use wenzhen::postgres::Database;
use wenzhen::valkey::Valkey;
use wenzhen::{aws, telemetry};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    telemetry::init();
    let edge = Edge::from_env(Valkey::from_env()?, LIMITS)?;
    let aws = aws::sdk_config().await;
    let app = App {
        database: Database::new(&DatabaseSettings::from_env()?).await?,
        queue: Queue::new(&aws, config::jobs_queue_url()?),
    };
    serve("POST /v1/consultations", edge, app, handle).await
}
