//! What becomes of an answer while the database or the cache is gone. The handler is called as it
//! is, with a dependency that points nowhere.

use std::collections::HashMap;
use std::time::Duration;

use lambda_http::{Body, RequestExt};
use serde_json::{Value, json};
use wenzhen::cache::Cache;
use wenzhen::config::{DatabaseAuth, DatabaseSettings};
use wenzhen::deadline::Deadline;
use wenzhen::error::{Error, ErrorKind};
use wenzhen::http::{Call, Endpoint, Response};
use wenzhen::identity::{Caller, Role as CallerRole, TenantId, UserId};
use wenzhen::postgres::Database;
use wenzhen_functions::AnswerQuestions;
use xtask::users::Role;

use super::{VAGUE, first_code, get};
use crate::support::socket::pusher;
use crate::support::valkey::{connect, prefix};
use crate::support::{STACK, User};

const DATABASE_NOWHERE: &str = "postgres://wenzhen:x@127.0.0.1:9/wenzhen";

const VALKEY_NOWHERE: &str = "redis://127.0.0.1:9";

async fn route(database_url: &str) -> AnswerQuestions {
    let settings = DatabaseSettings {
        url: database_url.parse().unwrap(),
        auth: DatabaseAuth::Url,
    };
    AnswerQuestions {
        database: Database::new(&settings).await.unwrap(),
        cache: Cache::new(Some(connect(VALKEY_NOWHERE, &prefix()))),
        pusher: pusher().await,
    }
}

/// A clinician of the tenant confirms the first danger sign of a consultation.
async fn confirm(
    route: &AnswerQuestions,
    tenant: &str,
    accepted: &Value,
) -> Result<Response, Error> {
    let caller = Caller {
        tenant: TenantId::try_from(tenant.to_owned()).unwrap(),
        user: UserId::try_from("doctor".to_owned()).unwrap(),
        role: CallerRole::Clinician,
    };
    let id = accepted["id"].as_str().unwrap().to_owned();
    let body = json!({ "answers": { first_code(accepted): "yes" } });
    let request = http::Request::builder()
        .header("content-type", "application/json")
        .body(Body::from(body.to_string()))
        .unwrap()
        .with_path_parameters(HashMap::from([("id".to_owned(), id)]));

    let call = Call::new(caller, Deadline::after(Duration::from_secs(8)), request);
    route.handle(call).await
}

#[tokio::test]
async fn without_the_database_an_answer_is_to_come_again() {
    let user = User::new().await;
    let accepted = user.complain(VAGUE).await;
    let route = route(DATABASE_NOWHERE).await;

    let refused = confirm(&route, &user.tenant, &accepted).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Unavailable);
    assert_eq!(refused.kind().status(), 503);
    assert!(refused.retry_after().is_some());
    assert_eq!(get(&user, &accepted).await["answers"], json!({}));
}

/// A completed consultation may be shown as it was until its copy expires; the answer is kept.
#[tokio::test]
async fn without_the_cache_an_answer_is_taken() {
    let user = User::new().await;
    let accepted = user.complain(VAGUE).await;
    let route = route(&STACK.env("DATABASE_URL").unwrap()).await;

    let taken = confirm(&route, &user.tenant, &accepted).await.unwrap();
    assert_eq!(taken.status(), 200);
    let Body::Text(text) = taken.body() else {
        panic!("a JSON text")
    };
    let body: Value = serde_json::from_str(text).unwrap();
    assert_eq!(body["urgency"], "emergency");

    // In the list, which no cache keeps.
    let clinician = User::of(&user.tenant, "doctor", Role::Clinician).await;
    let list = clinician.get("/v1/consultations").send().await.unwrap();
    let list: Value = list.json().await.unwrap();
    assert_eq!(list["items"][0]["urgency"], "emergency");
}
