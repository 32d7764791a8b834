//! The claim of a job, which decides which run may work on it.
//!
//! SQS delivers a message at least once, so two deliveries of it can be worked on at the same time.
//! A run claims its job first. Of several claims, one is granted and gets a [`Lease`]; the others
//! learn why not.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::Value;
use sqlx::{FromRow, PgConnection};
use uuid::Uuid;

use super::changes::EndedJob;
use super::lease::{LEASE_DURATION, Lease};
use super::message::JobMessage;
use super::sql::transition_sql;
use super::state::MAX_ATTEMPTS;
use crate::error::Error;
use crate::postgres::text_columns;

/// How long a kind may be unknown to every worker that meets it. One that knows the kind may just
/// be being deployed.
const UNKNOWN_KIND_TIMEOUT: Duration = Duration::from_mins(5);

/// The answer to a claim.
#[derive(Debug, Clone, PartialEq)]
pub enum Claim {
    /// The claimant has the job's lease.
    Granted(Box<Lease>),
    /// The job is completed or cancelled; there is nothing to do.
    AlreadyEnded,
    /// The job had failed before; its message belongs into the dead-letter queue.
    AlreadyFailed,
    /// A caller had cancelled the job; this claim has ended it.
    JustCancelled(EndedJob),
    /// The job has no attempts left, or no worker knows its kind; this claim has ended it as
    /// failed.
    JustFailed(EndedJob),
    /// Another run has the lease, for this long at most.
    LeasedElsewhere(Duration),
    /// The job's backoff or deferral goes on for this long.
    NotDue(Duration),
    /// The job's last run died with its worker, beside others, and the job is short of attempts:
    /// it may be claimed only to run isolated.
    NeedsIsolation,
    /// This worker does not know the job's kind.
    UnknownKind,
    /// The tenant has no such job: it was erased, or the message is wrong.
    NotFound,
}

/// A request for the lease of a message's job. To make it again, because its answer was lost,
/// changes nothing.
#[derive(Debug, Clone, Copy)]
pub struct ClaimRequest<'a> {
    message: &'a JobMessage,
    run_isolated: bool,
    token: Uuid,
}

impl ClaimRequest<'_> {
    /// The job will run isolated: nothing else runs beside it in its worker.
    #[must_use]
    pub const fn isolated(self) -> Self {
        Self {
            run_isolated: true,
            ..self
        }
    }
}

/// A request for a job that will run beside others of its batch.
impl<'a> From<&'a JobMessage> for ClaimRequest<'a> {
    fn from(message: &'a JobMessage) -> Self {
        Self {
            message,
            run_isolated: false,
            token: Uuid::new_v4(),
        }
    }
}

/// The decision of `claim.sql` about a job.
#[derive(Debug, Clone, Copy, sqlx::Decode)]
#[sqlx(rename_all = "snake_case")]
enum ClaimVerdict {
    Granted,
    GrantedBefore,
    AlreadyEnded,
    AlreadyFailed,
    Cancelled,
    AttemptsExhausted,
    UnsupportedKind,
    LeasedElsewhere,
    NotDue,
    NeedsIsolation,
    UnknownKind,
}

text_columns!(ClaimVerdict);

#[derive(FromRow)]
struct ClaimRow {
    /// The request's token.
    token: Uuid,
    verdict: ClaimVerdict,
    job_id: Uuid,
    kind: String,
    consultation_id: Option<Uuid>,
    payload: Value,
    attempt: i16,
    run: i32,
    wait_seconds: f64,
}

