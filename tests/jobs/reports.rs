//! `generate_report` on the real bucket: what is kept there, and what is not.

use uuid::Uuid;
use wenzhen::consultations::GenerateReport;
use wenzhen::identity::{TenantId, UserId};
use wenzhen::jobs::store::Enqueued;
use wenzhen::jobs::{JobMessage, NewJob, store};
use wenzhen::locale::Locale;
use wenzhen::reports::Bucket;
use worker::App;

use super::worker::{NOTHING, body, deliver};
use super::{app, change, consultation, expected, job, last_error, states};
use crate::support::aws_proxy::{AwsProxy, Mode};
use crate::support::{STACK, database, eventually};

/// A report's job of a consultation that has its assessment.
async fn report_job(app: &App) -> JobMessage {
    let analysed = job().await;
    assert_eq!(deliver(app, &[body(&analysed)]).await, NOTHING);
    let task = GenerateReport {
        consultation_id: consultation(&analysed).await,
    };
    let user = UserId::try_from("user-1".to_owned()).unwrap();
    let job = NewJob::new(&analysed.tenant_id, &user, Locale::En, &task).unwrap();
    let job = job
        .about(task.consultation_id)
        .once(task.consultation_id.to_string());
    let Enqueued::New(message) = store::enqueue(&mut database().await, &job).await.unwrap() else {
        panic!("it is new")
    };
    let again = NewJob::new(&analysed.tenant_id, &user, Locale::En, &task)
        .unwrap()
        .once(task.consultation_id.to_string());
    let before = store::enqueue(&mut database().await, &again).await.unwrap();
    assert!(
        matches!(before, Enqueued::Before(id) if id == message.job_id),
        "one at a time: {before:?}"
    );
    change(
        &message,
        "UPDATE outbox SET due_at = now() + interval '1 day' WHERE tenant_id = $1 AND job_id = $2",
    )
    .await;
    message
}

/// The keys of what lies in the bucket of a tenant's reports.
async fn stored_reports(tenant: &TenantId) -> Vec<String> {
    let client = wenzhen::aws::s3(&STACK.aws().await);
    let listed = client
        .list_objects_v2()
        .bucket(STACK.env("REPORTS_BUCKET").unwrap())
        .prefix(format!("{}/", tenant.as_str()));
    listed
        .send()
        .await
        .unwrap()
        .contents()
        .iter()
        .map(|object| object.key().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn a_consultation_that_is_erased_while_it_is_reported_leaves_nothing_behind() {
    let mut app = app().await;
    let message = report_job(&app).await;
    let proxy = AwsProxy::start(Mode::Hold).await;
    let through_proxy = STACK
        .aws()
        .await
        .into_builder()
        .endpoint_url(&proxy.url)
        .build();
    app.reports = Bucket::new(&through_proxy, STACK.env("REPORTS_BUCKET").unwrap());
    let erase = async {
        eventually("both forms are on their way to the bucket", async || {
            (proxy.held() == 2).then_some(())
        })
        .await;
        change(
            &message,
            "DELETE FROM consultations USING jobs WHERE jobs.tenant_id = $1 AND jobs.id = $2
                          AND (consultations.tenant_id, consultations.id) = (jobs.tenant_id, jobs.consultation_id)",
        )
        .await;
        proxy.set(Mode::Pass);
    };
    let bodies = [body(&message)];
    let (done, ()) = futures::join!(deliver(&app, &bodies), erase);
    assert_eq!(done, NOTHING);
    assert_eq!(stored_reports(&message.tenant_id).await, [""; 0]);
}

#[tokio::test]
async fn the_last_two_reports_are_kept_and_older_ones_removed() {
    let app = app().await;
    let first = report_job(&app).await;
    assert_eq!(deliver(&app, &[body(&first)]).await, NOTHING);
    let mut jobs = vec![first.job_id];
    for is_in_use in [true, true, false] {
        jobs.push(another_report(&app, &first).await);
        let all = stored_reports(&first.tenant_id).await.len();
        assert_eq!(
            all,
            2 * if is_in_use { jobs.len() } else { 2 },
            "each in both forms"
        );
        // An hour later nobody holds a link to what was replaced.
        let an_hour_ago = "UPDATE consultations c SET report = jsonb_set(c.report, '{generated_at}', to_jsonb('2026-01-01T00:00:00Z'::text))
                           FROM jobs j WHERE j.tenant_id = $1 AND j.id = $2 AND (c.tenant_id, c.id) = (j.tenant_id, j.consultation_id)";
        if jobs.len() == 3 {
            change(&first, an_hour_ago).await;
        }
    }
    let stored = stored_reports(&first.tenant_id).await;
    let is_of = |job: &Uuid| {
        stored
            .iter()
            .filter(|key| key.contains(&job.to_string()))
            .count()
    };
    assert_eq!(jobs.iter().map(is_of).collect::<Vec<_>>(), [0, 0, 2, 2]);
}

/// Has another report written; its job.
async fn another_report(app: &App, first: &JobMessage) -> Uuid {
    let task = GenerateReport {
        consultation_id: consultation(first).await,
    };
    let user = UserId::try_from("user-1".to_owned()).unwrap();
    let job = NewJob::new(&first.tenant_id, &user, Locale::En, &task)
        .unwrap()
        .about(task.consultation_id);
    let Enqueued::New(message) = store::enqueue(&mut database().await, &job).await.unwrap() else {
        panic!("it is new")
    };
    assert_eq!(deliver(app, &[body(&message)]).await, NOTHING);
    message.job_id
}

#[tokio::test]
async fn without_the_bucket_a_report_waits_and_spends_no_attempt() {
    let mut app = app().await;
    let message = report_job(&app).await;
    let nowhere = STACK
        .aws()
        .await
        .into_builder()
        .endpoint_url("http://127.0.0.1:9")
        .build();
    app.reports = Bucket::new(&nowhere, "gone".to_owned());
    assert_eq!(deliver(&app, &[body(&message)]).await, ["m-0"]);
    assert_eq!(states(&message).await, expected("queued", "completed", 0));
    assert_eq!(last_error(&message).await.as_deref(), Some("outage"));
}
