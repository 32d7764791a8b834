//! Large uploads, which are sent in parts and put together.

use std::time::Duration;

use lambda_http::Body;
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;
use wenzhen::config::{UploadRules, UploadType};
use wenzhen::deadline::Deadline;
use wenzhen::error::ErrorKind;
use wenzhen::http::{Call, Endpoint};
use wenzhen::identity::{Caller, TenantId, UserId};
use wenzhen::uploads::{UploadBucket, UploadKey};
use wenzhen_functions::CreateUpload;
use xtask::users::Role;

use super::{accepted, get, hash_of, looked_at, objects_of, own_database_of_stack, patient};
use crate::jobs::aws_nowhere;
use crate::support::{STACK, User, database, eventually, new_tenant, problem, read};

const MIB: usize = 1024 * 1024;

/// Two parts of 64 MiB, but for some bytes.
const SIZE: usize = 128 * MIB - 5;

async fn complete(user: &User, id: &Value) -> Response {
    let path = format!("/v1/uploads/{}/complete", id.as_str().unwrap());
    user.post(&path).send().await.unwrap()
}

async fn put(url: &Value, bytes: Vec<u8>) -> StatusCode {
    let request = reqwest::Client::new().put(url.as_str().unwrap());
    request.body(bytes).send().await.unwrap().status()
}

/// The ids of the uploads in parts that S3 has of this file.
async fn begun_parts(id: &Value) -> usize {
    let s3 = wenzhen::aws::s3(&STACK.aws().await);
    let list = s3.list_multipart_uploads();
    let list = list.bucket(STACK.env("UPLOADS_BUCKET").unwrap());
    let listed = list.prefix("incoming/").send().await.unwrap();
    let id = id.as_str().unwrap();
    let own = listed.uploads().iter();
    own.filter(|it| it.key().unwrap().ends_with(id)).count()
}

#[tokio::test]
async fn a_large_file_is_sent_in_parts_and_put_together() {
    let user = patient().await;
    let accepted = accepted(&user, "ct.txt", "text/plain", SIZE).await;
    assert_eq!(accepted["form"], Value::Null);
    let parts = &accepted["parts"];
    assert_eq!(parts["part_size"], 64 * MIB);
    let urls = parts["urls"].as_array().unwrap();
    assert_eq!(urls.len(), 2);

    let early = problem(complete(&user, &accepted["id"]).await, StatusCode::CONFLICT).await;
    let detail = early["detail"].as_str().unwrap();
    assert!(detail.contains("not come: 1, 2."), "{detail}");

    let bytes: Vec<u8> = (b'a'..=b'z').cycle().take(SIZE).collect();
    assert_eq!(
        put(&urls[1], bytes[64 * MIB..].to_vec()).await,
        StatusCode::OK
    );
    let short = put(&urls[0], b"too short".to_vec()).await;
    assert_eq!(
        short,
        StatusCode::FORBIDDEN,
        "a link is for its part's size"
    );
    let refused = problem(complete(&user, &accepted["id"]).await, StatusCode::CONFLICT).await;
    let detail = refused["detail"].as_str().unwrap();
    assert!(detail.contains("not come: 1."), "{detail}");
    assert_eq!(
        put(&urls[0], bytes[..64 * MIB].to_vec()).await,
        StatusCode::OK
    );

    for _ in 0..2 {
        let whole = complete(&user, &accepted["id"]).await;
        let whole = read(whole, StatusCode::ACCEPTED).await;
        assert_eq!(whole["id"], accepted["id"]);
    }
    let ready = looked_at(&user, &accepted["id"]).await;
    assert_eq!(ready["state"], "ready", "{ready}");
    assert_eq!(ready["size"], SIZE);
    assert_eq!(ready["sha256"], hash_of(&bytes));
    let again = read(complete(&user, &accepted["id"]).await, StatusCode::ACCEPTED).await;
    assert_eq!(again["state"], "ready");

    assert_eq!(begun_parts(&accepted["id"]).await, 0);
    let late = put(&urls[0], bytes[..64 * MIB].to_vec()).await;
    assert_eq!(late, StatusCode::NOT_FOUND, "no part replaces anything now");
    let path = format!("/v1/uploads/{}", accepted["id"].as_str().unwrap());
    user.delete(&path).send().await.unwrap();
    eventually("the file is gone", async || {
        objects_of(&accepted["id"]).await.is_empty().then_some(())
    })
    .await;
}

