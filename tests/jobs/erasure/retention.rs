//! Records whose time is over: erased at night, by the time of their tenant.

use time::OffsetDateTime;
use wenzhen::config::RetentionSettings;
use wenzhen::privacy::{Expired, erase_expired, next_tenant};

use super::super::worker::{NOTHING, body, deliver};
use super::super::{change, postpone_sweep, worker};
use super::{NOTHING_LEFT, Record};
use crate::support::database;

/// As a record is after so many days.
async fn expired(record: &Record, days: i64, settings: &str) -> Expired {
    let settings = RetentionSettings::parse(settings).unwrap();
    let now = OffsetDateTime::now_utc() + time::Duration::days(days);
    let connection = &mut database().await;
    erase_expired(connection, &record.tenant, &settings, now)
        .await
        .unwrap()
}

#[tokio::test]
async fn a_record_is_erased_when_its_tenants_time_is_over() {
    let record = Record::new().await;
    let tenant = record.tenant.as_str();
    let for_ever = "{}";
    let other = r#"{"days": 60, "tenants": {"somebody-else": 1}}"#;
    let own = format!(r#"{{"days": 60, "tenants": {{"{tenant}": 30}}}}"#);
    for (days, settings) in [(3_000, for_ever), (31, other), (29, &own)] {
        let expired = expired(&record, days, settings).await;
        assert_eq!(expired, Expired::default(), "after {days} days, {settings}");
    }
    assert_ne!(record.rows().await, 0);

    let erased = expired(&record, 31, &own).await;
    assert_eq!(erased.consultations, 1);
    assert_eq!(record.rows().await, 0);
    let actor: (Option<String>, String) =
        sqlx::query_as("SELECT actor_id, actor_role FROM audit_events WHERE tenant_id = $1")
            .bind(&record.tenant)
            .fetch_one(&mut database().await)
            .await
            .unwrap();
    assert_eq!(actor, (None, "system".to_owned()));
    let job = record.second().await;
    assert_eq!(deliver(&worker().await, &[body(&job)]).await, NOTHING);
    assert_eq!(record.left().await, NOTHING_LEFT);

    // The trail has a time of its own.
    assert_eq!(expired(&record, 31, &own).await, Expired::default());
    let pruned = expired(&record, 2_200, &own).await;
    assert_eq!(pruned.audit_events, 1);
}

/// A file whose time is over stays as long as a consultation has it, and goes with that.
#[tokio::test]
async fn retention_takes_an_upload_with_the_consultation_that_has_it() {
    let record = Record::new().await;
    let long_ago = OffsetDateTime::now_utc() - time::Duration::days(40);
    let attached = record.add_upload(long_ago).await;
    let alone = record.add_upload(long_ago).await;
    let recent = record.add_upload(OffsetDateTime::now_utc()).await;
    sqlx::query("UPDATE consultations SET attachments = ARRAY[$2] WHERE tenant_id = $1")
        .bind(&record.tenant)
        .bind(attached)
        .execute(&mut database().await)
        .await
        .unwrap();

    let settings = format!(r#"{{"tenants": {{"{}": 30}}}}"#, record.tenant.as_str());
    let gone = expired(&record, 0, &settings).await;
    assert_eq!((gone.consultations, gone.uploads), (0, 1));
    assert_eq!(record.uploads().await, [attached, recent]);
    assert_eq!(record.removed_uploads().await, [alone]);

    let gone = expired(&record, 31, &settings).await;
    assert_eq!((gone.consultations, gone.uploads), (1, 1));
    assert!(record.uploads().await.is_empty());
    assert_eq!(
        record.removed_uploads().await,
        [alone, attached, recent],
        "their files are removed"
    );
}

/// An erasure that has failed for good is tried again every night.
#[tokio::test]
async fn a_failed_erasure_is_queued_again_at_night() {
    let record = Record::new().await;
    let message = record.erase().await;
    let fail = "UPDATE jobs SET state = 'failed', last_error = 'not_removed', attempts = 3,
                    finished_at = now()
                WHERE tenant_id = $1 AND id = $2";
    change(&message, fail).await;
    let remove = "DELETE FROM outbox WHERE tenant_id = $1 AND job_id = $2";
    change(&message, remove).await;

    assert_eq!(expired(&record, 0, "{}").await.redriven, 1);
    postpone_sweep(&message).await;
    assert_eq!(deliver(&worker().await, &[body(&message)]).await, NOTHING);
    assert_eq!(record.left().await, NOTHING_LEFT);
}

#[tokio::test]
async fn every_tenant_with_records_is_looked_at() {
    let record = Record::new().await;
    let mut connection = database().await;
    let mut after = String::new();
    while let Some(tenant) = next_tenant(&mut connection, &after).await.unwrap() {
        assert!(tenant.as_str() > after.as_str());
        tenant.as_str().clone_into(&mut after);
        if tenant == record.tenant {
            return;
        }
    }
    panic!("the tenant is not among them");
}
