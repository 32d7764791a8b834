//! Writes that must not be lost.

use std::time::Duration;

use sqlx::PgConnection;

use crate::deadline::Deadline;
use crate::error::Error;
use crate::postgres::Database;
use crate::resilience::retry::{self, RetryPolicy};

/// For how long a write is tried again.
const WRITE_TIMEOUT: Duration = Duration::from_secs(8);

/// The longest that one attempt to write may take.
const WRITE_ATTEMPT_TIMEOUT: Duration = Duration::from_secs(3);

/// How a write is tried again: it may be done twice.
const WRITE_POLICY: RetryPolicy =
    RetryPolicy::idempotent(Duration::from_millis(200), Duration::from_secs(2));

/// Makes a write that may be made twice. It is tried again for some seconds while the database is
/// gone, so that a restart of the database costs no work.
pub(super) async fn write_insistently<T>(
    database: &Database,
    write: impl AsyncFn(&mut PgConnection) -> Result<T, Error>,
) -> Result<T, Error> {
    let deadline = Deadline::after(WRITE_TIMEOUT);
    let write = &write;

    let written = retry::run(&WRITE_POLICY, deadline, |_attempt| async move {
        let timeout = WRITE_ATTEMPT_TIMEOUT.min(deadline.remaining());
        let attempt = async |connection: &mut PgConnection| write(connection).await;
        database.within(timeout, attempt).await
    });

    written.await
}
