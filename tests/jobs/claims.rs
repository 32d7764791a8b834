//! Leases: who may work, and whose result counts.

use std::time::Duration;

use futures::future::join_all;
use wenzhen::consultations::outcome;
use wenzhen::identity::{Scope, TenantId};
use wenzhen::jobs::claim::{Claim, LEASE, Wanted, claim};
use wenzhen::jobs::ending::{self, Ended, LONGEST_DEFERRAL, Release};
use wenzhen::jobs::{JobMessage, State, store};

use super::{
    KINDS, announced, assessment, change, claim_one, expected, expire, granted, job, last_error,
    states, wait_out,
};
use crate::support::database;

#[tokio::test]
async fn of_many_claims_at_once_one_is_granted_and_the_others_learn_for_how_long() {
    let message = job().await;
    let claims = join_all((0..10).map(|_| claim_one(&message))).await;
    let (granted, held): (Vec<_>, Vec<_>) = claims
        .iter()
        .partition(|claim| matches!(claim, Claim::Granted(_)));
    assert_eq!(granted.len(), 1);
    for claim in held {
        let Claim::Held(rest) = claim else {
            panic!("{claim:?}")
        };
        assert!(*rest > LEASE / 2 && *rest <= LEASE, "{rest:?}");
    }
    assert_eq!(states(&message).await, expected("active", "processing", 1));
}

#[tokio::test]
async fn batches_that_overlap_in_any_order_claim_each_job_once() {
    let jobs = join_all((0..8).map(|_| job())).await;
    let batch = async |turn: usize| {
        let mut order: Vec<_> = jobs.iter().collect();
        order.rotate_left(turn);
        if turn % 2 == 1 {
            order.reverse();
        }
        let wanted: Vec<_> = order.iter().map(|message| Wanted::from(*message)).collect();
        let claims = claim(&mut database().await, &wanted, KINDS).await.unwrap();
        claims
            .iter()
            .filter(|claim| matches!(claim, Claim::Granted(_)))
            .count()
    };
    let granted = join_all((0..8).map(batch)).await;
    assert_eq!(granted.iter().sum::<usize>(), jobs.len(), "{granted:?}");
}

#[tokio::test]
async fn each_message_of_a_batch_gets_its_own_answer() {
    let (free, done, unknown) = (job().await, job().await, job().await);
    let lease = granted(&done).await;
    assert!(
        outcome::assessed(&mut database().await, &lease, &assessment("done"))
            .await
            .unwrap()
    );
    change(
        &unknown,
        "UPDATE jobs SET kind = 'of_tomorrow' WHERE tenant_id = $1 AND id = $2",
    )
    .await;
    let erased = JobMessage {
        job_id: uuid::Uuid::now_v7(),
        ..free.clone()
    };
    let wanted = [&free, &done, &unknown, &erased, &free].map(Wanted::from);
    let claims = claim(&mut database().await, &wanted, KINDS).await.unwrap();
    assert!(
        matches!(&claims[0], Claim::Granted(lease) if lease.job_id == free.job_id && lease.kind == "analyze")
    );
    assert_eq!(
        claims[1..],
        [
            Claim::Finished,
            Claim::UnknownKind,
            Claim::Missing,
            Claim::Held(LEASE)
        ]
    );
}

