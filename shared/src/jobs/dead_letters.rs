//! Dead letters: the messages that the queue or the worker gave up.
//!
//! A message comes to the dead-letter queue because its job has failed, because no parser
//! understands it, or because an outage outlasted all its deliveries. In the last case the job has
//! attempts left: it is sent again, a few times. In every case an operator can see the end: a
//! failed job, or a row in `quarantine`.

use sqlx::{FromRow, PgConnection};
use uuid::Uuid;

use super::changes::EndedJob;
use super::message::JobMessage;
use super::sql::{sql_file, transition_sql};
use super::state::MAX_ATTEMPTS;
use crate::error::{Error, ErrorKind};
use crate::identity::TenantId;
use crate::postgres::text_columns;

/// How often a job whose messages became dead letters is sent again.
const MAX_RESENDS: i16 = 3;

/// A job may have several messages, sent minutes apart. Those that become dead letters within this
/// many minutes of the first one count as one.
const RESEND_WINDOW_MINUTES: i32 = 30;

/// How long a message stays in quarantine, in days: it may hold what should never have been sent.
const QUARANTINE_RETENTION_DAYS: i32 = 30;

/// Messages that one statement removes from quarantine at most.
const PRUNE_BATCH_SIZE: i64 = 5_000;

/// How many of the jobs that a redrive leaves are counted at most.
const MAX_REMAINING: i64 = 1_000;

/// How often a redrive is tried while jobs with the same keys are enqueued, or while superseded
/// jobs, of which each try puts some 2,000 aside, hide the others.
const MAX_REDRIVE_ATTEMPTS: usize = 20;

/// The outcome of a dead letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeadLetterOutcome {
    /// The job had failed before.
    AlreadyFailed,
    /// The job is completed or cancelled: the message was a duplicate.
    AlreadyEnded,
    /// The job has failed just now.
    JustFailed(EndedJob),
    /// A caller had cancelled the job; it has ended just now.
    JustCancelled(EndedJob),
    /// The job has attempts left; the outbox sends it again.
    Resent,
    /// Another message of the job was here a short time ago, and the job is sent again already.
    AlreadyResent,
    /// A run has the job's lease.
    LeasedElsewhere,
    /// The tenant has no such job: it was erased, or the message is wrong.
    NotFound,
}

/// The decision of `process_dead_letter.sql` about the job.
#[derive(Debug, Clone, Copy, sqlx::Decode)]
#[sqlx(rename_all = "snake_case")]
enum DeadLetterVerdict {
    AlreadyFailed,
    AlreadyEnded,
    LeasedElsewhere,
    Cancelled,
    Failed,
    AlreadyResent,
    Resent,
}

text_columns!(DeadLetterVerdict);

#[derive(FromRow)]
struct DeadLetterRow {
    verdict: DeadLetterVerdict,
    kind: String,
    consultation_id: Option<Uuid>,
}

/// Processes a dead letter: sends its job again, or ends it. To do it twice changes nothing.
pub async fn process(
    connection: &mut PgConnection,
    message: &JobMessage,
) -> Result<DeadLetterOutcome, Error> {
    let statement = transition_sql!(
        "process_dead_letter.sql",
        "SELECT verdict, kind, consultation_id FROM job"
    );
    let row: Option<DeadLetterRow> = sqlx::query_as(statement)
        .bind(&message.tenant_id)
        .bind(message.job_id)
        .bind(MAX_ATTEMPTS)
        .bind(MAX_RESENDS)
        .bind(RESEND_WINDOW_MINUTES)
        .fetch_optional(connection)
        .await?;

    let Some(row) = row else {
        return Ok(DeadLetterOutcome::NotFound);
    };
    let ended = EndedJob {
        tenant: message.tenant_id.clone(),
        kind: row.kind,
        consultation: row.consultation_id,
    };

    Ok(match row.verdict {
        DeadLetterVerdict::AlreadyFailed => DeadLetterOutcome::AlreadyFailed,
        DeadLetterVerdict::AlreadyEnded => DeadLetterOutcome::AlreadyEnded,
        DeadLetterVerdict::LeasedElsewhere => DeadLetterOutcome::LeasedElsewhere,
        DeadLetterVerdict::Cancelled => DeadLetterOutcome::JustCancelled(ended),
        DeadLetterVerdict::Failed => DeadLetterOutcome::JustFailed(ended),
        DeadLetterVerdict::AlreadyResent => DeadLetterOutcome::AlreadyResent,
        DeadLetterVerdict::Resent => DeadLetterOutcome::Resent,
    })
}

