//! A run that hangs while its heartbeat goes on.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::query_scalar;
use wenzhen::deadline::Deadline;
use wenzhen::jobs::queue::Queue;
use wenzhen::jobs::transition::cancel;
use wenzhen::jobs::worker::{JobError, JobHandler, JobRegistry, Run, WorkerContext, process_batch};
use wenzhen::jobs::{JobMessage, JobPayload, Lease, ReasonText};
use wenzhen::postgres::Database;
use wenzhen_functions::Worker;

use super::{
    NOTHING, body, comes_again, event, job_about, new_marker, patient_worker, wait_for_call,
};
use crate::jobs::{
    change, expected, follower, job, last_error, scope_of, snapshot, wait_out, worker,
};
use crate::provider;
use crate::support::socket::Received;
use crate::support::{database, eventually};

/// A worker whose only kind never ends.
struct HangingWorker(Worker);

#[derive(Serialize, Deserialize)]
struct Hanging {}

impl JobPayload for Hanging {
    const KIND: &'static str = "hang";
    /// Longer than the first beat takes to come.
    const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(4);
    const REASONS: &'static [ReasonText] = &[];
}

impl WorkerContext for HangingWorker {
    fn database(&self) -> &Database {
        self.0.database()
    }

    fn queue(&self) -> &Queue {
        self.0.queue()
    }

    fn dead_letters(&self) -> &Queue {
        self.0.dead_letters()
    }
}

impl JobHandler<Hanging> for HangingWorker {
    async fn handle(&self, run: &Run<'_>, _: Hanging) -> Result<(), JobError> {
        run.report_progress(50, "hanging");
        std::future::pending().await
    }

    async fn cleanup(&self, _: &Lease, _: Hanging) -> Result<(), JobError> {
        Ok(())
    }
}

async fn hanging_job() -> JobMessage {
    let message = job().await;
    let sql = "UPDATE jobs SET kind = 'hang', payload = '{}' WHERE tenant_id = $1 AND id = $2";
    change(&message, sql).await;
    message
}

/// The records that come again after one delivery.
async fn deliver(worker: &HangingWorker, message: &JobMessage) -> Vec<String> {
    let registry = JobRegistry::default().register::<Hanging>();
    let event = event(&[json!({ "messageId": "m-0", "body": body(message) })]);
    let invocation = Deadline::after(Duration::from_mins(1));
    comes_again(process_batch(worker, &registry, event, invocation).await)
}

/// Waits until a beat has written how far the run is, and so has extended its lease.
async fn wait_for_beat(message: &JobMessage) {
    eventually("a beat", async || {
        let step = query_scalar("SELECT step FROM jobs WHERE tenant_id = $1 AND id = $2");
        let step: Option<String> = step
            .bind(&message.tenant_id)
            .bind(message.job_id)
            .fetch_one(&mut database().await)
            .await
            .unwrap();
        (step.as_deref() == Some("hanging")).then_some(())
    })
    .await;
}

/// A kind's longest attempt bounds the run, however long its lease is extended; each such attempt
/// counts, so the third one ends in a failed job and a dead letter.
#[tokio::test]
async fn a_run_that_hangs_ends_and_counts_as_an_attempt() {
    let (message, worker) = (hanging_job().await, HangingWorker(worker().await));

    for attempt in 1..=2 {
        let (again, ()) = futures::join!(deliver(&worker, &message), wait_for_beat(&message));
        assert_eq!(again, ["m-0"]);
        let after = expected("queued", "processing", attempt);
        assert_eq!(snapshot(&message).await, after);
        assert_eq!(last_error(&message).await.as_deref(), Some("took_too_long"));
        wait_out(&message).await;
    }

    let given_up = deliver(&worker, &message).await;
    assert_eq!(given_up, NOTHING, "its message is a dead letter");
    assert_eq!(snapshot(&message).await, expected("failed", "failed", 3));
}

#[tokio::test]
async fn a_job_that_is_cancelled_while_it_runs_stops() {
    let worker = patient_worker().await;
    let marker = new_marker();
    let message = job_about(&format!("a cough {marker} [primary:late-20000]")).await;
    let mut socket = follower(&message).await;

    let cancelling = async {
        wait_for_call(&marker).await;
        let mut connection = database().await;
        let cancelled = cancel(&mut connection, scope_of(&message), message.job_id).await;
        cancelled.unwrap()
    };
    let bodies = [body(&message)];
    let (first, job) = futures::join!(super::deliver(&worker, &bodies), cancelling);
    assert!(job.cancel_requested);
    assert_eq!(first, NOTHING);
    let cancelled = expected("cancelled", "cancelled", 1);
    assert_eq!(snapshot(&message).await, cancelled);
    Received::default().until(&mut socket, "cancelled").await;

    let ended = eventually("the model is not waited for", async || {
        provider::calls(&marker)[0].ended
    })
    .await;
    assert_eq!(ended.0, "hung up");
}
