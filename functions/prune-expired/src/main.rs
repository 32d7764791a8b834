//! Wires the pruning to its schedule.

use std::time::Duration;

use prune_expired::{App, handle};
use wenzhen::config::DatabaseSettings;
use wenzhen::postgres::Database;
use wenzhen::{schedule, telemetry};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    telemetry::init();
    let app = App { database: Database::new(&DatabaseSettings::from_env()?).await? };
    schedule::serve(Duration::from_mins(5), app, handle).await
}
