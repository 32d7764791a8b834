//! What every test uses: the stack, people in it, and calls on their behalf.

pub mod aws_proxy;
pub mod runtime_api;
pub mod valkey;

use std::path::PathBuf;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use reqwest::{Client, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use sqlx::Connection;
use sqlx::postgres::PgConnection;
use uuid::Uuid;
use xtask::stack::Stack;
use xtask::users::{self, Person, Role};

use crate::provider;

/// The stack that `cargo xtask test` brought up.
pub static STACK: LazyLock<Stack> = LazyLock::new(|| {
    let default = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../.local/test/stack.env");
    let env_file = std::env::var("WENZHEN_STACK_ENV").map_or(default, PathBuf::from);
    Stack::running(&env_file).expect("these tests need a stack: run `cargo xtask test`")
});

/// Somebody with a token.
pub struct User {
    client: Client,
    url: String,
    pub token: String,
    pub tenant: String,
}

/// A tenant that no other test uses.
pub fn new_tenant() -> String {
    format!("t-{}", Uuid::new_v4().simple())
}

impl User {
    /// A new patient in a new tenant. The scripted provider is up from then on.
    pub async fn new() -> Self {
        Self::of(&new_tenant(), "patient", Role::Patient).await
    }

    /// Somebody of a tenant.
    pub async fn of(tenant: &str, user: &str, role: Role) -> Self {
        provider::start();
        let person = Person {
            tenant: tenant.to_owned(),
            user: user.to_owned(),
            role,
        };
        let token = users::token(&STACK, &person).await.unwrap();
        // One connection per call: a pooled one could outlive the runtime of the test that made it.
        let client = Client::builder()
            .timeout(Duration::from_secs(40))
            .pool_max_idle_per_host(0)
            .build()
            .unwrap();
        Self {
            client,
            url: STACK.env("API_URL").unwrap(),
            token,
            tenant: tenant.to_owned(),
        }
    }

    pub fn get(&self, path: &str) -> RequestBuilder {
        self.client
            .get(format!("{}{path}", self.url))
            .bearer_auth(&self.token)
    }

    pub fn post(&self, path: &str) -> RequestBuilder {
        self.client
            .post(format!("{}{path}", self.url))
            .bearer_auth(&self.token)
    }

    /// Posts a complaint, which must be accepted.
    pub async fn complain(&self, symptoms: &str) -> Value {
        let answer = self
            .post("/v1/consultations")
            .json(&json!({ "symptoms": symptoms }))
            .send()
            .await
            .unwrap();
        read(answer, StatusCode::ACCEPTED).await
    }

    /// Waits for the end of a consultation, at most two long polls.
    pub async fn outcome(&self, accepted: &Value) -> Value {
        let path = format!(
            "/v1/consultations/{}?wait=20",
            accepted["id"].as_str().unwrap()
        );
        let mut last = Value::Null;
        for _ in 0..2 {
            last = read(self.get(&path).send().await.unwrap(), StatusCode::OK).await;
            if last["status"] != "processing" {
                return last;
            }
        }
        panic!("still processing: {last}");
    }

    /// The number of this user's consultations, up to 100.
    pub async fn count(&self) -> usize {
        let page = read(
            self.get("/v1/consultations?limit=100")
                .send()
                .await
                .unwrap(),
            StatusCode::OK,
        )
        .await;
        page["items"].as_array().unwrap().len()
    }
}

/// The JSON of an answer that must have this status.
pub async fn read(answer: Response, status: StatusCode) -> Value {
    let got = answer.status();
    let text = answer.text().await.unwrap();
    assert_eq!(got, status, "{text}");
    serde_json::from_str(&text).unwrap_or_else(|_| panic!("not JSON: {text}"))
}

/// Checks a problem document and returns it.
pub async fn problem(answer: Response, status: StatusCode) -> Value {
    assert_eq!(answer.headers()["content-type"], "application/problem+json");
    let body = read(answer, status).await;
    assert_eq!(body["status"], status.as_u16(), "{body}");
    for field in ["type", "title", "detail", "instance"] {
        assert!(
            body[field].as_str().is_some_and(|text| !text.is_empty()),
            "{field} in {body}"
        );
    }
    body
}

/// A connection to the stack's database.
pub async fn database() -> PgConnection {
    PgConnection::connect(&STACK.env("DATABASE_URL").unwrap())
        .await
        .unwrap()
}

/// Looks again and again until `look` finds something, for at most 30 seconds.
pub async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let end = Instant::now() + Duration::from_secs(30);
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < end, "not within 30 s: {what}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