/// Keeps a message that no parser understands where an operator can read it. To do it twice changes
/// nothing.
pub async fn quarantine(
    connection: &mut PgConnection,
    message_id: &str,
    reason: &'static str,
    body: &str,
) -> Result<(), Error> {
    // PostgreSQL's text has no U+0000.
    let body = body.replace('\0', "\u{fffd}");

    let insertion = sqlx::query(
        "INSERT INTO quarantine (message_id, reason, body)
         VALUES ($1, $2, $3)
         ON CONFLICT DO NOTHING",
    );

    insertion
        .bind(message_id)
        .bind(reason)
        .bind(body)
        .execute(connection)
        .await?;

    Ok(())
}

/// Removes messages that have been in quarantine for 30 days, at most 5,000. Returns how many.
pub async fn prune_quarantine(connection: &mut PgConnection) -> Result<u64, Error> {
    let deletion = sqlx::query(
        "DELETE FROM quarantine
         WHERE ctid = ANY (ARRAY (
             SELECT ctid
             FROM quarantine
             WHERE arrived_at < now() - make_interval(days => $1)
             ORDER BY arrived_at
             LIMIT $2
             FOR UPDATE SKIP LOCKED
         ))",
    );
    let deleted = deletion
        .bind(QUARANTINE_RETENTION_DAYS)
        .bind(PRUNE_BATCH_SIZE)
        .execute(connection)
        .await?;

    Ok(deleted.rows_affected())
}

/// Which failed jobs an admin redrives.
#[derive(Debug, Clone, Copy)]
pub struct RedriveRequest<'a> {
    /// The admin's tenant.
    pub tenant: &'a TenantId,
    /// Only jobs of this kind, or of all.
    pub kind: Option<&'a str>,
    /// How many jobs at most, up to 1,000.
    pub limit: i64,
}

/// The result of a redrive.
#[derive(Debug)]
pub struct Redriven {
    /// The jobs' messages, which have to be sent.
    pub messages: Vec<JobMessage>,
    /// Failed jobs that are left and could be redriven, counted up to 1,000.
    pub remaining: i64,
}

/// A redrive of jobs that meet a condition on their kind. Two statements: each condition has an
/// index of its own.
macro_rules! redrive_sql {
    ($condition:literal) => {
        concat!(
            sql_file!("redrivable_jobs.sql"),
            $condition,
            sql_file!("redrive.sql")
        )
    };
}

#[derive(FromRow)]
struct RedriveRow {
    id: Option<Uuid>,
    kind: Option<String>,
    traceparent: Option<String>,
    remaining: i64,
    /// Whether superseded jobs filled the statement, and were put aside.
    may_hide_others: bool,
}

impl RedriveRow {
    /// None in the row that only says how many jobs are left.
    fn into_message(self, tenant: &TenantId) -> Option<JobMessage> {
        Some(JobMessage {
            tenant_id: tenant.clone(),
            job_id: self.id?,
            kind: self.kind?,
            traceparent: self.traceparent,
        })
    }
}

/// Queues failed jobs again, the oldest first, with all their attempts. A job whose work a later
/// one with the same key does, or has done, stays failed.
pub async fn redrive(
    connection: &mut PgConnection,
    request: RedriveRequest<'_>,
) -> Result<Redriven, Error> {
    let statement = match request.kind {
        Some(_) => redrive_sql!("          AND kind = $2"),
        None => redrive_sql!("          AND $2::text IS NULL"),
    };

    for _ in 0..MAX_REDRIVE_ATTEMPTS {
        let rows: Result<Vec<RedriveRow>, _> = sqlx::query_as(statement)
            .bind(request.tenant)
            .bind(request.kind)
            .bind(request.limit)
            .bind(MAX_REMAINING)
            .fetch_all(&mut *connection)
            .await;
        let rows = match rows {
            // A job with the same key was enqueued in this moment; the next try sees it.
            Err(sqlx::Error::Database(error)) if error.is_unique_violation() => continue,
            rows => rows?,
        };

        let is_hidden = |row: &RedriveRow| row.id.is_none() && row.may_hide_others;
        if rows.iter().all(is_hidden) {
            continue;
        }

        let remaining = rows.first().map_or(0, |row| row.remaining);
        let messages = rows
            .into_iter()
            .filter_map(|row| row.into_message(request.tenant));
        let mut messages: Vec<_> = messages.collect();
        messages.sort_unstable_by_key(|message| message.job_id);
        return Ok(Redriven {
            messages,
            remaining,
        });
    }

    let detail = "The same jobs were asked for several times just now. Try again.";

    Err(Error::new(ErrorKind::Unavailable, detail))
}
