//! The table of a job's states, driven row by row against the database.

use std::ops::RangeInclusive;
use std::time::Duration;

use serde_json::json;
use sqlx::FromRow;
use sqlx::postgres::PgConnection;
use uuid::Uuid;
use wenzhen::consultations::{GenerateReport, outcome};
use wenzhen::identity::{TenantId, UserId};
use wenzhen::jobs::dead_letters::{self, RedriveRequest};
use wenzhen::jobs::lease::LEASE_DURATION;
use wenzhen::jobs::lifecycle::{AttemptCount, JobEvent, LifecycleStep, OutboxFate, TRANSITIONS};
use wenzhen::jobs::transition::{self, Deferral, ReleaseReason};
use wenzhen::jobs::{JobMessage, JobState, Lease, MAX_ATTEMPTS, NewJob, store};
use wenzhen::locale::Locale;

use super::{
    assessment, change, claim_one, create_job, erase, expire, granted, job, postpone_sweep,
    release, scope_of, wait_out,
};
use crate::support::{database, new_tenant, own_database};

/// A job that is ready for an event.
struct Prepared {
    message: JobMessage,
    /// The last lease that was granted, if one was.
    lease: Option<Lease>,
}

impl Prepared {
    fn lease(&self) -> &Lease {
        self.lease.as_ref().expect("an active job had a lease")
    }
}

/// A job and its outbox row.
#[derive(Debug, FromRow)]
struct Observed {
    state: JobState,
    attempts: i16,
    /// Seconds until the outbox row is due; none without a row.
    due_in: Option<f64>,
}

async fn observe(message: &JobMessage) -> Option<Observed> {
    let sql = "SELECT j.state, j.attempts, extract(epoch FROM o.due_at - now())::float8 AS due_in
               FROM jobs j
               LEFT JOIN outbox o ON (o.tenant_id, o.job_id) = (j.tenant_id, j.id)
               WHERE j.tenant_id = $1 AND j.id = $2";
    sqlx::query_as(sql)
        .bind(&message.tenant_id)
        .bind(message.job_id)
        .fetch_optional(&mut database().await)
        .await
        .unwrap()
}

/// A job in the state from which the step leads on.
async fn bring_into_state(state: Option<JobState>) -> Prepared {
    let mut message = job().await;
    let mut lease = None;
    match state {
        Some(JobState::Queued) => {}
        Some(JobState::Active) => lease = Some(granted(&message).await),
        Some(JobState::Deferred) => {
            defer(&granted(&message).await).await;
            wait_out(&message).await;
            postpone_sweep(&message).await;
        }
        Some(JobState::Failed) => {
            let lease = granted(&message).await;
            release(&lease, ReleaseReason::Permanent, "models_failed").await;
        }
        None => message.job_id = Uuid::now_v7(),
        Some(other) => panic!("nothing leads on from {other:?}"),
    }
    Prepared { message, lease }
}

/// Does what has to have happened before the event.
async fn prepare_event(event: JobEvent, message: &JobMessage) {
    let third_run = "UPDATE jobs SET attempts = 3 WHERE tenant_id = $1 AND id = $2";
    match event {
        JobEvent::ClaimedAfterCrash => expire(message).await,
        JobEvent::ClaimedIsolated => {
            let beside_others = "UPDATE jobs SET attempts = 3, ran_alone = false
                                 WHERE tenant_id = $1 AND id = $2";
            change(message, beside_others).await;
            expire(message).await;
        }
        JobEvent::LastAttemptFailed => change(message, third_run).await,
        JobEvent::ClaimedExhausted | JobEvent::DeadLetteredExhausted => {
            change(message, third_run).await;
            expire(message).await;
        }
        JobEvent::DeferredTooLong => {
            let sql = "UPDATE jobs SET deferred_since = now() - interval '61 minutes'
                       WHERE tenant_id = $1 AND id = $2";
            change(message, sql).await;
        }
        JobEvent::StoppedAfterCancel | JobEvent::DeferredAfterCancel => cancel(message).await,
        JobEvent::ClaimedAfterCancel | JobEvent::DeadLetteredAfterCancel => {
            cancel(message).await;
            expire(message).await;
        }
        JobEvent::KindUnknown => {
            let sql = "UPDATE jobs SET kind = 'of_tomorrow' WHERE tenant_id = $1 AND id = $2";
            change(message, sql).await;
        }
        JobEvent::KindUnsupported => {
            let sql = "UPDATE jobs
                       SET kind = 'of_tomorrow', unknown_since = now() - interval '301 seconds'
                       WHERE tenant_id = $1 AND id = $2";
            change(message, sql).await;
        }
        JobEvent::DeadLetteredOften => {
            let sql = "UPDATE jobs SET burials = 3 WHERE tenant_id = $1 AND id = $2";
            change(message, sql).await;
        }
        JobEvent::Enqueued
        | JobEvent::Claimed
        | JobEvent::Completed
        | JobEvent::AttemptFailed
        | JobEvent::FailedPermanently
        | JobEvent::BrokenOff
        | JobEvent::Deferred
        | JobEvent::Cancelled
        | JobEvent::CancelRequested
        | JobEvent::DeadLettered
        | JobEvent::Redriven
        | JobEvent::Erased => {}
    }
}

