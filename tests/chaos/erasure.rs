//! Erasures whose worker is killed (SIGKILL) at each step.

use reqwest::StatusCode;
use serde_json::Value;
use uuid::Uuid;
use xtask::process::kill_environments;

use super::functions::Function;
use super::{STACK, database, eventually};
use crate::jobs::erasure::{NOTHING_LEFT, left_of};
use crate::support::aws_proxy::{AwsProxy, Mode};
use crate::support::{User, problem, read};

/// Where the worker is killed: the service that it calls, and the call.
const STEPS: [(&str, &str); 4] = [
    ("AWS_ENDPOINT_URL_DYNAMODB", "Query"),
    ("AWS_ENDPOINT_URL_DYNAMODB", "BatchWriteItem"),
    ("AWS_ENDPOINT_URL_S3", "GET"),
    ("AWS_ENDPOINT_URL_S3", "DELETE"),
];

/// A consultation with an answer in the transcript and a report in the bucket.
async fn reported(user: &User) -> Value {
    let accepted = user.complain("a headache").await;
    user.outcome(&accepted).await;
    let path = format!("/v1/consultations/{}", accepted["id"].as_str().unwrap());
    let report = user.post(&format!("{path}/report")).send().await.unwrap();
    read(report, StatusCode::ACCEPTED).await;
    eventually("the report is there", async || {
        let sql = "SELECT count(*) FROM consultations WHERE tenant_id = $1 AND report IS NOT NULL";
        (count(sql, &user.tenant).await == 1).then_some(())
    })
    .await;
    accepted
}

/// Counts rows of a tenant: a person may call only so often.
async fn count(sql: &'static str, tenant: &str) -> i64 {
    let counted = sqlx::query_scalar(sql).bind(tenant);
    counted.fetch_one(&mut database().await).await.unwrap()
}

/// Lets the lease of the tenant's erasure run out, as time would, and its row be due.
async fn wait_out(tenant: &str) {
    for sql in [
        "UPDATE jobs SET lease_expires_at = now() - interval '1 second'
         WHERE tenant_id = $1 AND kind = 'erase_consultation' AND state = 'active'",
        "UPDATE outbox SET due_at = now() FROM jobs
         WHERE outbox.tenant_id = $1 AND (jobs.tenant_id, jobs.id) = (outbox.tenant_id, job_id)
           AND kind = 'erase_consultation' AND state = 'active'",
    ] {
        let change = sqlx::query(sql).bind(tenant);
        change.execute(&mut database().await).await.unwrap();
    }
}

#[tokio::test]
async fn erasures_whose_worker_is_killed() {
    let worker = Function::of("Worker").await;
    let sweep = Function::of("SweepOutbox").await;
    for (variable, action) in STEPS {
        let user = User::new().await;
        let accepted = reported(&user).await;
        let id: Uuid = accepted["id"].as_str().unwrap().parse().unwrap();
        assert_ne!(left_of(&user.tenant, id).await, NOTHING_LEFT);
        let proxy = AwsProxy::start(Mode::HoldAction(action)).await;
        worker.set(variable, Some(&proxy.url)).await;

        let path = format!("/v1/consultations/{id}");
        let erased = user.delete(&path).send().await.unwrap();
        let erased = read(erased, StatusCode::ACCEPTED).await;
        eventually(action, async || (proxy.held() > 0).then_some(())).await;
        assert!(kill_environments(&STACK, &worker.name) > 0, "{action}");
        problem(user.get(&path).send().await.unwrap(), StatusCode::NOT_FOUND).await;
        assert_ne!(left_of(&user.tenant, id).await, NOTHING_LEFT, "{action}");

        proxy.set(Mode::Pass);
        worker.set(variable, None).await;
        wait_out(&user.tenant).await;
        sweep.invoke().await;
        eventually("the next run ends it", async || {
            let sql = "SELECT count(*) FROM jobs WHERE tenant_id = $1 AND state = 'completed'";
            (count(sql, &user.tenant).await == 1).then_some(())
        })
        .await;
        let job = format!("/v1/jobs/{}", erased["job_id"].as_str().unwrap());
        let job = read(user.get(&job).send().await.unwrap(), StatusCode::OK).await;
        assert_eq!(job["state"], "completed");
        assert_eq!(left_of(&user.tenant, id).await, NOTHING_LEFT, "{action}");
    }
}
