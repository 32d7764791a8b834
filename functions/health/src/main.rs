//! Wires `GET /health`.

use std::sync::Arc;

use health::{App, handle};
use tokio::sync::Mutex;
use wenzhen::ai::Chains;
use wenzhen::aws::{self, Secrets};
use wenzhen::config::{self, DatabaseSettings};
use wenzhen::http::serve_public;
use wenzhen::postgres::Database;
use wenzhen::telemetry;
use wenzhen::valkey::Valkey;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    telemetry::init();
    let secrets = Arc::new(Secrets::new(&aws::sdk_config().await));
    let valkey = Valkey::from_env()?;
    let app = App {
        database: Database::new(&DatabaseSettings::from_env()?).await?,
        chains: Chains::new(&config::models()?, valkey.clone(), &secrets)?,
        valkey,
        last: Mutex::default(),
    };
    serve_public("GET /health", app, handle).await
}