#[tokio::test]
async fn only_the_owner_puts_an_upload_together() {
    let tenant = new_tenant();
    let owner = User::of(&tenant, "owner", Role::Patient).await;
    let large = accepted(&owner, "ct.dcm", "application/dicom", SIZE).await;
    for user in [
        User::of(&tenant, "other", Role::Patient).await,
        User::of(&tenant, "admin", Role::Admin).await,
        User::of(&new_tenant(), "owner", Role::Patient).await,
    ] {
        problem(complete(&user, &large["id"]).await, StatusCode::NOT_FOUND).await;
    }
    let unknown = json!(Uuid::now_v7());
    problem(complete(&owner, &unknown).await, StatusCode::NOT_FOUND).await;

    let small = accepted(&owner, "x.dcm", "application/dicom", 100 * MIB).await;
    assert!(small["form"].is_object(), "100 MiB are one form");
    let refused = problem(complete(&owner, &small["id"]).await, StatusCode::CONFLICT).await;
    assert!(refused["detail"].as_str().unwrap().contains("form"));
}

/// A removed upload leaves no parts, and one whose parts S3 has removed says so.
#[tokio::test]
async fn abandoned_parts_are_removed_and_their_end_is_told() {
    let user = patient().await;
    let large = accepted(&user, "ct.dcm", "application/dicom", SIZE).await;
    assert_eq!(begun_parts(&large["id"]).await, 1);
    let path = format!("/v1/uploads/{}", large["id"].as_str().unwrap());
    user.delete(&path).send().await.unwrap();
    eventually("its parts are gone", async || {
        (begun_parts(&large["id"]).await == 0).then_some(())
    })
    .await;

    // As the rule of the bucket does after a day.
    let expired = accepted(&user, "ct.dcm", "application/dicom", SIZE).await;
    let key = UploadKey {
        tenant: user.tenant.clone().try_into().unwrap(),
        id: expired["id"].as_str().unwrap().parse().unwrap(),
    };
    let bucket = UploadBucket::new(&STACK.aws().await, STACK.env("UPLOADS_BUCKET").unwrap());
    bucket.remove_all(&key).await.unwrap();
    let gone = problem(complete(&user, &expired["id"]).await, StatusCode::CONFLICT).await;
    assert!(gone["detail"].as_str().unwrap().contains("gone"), "{gone}");
    assert_eq!(get(&user, &expired["id"]).await.status(), StatusCode::OK);
}

/// An upload that S3 does not begin is none: the caller is told to come back.
#[tokio::test]
async fn without_s3_no_upload_in_parts_is_left_behind() {
    let route = CreateUpload {
        database: own_database_of_stack().await,
        bucket: UploadBucket::new(&aws_nowhere().await, "nowhere".to_owned()),
        rules: UploadRules {
            types: vec![UploadType::Dicom],
            max_bytes: u64::MAX,
        },
    };
    let tenant = new_tenant();
    let caller = Caller {
        tenant: TenantId::try_from(tenant.clone()).unwrap(),
        user: UserId::try_from("user-1".to_owned()).unwrap(),
        role: wenzhen::identity::Role::Patient,
    };
    let body = json!({ "file_name": "ct.dcm", "content_type": "application/dicom", "size": SIZE });
    let request = http::Request::builder().header("content-type", "application/json");
    let request = request.body(Body::from(body.to_string())).unwrap();
    let call = Call::new(caller, Deadline::after(Duration::from_secs(28)), request);

    let error = route.handle(call).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    let left: i64 = sqlx::query_scalar("SELECT count(*) FROM uploads WHERE tenant_id = $1")
        .bind(&tenant)
        .fetch_one(&mut database().await)
        .await
        .unwrap();
    assert_eq!(left, 0);
}

/// An upload in parts counts as pending for as long as its links work.
#[tokio::test]
async fn pending_uploads_in_parts_count_for_hours() {
    let user = patient().await;
    for _ in 0..20 {
        accepted(&user, "ct.dcm", "application/dicom", SIZE).await;
    }
    let age = "UPDATE uploads SET created_at = now() - interval '1 hour' WHERE tenant_id = $1";
    let age = sqlx::query(age).bind(&user.tenant);
    age.execute(&mut database().await).await.unwrap();

    let body = json!({ "file_name": "x.txt", "content_type": "text/plain", "size": 1 });
    let refused = super::ask(&user, &body).await;
    problem(refused, StatusCode::TOO_MANY_REQUESTS).await;
}