#[tokio::test]
async fn a_run_that_was_overtaken_cannot_write() {
    let message = job().await;
    let mut connection = database().await;
    let first = granted(&message).await;
    expire(&message).await;
    let second = granted(&message).await;
    assert_eq!((first.attempt, second.attempt, second.run), (1, 2, 2));
    assert!(
        !outcome::assessed(&mut connection, &first, &assessment("late"))
            .await
            .unwrap()
    );
    for release in [Release::Failed, Release::Hopeless, Release::Uncounted] {
        let ended = ending::give_back(&mut connection, &first, release, "late", Duration::ZERO)
            .await
            .unwrap();
        assert_eq!(ended, Ended::Overtaken);
    }
    assert_eq!(
        ending::defer(&mut connection, &first, LEASE, "late")
            .await
            .unwrap(),
        Ended::Overtaken
    );
    assert_eq!(states(&message).await, expected("active", "processing", 2));
    assert!(
        outcome::assessed(&mut connection, &second, &assessment("in time"))
            .await
            .unwrap()
    );
    assert!(
        !outcome::assessed(&mut connection, &second, &assessment("twice"))
            .await
            .unwrap()
    );
    let summary: String =
        sqlx::query_scalar("SELECT assessment->>'summary' FROM consultations WHERE tenant_id = $1")
            .bind(message.tenant_id.as_str())
            .fetch_one(&mut connection)
            .await
            .unwrap();
    assert_eq!(summary, "in time");
    assert_eq!(claim_one(&message).await, Claim::Finished);
    assert_eq!(
        announced(&message).await,
        None,
        "the outbox forgets what has ended"
    );
}

#[tokio::test]
async fn the_third_failure_is_the_last() {
    let message = job().await;
    for attempt in 1..=3 {
        let lease = granted(&message).await;
        assert_eq!(lease.attempt, attempt);
        let ended = ending::give_back(
            &mut database().await,
            &lease,
            Release::Failed,
            "models_failed",
            Duration::ZERO,
        )
        .await
        .unwrap();
        let (state, status, how) = if attempt < 3 {
            ("queued", "processing", Ended::Again)
        } else {
            ("failed", "failed", Ended::Failed)
        };
        assert_eq!(ended, how);
        assert_eq!(states(&message).await, expected(state, status, attempt));
    }
    assert_eq!(claim_one(&message).await, Claim::Failed);
    assert_eq!(announced(&message).await, None);
}

#[tokio::test]
async fn runs_that_died_use_up_the_attempts_and_no_fourth_begins() {
    let message = job().await;
    for _ in 0..3 {
        granted(&message).await;
        expire(&message).await;
    }
    assert_eq!(
        claim_one(&message).await,
        Claim::GivenUp("analyze".to_owned())
    );
    assert_eq!(states(&message).await, expected("failed", "failed", 3));
    assert_eq!(
        last_error(&message).await.as_deref(),
        Some("attempts_exhausted")
    );
}

/// A claim in company whose worker dies.
async fn die_in_company(message: &JobMessage) {
    let Claim::Granted(_) = claim_one(message).await else {
        panic!("it may be tried in company")
    };
    expire(message).await;
}

#[tokio::test]
async fn whoever_lost_its_workers_has_its_last_attempt_alone() {
    let message = job().await;
    die_in_company(&message).await;
    die_in_company(&message).await;
    assert_eq!(claim_one(&message).await, Claim::Alone);
    assert_eq!(
        states(&message).await,
        expected("active", "processing", 2),
        "that spends nothing"
    );
    assert_eq!(granted(&message).await.attempt, 3);
    expire(&message).await;
    assert_eq!(
        claim_one(&message).await,
        Claim::GivenUp("analyze".to_owned())
    );
    assert_eq!(
        last_error(&message).await.as_deref(),
        Some("attempts_exhausted")
    );
}

#[tokio::test]
async fn a_last_attempt_that_died_in_company_is_repeated_alone() {
    let message = job().await;
    let mut connection = database().await;
    for _ in 0..2 {
        let lease = granted(&message).await;
        let wait = Duration::ZERO;
        let ended = ending::give_back(
            &mut connection,
            &lease,
            Release::Failed,
            "models_failed",
            wait,
        )
        .await
        .unwrap();
        assert_eq!(ended, Ended::Again);
    }
    die_in_company(&message).await;
    assert_eq!(
        claim_one(&message).await,
        Claim::Alone,
        "it may have been its neighbour"
    );
    let lease = granted(&message).await;
    assert_eq!((lease.attempt, lease.run), (3, 4));
    assert!(
        outcome::assessed(&mut connection, &lease, &assessment("at last"))
            .await
            .unwrap()
    );
}