/// Lets the event happen. Returns the message of the job that it has happened to.
async fn apply_event(event: JobEvent, prepared: Prepared) -> JobMessage {
    let message = &prepared.message;
    match event {
        JobEvent::Enqueued => {
            let request = json!({ "symptoms": "a cough" });
            return create_job(&mut database().await, &new_tenant(), request).await;
        }
        JobEvent::Claimed
        | JobEvent::ClaimedAfterCrash
        | JobEvent::ClaimedAfterCancel
        | JobEvent::ClaimedExhausted
        | JobEvent::KindUnknown
        | JobEvent::KindUnsupported => {
            claim_one(message).await;
        }
        JobEvent::ClaimedIsolated => {
            granted(message).await;
        }
        JobEvent::Completed => complete(prepared.lease()).await,
        JobEvent::AttemptFailed | JobEvent::LastAttemptFailed | JobEvent::StoppedAfterCancel => {
            release(prepared.lease(), ReleaseReason::AttemptFailed, "failed").await;
        }
        JobEvent::FailedPermanently => {
            release(prepared.lease(), ReleaseReason::Permanent, "failed").await;
        }
        JobEvent::BrokenOff => {
            release(prepared.lease(), ReleaseReason::Outage, "outage").await;
        }
        JobEvent::Deferred | JobEvent::DeferredTooLong | JobEvent::DeferredAfterCancel => {
            defer(prepared.lease()).await;
        }
        JobEvent::Cancelled | JobEvent::CancelRequested => cancel(message).await,
        JobEvent::DeadLettered
        | JobEvent::DeadLetteredOften
        | JobEvent::DeadLetteredExhausted
        | JobEvent::DeadLetteredAfterCancel => {
            let processed = dead_letters::process(&mut database().await, message).await;
            processed.unwrap();
        }
        JobEvent::Redriven => redrive(message).await,
        JobEvent::Erased => erase(message).await,
    }
    prepared.message
}

async fn complete(lease: &Lease) {
    let result = assessment("done");
    let written = outcome::write_assessment(&mut database().await, lease, &result).await;
    assert!(written.unwrap());
}

async fn defer(lease: &Lease) {
    let deferral = Deferral {
        code: "models_unavailable",
        retry_in: LEASE_DURATION,
    };
    let deferred = transition::defer(&mut database().await, lease, deferral).await;
    deferred.unwrap();
}

async fn cancel(message: &JobMessage) {
    let scope = scope_of(message);
    let cancelled = transition::cancel(&mut database().await, scope, message.job_id).await;
    cancelled.unwrap();
}

async fn redrive(message: &JobMessage) {
    let request = RedriveRequest {
        tenant: &message.tenant_id,
        kind: None,
        limit: 10,
    };
    let redriven = dead_letters::redrive(&mut database().await, request).await;
    assert_eq!(redriven.unwrap().messages.len(), 1);
}

fn expected_attempts(count: AttemptCount, before: i16) -> i16 {
    match count {
        AttemptCount::Same => before,
        AttemptCount::Spent => (before + 1).min(MAX_ATTEMPTS),
        AttemptCount::Refunded => before - 1,
        AttemptCount::Reset => 0,
    }
}

