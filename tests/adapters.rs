//! Our own use of SQS and S3, against whatever answers at the stack's AWS endpoint.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_sqs::types::MessageSystemAttributeName::MessageGroupId;
use uuid::Uuid;
use wenzhen::identity::TenantId;
use wenzhen::jobs::JobMessage;
use wenzhen::jobs::queue::Queue;
use xtask::deploy::upload;
use xtask::functions::Package;

use crate::support::STACK;

#[tokio::test]
async fn sqs_carries_a_job_in_its_tenants_group_and_shows_it_again_when_told() {
    let aws = STACK.aws().await;
    let client = aws_sdk_sqs::Client::new(&aws);
    let name = format!("adapter-{}", Uuid::new_v4());
    let url = client
        .create_queue()
        .queue_name(name)
        .send()
        .await
        .unwrap()
        .queue_url
        .unwrap();
    let queue = Queue::new(&aws, url.clone());
    let tenant = TenantId::try_from("clinic".to_owned()).unwrap();
    let message = JobMessage {
        tenant_id: tenant,
        job_id: Uuid::now_v7(),
        kind: "analyze".to_owned(),
    };
    assert_eq!(
        queue
            .send_batch(std::slice::from_ref(&message))
            .await
            .unwrap(),
        [true]
    );
    let receive = async || {
        let receive = client
            .receive_message()
            .queue_url(&url)
            .wait_time_seconds(5)
            .visibility_timeout(600);
        receive
            .message_system_attribute_names(MessageGroupId)
            .send()
            .await
            .unwrap()
            .messages
            .unwrap_or_default()
    };
    let first = receive().await.remove(0);
    assert_eq!(
        serde_json::from_str::<JobMessage>(first.body().unwrap()).unwrap(),
        message
    );
    assert_eq!(first.attributes().unwrap()[&MessageGroupId], "clinic");
    queue
        .set_visibility(&[first.receipt_handle().unwrap()], Duration::ZERO)
        .await
        .unwrap();
    assert_eq!(
        receive().await.len(),
        1,
        "it is visible at once, not in 600 s"
    );
    client.delete_queue().queue_url(&url).send().await.unwrap();
}

#[tokio::test]
async fn s3_keeps_a_package_under_its_content_and_takes_it_once() {
    let aws = STACK.aws().await;
    let key = format!("adapter-{}.zip", Uuid::new_v4());
    let package = |zip: &[u8]| {
        BTreeMap::from([(
            "f".to_owned(),
            Package {
                key: key.clone(),
                zip: zip.to_vec(),
            },
        )])
    };
    upload(&aws, &package(b"content")).await.unwrap();
    upload(&aws, &package(b"never sent, since the key is there"))
        .await
        .unwrap();
    let config = aws_sdk_s3::config::Builder::from(&aws)
        .force_path_style(true)
        .build();
    let client = aws_sdk_s3::Client::from_conf(config);
    let object = client
        .get_object()
        .bucket(xtask::deploy::BUCKET)
        .key(&key)
        .send()
        .await
        .unwrap();
    assert_eq!(
        object.body.collect().await.unwrap().into_bytes().as_ref(),
        b"content"
    );
}
