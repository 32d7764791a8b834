//! How long one person's calls may be held back, with the handler as it is and the real database.

use std::collections::HashMap;
use std::time::Duration;

use futures::future::join_all;
use lambda_http::{Body, RequestExt};
use serde_json::{Value, json};
use uuid::Uuid;
use wenzhen::cache::Cache;
use wenzhen::config::{DatabaseAuth, DatabaseSettings, LimitSettings};
use wenzhen::deadline::Deadline;
use wenzhen::http::{Call, Endpoint, Response};
use wenzhen::identity::{Caller, Role, TenantId, UserId};
use wenzhen::limits::{Limiter, WAIT};
use wenzhen::postgres::Database;
use wenzhen::reports::LinkSigner;
use wenzhen_functions::GetConsultation;

use crate::jobs::{consultation_of, job_of};
use crate::support::{STACK, new_tenant};

/// Calls of one person at the same time, each of which wants to wait.
const CALLS: usize = 33;

/// Twelve seconds a minute for one person.
const LIMITS: &str = r#"{"wait":{"limit":12,"burst":12}}"#;

/// Those of the calls that may wait: each is charged two seconds.
const MAX_WAITING: usize = 6;

async fn route() -> GetConsultation {
    let limits = LimitSettings::parse(LIMITS).unwrap();
    let settings = DatabaseSettings {
        url: STACK.env("DATABASE_URL").unwrap().parse().unwrap(),
        auth: DatabaseAuth::Url,
    };
    GetConsultation {
        database: Database::new(&settings).await.unwrap(),
        cache: Cache::new(None),
        links: LinkSigner::new(STACK.env("REPORTS_BUCKET").unwrap()),
        waits: Limiter::new(None, &[WAIT], &limits).unwrap(),
    }
}

fn patient(tenant: &str) -> Caller {
    Caller {
        tenant: TenantId::try_from(tenant.to_owned()).unwrap(),
        user: UserId::try_from("user-1".to_owned()).unwrap(),
        role: Role::Patient,
    }
}

/// A consultation whose job no worker gets.
async fn unsent_consultation(caller: &Caller) -> Uuid {
    let message = job_of(caller.tenant.as_str(), json!({ "symptoms": "a cough" })).await;
    consultation_of(&message).await
}

async fn get(route: &GetConsultation, caller: &Caller, id: Uuid) -> Response {
    let query = HashMap::from([("wait".to_owned(), "1".to_owned())]);
    let path = HashMap::from([("id".to_owned(), id.to_string())]);
    let request = http::Request::new(Body::Empty)
        .with_query_string_parameters(query)
        .with_path_parameters(path);

    let deadline = Deadline::after(Duration::from_secs(28));
    let call = Call::new(caller.clone(), deadline, request);
    route.handle(call).await.unwrap()
}

/// Each call over the limit gets the present state, and is told when to come back.
#[tokio::test]
async fn who_waits_too_often_is_answered_at_once() {
    let caller = patient(&new_tenant());
    let id = unsent_consultation(&caller).await;
    let route = route().await;

    let calls = (0..CALLS).map(|_| get(&route, &caller, id));
    let answers = join_all(calls).await;
    for answer in &answers {
        assert_eq!(answer.status(), 200);
        let Body::Text(text) = answer.body() else {
            panic!("a JSON text")
        };
        let body: Value = serde_json::from_str(text).unwrap();
        assert_eq!(body["status"], "processing");
    }

    let is_told = |answer: &&Response| answer.headers().contains_key("retry-after");
    let told = answers.iter().filter(is_told).count();
    assert_eq!(told, CALLS - MAX_WAITING);
}
