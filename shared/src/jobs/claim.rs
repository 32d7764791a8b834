//! Who may work on a job.
//!
//! A claim is a lease with a fencing token. SQS delivers at least once, so two deliveries of a message can run at the same
//! time: only the holder of the lease works, and only the latest holder's result is written. A lease is short, so that the
//! job of a worker that was killed is soon another's, and is extended while the work goes on.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::time::Duration;

use serde_json::Value;
use sqlx::{FromRow, PgConnection};
use uuid::Uuid;

use super::{JobMessage, MAX_ATTEMPTS};
use crate::error::Error;
use crate::identity::TenantId;

/// How long a claim holds unless it is renewed.
pub const LEASE: Duration = Duration::from_secs(30);

/// A kind that no worker knows may be for one that is just being deployed: for so long it is waited for.
const PATIENCE: Duration = Duration::from_mins(5);

/// What became of an attempt to claim a job.
#[derive(Debug, Clone, PartialEq)]
pub enum Claim {
    /// It is ours, until the lease expires.
    Granted(Box<Lease>),
    /// It is completed or cancelled; there is nothing to do.
    Finished,
    /// It was called off, and ended as such just now; of this kind.
    Cancelled(String),
    /// It has failed for good before; its message belongs into the dead-letter queue.
    Failed,
    /// It has failed just now, of this kind: its attempts are used up, or no worker knows its kind.
    GivenUp(String),
    /// Somebody else holds it, for this long at most.
    Held(Duration),
    /// Its backoff or deferral goes on for this long.
    Early(Duration),
    /// It is free, but its last run took its worker down, or went down with it, and it is short of attempts: claim it alone.
    Alone,
    /// This worker does not know its kind.
    UnknownKind,
    /// There is no such job in this tenant: its consultation was erased, or the message is wrong.
    Missing,
}

/// The right to write a job's result.
#[derive(Debug, Clone, PartialEq)]
pub struct Lease {
    /// Whose job it is.
    pub tenant: TenantId,
    /// The job.
    pub job_id: Uuid,
    /// What it does.
    pub kind: String,
    /// On what.
    pub payload: Value,
    /// Which attempt this is, from 1.
    pub attempt: i16,
    /// Which run this is, from 1: attempts can be forgiven, runs are only counted.
    pub run: i32,
    /// What a later claim takes away: a result is written only with the row's token.
    pub token: Uuid,
}

/// A message whose job is to be claimed. Claiming the same one again, because the answer was lost, changes nothing.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// The job's message.
    message: &'a JobMessage,
    is_alone: bool,
    token: Uuid,
}

impl Wanted<'_> {
    /// Nothing else is done beside it.
    #[must_use]
    pub const fn alone(self) -> Self {
        Self {
            is_alone: true,
            ..self
        }
    }
}

/// One of several, as a batch brings them.
impl<'a> From<&'a JobMessage> for Wanted<'a> {
    fn from(message: &'a JobMessage) -> Self {
        Self {
            message,
            is_alone: false,
            token: Uuid::new_v4(),
        }
    }
}

#[derive(FromRow)]
struct Row {
    tenant_id: String,
    id: Uuid,
    verdict: String,
    wait: f64,
    kind: String,
    payload: Value,
    attempts: i16,
    runs: i32,
}

