//! The parts that every test uses: the stack, people in it, and calls on their behalf.

pub mod aws_proxy;
pub mod description;
pub mod growth;
pub mod iam;
pub mod own_database;
pub mod pdf;
pub mod proxy;
pub mod runtime_api;
pub mod secret;
pub mod socket;
pub mod tokens;
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
use description::check_answer;
use own_database::OwnDatabase;

/// The longest that [`eventually`] and [`User::outcome`] wait. It bounds a test that would not
/// end; how fast anything is, is for the benchmarks to say.
const EVENTUALLY_TIMEOUT: Duration = Duration::from_mins(2);

/// The pause between two looks of [`eventually`].
const POLL_DELAY: Duration = Duration::from_millis(100);

/// For one call of a [`User`], long polls included.
const CALL_TIMEOUT: Duration = Duration::from_secs(40);

/// So often a busy stack may ask to come again. More are a fault.
const MAX_REFUSALS: u32 = 5;

/// The stack that `cargo xtask test` brought up.
pub static STACK: LazyLock<Stack> = LazyLock::new(|| {
    let default = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../.local/test/stack.env");
    let env_file = std::env::var("WENZHEN_STACK_ENV").map_or(default, PathBuf::from);

    Stack::running(&env_file).expect("these tests need a stack: run `cargo xtask test`")
});

/// A person with a token.
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

    /// The same person with another token.
    pub fn with_token(&self, token: String) -> Self {
        Self {
            client: self.client.clone(),
            url: self.url.clone(),
            token,
            tenant: self.tenant.clone(),
        }
    }

    /// Any call.
    pub fn request(&self, method: &str, path: &str) -> RequestBuilder {
        let method = method.parse().unwrap();
        self.client.request(method, format!("{}{path}", self.url))
    }

    /// A person of a tenant.
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
            .timeout(CALL_TIMEOUT)
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

    pub fn delete(&self, path: &str) -> RequestBuilder {
        self.client
            .delete(format!("{}{path}", self.url))
            .bearer_auth(&self.token)
    }

    pub fn post(&self, path: &str) -> RequestBuilder {
        self.client
            .post(format!("{}{path}", self.url))
            .bearer_auth(&self.token)
    }

    /// The person's id: the token's `sub`.
    pub async fn id(&self) -> String {
        let me = self.get("/v1/users/me").send().await.unwrap();
        let me = read(me, StatusCode::OK).await;
        me["id"].as_str().unwrap().to_owned()
    }

    /// Posts a complaint, which must be accepted. A stack that is busy may ask a few times to try
    /// again.
    pub async fn complain(&self, symptoms: &str) -> Value {
        let body = json!({ "symptoms": symptoms });
        let key = Uuid::new_v4().to_string();
        let mut refusals = 0;
        let answer = eventually("the stack has time for a complaint", async || {
            let request = self.post("/v1/consultations").json(&body);
            let request = request.header("idempotency-key", &key);
            let answer = request.send().await.unwrap();
            let is_busy = answer.status() == StatusCode::SERVICE_UNAVAILABLE;
            refusals += u32::from(is_busy);
            (!is_busy || refusals > MAX_REFUSALS).then_some(answer)
        })
        .await;
        read(answer, StatusCode::ACCEPTED).await
    }

    /// Waits for the end of a consultation.
    pub async fn outcome(&self, accepted: &Value) -> Value {
        let id = accepted["id"].as_str().unwrap();
        let path = format!("/v1/consultations/{id}?wait=20");

        eventually("the consultation ends", async || {
            let seen = read(self.get(&path).send().await.unwrap(), StatusCode::OK).await;
            (seen["status"] != "processing").then_some(seen)
        })
        .await
    }

    /// The number of this user's consultations, up to 100.
    pub async fn count(&self) -> usize {
        let request = self.get("/v1/consultations?limit=100");
        let page = read(request.send().await.unwrap(), StatusCode::OK).await;
        page["items"].as_array().unwrap().len()
    }
}

/// The JSON of an answer that must have this status.
pub async fn read(answer: Response, status: StatusCode) -> Value {
    let (got, url) = (answer.status(), answer.url().clone());
    let media_type = answer.headers().get("content-type").cloned();
    let text = answer.text().await.unwrap();

    assert_eq!(got, status, "{text}");
    let body = serde_json::from_str(&text).unwrap_or_else(|_| panic!("not JSON: {text}"));
    let media_type = media_type.as_ref().map(|value| value.to_str().unwrap());
    check_answer(&url, got.as_u16(), media_type.unwrap_or_default(), &body);
    body
}

/// Checks a problem document and returns it.
pub async fn problem(answer: Response, status: StatusCode) -> Value {
    assert_eq!(answer.headers()["content-type"], "application/problem+json");
    let body = read(answer, status).await;
    assert_eq!(body["status"], status.as_u16(), "{body}");

    for field in ["type", "title", "detail", "instance"] {
        let text = body[field].as_str();
        assert!(
            text.is_some_and(|text| !text.is_empty()),
            "{field} in {body}"
        );
    }
    body
}

/// A connection to the stack's database.
pub async fn database() -> PgConnection {
    let url = STACK.env("DATABASE_URL").unwrap();
    PgConnection::connect(&url).await.unwrap()
}

/// Runs a Python program with the local stack's packages and these arguments.
pub fn run_python(program: &str, arguments: &[&str]) -> std::process::Output {
    let python = xtask::tools::bin_folder(&STACK).join("python");
    let mut command = std::process::Command::new(python);
    command.args(["-c", program]).args(arguments);
    command.output().unwrap()
}

/// A database that no other test and no deployed function uses.
pub async fn own_database() -> OwnDatabase {
    let server_url = STACK.env("DATABASE_URL").unwrap();
    OwnDatabase::create(&server_url, &STACK.root).await
}

/// Looks again and again until `look` finds something, for at most two minutes.
pub async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let end = Instant::now() + EVENTUALLY_TIMEOUT;
    loop {
        if let Some(found) = look().await {
            return found;
        }

        assert!(Instant::now() < end, "not within two minutes: {what}");
        tokio::time::sleep(POLL_DELAY).await;
    }
}
