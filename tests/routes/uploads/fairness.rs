//! Nobody's files occupy all verifiers, and nobody has more uploads pending than they may.

use std::time::Duration;

use futures::future::join_all;
use reqwest::StatusCode;
use serde_json::{Value, json};
use sqlx::Connection;
use sqlx::postgres::PgConnection;
use uuid::Uuid;
use wenzhen::config::{UploadRules, UploadType};
use wenzhen::deadline::Deadline;
use wenzhen::identity::{Caller, Role, TenantId, UserId};
use wenzhen::jobs::queue::Queue;
use wenzhen::lambda::QueueConsumer;
use wenzhen::uploads::pdf_text::PdfTextReader;
use wenzhen::uploads::store::{
    self, MAX_VERIFICATIONS_OF_PERSON, MAX_VERIFICATIONS_OF_TENANT, begin_verification,
    end_verification,
};
use wenzhen::uploads::{NewUpload, UploadBucket, UploadKey, UploadRequest};
use wenzhen_functions::VerifyUpload;
use xtask::users;

use super::{accepted, arrival, get, looked_at, own_database_of_stack, patient, send, upload};
use crate::support::{STACK, User, database, eventually, new_tenant, read};

/// Uploads that are awaited, of as many people as are named.
async fn pending(tenant: &str, people: &[&str]) -> Vec<UploadKey> {
    let mut keys = Vec::new();
    for user in people {
        let id = Uuid::now_v7();
        let insert = "INSERT INTO uploads (tenant_id, id, user_id, file_name, content_type, size)
                      VALUES ($1, $2, $3, 'x.txt', 'text/plain', 1)";
        let insert = sqlx::query(insert).bind(tenant).bind(id).bind(user);
        insert.execute(&mut database().await).await.unwrap();
        let tenant = TenantId::try_from(tenant.to_owned()).unwrap();
        keys.push(UploadKey { tenant, id });
    }
    keys
}

async fn begins(key: &UploadKey) -> bool {
    let begun = begin_verification(&mut database().await, key).await;
    begun.unwrap()
}

fn count(begun: &[bool]) -> i64 {
    i64::try_from(begun.iter().filter(|it| **it).count()).unwrap()
}

#[tokio::test]
async fn of_one_persons_files_a_few_are_looked_at_at_a_time() {
    let tenant = new_tenant();
    let own = pending(&tenant, &["hoarder"; 9]).await;
    let begun = join_all(own.iter().map(begins)).await;
    assert_eq!(count(&begun), MAX_VERIFICATIONS_OF_PERSON, "{begun:?}");
    let other = pending(&tenant, &["other"]).await;
    assert!(begins(&other[0]).await, "others go on");

    let busy = begun.iter().position(|it| *it).unwrap();
    let waiting = begun.iter().position(|it| !it).unwrap();
    assert!(!begins(&own[busy]).await, "one verifier for one upload");
    let ended = end_verification(&mut database().await, &own[busy]).await;
    ended.unwrap();
    assert!(begins(&own[waiting]).await);
    assert!(!begins(&own[busy]).await);

    // A verifier that died holds its place no longer than it could have worked.
    let expire = "UPDATE uploads SET verified_until = now() - interval '1 second'
                  WHERE tenant_id = $1 AND user_id = 'hoarder'";
    let expire = sqlx::query(expire).bind(&tenant);
    expire.execute(&mut database().await).await.unwrap();
    assert!(begins(&own[busy]).await);
}

#[tokio::test]
async fn a_tenants_files_leave_verifiers_to_others() {
    let tenant = new_tenant();
    let people: Vec<_> = (0..12).map(|number| format!("user-{number}")).collect();
    let people: Vec<_> = people.iter().map(String::as_str).collect();
    let keys = pending(&tenant, &people).await;
    let begun = join_all(keys.iter().map(begins)).await;
    assert_eq!(count(&begun), MAX_VERIFICATIONS_OF_TENANT);
    let elsewhere = pending(&new_tenant(), &["user-0"]).await;
    assert!(begins(&elsewhere[0]).await);
}