#[tokio::test]
async fn a_claim_whose_answer_was_lost_is_made_again_and_spends_one_attempt() {
    let message = job().await;
    let wanted = [Wanted::from(&message)];
    let first = claim(&mut database().await, &wanted, KINDS).await.unwrap();
    let second = claim(&mut database().await, &wanted, KINDS).await.unwrap();
    assert!(matches!(&first[0], Claim::Granted(lease) if lease.attempt == 1));
    assert_eq!(first, second);
    assert_eq!(states(&message).await, expected("active", "processing", 1));
}

#[tokio::test]
async fn nobody_begins_a_job_before_its_backoff_is_over_whatever_message_comes() {
    let message = job().await;
    let mut connection = database().await;
    let lease = granted(&message).await;
    let wait = Duration::from_mins(10);
    ending::give_back(
        &mut connection,
        &lease,
        Release::Failed,
        "models_failed",
        wait,
    )
    .await
    .unwrap();
    let Claim::Early(rest) = claim_one(&message).await else {
        panic!("it is too early")
    };
    assert!(rest > wait / 2 && rest <= wait, "{rest:?}");
    let view = store::get(
        &mut connection,
        Scope {
            tenant: &message.tenant_id,
            owner: None,
        },
        message.job_id,
    )
    .await;
    assert!(view.unwrap().retry_at.is_some(), "whoever watches is told");
    wait_out(&message).await;
    assert_eq!(granted(&message).await.attempt, 2);
}

#[tokio::test]
async fn a_cancellation_that_the_worker_has_not_seen_ends_the_job_with_its_run() {
    for is_deferred in [false, true] {
        let message = job().await;
        let mut connection = database().await;
        let lease = granted(&message).await;
        let scope = Scope {
            tenant: &message.tenant_id,
            owner: None,
        };
        assert!(
            ending::cancel(&mut connection, scope, message.job_id)
                .await
                .unwrap()
                .cancel_requested
        );
        let ended = if is_deferred {
            ending::defer(&mut connection, &lease, LEASE, "models_unavailable").await
        } else {
            ending::give_back(
                &mut connection,
                &lease,
                Release::Failed,
                "models_failed",
                LEASE,
            )
            .await
        };
        assert_eq!(ended.unwrap(), Ended::Cancelled);
        let (state, status, _) = states(&message).await;
        assert_eq!(
            (state.as_str(), status.as_str()),
            ("cancelled", "cancelled")
        );
        assert_eq!(announced(&message).await, None);
    }
}

#[tokio::test]
async fn what_no_attempt_can_mend_fails_at_once_and_an_outage_is_no_attempt() {
    let message = job().await;
    let lease = granted(&message).await;
    let ended = ending::give_back(
        &mut database().await,
        &lease,
        Release::Uncounted,
        "outage",
        Duration::ZERO,
    )
    .await
    .unwrap();
    assert_eq!(
        (ended, states(&message).await),
        (Ended::Again, expected("queued", "processing", 0))
    );
    let lease = granted(&message).await;
    assert_eq!((lease.attempt, lease.run), (1, 2));
    let ended = ending::give_back(
        &mut database().await,
        &lease,
        Release::Hopeless,
        "no_assessment",
        Duration::ZERO,
    )
    .await
    .unwrap();
    assert_eq!(
        (ended, states(&message).await),
        (Ended::Failed, expected("failed", "failed", 1))
    );
}

