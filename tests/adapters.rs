//! Our own use of SQS and S3, against the service that answers at the stack's AWS endpoint.

use std::slice;
use std::time::Duration;

use aws_sdk_s3::Client as S3Client;
use aws_sdk_sqs::Client as SqsClient;
use aws_sdk_sqs::types::Message;
use aws_sdk_sqs::types::MessageSystemAttributeName::MessageGroupId;
use uuid::Uuid;
use wenzhen::identity::TenantId;
use wenzhen::jobs::JobMessage;
use wenzhen::jobs::queue::Queue;
use xtask::deploy::{BUCKET, upload};
use xtask::functions::Package;

use crate::support::STACK;

/// A message is sent in its tenant's group, and is visible again when the worker says so.
#[tokio::test]
async fn sqs_carries_a_job_in_its_tenants_group() {
    let aws = STACK.aws().await;
    let client = SqsClient::new(&aws);
    let url = create_queue(&client).await;
    let queue = Queue::new(&aws, url.clone());

    let message = JobMessage {
        tenant_id: TenantId::try_from("clinic".to_owned()).unwrap(),
        job_id: Uuid::now_v7(),
        kind: "analyze".to_owned(),
        traceparent: None,
    };
    let sent = queue.send_batch(slice::from_ref(&message)).await.unwrap();
    assert_eq!(sent, [true]);

    let first = receive(&client, &url).await.remove(0);
    let read: JobMessage = serde_json::from_str(first.body().unwrap()).unwrap();
    assert_eq!(read, message);
    assert_eq!(first.attributes().unwrap()[&MessageGroupId], "clinic");

    let receipt = first.receipt_handle().unwrap();
    let at_once = Duration::ZERO;
    queue.set_visibility(&[receipt], at_once).await.unwrap();
    let again = receive(&client, &url).await;
    assert_eq!(again.len(), 1, "it is visible at once, not in 600 s");

    client.delete_queue().queue_url(&url).send().await.unwrap();
}

async fn create_queue(client: &SqsClient) -> String {
    let name = format!("adapter-{}", Uuid::new_v4());
    let create = client.create_queue().queue_name(name);
    create.send().await.unwrap().queue_url.unwrap()
}

async fn receive(client: &SqsClient, url: &str) -> Vec<Message> {
    let receive = client
        .receive_message()
        .queue_url(url)
        .wait_time_seconds(5)
        .visibility_timeout(600)
        .message_system_attribute_names(MessageGroupId);
    let received = receive.send().await.unwrap();

    received.messages.unwrap_or_default()
}

#[tokio::test]
async fn s3_keeps_a_package_under_its_content_and_takes_it_once() {
    let aws = STACK.aws().await;
    let key = format!("adapter-{}.zip", Uuid::new_v4());
    let package = |zip: &[u8]| Package {
        key: key.clone(),
        zip: zip.to_vec(),
    };

    upload(&aws, &package(b"content")).await.unwrap();
    let other = package(b"never sent, since the key is there");
    upload(&aws, &other).await.unwrap();

    let config = aws_sdk_s3::config::Builder::from(&aws)
        .force_path_style(true)
        .build();
    let client = S3Client::from_conf(config);
    let get = client.get_object().bucket(BUCKET).key(&key);
    let object = get.send().await.unwrap();
    let content = object.body.collect().await.unwrap().into_bytes();
    assert_eq!(content.as_ref(), b"content");
}
