//! Wires `GET /v1/models`.

use list_models::{App, LIMITS, handle};
use wenzhen::config;
use wenzhen::http::{Edge, openai};
use wenzhen::telemetry;
use wenzhen::valkey::Valkey;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    telemetry::init();
    let edge = Edge::from_env(Valkey::from_env()?, LIMITS)?;
    openai::serve(
        "GET /v1/models",
        edge,
        App {
            models: config::models()?,
        },
        handle,
    )
    .await
}