impl ClaimRow {
    fn into_claim(self, request: &ClaimRequest<'_>) -> Claim {
        let wait = Duration::from_secs_f64(self.wait_seconds);

        match self.verdict {
            ClaimVerdict::Granted | ClaimVerdict::GrantedBefore => {
                Claim::Granted(Box::new(self.into_lease(request)))
            }
            ClaimVerdict::AlreadyEnded => Claim::AlreadyEnded,
            ClaimVerdict::AlreadyFailed => Claim::AlreadyFailed,
            ClaimVerdict::Cancelled => Claim::JustCancelled(self.into_ended(request)),
            ClaimVerdict::AttemptsExhausted | ClaimVerdict::UnsupportedKind => {
                Claim::JustFailed(self.into_ended(request))
            }
            // A claim that waited for the row began before the lease did, so what is left of the
            // lease may look a moment longer than it is.
            ClaimVerdict::LeasedElsewhere => Claim::LeasedElsewhere(wait.min(LEASE_DURATION)),
            ClaimVerdict::NotDue => Claim::NotDue(wait),
            ClaimVerdict::NeedsIsolation => Claim::NeedsIsolation,
            ClaimVerdict::UnknownKind => Claim::UnknownKind,
        }
    }

    fn into_ended(self, request: &ClaimRequest<'_>) -> EndedJob {
        EndedJob {
            tenant: request.message.tenant_id.clone(),
            kind: self.kind,
            consultation: self.consultation_id,
        }
    }

    fn into_lease(self, request: &ClaimRequest<'_>) -> Lease {
        Lease {
            tenant: request.message.tenant_id.clone(),
            job_id: self.job_id,
            kind: self.kind,
            consultation: self.consultation_id,
            payload: self.payload,
            attempt: self.attempt,
            run: self.run,
            token: self.token,
        }
    }
}

/// Claims the jobs of a batch of messages, for a worker that knows these `kinds`, in one statement.
/// Each claim stands where its request stood. Of several requests for one job, the first one
/// decides; the others find the job leased elsewhere.
///
/// The statement also ends jobs: those that a caller has cancelled, those that have no attempts
/// left, and those whose kind no worker knows.
pub async fn claim(
    connection: &mut PgConnection,
    requests: &[ClaimRequest<'_>],
    kinds: &[&str],
) -> Result<Vec<Claim>, Error> {
    let mut first_requests: HashMap<JobKey<'_>, &ClaimRequest<'_>> = HashMap::new();
    for request in requests {
        first_requests.entry(job_key(request)).or_insert(request);
    }

    let distinct: Vec<_> = first_requests.values().copied().collect();
    let rows = decide_claims(connection, &distinct, kinds).await?;
    let mut rows_by_token: HashMap<_, _> =
        rows.into_iter().map(|row| (row.token, Some(row))).collect();

    let claims = requests.iter().map(|request| {
        let first = first_requests.get(&job_key(request));
        let row = first.and_then(|first| rows_by_token.get_mut(&first.token));
        match row.map(Option::take) {
            None => Claim::NotFound,
            Some(Some(row)) => row.into_claim(request),
            // An earlier request for this job has taken the row.
            Some(None) => Claim::LeasedElsewhere(LEASE_DURATION),
        }
    });

    Ok(claims.collect())
}

/// A job's primary key: the tenant and the id.
type JobKey<'a> = (&'a str, Uuid);

fn job_key<'a>(request: &ClaimRequest<'a>) -> JobKey<'a> {
    (request.message.tenant_id.as_str(), request.message.job_id)
}

async fn decide_claims(
    connection: &mut PgConnection,
    requests: &[&ClaimRequest<'_>],
    kinds: &[&str],
) -> Result<Vec<ClaimRow>, Error> {
    let messages = || requests.iter().map(|request| request.message);
    let tenants: Vec<_> = messages().map(|one| one.tenant_id.as_str()).collect();
    let ids: Vec<_> = messages().map(|one| one.job_id).collect();
    let tokens: Vec<_> = requests.iter().map(|request| request.token).collect();
    let run_isolated: Vec<_> = requests.iter().map(|one| one.run_isolated).collect();

    sqlx::query_as(transition_sql!("claim.sql", "SELECT * FROM answer"))
        .bind(tenants)
        .bind(ids)
        .bind(tokens)
        .bind(run_isolated)
        .bind(LEASE_DURATION.as_secs_f64())
        .bind(MAX_ATTEMPTS)
        .bind(kinds)
        .bind(UNKNOWN_KIND_TIMEOUT.as_secs_f64())
        .fetch_all(connection)
        .await
        .map_err(Error::from)
}
