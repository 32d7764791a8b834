//! Leases: which run may work, and whose result counts.

use std::time::Duration;

use futures::future::join_all;
use uuid::Uuid;
use wenzhen::consultations::outcome;
use wenzhen::identity::TenantId;
use wenzhen::jobs::claim::{Claim, ClaimRequest};
use wenzhen::jobs::lease::LEASE_DURATION;
use wenzhen::jobs::transition::{
    self, Deferral, LeaseRelease, MAX_DEFERRAL_TIME, ReleaseReason, Transition, release_lease,
};
use wenzhen::jobs::{Job, JobMessage, JobState, JobView, Lease, store};

use super::{
    assessment, change, claim_all, claim_one, ended, expected, expire, granted, is_due_soon, job,
    last_error, release, scope_of, snapshot, wait_out,
};
use crate::support::database;

/// Completes the job of a lease, if the lease still holds.
async fn complete(lease: &Lease, summary: &str) -> bool {
    let result = assessment(summary);
    let written = outcome::write_assessment(&mut database().await, lease, &result).await;
    written.unwrap()
}

async fn defer(lease: &Lease, retry_in: Duration) -> Transition {
    let deferral = Deferral {
        code: "models_unavailable",
        retry_in,
    };
    let deferred = transition::defer(&mut database().await, lease, deferral).await;
    deferred.unwrap()
}

async fn cancel(message: &JobMessage) -> Job {
    let scope = scope_of(message);
    let cancelled = transition::cancel(&mut database().await, scope, message.job_id).await;
    cancelled.unwrap()
}

/// Makes the job one of a kind that no worker knows.
async fn make_kind_unknown(message: &JobMessage) {
    let sql = "UPDATE jobs SET kind = 'of_tomorrow' WHERE tenant_id = $1 AND id = $2";
    change(message, sql).await;
}

const fn is_granted(claim: &Claim) -> bool {
    matches!(claim, Claim::Granted(_))
}

/// Of many claims at once one is granted, and the others learn for how long.
#[tokio::test]
async fn of_many_claims_at_once_one_is_granted() {
    let message = job().await;
    let claims = join_all((0..10).map(|_| claim_one(&message))).await;

    let (granted, refused): (Vec<_>, Vec<_>) = claims.iter().partition(|claim| is_granted(claim));
    assert_eq!(granted.len(), 1);
    for claim in refused {
        let Claim::LeasedElsewhere(remaining) = claim else {
            panic!("{claim:?}")
        };
        assert!(*remaining > LEASE_DURATION / 2, "{remaining:?}");
        assert!(*remaining <= LEASE_DURATION, "{remaining:?}");
    }
    assert_eq!(
        snapshot(&message).await,
        expected("active", "processing", 1)
    );
}

#[tokio::test]
async fn batches_that_overlap_claim_each_job_once() {
    let jobs = join_all((0..8).map(|_| job())).await;
    let batch = async |turn: usize| {
        let mut order: Vec<_> = jobs.iter().collect();
        order.rotate_left(turn);
        if turn % 2 == 1 {
            order.reverse();
        }

        let requests: Vec<_> = order.into_iter().map(ClaimRequest::from).collect();
        let claims = claim_all(&requests).await;
        claims.iter().filter(|claim| is_granted(claim)).count()
    };

    let granted = join_all((0..8).map(batch)).await;
    assert_eq!(granted.iter().sum::<usize>(), jobs.len(), "{granted:?}");
}

