//! Wires `POST /v1/users/import`.

use import_users::{App, LIMITS, handle};
use wenzhen::cache::Cache;
use wenzhen::config::DatabaseSettings;
use wenzhen::http::{Edge, serve};
use wenzhen::postgres::Database;
use wenzhen::telemetry;
use wenzhen::valkey::Valkey;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    telemetry::init();
    let valkey = Valkey::from_env()?;
    let edge = Edge::from_env(valkey.clone(), LIMITS)?;
    let app = App {
        database: Database::new(&DatabaseSettings::from_env()?).await?,
        cache: Cache::new(valkey),
    };
    serve("POST /v1/users/import", edge, app, handle).await
}
