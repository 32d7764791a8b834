//! Wires `POST /v1/consultations`.

use create_consultation::{App, handle};
use wenzhen::config::{self, DatabaseSettings, TokenSettings};
use wenzhen::http::{auth::Authenticator, serve};
use wenzhen::jobs::outbox::Queue;
use wenzhen::postgres::Database;
use wenzhen::{aws, telemetry};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    telemetry::init();
    let authenticator = Authenticator::new(&TokenSettings::from_env()?)?;
    let aws = aws::sdk_config().await;
    let app = App {
        database: Database::new(&DatabaseSettings::from_env()?).await?,
        queue: Queue::new(&aws, config::jobs_queue_url()?),
    };
    serve("POST /v1/consultations", authenticator, app, handle).await
}
