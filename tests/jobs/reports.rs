//! `generate_report` on the real bucket: what is kept there, and what is not.

use std::time::Duration;

use time::OffsetDateTime;
use uuid::Uuid;
use wenzhen::consultations::GenerateReport;
use wenzhen::identity::{TenantId, UserId};
use wenzhen::jobs::store::Enqueued;
use wenzhen::jobs::{JobMessage, NewJob, store};
use wenzhen::locale::Locale;
use wenzhen::reports::{Bucket, ReportKey};
use wenzhen_functions::Worker;

use super::worker::{NOTHING, body, deliver};
use super::{
    aws_nowhere, consultation_of, erase, expected, job, last_error, postpone_sweep, snapshot,
    worker,
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

/// Reports that were made within an hour of each other are tidied too, once their time is over.
#[tokio::test]
async fn a_report_is_removed_an_hour_after_it_was_replaced() {
    let worker = worker().await;
    let first = report_job(&worker).await;
    assert_eq!(deliver(&worker, &[body(&first)]).await, NOTHING);
    let second = write_another_report(&worker, &first).await;
    let third = write_another_report(&worker, &first).await;
    let stored = stored_reports(&first.tenant_id).await;
    assert_eq!(stored.len(), 6, "links to each may be in use: {stored:?}");

    let key = |job| ReportKey {
        tenant: &first.tenant_id,
        consultation: second.consultation,
        job,
    };
    let soon = OffsetDateTime::now_utc() + Duration::from_mins(50);
    let later = OffsetDateTime::now_utc() + Duration::from_mins(70);
    for (now, kept) in [(soon, 6), (later, 2)] {
        let key = key(third.job);
        let latest = key.location(now);
        let reports = &worker.reports;
        reports.remove_replaced(key, &latest, now).await.unwrap();
        assert_eq!(stored_reports(&first.tenant_id).await.len(), kept);
    }

    let latest = third.job.to_string();
    let stored = stored_reports(&first.tenant_id).await;
    assert!(stored.iter().all(|key| key.contains(&latest)), "{stored:?}");
}

/// A report's job, and what it is about.
struct WrittenReport {
    job: Uuid,
    consultation: Uuid,
}

/// Has another report written.
async fn write_another_report(worker: &Worker, first: &JobMessage) -> WrittenReport {
    let consultation = consultation_of(first).await;
    let enqueued = enqueue_report(&first.tenant_id, consultation, false).await;
    let Enqueued::New(message) = enqueued else {
        panic!("it is new")
    };
    assert_eq!(deliver(worker, &[body(&message)]).await, NOTHING);
    WrittenReport {
        job: message.job_id,
        consultation,
    }
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
