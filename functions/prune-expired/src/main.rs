//! Wires the pruning to its schedule.

use prune_expired::{App, TIMEOUT, handle};
use wenzhen::config::DatabaseSettings;
use wenzhen::postgres::Database;
use wenzhen::{schedule, telemetry};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    telemetry::init();
    let app = App {
        database: Database::new(&DatabaseSettings::from_env()?).await?,
    };
    schedule::serve(TIMEOUT, app, handle).await
}
