use serde_json::json;
use uuid::Uuid;
use wenzhen::uploads::UploadBucket;

use super::{NOTHING, aws_nowhere, body, change, deliver, job_about, new_marker, scripted_worker};
use crate::provider;
use crate::support::database;

#[tokio::test]
async fn without_s3_a_model_is_told_that_a_file_cannot_be_read() {
    let marker = new_marker();
    let message = job_about(&format!("a headache {marker}")).await;
    let sql = "INSERT INTO uploads (tenant_id, id, user_id, file_name, content_type, size, sha256,
                                    state)
               VALUES ($1, $2, 'user-1', 'a.txt', 'text/plain', 4, repeat('0', 64), 'ready')";
    sqlx::query(sql)
        .bind(&message.tenant_id)
        .bind(Uuid::nil())
        .execute(&mut database().await)
        .await
        .unwrap();
    let attach = "UPDATE consultations SET attachments = ARRAY[$3::uuid]
                  FROM jobs
                  WHERE jobs.tenant_id = $1 AND jobs.id = $2
                    AND (consultations.tenant_id, consultations.id)
                        = (jobs.tenant_id, jobs.consultation_id)";
    let attach = attach.replace("$3::uuid", "'00000000-0000-0000-0000-000000000000'::uuid");
    change(&message, attach.leak()).await;

    let mut worker = scripted_worker().await;
    worker.uploads = UploadBucket::new(&aws_nowhere().await, "nowhere".to_owned());
    assert_eq!(deliver(&worker, &[body(&message)]).await, NOTHING);
    let call = &provider::calls(&marker)[0];
    let facts = call.body["messages"][1]["content"].as_str().unwrap();
    let facts: serde_json::Value = serde_json::from_str(facts).unwrap();
    let expected = json!([
        { "name": "a.txt", "type": "text/plain", "not_shown": "it cannot be read now" },
    ]);
    assert_eq!(facts["attachments"], expected);
}
