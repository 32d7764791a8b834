//! Every minute: sends the jobs that are due and not on their way.

use std::sync::Arc;

use wenzhen::deadline::Deadline;
use wenzhen::error::Error;
use wenzhen::jobs::outbox::{Swept, sweep};
use wenzhen::jobs::queue::Queue;
use wenzhen::postgres::Database;

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
        tracing::error!(sent = swept.sent, refused = swept.refused, revived = swept.revived, "swept, but not all");
    } else if swept.sent > 0 {
        tracing::info!(sent = swept.sent, revived = swept.revived, "swept");
    }
    Ok(swept)
}