/// Looks at every wanted job, locked in one order, so that of two claims at once the later one sees what the earlier one
/// wrote; grants those that are free, and ends those that were called off or whose attempts earlier runs have used up.
///
/// A job that is still active when its lease is over has lost its worker. Whoever kills workers takes its neighbours along: so
/// a last attempt that ended like this in company is no attempt, and whoever is down to its last one is tried alone.
const CLAIM: &str = "
WITH wanted AS (
    SELECT * FROM unnest($1::text[], $2::uuid[], $3::uuid[], $4::boolean[]) AS wanted (tenant_id, id, token, is_alone)
), job AS MATERIALIZED (
    SELECT j.tenant_id, j.id, j.state, j.kind, j.payload, j.attempts, j.runs, j.lease_token, j.lease_expires_at, j.not_before,
           j.cancel_requested_at, j.ran_alone, j.unknown_since, wanted.token, wanted.is_alone
    FROM jobs j JOIN wanted USING (tenant_id, id)
    ORDER BY j.tenant_id, j.id FOR UPDATE OF j
), decided AS (
    SELECT *, CASE
        WHEN lease_token = token THEN 'ours'
        WHEN state = 'failed' THEN 'failed'
        WHEN state IN ('completed', 'cancelled') THEN 'finished'
        WHEN lease_expires_at >= now() THEN 'held'
        WHEN cancel_requested_at IS NOT NULL THEN 'cancelled'
        WHEN attempts >= $6 AND (state <> 'active' OR ran_alone) THEN 'exhausted'
        WHEN not_before > now() THEN 'early'
        WHEN kind <> ALL ($7) AND unknown_since < now() - make_interval(secs => $8) THEN 'unsupported'
        WHEN kind <> ALL ($7) THEN 'unknown'
        WHEN state = 'active' AND attempts >= $6 - 1 AND NOT is_alone THEN 'alone'
        ELSE 'granted' END AS verdict
    FROM job
), changed AS (
    UPDATE jobs SET
        state = CASE verdict WHEN 'granted' THEN 'active' WHEN 'cancelled' THEN 'cancelled' ELSE 'failed' END,
        attempts = CASE WHEN verdict = 'granted' THEN least(jobs.attempts + 1, $6) ELSE jobs.attempts END,
        runs = jobs.runs + (verdict = 'granted')::int,
        ran_alone = decided.is_alone,
        unknown_since = NULL,
        started_at = CASE WHEN verdict = 'granted' THEN coalesce(jobs.started_at, now()) ELSE jobs.started_at END,
        finished_at = CASE WHEN verdict <> 'granted' THEN now() END,
        last_error = CASE verdict WHEN 'exhausted' THEN 'attempts_exhausted' WHEN 'unsupported' THEN 'unsupported_kind'
                     ELSE jobs.last_error END,
        step = CASE WHEN verdict = 'granted' THEN 'started' END,
        progress = CASE WHEN verdict = 'granted' THEN 5 ELSE jobs.progress END,
        not_before = NULL,
        lease_token = CASE WHEN verdict = 'granted' THEN decided.token END,
        lease_expires_at = CASE WHEN verdict = 'granted' THEN now() + make_interval(secs => $5) END
    FROM decided
    WHERE (jobs.tenant_id, jobs.id) = (decided.tenant_id, decided.id)
      AND verdict IN ('granted', 'cancelled', 'exhausted', 'unsupported')
    RETURNING jobs.tenant_id, jobs.id, jobs.state
), met AS (
    UPDATE jobs SET unknown_since = now() FROM decided
    WHERE (jobs.tenant_id, jobs.id) = (decided.tenant_id, decided.id) AND verdict = 'unknown' AND jobs.unknown_since IS NULL
), forgotten AS (
    DELETE FROM outbox USING changed
    WHERE (outbox.tenant_id, outbox.job_id) = (changed.tenant_id, changed.id) AND changed.state <> 'active'
)
SELECT tenant_id, id, verdict, kind, payload,
       (CASE WHEN verdict = 'granted' THEN least(attempts + 1, $6) ELSE attempts END)::int2 AS attempts,
       runs + (verdict = 'granted')::int AS runs,
       greatest(extract(epoch FROM greatest(lease_expires_at, not_before) - now()), 0)::float8 AS wait
FROM decided";