/// The surplus of one person comes again, and what another one sends meanwhile is verified.
#[tokio::test]
async fn a_person_with_many_files_holds_up_nobody_else() {
    let hoarder = patient().await;
    pending_of(&hoarder, 3).await;
    let waiting = accepted(&hoarder, "x.txt", "text/plain", 5).await;
    assert_eq!(send(&waiting["form"], b"hello").await, StatusCode::CREATED);

    let tenant = &hoarder.tenant;
    let (config, bucket) = (STACK.aws().await, STACK.env("UPLOADS_BUCKET").unwrap());
    let verify = VerifyUpload {
        queue: Queue::new(&config, STACK.env("UPLOADS_QUEUE_URL").unwrap()),
        database: own_database_of_stack().await,
        bucket: UploadBucket::new(&config, bucket.clone()),
        pdf_texts: PdfTextReader::new(STACK.root.join("target/debug/wenzhen")),
        scans: None,
    };
    let object = format!("incoming/{tenant}/{}", waiting["id"].as_str().unwrap());
    let body = arrival(&bucket, &object).to_string();
    let event = json!({ "Records": [{ "messageId": "1", "body": body }] });
    let event = serde_json::from_value(event).unwrap();
    let answer = verify.handle(event, Deadline::after(Duration::from_mins(1)));
    let comes_again = answer.await.batch_item_failures;
    assert_eq!(comes_again[0].item_identifier, "1");

    let other = User::of(tenant, "other", users::Role::Patient).await;
    let ready = upload(&other, "y.txt", "text/plain", b"hello").await;
    assert_eq!(ready["state"], "ready");
    let state = read(get(&hoarder, &waiting["id"]).await, StatusCode::OK).await;
    assert_eq!(state["state"], "pending");

    let end = "UPDATE uploads SET verified_until = NULL WHERE tenant_id = $1";
    let end = sqlx::query(end).bind(tenant);
    end.execute(&mut database().await).await.unwrap();
    assert_eq!(looked_at(&hoarder, &waiting["id"]).await["state"], "ready");
}

/// So many uploads of a person are looked at now.
async fn pending_of(user: &User, count: usize) {
    for _ in 0..count {
        accepted(user, "x.txt", "text/plain", 1).await;
    }
    let begin = "UPDATE uploads SET verified_until = now() + interval '15 minutes'
                 WHERE tenant_id = $1";
    let begin = sqlx::query(begin).bind(&user.tenant);
    begin.execute(&mut database().await).await.unwrap();
}

fn new_upload() -> NewUpload {
    let request = json!({ "file_name": "x.txt", "content_type": "text/plain", "size": 1 });
    let request: UploadRequest = serde_json::from_value(request).unwrap();
    let rules = UploadRules {
        types: vec![UploadType::Text],
        max_bytes: 100,
    };
    request.into_upload(&rules).unwrap()
}

async fn create(connection: &mut PgConnection, caller: &Caller) -> bool {
    let created = store::create(connection, caller, &new_upload()).await;
    created.unwrap()
}

/// Of two requests at one time the second one counts the first, whose transaction is under way.
#[tokio::test]
async fn two_requests_at_once_are_not_one_too_many() {
    let caller = Caller {
        tenant: TenantId::try_from(new_tenant()).unwrap(),
        user: UserId::try_from("user-1".to_owned()).unwrap(),
        role: Role::Patient,
    };
    let (mut one, mut two) = (database().await, database().await);
    for _ in 0..19 {
        assert!(create(&mut one, &caller).await);
    }
    let pid: i32 = sqlx::query_scalar("SELECT pg_backend_pid()")
        .fetch_one(&mut one)
        .await
        .unwrap();
    let mut first = one.begin().await.unwrap();
    assert!(create(&mut first, &caller).await, "the twentieth");

    let second = create(&mut two, &caller);
    let commit = async {
        eventually("the second one waits", async || {
            let sql =
                "SELECT count(*) FROM pg_stat_activity WHERE $1 = ANY (pg_blocking_pids(pid))";
            let waiting = sqlx::query_scalar(sql).bind(pid);
            let waiting: i64 = waiting.fetch_one(&mut database().await).await.unwrap();
            (waiting > 0).then_some(())
        })
        .await;
        first.commit().await.unwrap();
    };
    let (is_created, ()) = futures::join!(second, commit);
    assert!(!is_created, "the twenty-first");
    let left: Value =
        sqlx::query_scalar("SELECT to_json(count(*)) FROM uploads WHERE tenant_id = $1")
            .bind(&caller.tenant)
            .fetch_one(&mut one)
            .await
            .unwrap();
    assert_eq!(left, 20);
}