/// In how many seconds the outbox row is due; none without a row.
fn expected_due_in(outbox: OutboxFate) -> Option<RangeInclusive<f64>> {
    match outbox {
        OutboxFate::DueInSeconds => Some(0.0..=10.0),
        OutboxFate::DueInMinutes => Some(30.0..=180.0),
        OutboxFate::DueAfterDeferral => Some(0.0..=LEASE_DURATION.as_secs_f64()),
        // The sweep was postponed by a day before the event.
        OutboxFate::Kept => Some(80_000.0..=86_400.0),
        OutboxFate::Removed => None,
    }
}

async fn drive(step: LifecycleStep) {
    let prepared = bring_into_state(step.from).await;
    prepare_event(step.event, &prepared.message).await;
    let before = observe(&prepared.message).await;
    let state_before = before.as_ref().map(|job| job.state);
    assert_eq!(state_before, step.from, "before {step:?}");

    let message = apply_event(step.event, prepared).await;
    let after = observe(&message).await;
    let state_after = after.as_ref().map(|job| job.state);
    assert_eq!(state_after, step.to, "after {step:?}");

    if let (Some(before), Some(after)) = (&before, &after) {
        let attempts = expected_attempts(step.attempts, before.attempts);
        assert_eq!(after.attempts, attempts, "attempts after {step:?}");
    }
    let due_in = after.and_then(|job| job.due_in);
    let is_as_expected = match expected_due_in(step.outbox) {
        None => due_in.is_none(),
        Some(range) => due_in.is_some_and(|due_in| range.contains(&due_in)),
    };
    assert!(is_as_expected, "due in {due_in:?} after {step:?}");
}

#[tokio::test]
async fn each_row_of_the_table_is_what_the_database_does() {
    for step in TRANSITIONS {
        drive(*step).await;
    }
}

/// The gauges of `/metrics`, asked of this database.
const GAUGES: &str = include_str!("../../shared/src/fleet_metrics/sql/gauges.sql");

async fn oldest_age(connection: &mut PgConnection) -> f64 {
    let gauges: Vec<(String, String, f64)> =
        sqlx::query_as(GAUGES).fetch_all(connection).await.unwrap();
    let mut named = gauges.iter();
    let gauge = named.find(|(name, ..)| name == "jobs_oldest_age_seconds");
    gauge.unwrap().2
}

/// A job that shall begin in ten minutes; answers its id.
async fn enqueue_later(connection: &mut PgConnection) -> Uuid {
    let tenant = TenantId::try_from("clinic".to_owned()).unwrap();
    let user = UserId::try_from("ann".to_owned()).unwrap();
    let report = GenerateReport {
        consultation_id: Uuid::nil(),
    };
    let job = NewJob::new(&tenant, &user, Locale::En, &report).unwrap();
    let job = job.begin_after(Duration::from_mins(10));
    store::enqueue(connection, &job).await.unwrap();
    job.id()
}

/// The age is that of the queue's oldest message, which CloudWatch watches: the message of a job
/// that is put off is deleted, and one that shall begin later is not sent yet.
#[tokio::test]
async fn a_job_that_is_put_off_or_begins_later_does_not_count_as_waiting() {
    let mut own = own_database().await;
    let connection = &mut own.connection;
    assert!(oldest_age(connection).await < 1.0);

    create_job(connection, "clinic", json!({ "symptoms": "a cough" })).await;
    let age = "UPDATE outbox SET created_at = now() - interval '1 hour'";
    sqlx::query(age).execute(&mut *connection).await.unwrap();
    assert!(oldest_age(connection).await >= 3_600.0);

    let put_off = "UPDATE jobs SET state = 'deferred', deferred_since = now(), not_before = now()";
    sqlx::query(put_off)
        .execute(&mut *connection)
        .await
        .unwrap();
    assert!(oldest_age(connection).await < 1.0);

    let later = enqueue_later(connection).await;
    assert!(oldest_age(connection).await < 1.0, "it shall begin later");
    let its_time = "UPDATE outbox SET created_at = created_at - interval '20 minutes' \
                    WHERE job_id = $1";
    let its_time = sqlx::query(its_time).bind(later);
    its_time.execute(&mut *connection).await.unwrap();
    let age = oldest_age(connection).await;
    assert!((590.0..1_200.0).contains(&age), "since its time: {age}");
    own.remove().await;
}