#[tokio::test]
async fn each_message_of_a_batch_gets_its_own_answer() {
    let (free, done, unknown) = (job().await, job().await, job().await);
    assert!(complete(&granted(&done).await, "done").await);
    make_kind_unknown(&unknown).await;
    let erased = JobMessage {
        job_id: Uuid::now_v7(),
        ..free.clone()
    };

    let requests = [&free, &done, &unknown, &erased, &free].map(ClaimRequest::from);
    let claims = claim_all(&requests).await;
    let Claim::Granted(lease) = &claims[0] else {
        panic!("it is free: {claims:?}")
    };
    assert_eq!(lease.job_id, free.job_id);
    assert_eq!(lease.kind, "analyze");
    assert_eq!(
        claims[1..],
        [
            Claim::AlreadyEnded,
            Claim::UnknownKind,
            Claim::NotFound,
            Claim::LeasedElsewhere(LEASE_DURATION)
        ]
    );
}

#[tokio::test]
async fn a_run_that_has_lost_its_lease_cannot_write() {
    let message = job().await;
    let first = granted(&message).await;
    expire(&message).await;
    let second = granted(&message).await;
    assert_eq!((first.attempt, second.attempt, second.run), (1, 2, 2));

    assert!(!complete(&first, "late").await);
    for reason in [
        ReleaseReason::AttemptFailed,
        ReleaseReason::Permanent,
        ReleaseReason::Outage,
    ] {
        let released = release(&first, reason, "late").await;
        assert_eq!(released, Transition::LeaseLost);
    }
    assert_eq!(defer(&first, LEASE_DURATION).await, Transition::LeaseLost);
    assert_eq!(
        snapshot(&message).await,
        expected("active", "processing", 2)
    );

    assert!(complete(&second, "in time").await);
    assert!(!complete(&second, "twice").await);
    let sql = "SELECT assessment->>'summary' FROM consultations WHERE tenant_id = $1";
    let summary: String = sqlx::query_scalar(sql)
        .bind(&message.tenant_id)
        .fetch_one(&mut database().await)
        .await
        .unwrap();
    assert_eq!(summary, "in time");
    assert_eq!(claim_one(&message).await, Claim::AlreadyEnded);
    let is_due_soon = is_due_soon(&message).await;
    assert_eq!(is_due_soon, None, "an ended job has no outbox row");
}

#[tokio::test]
async fn the_third_failure_is_the_last() {
    let message = job().await;
    for attempt in 1..=3 {
        let lease = granted(&message).await;
        assert_eq!(lease.attempt, attempt);

        let released = release(&lease, ReleaseReason::AttemptFailed, "models_failed").await;
        let (transition, after) = if attempt < 3 {
            let after = expected("queued", "processing", attempt);
            (Transition::Rescheduled, after)
        } else {
            (Transition::Failed, expected("failed", "failed", attempt))
        };
        assert_eq!(released, transition);
        assert_eq!(snapshot(&message).await, after);
    }
    assert_eq!(claim_one(&message).await, Claim::AlreadyFailed);
    assert_eq!(is_due_soon(&message).await, None);
}

/// Runs that died use up the attempts, and no fourth one begins.
#[tokio::test]
async fn runs_that_died_use_up_the_attempts() {
    let message = job().await;
    for _ in 0..3 {
        granted(&message).await;
        expire(&message).await;
    }

    let failed = Claim::JustFailed(ended(&message, "analyze").await);
    assert_eq!(claim_one(&message).await, failed);
    assert_eq!(snapshot(&message).await, expected("failed", "failed", 3));
    let code = last_error(&message).await;
    assert_eq!(code.as_deref(), Some("attempts_exhausted"));
}

/// A claim beside others, whose worker dies.
async fn die_beside_others(message: &JobMessage) {
    let claim = claim_one(message).await;
    assert!(is_granted(&claim), "{claim:?}");
    expire(message).await;
}

#[tokio::test]
async fn a_job_that_lost_its_workers_runs_isolated_at_last() {
    let message = job().await;
    die_beside_others(&message).await;
    die_beside_others(&message).await;

    assert_eq!(claim_one(&message).await, Claim::NeedsIsolation);
    let spends_nothing = expected("active", "processing", 2);
    assert_eq!(snapshot(&message).await, spends_nothing);

    assert_eq!(granted(&message).await.attempt, 3);
    expire(&message).await;
    let failed = Claim::JustFailed(ended(&message, "analyze").await);
    assert_eq!(claim_one(&message).await, failed);
    let code = last_error(&message).await;
    assert_eq!(code.as_deref(), Some("attempts_exhausted"));
}

