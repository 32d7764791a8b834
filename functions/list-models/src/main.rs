//! Wires `GET /v1/models`.

use list_models::{App, handle};
use wenzhen::config::{self, TokenSettings};
use wenzhen::http::{auth::Authenticator, openai};
use wenzhen::telemetry;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    telemetry::init();
    let authenticator = Authenticator::new(&TokenSettings::from_env()?)?;
    openai::serve("GET /v1/models", authenticator, App { models: config::models()? }, handle).await
}
