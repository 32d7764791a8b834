//! Wires `GET /v1/consultations/{id}`.

use get_consultation::{App, handle};
use wenzhen::config::{DatabaseSettings, TokenSettings};
use wenzhen::http::{auth::Authenticator, serve};
use wenzhen::postgres::Database;
use wenzhen::telemetry;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    telemetry::init();
    let authenticator = Authenticator::new(&TokenSettings::from_env()?)?;
    let app = App { database: Database::new(&DatabaseSettings::from_env()?).await? };
    serve("GET /v1/consultations/{id}", authenticator, app, handle).await
}
