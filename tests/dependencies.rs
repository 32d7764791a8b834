//! What happens when something that a route depends on is gone. The handlers are called as they are, with a dependency
//! that points nowhere; the stack's own servers stay up.

use std::sync::Arc;
use std::time::Duration;

use create_consultation::App;
use lambda_http::Body;
use wenzhen::aws;
use wenzhen::config::{DatabaseAuth, DatabaseSettings};
use wenzhen::deadline::Deadline;
use wenzhen::error::{Error, ErrorKind};
use wenzhen::http::{Call, Response};
use wenzhen::identity::{Caller, Role, TenantId, UserId};
use wenzhen::jobs::queue::Queue;
use wenzhen::postgres::Database;

use crate::support::{STACK, database, new_tenant};

const NOWHERE: &str = "http://127.0.0.1:9";

async fn app(database_url: &str, endpoint: &str) -> App {
    let settings = DatabaseSettings {
        url: database_url.parse().unwrap(),
        auth: DatabaseAuth::Url,
    };
    let aws = STACK
        .aws()
        .await
        .into_builder()
        .endpoint_url(endpoint)
        .build();
    let queue = Queue::new(&aws, format!("{endpoint}/000000000000/queue"));
    App {
        database: Database::new(&settings).await.unwrap(),
        queue,
    }
}

async fn create(app: App, tenant: &str, deadline: Duration) -> Result<Response, Error> {
    let caller = Caller {
        tenant: TenantId::try_from(tenant.to_owned()).unwrap(),
        user: UserId::try_from("user-1".to_owned()).unwrap(),
        role: Role::Patient,
    };
    let request = http::Request::builder()
        .header("content-type", "application/json")
        .header("idempotency-key", "k");
    let request = request
        .body(Body::from(r#"{"symptoms":"a cough"}"#))
        .unwrap();
    create_consultation::handle(
        Arc::new(app),
        Call::new(caller, Deadline::after(deadline), request),
    )
    .await
}

#[tokio::test]
async fn without_the_queue_a_consultation_is_accepted_and_stays_in_the_outbox() {
    let tenant = new_tenant();
    let app = app(&STACK.env("DATABASE_URL").unwrap(), NOWHERE).await;
    let answer = create(app, &tenant, Duration::from_secs(28)).await.unwrap();
    assert_eq!(answer.status(), 202);
    assert_eq!(waiting(&tenant).await, 1);
}

#[tokio::test]
async fn a_queue_that_accepts_and_never_answers_does_not_hold_the_caller_up() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", silent.local_addr().unwrap());
    let app = app(&STACK.env("DATABASE_URL").unwrap(), &endpoint).await;
    // The deadline of a call in a function with 10 s, of which a cold start has used most.
    assert_eq!(
        create(app, &new_tenant(), Duration::from_secs(5))
            .await
            .unwrap()
            .status(),
        202
    );
}

#[tokio::test]
async fn a_repeated_request_gets_its_answer_while_the_queue_is_gone_and_nothing_is_written_twice() {
    let tenant = new_tenant();
    let url = STACK.env("DATABASE_URL").unwrap();
    let first = create(app(&url, NOWHERE).await, &tenant, Duration::from_secs(28))
        .await
        .unwrap();
    let second = create(app(&url, NOWHERE).await, &tenant, Duration::from_secs(28))
        .await
        .unwrap();
    assert_eq!(first.body(), second.body());
    assert_eq!(waiting(&tenant).await, 1);
}

/// Rows that the sweep is going to look after.
async fn waiting(tenant: &str) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM outbox WHERE tenant_id = $1 AND due_at <= now() + interval '10 seconds'")
        .bind(tenant)
        .fetch_one(&mut database().await)
        .await
        .unwrap()
}

#[tokio::test]
async fn without_the_database_the_caller_is_told_to_come_back() {
    let app = app("postgres://wenzhen:x@127.0.0.1:9/wenzhen", NOWHERE).await;
    let error = create(app, &new_tenant(), Duration::from_secs(28))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.retry_after().is_some());
}

#[tokio::test]
async fn clients_are_made_without_asking_anybody() {
    // At cold start nothing may wait for a service that could be gone.
    let started = Deadline::after(Duration::from_secs(5));
    started.run(aws::sdk_config()).await.unwrap();
    started
        .run(app("postgres://wenzhen:x@127.0.0.1:9/wenzhen", NOWHERE))
        .await
        .unwrap();
}
