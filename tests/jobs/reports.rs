//! `generate_report` on the real bucket: what is kept there, and what is not.

use uuid::Uuid;
use wenzhen::consultations::GenerateReport;
use wenzhen::identity::{TenantId, UserId};
use wenzhen::jobs::store::Enqueued;
use wenzhen::jobs::{JobMessage, NewJob, store};
use wenzhen::locale::Locale;
use wenzhen::reports::Bucket;
use wenzhen_functions::Worker;

use super::worker::{NOTHING, body, deliver};
use super::{
    aws_nowhere, change, consultation_of, erase, expected, job, last_error, postpone_sweep,
    snapshot, worker,
};
use crate::support::aws_proxy::{AwsProxy, Mode};
use crate::support::{STACK, database, eventually};

/// Enqueues a report of a consultation; one at a time if `is_deduplicated`.
async fn enqueue_report(
    tenant: &TenantId,
    consultation_id: Uuid,
    is_deduplicated: bool,
) -> Enqueued {
    let user = UserId::try_from("user-1".to_owned()).unwrap();
    let payload = GenerateReport { consultation_id };
    let job = NewJob::new(tenant, &user, Locale::En, &payload).unwrap();

    let mut job = job.for_consultation(consultation_id);
    if is_deduplicated {
        job = job.deduplicate_by(consultation_id.to_string());
    }
    store::enqueue(&mut database().await, &job).await.unwrap()
}

/// A report's job of a consultation that has its assessment.
async fn report_job(worker: &Worker) -> JobMessage {
    let analysed = job().await;
    assert_eq!(deliver(worker, &[body(&analysed)]).await, NOTHING);

    let tenant = &analysed.tenant_id;
    let consultation = consultation_of(&analysed).await;
    let Enqueued::New(message) = enqueue_report(tenant, consultation, true).await else {
        panic!("it is new")
    };
    let before = enqueue_report(tenant, consultation, true).await;
    assert!(
        matches!(before, Enqueued::Before(id) if id == message.job_id),
        "one at a time: {before:?}"
    );

    postpone_sweep(&message).await;
    message
}

/// The keys of a tenant's reports in the bucket.
async fn stored_reports(tenant: &TenantId) -> Vec<String> {
    let client = wenzhen::aws::s3(&STACK.aws().await);
    let listed = client
        .list_objects_v2()
        .bucket(STACK.env("REPORTS_BUCKET").unwrap())
        .prefix(format!("{}/", tenant.as_str()));
    let listed = listed.send().await.unwrap();

    let keys = listed.contents().iter().map(|object| object.key().unwrap());
    keys.map(str::to_owned).collect()
}

/// A consultation that is erased while it is reported leaves nothing in the bucket.
#[tokio::test]
async fn an_erased_consultation_leaves_no_report() {
    let mut worker = worker().await;
    let message = report_job(&worker).await;
    let proxy = AwsProxy::start(Mode::Hold).await;
    let aws = STACK.aws().await.into_builder();
    let through_proxy = aws.endpoint_url(&proxy.url).build();
    worker.reports = Bucket::new(&through_proxy, STACK.env("REPORTS_BUCKET").unwrap());

    let erasing = async {
        eventually("both forms are on their way to the bucket", async || {
            (proxy.held() == 2).then_some(())
        })
        .await;
        erase(&message).await;
        proxy.set(Mode::Pass);
    };
    let bodies = [body(&message)];
    let (done, ()) = futures::join!(deliver(&worker, &bodies), erasing);
    assert_eq!(done, NOTHING);
    assert_eq!(stored_reports(&message.tenant_id).await, [""; 0]);
}

/// Makes the report an old one: an hour later no link to what it has replaced works any more.
async fn age_report(message: &JobMessage) {
    let sql = r#"UPDATE consultations c
               SET report = jsonb_set(c.report, '{generated_at}', '"2026-01-01T00:00:00Z"')
               FROM jobs j
               WHERE j.tenant_id = $1 AND j.id = $2
                 AND (c.tenant_id, c.id) = (j.tenant_id, j.consultation_id)"#;
    change(message, sql).await;
}

#[tokio::test]
async fn the_last_two_reports_are_kept_and_older_ones_removed() {
    let worker = worker().await;
    let first = report_job(&worker).await;
    assert_eq!(deliver(&worker, &[body(&first)]).await, NOTHING);

    let mut jobs = vec![first.job_id];
    for is_in_use in [true, true, false] {
        jobs.push(write_another_report(&worker, &first).await);
        let stored = stored_reports(&first.tenant_id).await.len();
        let kept = if is_in_use { jobs.len() } else { 2 };
        assert_eq!(stored, 2 * kept, "each in both forms");
        if jobs.len() == 3 {
            age_report(&first).await;
        }
    }

    let stored = stored_reports(&first.tenant_id).await;
    let count_of = |job: &Uuid| {
        let id = job.to_string();
        stored.iter().filter(|key| key.contains(&id)).count()
    };
    assert_eq!(jobs.iter().map(count_of).collect::<Vec<_>>(), [0, 0, 2, 2]);
}

/// Has another report written; its job.
async fn write_another_report(worker: &Worker, first: &JobMessage) -> Uuid {
    let consultation = consultation_of(first).await;
    let enqueued = enqueue_report(&first.tenant_id, consultation, false).await;
    let Enqueued::New(message) = enqueued else {
        panic!("it is new")
    };
    assert_eq!(deliver(worker, &[body(&message)]).await, NOTHING);
    message.job_id
}

#[tokio::test]
async fn without_the_bucket_a_report_waits_and_spends_no_attempt() {
    let mut worker = worker().await;
    let message = report_job(&worker).await;
    worker.reports = Bucket::new(&aws_nowhere().await, "gone".to_owned());

    assert_eq!(deliver(&worker, &[body(&message)]).await, ["m-0"]);
    assert_eq!(snapshot(&message).await, expected("queued", "completed", 0));
    assert_eq!(last_error(&message).await.as_deref(), Some("outage"));
}
