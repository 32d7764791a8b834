//! Brings the copy in Valkey up to date.

use std::time::Duration;

use serde::Serialize;
use time::OffsetDateTime;

use super::change::PersonChange;
use super::script::{ReadProgress, WriteAccess, WriteProgress};
use super::store::{self, ChangePosition};
use crate::deadline::Deadline;
use crate::error::{Error, error_chain};
use crate::postgres::Database;
use crate::telemetry::metrics;
use crate::valkey::{Batch, Valkey, ValkeyError};

/// A change that was committed late is not behind the progress: none takes this long to commit.
const OVERLAP: time::Duration = time::Duration::minutes(10);

/// The longest that a connection lives: no other has to be ended after a full run.
const MAX_CONNECTION_TIME: time::Duration = time::Duration::hours(2);

/// People whose changes are read and written at a time.
const PAGE_SIZE: i64 = 500;

/// When a caller may try again while Valkey is gone.
const RETRY_DELAY: Duration = Duration::from_secs(2);

/// What must be left of the time for another page to begin.
const MIN_PAGE_TIME: Duration = Duration::from_secs(10);

/// What one run has written.
#[derive(Debug, Default, Serialize)]
pub struct Published {
    /// Changes that were written, most of them again.
    pub changes: usize,
    /// Those since the run before: connections of these people may be outdated.
    #[serde(skip)]
    pub recent: Vec<PersonChange>,
}

/// Writes changes that were just committed, and returns whether they count now. What is not written
/// now is written by the next [`publish_recent`].
pub async fn publish(valkey: &Valkey, people: &[PersonChange], deadline: Deadline) -> bool {
    if people.is_empty() {
        return true;
    }

    let written = write(valkey, people, None, deadline).await;
    if let Err(error) = &written {
        let causes = error_chain(error);
        tracing::warn!(causes, "changes of access take effect within minutes");
        metrics::count("AccessPublishFailed", &[]);
    }
    written.is_ok()
}

/// Writes the changes of the last minutes again, and all of them if the copy does not say how far
/// it is: then Valkey has lost it, or an hour is over.
pub async fn publish_recent(
    database: &Database,
    valkey: &Valkey,
    deadline: Deadline,
) -> Result<Published, Error> {
    let prefix = valkey.prefix();
    let begun_at = OffsetDateTime::now_utc();
    let progress = valkey.run(ReadProgress { prefix }, deadline).await;
    let progress = progress.map_err(unavailable)?.flatten();

    let mut published = Published::default();
    let recent_from = progress.map_or(begun_at - MAX_CONNECTION_TIME, |reached| reached - OVERLAP);
    let mut position = ChangePosition {
        changed_at: progress.map_or(OffsetDateTime::UNIX_EPOCH, |reached| reached - OVERLAP),
        last: None,
    };
    // A progress that is lost meanwhile stays lost: what it stood for may be lost as well.
    let mut may_begin = progress.is_none();
    while deadline.remaining() > MIN_PAGE_TIME {
        let read =
            async |connection: &mut _| store::changed_after(connection, &position, PAGE_SIZE).await;
        let page = database.run(read).await?;
        let next = next_position(&page);
        let reached = WriteProgress {
            prefix,
            changed_at: next.as_ref().map_or(begun_at, |next| next.changed_at),
            may_begin,
        };
        let written = write(valkey, &page, Some(reached), deadline).await;
        written.map_err(unavailable)?;
        may_begin = false;

        published.changes += page.len();
        let is_recent = |one: &PersonChange| one.change.changed_at > recent_from;
        published.recent.extend(page.into_iter().filter(is_recent));
        match next {
            Some(next) => position = next,
            None => break,
        }
    }
    Ok(published)
}

/// Where the page after this one begins; `None` if this is the last one.
fn next_position(page: &[PersonChange]) -> Option<ChangePosition> {
    let is_full = i64::try_from(page.len()).is_ok_and(|read| read == PAGE_SIZE);
    let last = page.last().filter(|_| is_full)?;
    Some(ChangePosition {
        changed_at: last.change.changed_at,
        last: Some((last.tenant.clone(), last.user.clone())),
    })
}

async fn write(
    valkey: &Valkey,
    people: &[PersonChange],
    progress: Option<WriteProgress<'_>>,
    deadline: Deadline,
) -> Result<(), ValkeyError> {
    let mut batch = Batch::default();
    for person in people {
        let _unneeded = batch.add(WriteAccess::new(valkey.prefix(), person));
    }
    if let Some(progress) = progress {
        let _unneeded = batch.add(progress);
    }
    batch.run(valkey, deadline).await.map(drop)
}

fn unavailable(cause: ValkeyError) -> Error {
    Error::unavailable("Valkey", RETRY_DELAY, cause)
}
