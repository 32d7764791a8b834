//! What a route answers while a dependency is gone. The handlers are called as they are, with a
//! dependency that points nowhere; the stack's own servers stay up.

use std::time::Duration;

use lambda_http::Body;
use wenzhen::aws;
use wenzhen::config::{DatabaseAuth, DatabaseSettings};
use wenzhen::deadline::Deadline;
use wenzhen::error::{Error, ErrorKind};
use wenzhen::http::{Call, Endpoint, Response};
use wenzhen::identity::{Caller, Role, TenantId, UserId};
use wenzhen::jobs::queue::Queue;
use wenzhen::postgres::Database;
use wenzhen_functions::CreateConsultation;

use crate::support::{STACK, database, new_tenant};

/// An endpoint that refuses every connection.
const NOWHERE: &str = "http://127.0.0.1:9";

const DATABASE_NOWHERE: &str = "postgres://wenzhen:x@127.0.0.1:9/wenzhen";

/// The time of a call, as the function has it after a warm start.
const CALL_TIME: Duration = Duration::from_secs(28);

async fn create_route(database_url: &str, aws_endpoint: &str) -> CreateConsultation {
    let settings = DatabaseSettings {
        url: database_url.parse().unwrap(),
        auth: DatabaseAuth::Url,
    };
    let aws = STACK
        .aws()
        .await
        .into_builder()
        .endpoint_url(aws_endpoint)
        .build();

    CreateConsultation {
        database: Database::new(&settings).await.unwrap(),
        queue: Queue::new(&aws, format!("{aws_endpoint}/000000000000/queue")),
    }
}

async fn create(
    route: &CreateConsultation,
    tenant: &str,
    time: Duration,
) -> Result<Response, Error> {
    let caller = Caller {
        tenant: TenantId::try_from(tenant.to_owned()).unwrap(),
        user: UserId::try_from("user-1".to_owned()).unwrap(),
        role: Role::Patient,
    };
    let request = http::Request::builder()
        .header("content-type", "application/json")
        .header("idempotency-key", "k")
        .body(Body::from(r#"{"symptoms":"a cough"}"#))
        .unwrap();

    let call = Call::new(caller, Deadline::after(time), request);
    route.handle(call).await
}

/// Rows that the sweep is going to look after.
async fn count_waiting(tenant: &str) -> i64 {
    let sql = "SELECT count(*) FROM outbox
               WHERE tenant_id = $1 AND due_at <= now() + interval '10 seconds'";

    sqlx::query_scalar(sql)
        .bind(tenant)
        .fetch_one(&mut database().await)
        .await
        .unwrap()
}

fn database_url() -> String {
    STACK.env("DATABASE_URL").unwrap()
}

/// The consultation is accepted, and its message stays in the outbox.
#[tokio::test]
async fn without_the_queue_a_consultation_is_accepted() {
    let tenant = new_tenant();
    let route = create_route(&database_url(), NOWHERE).await;

    let answer = create(&route, &tenant, CALL_TIME).await.unwrap();
    assert_eq!(answer.status(), 202);
    assert_eq!(count_waiting(&tenant).await, 1);
}

/// A queue that accepts the connection and never answers.
#[tokio::test]
async fn a_silent_queue_does_not_hold_the_caller_up() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", silent.local_addr().unwrap());
    let route = create_route(&database_url(), &endpoint).await;

    // The time that is left to a call in a function with 10 s, of which a cold start has used most.
    let time = Duration::from_secs(5);
    let answer = create(&route, &new_tenant(), time).await.unwrap();
    assert_eq!(answer.status(), 202);
}

/// The repeated request gets its answer, and nothing is written twice.
#[tokio::test]
async fn a_repeated_request_is_answered_while_the_queue_is_gone() {
    let tenant = new_tenant();

    let route = create_route(&database_url(), NOWHERE).await;
    let first = create(&route, &tenant, CALL_TIME).await.unwrap();

    let route = create_route(&database_url(), NOWHERE).await;
    let second = create(&route, &tenant, CALL_TIME).await.unwrap();

    assert_eq!(first.body(), second.body());
    assert_eq!(count_waiting(&tenant).await, 1);
}

#[tokio::test]
async fn without_the_database_the_caller_is_told_to_come_back() {
    let route = create_route(DATABASE_NOWHERE, NOWHERE).await;

    let error = create(&route, &new_tenant(), CALL_TIME).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.retry_after().is_some());
}

/// At cold start nothing may wait for a service that could be gone.
#[tokio::test]
async fn clients_are_made_without_any_call() {
    let started = Deadline::after(Duration::from_secs(5));
    started.run(aws::sdk_config()).await.unwrap();

    let route = create_route(DATABASE_NOWHERE, NOWHERE);
    started.run(route).await.unwrap();
}
