//! An act of staff and its event are there together, or neither is. The handlers are called as they
//! are, on a database that writes no event.

use std::collections::HashMap;
use std::time::Duration;

use lambda_http::{Body, RequestExt};
use serde_json::{Value, json};
use uuid::Uuid;
use wenzhen::cache::Cache;
use wenzhen::deadline::Deadline;
use wenzhen::http::{Call, Endpoint};
use wenzhen::identity::{Caller, Role, TenantId, UserId};
use wenzhen_functions::{AnswerQuestions, CancelJob, ReviewConsultation};

use crate::jobs::{create_job, database_at};
use crate::support::own_database::OwnDatabase;
use crate::support::socket::pusher;
use crate::support::{User, new_tenant, own_database};

const COMPLAINT: &str = "I feel unwell since yesterday";

fn call(tenant: &TenantId, id: Uuid, body: &Value) -> Call {
    let caller = Caller {
        tenant: tenant.clone(),
        user: UserId::try_from("doctor".to_owned()).unwrap(),
        role: Role::Clinician,
    };
    let request = http::Request::builder()
        .header("content-type", "application/json")
        .body(Body::from(body.to_string()))
        .unwrap()
        .with_path_parameters(HashMap::from([("id".to_owned(), id.to_string())]));
    Call::new(caller, Deadline::after(Duration::from_secs(8)), request)
}

/// All of the consultation, its job and what has happened to it.
async fn rows(own: &mut OwnDatabase) -> Vec<String> {
    let sql = "SELECT row_to_json(c)::text FROM consultations c
               UNION ALL SELECT row_to_json(j)::text FROM jobs j
               UNION ALL SELECT row_to_json(e)::text FROM consultation_events e";
    let rows = sqlx::query_scalar(sql).fetch_all(&mut own.connection);
    rows.await.unwrap()
}

async fn execute(own: &mut OwnDatabase, sql: &'static str) {
    sqlx::query(sql).execute(&mut own.connection).await.unwrap();
}

#[tokio::test]
async fn what_cannot_be_written_into_the_trail_is_not_done() {
    let accepted = User::new().await.complain(COMPLAINT).await;
    let code = accepted["questions"][0]["code"].as_str().unwrap();
    let mut own = own_database().await;
    let complaint = json!({ "symptoms": COMPLAINT });
    let job = create_job(&mut own.connection, &new_tenant(), complaint).await;
    let consultation: Uuid = sqlx::query_scalar("SELECT id FROM consultations")
        .fetch_one(&mut own.connection)
        .await
        .unwrap();

    let answer = AnswerQuestions {
        database: database_at(&own.url).await,
        cache: Cache::new(None),
        pusher: pusher().await,
    };
    let cancel = CancelJob {
        database: database_at(&own.url).await,
        pusher: pusher().await,
    };
    let review = ReviewConsultation {
        database: database_at(&own.url).await,
        cache: Cache::new(None),
    };
    let tenant = &job.tenant_id;
    let answers = json!({ "answers": { code: "yes" } });
    let answered = || answer.handle(call(tenant, consultation, &answers));
    let cancelled = || cancel.handle(call(tenant, job.job_id, &Value::Null));
    let review_body = json!({ "reviewed": true });
    let reviewed = || review.handle(call(tenant, consultation, &review_body));

    let before = rows(&mut own).await;
    execute(
        &mut own,
        "ALTER TABLE audit_events ADD CONSTRAINT closed CHECK (false)",
    )
    .await;
    assert!(answered().await.is_err());
    assert!(cancelled().await.is_err());
    assert!(reviewed().await.is_err());
    assert_eq!(rows(&mut own).await, before);

    execute(&mut own, "ALTER TABLE audit_events DROP CONSTRAINT closed").await;
    answered().await.unwrap();
    cancelled().await.unwrap();
    reviewed().await.unwrap();
    assert_ne!(rows(&mut own).await, before);
    let acts: Vec<String> = sqlx::query_scalar("SELECT action FROM audit_events ORDER BY id")
        .fetch_all(&mut own.connection)
        .await
        .unwrap();
    let expected = ["answer_questions", "cancel_job", "review_consultation"];
    assert_eq!(acts, expected);
    own.remove().await;
}