/// Claims the jobs of a batch of messages, each for [`LEASE`]; in one statement, whatever their number and tenants. What
/// became of each stands where its message stood. Of two messages of one job the second is held by the first.
pub async fn claim(
    connection: &mut PgConnection,
    wanted: &[Wanted<'_>],
    kinds: &[&str],
) -> Result<Vec<Claim>, Error> {
    // Of each job the first message is asked for.
    let mut first: HashMap<(&str, Uuid), &Wanted<'_>> = HashMap::new();
    let (mut tenants, mut ids, mut tokens, mut solos) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for one in wanted {
        if let Entry::Vacant(place) = first.entry(key(one.message)) {
            place.insert(one);
            tenants.push(one.message.tenant_id.as_str());
            ids.push(one.message.job_id);
            tokens.push(one.token);
            solos.push(one.is_alone);
        }
    }
    let rows: Vec<Row> = sqlx::query_as(CLAIM)
        .bind(tenants)
        .bind(ids)
        .bind(tokens)
        .bind(solos)
        .bind(LEASE.as_secs_f64())
        .bind(MAX_ATTEMPTS)
        .bind(kinds)
        .bind(PATIENCE.as_secs_f64())
        .fetch_all(connection)
        .await?;
    let mut found: HashMap<_, _> = rows
        .into_iter()
        .map(|row| ((row.tenant_id.clone(), row.id), row))
        .collect();
    let mut claims = Vec::with_capacity(wanted.len());
    for one in wanted {
        let place = (
            one.message.tenant_id.as_str().to_owned(),
            one.message.job_id,
        );
        // The first message takes its place; whoever finds it empty comes after it.
        claims.push(
            match (found.get_mut(&place), first.remove(&key(one.message))) {
                (None, _) => Claim::Missing,
                (Some(_), None) => Claim::Held(LEASE),
                (Some(row), Some(one)) => read(row, one),
            },
        );
    }
    Ok(claims)
}

fn key(message: &JobMessage) -> (&str, Uuid) {
    (message.tenant_id.as_str(), message.job_id)
}

fn read(row: &mut Row, wanted: &Wanted<'_>) -> Claim {
    let wait = Duration::from_secs_f64(row.wait);
    match row.verdict.as_str() {
        "granted" | "ours" => Claim::Granted(Box::new(Lease {
            tenant: wanted.message.tenant_id.clone(),
            job_id: row.id,
            kind: std::mem::take(&mut row.kind),
            payload: row.payload.take(),
            attempt: row.attempts,
            run: row.runs,
            token: wanted.token,
        })),
        "finished" => Claim::Finished,
        "cancelled" => Claim::Cancelled(std::mem::take(&mut row.kind)),
        "failed" => Claim::Failed,
        "exhausted" | "unsupported" => Claim::GivenUp(std::mem::take(&mut row.kind)),
        "early" => Claim::Early(wait),
        "alone" => Claim::Alone,
        "unknown" => Claim::UnknownKind,
        // Whoever waited for the row began before the lease did, so what is left may look a moment longer than it is.
        _ => Claim::Held(wait.min(LEASE)),
    }
}

/// Whether the job of a lease is still there: its consultation may have been erased.
pub(super) async fn is_there(connection: &mut PgConnection, lease: &Lease) -> Result<bool, Error> {
    let found =
        sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM jobs WHERE tenant_id = $1 AND id = $2)");
    found
        .bind(lease.tenant.as_str())
        .bind(lease.job_id)
        .fetch_one(connection)
        .await
        .map_err(Error::from)
}

/// What a heartbeat says of one job.
pub(super) struct Beat<'a> {
    pub(super) lease: &'a Lease,
    pub(super) progress: i16,
    pub(super) step: &'static str,
}

#[derive(FromRow)]
struct Renewed {
    token: Uuid,
    is_cancel_requested: bool,
}

/// Extends leases, and writes how far their jobs are. Returns the tokens that still hold, each with whether its job was
/// called off; the others have passed to somebody else, or their jobs are gone.
pub(super) async fn renew(
    connection: &mut PgConnection,
    beats: &[Beat<'_>],
) -> Result<HashMap<Uuid, bool>, Error> {
    let renewed: Vec<Renewed> = sqlx::query_as(
        "WITH mine AS MATERIALIZED (
             SELECT j.tenant_id, j.id, beat.progress, beat.step
             FROM unnest($1::text[], $2::uuid[], $3::uuid[], $4::int2[], $5::text[])
                  AS beat (tenant_id, id, token, progress, step)
             JOIN jobs j ON (j.tenant_id, j.id, j.lease_token) = (beat.tenant_id, beat.id, beat.token)
             ORDER BY j.tenant_id, j.id FOR UPDATE OF j
         )
         UPDATE jobs SET lease_expires_at = now() + make_interval(secs => $6), progress = mine.progress, step = mine.step
         FROM mine WHERE (jobs.tenant_id, jobs.id) = (mine.tenant_id, mine.id)
         RETURNING jobs.lease_token AS token, jobs.cancel_requested_at IS NOT NULL AS is_cancel_requested",
    )
    .bind(beats.iter().map(|beat| beat.lease.tenant.as_str()).collect::<Vec<_>>())
    .bind(beats.iter().map(|beat| beat.lease.job_id).collect::<Vec<_>>())
    .bind(beats.iter().map(|beat| beat.lease.token).collect::<Vec<_>>())
    .bind(beats.iter().map(|beat| beat.progress).collect::<Vec<_>>())
    .bind(beats.iter().map(|beat| beat.step).collect::<Vec<_>>())
    .bind(LEASE.as_secs_f64())
    .fetch_all(connection)
    .await?;
    Ok(renewed
        .into_iter()
        .map(|one| (one.token, one.is_cancel_requested))
        .collect())
}
