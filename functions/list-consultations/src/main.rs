//! Wires `GET /v1/consultations`.

use list_consultations::{App, LIMITS, handle};
use wenzhen::config::DatabaseSettings;
use wenzhen::http::{Edge, serve};
use wenzhen::postgres::Database;
use wenzhen::telemetry;
use wenzhen::valkey::Valkey;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    telemetry::init();
    let edge = Edge::from_env(Valkey::from_env()?, LIMITS)?;
    let app = App {
        database: Database::new(&DatabaseSettings::from_env()?).await?,
    };
    serve("GET /v1/consultations", edge, app, handle).await
}
