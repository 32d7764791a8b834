//! The copy of changes of access in Valkey: which write counts, and what is so without it.

use std::sync::Arc;
use std::time::Duration;

use time::OffsetDateTime;
use wenzhen::access::{self, AccessChange, AccessCheck, PersonChange};
use wenzhen::deadline::Deadline;
use wenzhen::error::Error;
use wenzhen::identity::{Caller, Role, TenantId, UserId};
use wenzhen::valkey::{Batch, Valkey};

use crate::jobs::database_at;
use crate::support::own_database;
use crate::support::valkey::{OwnServer, connect, of_stack, prefix};

const CALL_TIMEOUT: Duration = Duration::from_secs(5);

fn deadline() -> Deadline {
    Deadline::after(CALL_TIMEOUT)
}

fn caller() -> Caller {
    Caller {
        tenant: TenantId::try_from("t".to_owned()).unwrap(),
        user: UserId::try_from("u".to_owned()).unwrap(),
        role: Role::Admin,
    }
}

fn change(role: Role, changed_at: OffsetDateTime) -> PersonChange {
    let Caller { tenant, user, .. } = caller();
    PersonChange {
        tenant,
        user,
        change: AccessChange {
            role: Some(role),
            signed_out_at: None,
            changed_at,
        },
    }
}

/// The caller as they may act now.
async fn admit(valkey: &Arc<Valkey>) -> Result<Caller, Error> {
    let check = AccessCheck::new(Some(Arc::clone(valkey)));
    let mut batch = Batch::default();
    let pending = check.prepare(&caller(), &mut batch);
    let answers = batch.run(valkey, deadline()).await;
    pending.finish(
        &mut answers.unwrap_or_default(),
        caller(),
        OffsetDateTime::now_utc(),
    )
}

async fn role_of(valkey: &Arc<Valkey>) -> Role {
    admit(valkey).await.unwrap().role
}

#[tokio::test]
async fn the_latest_change_counts_in_whatever_order_they_are_written() {
    let valkey = of_stack(&prefix());
    assert_eq!(role_of(&valkey).await, Role::Admin);

    let now = OffsetDateTime::now_utc();
    let earlier = now - Duration::from_micros(1);
    for (role, changed_at) in [(Role::Clinician, now), (Role::Patient, earlier)] {
        let change = change(role, changed_at);
        assert!(access::publish(&valkey, &[change], deadline()).await);
        assert_eq!(role_of(&valkey).await, Role::Clinician);
    }
}

#[tokio::test]
async fn without_valkey_tokens_count_as_they_are() {
    let mut server = OwnServer::start().await;
    let valkey = connect(&server.url(), &prefix());
    let demoted = change(Role::Patient, OffsetDateTime::now_utc());
    assert!(access::publish(&valkey, std::slice::from_ref(&demoted), deadline()).await);
    assert_eq!(role_of(&valkey).await, Role::Patient);

    server.kill();
    assert!(!access::publish(&valkey, &[demoted], deadline()).await);
    assert_eq!(role_of(&valkey).await, Role::Admin);
}

/// More changes than one page holds, which a Valkey that was emptied gets all of.
#[tokio::test]
async fn an_emptied_copy_is_written_anew() {
    let mut own = own_database().await;
    let insert = "INSERT INTO access_changes (tenant_id, user_id, role, changed_at)
                  SELECT 't', 'u' || at, 'patient', now() - interval '2 hours'
                  FROM generate_series(1, 1200) at";
    sqlx::query(insert)
        .execute(&mut own.connection)
        .await
        .unwrap();
    let database = database_at(&own.url).await;

    let valkey = of_stack(&prefix());
    let run = async || {
        let long = Deadline::after(Duration::from_mins(1));
        access::publish_recent(&database, &valkey, long)
            .await
            .unwrap()
    };
    assert_eq!(run().await.changes, 1_200);
    let again = run().await;
    assert_eq!((again.changes, again.recent.len()), (0, 0));
    own.remove().await;
}
