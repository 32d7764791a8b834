//! Every minute: sends the jobs that are due and not on their way.

use std::sync::Arc;
use std::time::Duration;

use wenzhen::deadline::Deadline;
use wenzhen::error::Error;
use wenzhen::jobs::outbox::{Swept, sweep};
use wenzhen::jobs::queue::Queue;
use wenzhen::postgres::Database;

/// The function's time-out.
pub const TIMEOUT: Duration = Duration::from_mins(1);

/// What the sweep needs, made once for each environment.
pub struct App {
    /// Where the outbox is.
    pub database: Database,
    /// Where jobs go.
    pub queue: Queue,
}

/// Sweeps once. Sweeps may run at the same time.
pub async fn handle(app: Arc<App>, deadline: Deadline) -> Result<Swept, Error> {
    let swept = sweep(&app.database, &app.queue, deadline).await?;
    if swept.refused > 0 {
        tracing::error!(
            due = swept.due,
            sent = swept.sent,
            refused = swept.refused,
            "swept, but not all"
        );
    } else if swept.due > 0 {
        tracing::info!(due = swept.due, sent = swept.sent, "swept");
    }
    Ok(swept)
}