/// A last attempt that died beside others is repeated isolated: a neighbour may have killed it.
#[tokio::test]
async fn a_last_attempt_that_died_beside_others_is_repeated() {
    let message = job().await;
    for _ in 0..2 {
        let lease = granted(&message).await;
        let released = release(&lease, ReleaseReason::AttemptFailed, "models_failed").await;
        assert_eq!(released, Transition::Rescheduled);
    }
    die_beside_others(&message).await;

    assert_eq!(claim_one(&message).await, Claim::NeedsIsolation);
    let lease = granted(&message).await;
    assert_eq!((lease.attempt, lease.run), (3, 4));
    assert!(complete(&lease, "at last").await);
}

/// A claim whose answer was lost is made again, and spends one attempt.
#[tokio::test]
async fn a_claim_made_twice_spends_one_attempt() {
    let message = job().await;
    let requests = [ClaimRequest::from(&message)];
    let first = claim_all(&requests).await;
    let second = claim_all(&requests).await;

    assert!(matches!(&first[0], Claim::Granted(lease) if lease.attempt == 1));
    assert_eq!(first, second);
    assert_eq!(
        snapshot(&message).await,
        expected("active", "processing", 1)
    );
}

/// No run begins a job before its backoff is over, whichever of its messages comes.
#[tokio::test]
async fn no_run_begins_before_the_backoff_is_over() {
    let message = job().await;
    let lease = granted(&message).await;
    let release = LeaseRelease {
        reason: ReleaseReason::AttemptFailed,
        code: "models_failed",
        retry_in: Duration::from_mins(10),
    };
    let mut connection = database().await;
    release_lease(&mut connection, &lease, release)
        .await
        .unwrap();

    let Claim::NotDue(remaining) = claim_one(&message).await else {
        panic!("it is too early")
    };
    assert!(remaining > release.retry_in / 2, "{remaining:?}");
    assert!(remaining <= release.retry_in, "{remaining:?}");

    let job = store::get(&mut connection, scope_of(&message), message.job_id).await;
    let view = JobView::new(job.unwrap(), &[]);
    assert!(view.retry_at.is_some(), "a caller is told");
    wait_out(&message).await;
    assert_eq!(granted(&message).await.attempt, 2);
}

/// A cancel that the worker has not learned of ends the job with its run.
#[tokio::test]
async fn a_cancel_ends_the_job_with_its_run() {
    for is_deferred in [false, true] {
        let message = job().await;
        let lease = granted(&message).await;
        assert!(cancel(&message).await.cancel_requested);

        let transition = if is_deferred {
            defer(&lease, LEASE_DURATION).await
        } else {
            release(&lease, ReleaseReason::AttemptFailed, "models_failed").await
        };
        assert_eq!(transition, Transition::Cancelled);

        let after = snapshot(&message).await;
        assert_eq!(after.state, "cancelled");
        assert_eq!(after.status, "cancelled");
        assert_eq!(is_due_soon(&message).await, None);
    }
}

/// A permanent failure ends the job at once, and an outage is no attempt.
#[tokio::test]
async fn an_outage_is_no_attempt_and_a_permanent_failure_the_last() {
    let message = job().await;
    let lease = granted(&message).await;
    let released = release(&lease, ReleaseReason::Outage, "outage").await;
    assert_eq!(released, Transition::Rescheduled);
    assert_eq!(
        snapshot(&message).await,
        expected("queued", "processing", 0)
    );

    let lease = granted(&message).await;
    assert_eq!((lease.attempt, lease.run), (1, 2));
    let released = release(&lease, ReleaseReason::Permanent, "no_assessment").await;
    assert_eq!(released, Transition::Failed);
    assert_eq!(snapshot(&message).await, expected("failed", "failed", 1));
}

