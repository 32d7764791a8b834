//! `GET /health`, with and without the components that it looks at.

use std::time::Duration;

use reqwest::StatusCode;
use serde_json::{Value, json};
use wenzhen::ai::{self, Purpose};
use wenzhen::config::{DatabaseAuth, DatabaseSettings, Models, Tiers};
use wenzhen::deadline::Deadline;
use wenzhen::http::Endpoint;
use wenzhen::postgres::Database;
use wenzhen_functions::GetHealth;

use crate::support::valkey::{connect, prefix};
use crate::support::{STACK, read};

#[tokio::test]
async fn every_caller_may_ask_how_the_stack_is() {
    let url = format!("{}/health", STACK.env("API_URL").unwrap());
    let answer = reqwest::get(url).await.unwrap();
    let report = read(answer, StatusCode::OK).await;
    assert_eq!(report["checks"]["database"], json!("ok"));
    assert_eq!(report["checks"]["valkey"], json!("ok"));

    let circuit = &report["checks"]["ai"]["circuits"][0];
    assert_eq!(circuit["name"], json!("primary"));
    assert_eq!(circuit["is_shared"], json!(true));
    for field in ["phase", "reason", "for_seconds", "next_in_seconds"] {
        assert!(circuit.get(field).is_some(), "{field} in {report}");
    }

    for secret in ["127.0.0.1", "scripted", "sk-"] {
        assert!(!report.to_string().contains(secret), "{secret} in {report}");
    }
}

/// The handler's answer.
struct Health {
    status: u16,
    report: Value,
}

async fn ask_health(database_url: &str, valkey_url: &str) -> Health {
    let tier = r#"[{"name":"t","base_url":"http://127.0.0.1:9/v1","model":"m"}]"#;
    let models = Models::new(Tiers::parse(tier).unwrap(), None).unwrap();
    let settings = DatabaseSettings {
        url: database_url.parse().unwrap(),
        auth: DatabaseAuth::Url,
    };

    let valkey = connect(valkey_url, &prefix());
    let purposes = [Purpose::Consultations, Purpose::Chat];
    let health = GetHealth {
        database: Database::new(&settings).await.unwrap(),
        breakers: ai::circuits(&models, Some(valkey.clone()), &purposes),
        valkey: Some(valkey),
        last: tokio::sync::Mutex::default(),
    };

    let deadline = Deadline::after(Duration::from_secs(10));
    let answer = health.handle(deadline).await.unwrap();
    Health {
        status: answer.status().as_u16(),
        report: serde_json::from_slice(answer.body()).unwrap(),
    }
}

/// A component that is gone is named, and decides on the status.
#[tokio::test]
async fn what_is_gone_is_named_and_decides_the_status() {
    let database = STACK.env("DATABASE_URL").unwrap();
    let valkey = STACK.env("VALKEY_URL").unwrap();
    let Health { status, report } = ask_health(&database, &valkey).await;
    assert_eq!(status, 200);
    assert_eq!(report["status"], json!("ok"));

    let no_valkey = "redis://127.0.0.1:9";
    let Health { status, report } = ask_health(&database, no_valkey).await;
    assert_eq!(status, 200);
    assert_eq!(report["status"], json!("degraded"));
    assert_eq!(report["checks"]["valkey"], json!("down"));
    let circuit = &report["checks"]["ai"]["circuits"][0];
    assert_eq!(circuit["is_shared"], json!(false));

    let no_database = "postgres://wenzhen:x@127.0.0.1:9/wenzhen";
    let Health { status, report } = ask_health(no_database, &valkey).await;
    assert_eq!(status, 503);
    assert_eq!(report["status"], json!("down"));
    assert_eq!(report["checks"]["database"], json!("down"));
}