#[tokio::test]
async fn a_deferral_spends_no_attempt_is_sent_again_and_ends_after_an_hour() {
    let message = job().await;
    let mut connection = database().await;
    for _ in 0..5 {
        wait_out(&message).await;
        let lease = granted(&message).await;
        assert_eq!(lease.attempt, 1);
        let ended = ending::defer(
            &mut connection,
            &lease,
            Duration::from_hours(9),
            "models_unavailable",
        )
        .await
        .unwrap();
        assert_eq!(
            (ended, states(&message).await),
            (Ended::Again, expected("deferred", "processing", 0))
        );
        assert_eq!(announced(&message).await, Some(true));
    }
    let long_ago = "UPDATE jobs SET deferred_since = now() - interval '61 minutes', not_before = NULL WHERE tenant_id = $1 AND id = $2";
    assert_eq!(LONGEST_DEFERRAL, Duration::from_hours(1));
    change(&message, long_ago).await;
    let lease = granted(&message).await;
    let ended = ending::defer(
        &mut connection,
        &lease,
        Duration::from_secs(5),
        "models_unavailable",
    )
    .await
    .unwrap();
    assert_eq!(
        (ended, states(&message).await),
        (Ended::Failed, expected("failed", "failed", 0))
    );
    assert_eq!(announced(&message).await, None);
}

#[tokio::test]
async fn a_kind_that_is_never_known_fails_in_the_end() {
    let message = job().await;
    change(
        &message,
        "UPDATE jobs SET kind = 'of_tomorrow' WHERE tenant_id = $1 AND id = $2",
    )
    .await;
    assert_eq!(claim_one(&message).await, Claim::UnknownKind);
    assert_eq!(states(&message).await, expected("queued", "processing", 0));
    assert_eq!(
        claim_one(&message).await,
        Claim::UnknownKind,
        "a worker that knows it may just be deployed"
    );
    let long_ago = "UPDATE jobs SET unknown_since = now() - interval '301 seconds' WHERE tenant_id = $1 AND id = $2";
    change(&message, long_ago).await;
    assert_eq!(
        claim_one(&message).await,
        Claim::GivenUp("of_tomorrow".to_owned())
    );
    assert_eq!(states(&message).await, expected("failed", "failed", 0));
    assert_eq!(
        last_error(&message).await.as_deref(),
        Some("unsupported_kind")
    );
}

#[tokio::test]
async fn another_tenant_cannot_claim_and_does_not_disturb() {
    let message = job().await;
    let other = TenantId::try_from("another".to_owned()).unwrap();
    let foreign = JobMessage {
        tenant_id: other,
        ..message.clone()
    };
    assert_eq!(claim_one(&foreign).await, Claim::Missing);
    assert_eq!(states(&message).await, expected("queued", "processing", 0));
}

#[tokio::test]
async fn a_job_is_called_off_at_once_or_by_whoever_works_on_it_next() {
    let (waiting, active) = (job().await, job().await);
    let mut connection = database().await;
    let (waiting, active) = (&waiting, &active);
    let scope = Scope {
        tenant: &waiting.tenant_id,
        owner: None,
    };
    let view = ending::cancel(&mut connection, scope, waiting.job_id)
        .await
        .unwrap();
    assert_eq!(view.state, State::Cancelled);
    assert_eq!(states(waiting).await, expected("cancelled", "cancelled", 0));
    assert_eq!(
        (claim_one(waiting).await, announced(waiting).await),
        (Claim::Finished, None)
    );

    let lease = granted(active).await;
    let scope = Scope {
        tenant: &active.tenant_id,
        owner: None,
    };
    let view = ending::cancel(&mut connection, scope, active.job_id)
        .await
        .unwrap();
    assert_eq!((view.state, view.cancel_requested), (State::Active, true));
    // The worker dies: the next one ends the job instead of doing it.
    expire(active).await;
    assert_eq!(
        claim_one(active).await,
        Claim::Cancelled("analyze".to_owned())
    );
    assert_eq!(states(active).await, expected("cancelled", "cancelled", 1));
    assert!(
        !outcome::assessed(&mut connection, &lease, &assessment("late"))
            .await
            .unwrap()
    );
}
