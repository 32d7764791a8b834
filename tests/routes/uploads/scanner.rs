//! A virus scanner behind the verification.

use std::time::Duration;

use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration};
use reqwest::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;
use wenzhen::deadline::Deadline;
use wenzhen::identity::TenantId;
use wenzhen::jobs::queue::Queue;
use wenzhen::lambda::QueueConsumer;
use wenzhen::uploads::pdf_text::PdfTextReader;
use wenzhen::uploads::{RejectionReason, ScanQueue, UploadBucket, UploadKey, UploadState, store};
use wenzhen_functions::VerifyUpload;

use super::{accepted, arrival, get, objects_in, own_database_of_stack, patient, picture};
use crate::support::{STACK, database, read};

/// A scanner is told of what was verified, and decides, also later on.
#[tokio::test]
async fn a_scanner_decides_of_what_was_verified() {
    let (user, bytes) = (patient().await, picture());
    let accepted = accepted(&user, "x.png", "image/png", bytes.len()).await;
    let id = accepted["id"].as_str().unwrap();
    let tenant = accepted["form"]["fields"]["key"].as_str().unwrap();
    let tenant = tenant.split('/').nth(1).unwrap();

    // A bucket of its own, of which the deployed function hears nothing.
    let config = STACK.aws().await;
    let name = format!("scans-{}", Uuid::new_v4().simple());
    let s3 = wenzhen::aws::s3(&config);
    let place = CreateBucketConfiguration::builder();
    let place = place.location_constraint(BucketLocationConstraint::EuWest1);
    let create = s3.create_bucket().bucket(&name);
    let create = create.create_bucket_configuration(place.build());
    create.send().await.unwrap();
    let incoming = format!("incoming/{tenant}/{id}");
    let put = s3.put_object().bucket(&name).key(&incoming);
    put.body(bytes.into()).send().await.unwrap();
    let sqs = aws_sdk_sqs::Client::new(&config);
    let queue = sqs.create_queue().queue_name(&name).send().await.unwrap();
    let url = queue.queue_url().unwrap().to_owned();

    let verify = VerifyUpload {
        queue: Queue::new(&config, url.clone()),
        database: own_database_of_stack().await,
        bucket: UploadBucket::new(&config, name.clone()),
        pdf_texts: PdfTextReader::new(STACK.root.join("target/debug/wenzhen")),
        scans: Some(ScanQueue::new(&config, url.clone())),
    };
    let tell = async |body: Value| {
        let record = json!({ "messageId": "1", "receiptHandle": "1", "body": body.to_string() });
        let event = json!({ "Records": [record] });
        let event = serde_json::from_value(event).unwrap();
        let deadline = Deadline::after(Duration::from_mins(1));
        let answer = verify.handle(event, deadline).await;
        assert!(answer.batch_item_failures.is_empty(), "{answer:?}");
    };
    tell(arrival(&name, &incoming)).await;
    let scanning = read(get(&user, &accepted["id"]).await, StatusCode::OK).await;
    assert_eq!(
        (&scanning["state"], &scanning["link"]),
        (&json!("scanning"), &Value::Null)
    );
    let told = sqs.receive_message().queue_url(&url).send().await.unwrap();
    let told: Value = serde_json::from_str(told.messages()[0].body().unwrap()).unwrap();
    assert_eq!(
        (&told["upload"], &told["bucket"]),
        (&accepted["id"], &json!(name))
    );

    let verdict = |verdict: &str| json!({ "tenant": tenant, "upload": id, "verdict": verdict });
    tell(verdict("clean")).await;
    tell(verdict("clean")).await;
    let ready = read(get(&user, &accepted["id"]).await, StatusCode::OK).await;
    assert_eq!(ready["state"], "ready");

    // A second file under the same form that is refused takes nothing back; a scanner does.
    let key = UploadKey {
        tenant: TenantId::try_from(tenant.to_owned()).unwrap(),
        id: id.parse().unwrap(),
    };
    let (states, reason) = ([UploadState::Pending], RejectionReason::OtherType);
    let refused = store::reject(&mut database().await, &key, &states, reason).await;
    assert!(!refused.unwrap());
    tell(verdict("infected")).await;
    let rejected = read(get(&user, &accepted["id"]).await, StatusCode::OK).await;
    assert_eq!(
        (&rejected["state"], &rejected["reason"]),
        (&json!("rejected"), &json!("infected"))
    );
    assert_eq!(objects_in(&name, id).await, Vec::<String>::new());
}