/// A deferral spends no attempt and is sent again; after an hour of deferrals the job fails.
#[tokio::test]
async fn a_deferral_spends_no_attempt_and_ends_after_an_hour() {
    let message = job().await;
    for _ in 0..5 {
        wait_out(&message).await;
        let lease = granted(&message).await;
        assert_eq!(lease.attempt, 1);

        let deferred = defer(&lease, Duration::from_hours(9)).await;
        assert_eq!(deferred, Transition::Rescheduled);
        let after = expected("deferred", "processing", 0);
        assert_eq!(snapshot(&message).await, after);
        assert_eq!(is_due_soon(&message).await, Some(true));
    }

    assert_eq!(MAX_DEFERRAL_TIME, Duration::from_hours(1));
    let long_ago = "UPDATE jobs
                    SET deferred_since = now() - interval '61 minutes', not_before = NULL
                    WHERE tenant_id = $1 AND id = $2";
    change(&message, long_ago).await;
    let lease = granted(&message).await;
    let deferred = defer(&lease, Duration::from_secs(5)).await;
    assert_eq!(deferred, Transition::Failed);
    assert_eq!(snapshot(&message).await, expected("failed", "failed", 0));
    assert_eq!(is_due_soon(&message).await, None);
}

#[tokio::test]
async fn a_kind_that_is_never_known_fails_in_the_end() {
    let message = job().await;
    make_kind_unknown(&message).await;
    assert_eq!(claim_one(&message).await, Claim::UnknownKind);
    assert_eq!(
        snapshot(&message).await,
        expected("queued", "processing", 0)
    );
    let again = claim_one(&message).await;
    let why = "a worker that knows it may just be deployed";
    assert_eq!(again, Claim::UnknownKind, "{why}");

    let long_ago = "UPDATE jobs SET unknown_since = now() - interval '301 seconds'
                    WHERE tenant_id = $1 AND id = $2";
    change(&message, long_ago).await;
    let failed = Claim::JustFailed(ended(&message, "of_tomorrow").await);
    assert_eq!(claim_one(&message).await, failed);
    assert_eq!(snapshot(&message).await, expected("failed", "failed", 0));
    let code = last_error(&message).await;
    assert_eq!(code.as_deref(), Some("unsupported_kind"));
}

#[tokio::test]
async fn another_tenant_cannot_claim_and_does_not_disturb() {
    let message = job().await;
    let foreign = JobMessage {
        tenant_id: TenantId::try_from("another".to_owned()).unwrap(),
        ..message.clone()
    };

    assert_eq!(claim_one(&foreign).await, Claim::NotFound);
    assert_eq!(
        snapshot(&message).await,
        expected("queued", "processing", 0)
    );
}

#[tokio::test]
async fn a_waiting_job_is_cancelled_at_once() {
    let message = job().await;
    assert_eq!(cancel(&message).await.state, JobState::Cancelled);
    assert_eq!(
        snapshot(&message).await,
        expected("cancelled", "cancelled", 0)
    );
    assert_eq!(claim_one(&message).await, Claim::AlreadyEnded);
    assert_eq!(is_due_soon(&message).await, None);
}

/// The worker of a cancelled job dies: the next claim ends the job instead of running it.
#[tokio::test]
async fn the_next_claim_of_a_cancelled_job_ends_it() {
    let message = job().await;
    let lease = granted(&message).await;
    let job = cancel(&message).await;
    assert_eq!(job.state, JobState::Active);
    assert!(job.cancel_requested);

    expire(&message).await;
    let cancelled = Claim::JustCancelled(ended(&message, "analyze").await);
    assert_eq!(claim_one(&message).await, cancelled);
    assert_eq!(
        snapshot(&message).await,
        expected("cancelled", "cancelled", 1)
    );
    assert!(!complete(&lease, "late").await);
}
