//! `GET /health`, with and without what it looks at.

use std::sync::Arc;
use std::time::Duration;

use health::App;
use reqwest::StatusCode;
use serde_json::{Value, json};
use wenzhen::ai::Chains;
use wenzhen::aws::Secrets;
use wenzhen::config::{DatabaseAuth, DatabaseSettings, Models, Tiers};
use wenzhen::deadline::Deadline;
use wenzhen::postgres::Database;

use crate::support::valkey::{connect, prefix};
use crate::support::{STACK, read};

#[tokio::test]
async fn anybody_may_ask_how_the_stack_is() {
    let answer = reqwest::get(format!("{}/health", STACK.env("API_URL").unwrap()))
        .await
        .unwrap();
    let report = read(answer, StatusCode::OK).await;
    assert_eq!(
        (&report["checks"]["database"], &report["checks"]["valkey"]),
        (&json!("ok"), &json!("ok"))
    );
    let circuit = &report["checks"]["ai"]["circuits"][0];
    assert_eq!(
        (&circuit["name"], &circuit["is_shared"]),
        (&json!("primary"), &json!(true))
    );
    for field in ["phase", "reason", "for_seconds", "next_in_seconds"] {
        assert!(circuit.get(field).is_some(), "{field} in {report}");
    }
    for never in ["127.0.0.1", "scripted", "sk-"] {
        assert!(!report.to_string().contains(never), "{never} in {report}");
    }
}

async fn look(database_url: &str, valkey_url: &str) -> (StatusCode, Value) {
    let tier = r#"[{"name":"t","base_url":"http://127.0.0.1:9/v1","model":"m"}]"#;
    let models = Models::new(Tiers::parse(tier).unwrap(), None).unwrap();
    let settings = DatabaseSettings {
        url: database_url.parse().unwrap(),
        auth: DatabaseAuth::Url,
    };
    let valkey = connect(valkey_url, &prefix());
    let secrets = Arc::new(Secrets::new(&STACK.aws().await));
    let app = App {
        database: Database::new(&settings).await.unwrap(),
        chains: Chains::new(&models, Some(valkey.clone()), &secrets).unwrap(),
        valkey: Some(valkey),
        last: tokio::sync::Mutex::default(),
    };
    let answer = health::handle(Arc::new(app), Deadline::after(Duration::from_secs(10)))
        .await
        .unwrap();
    (
        answer.status(),
        serde_json::from_slice(answer.body()).unwrap(),
    )
}

#[tokio::test]
async fn what_is_gone_is_named_and_decides_the_status() {
    let (database, valkey) = (
        STACK.env("DATABASE_URL").unwrap(),
        STACK.env("VALKEY_URL").unwrap(),
    );
    let (status, report) = look(&database, &valkey).await;
    assert_eq!((status.as_u16(), &report["status"]), (200, &json!("ok")));
    let (status, report) = look(&database, "redis://127.0.0.1:9").await;
    assert_eq!(
        (status.as_u16(), &report["status"]),
        (200, &json!("degraded"))
    );
    assert_eq!(
        (
            &report["checks"]["valkey"],
            &report["checks"]["ai"]["circuits"][0]["is_shared"]
        ),
        (&json!("down"), &json!(false))
    );
    let (status, report) = look("postgres://wenzhen:x@127.0.0.1:9/wenzhen", &valkey).await;
    assert_eq!(
        (
            status.as_u16(),
            &report["status"],
            &report["checks"]["database"]
        ),
        (503, &json!("down"), &json!("down"))
    );
}
