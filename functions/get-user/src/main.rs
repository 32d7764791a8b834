//! Wires `GET /v1/users/{id}`.

use get_user::{App, LIMITS, handle};
use wenzhen::cache::Cache;
use wenzhen::config::DatabaseSettings;
use wenzhen::http::{Edge, serve_prefetching};
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
    serve_prefetching("GET /v1/users/{id}", edge, app, handle).await
}
