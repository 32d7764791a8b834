//! `GET /health`, with and without the components that it looks at.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::future::join_all;
use reqwest::StatusCode;
use serde_json::{Value, json};
use wenzhen::ai::{self, Purpose};
use wenzhen::config::{
    DatabaseAuth, DatabaseSettings, EmbeddingSettings, LIMIT_NAMES, Models, Tiers,
};
use wenzhen::deadline::Deadline;
use wenzhen::health::{Circuits, HealthCheck};
use wenzhen::postgres::{Database, Readers};
use xtask::users::Role;

use crate::support::proxy::{Proxy, Transport};
use crate::support::valkey::{connect, prefix};
use crate::support::{STACK, User, eventually, new_tenant, own_database, read};

/// Environments of the function that are asked at the same time.
const FLEET_SIZE: usize = 300;

#[tokio::test]
async fn every_caller_may_ask_how_the_stack_is() {
    let url = format!("{}/health", STACK.env("API_URL").unwrap());
    let components = ["database", "readers", "valkey", "ai", "embeddings", "jobs"];
    // One that is busy with other tests may answer late once.
    for component in components {
        eventually(component, async || {
            let answer = reqwest::get(&url).await.unwrap();
            let report = read(answer, StatusCode::OK).await;
            (report["checks"][component] == "ok").then_some(())
        })
        .await;
    }
    let answer = reqwest::get(&url).await.unwrap();
    let report = read(answer, StatusCode::OK).await;
    // Of a machine that may be nearly full.
    for component in ["disk", "memory"] {
        let status = &report["checks"][component];
        assert!(status == "ok" || status == "degraded", "{report}");
    }
    assert!(report.get("details").is_none(), "{report}");

    for secret in ["127.0.0.1", "scripted", "sk-"] {
        assert!(!report.to_string().contains(secret), "{secret} in {report}");
    }
}

#[tokio::test]
async fn an_admin_reads_how_fast_components_are_and_all_circuits() {
    let tenant = new_tenant();
    let patient = User::of(&tenant, "somebody", Role::Patient).await;
    let report = read(patient.get("/health").send().await.unwrap(), StatusCode::OK).await;
    assert!(report.get("details").is_none(), "{report}");

    let admin = User::of(&tenant, "chief", Role::Admin).await;
    let report = read(admin.get("/health").send().await.unwrap(), StatusCode::OK).await;
    let details = &report["details"];
    for component in ["database", "readers", "valkey"] {
        assert!(
            details[component]["latency_ms"].is_u64(),
            "{component}: {report}"
        );
        assert!(
            details[component]["speed"].is_string(),
            "{component}: {report}"
        );
    }
    for space in ["disk", "memory"] {
        let of = |name: &str| details[space][name].as_u64().unwrap();
        assert!(of("used_bytes") > 0, "{report}");
        assert!(of("used_bytes") < of("total_bytes"), "{report}");
    }
    for count in [
        "oldest_age_seconds",
        "unfinished",
        "failed",
        "in_quarantine",
    ] {
        assert!(details["jobs"][count].is_u64(), "{report}");
    }

    let limits = details["limits"].as_array().unwrap();
    let shown = limits.iter().map(|limit| limit["name"].as_str().unwrap());
    // The two others are there only if the operator sets them.
    let known: BTreeSet<_> = LIMIT_NAMES.into_iter().collect();
    let unset = BTreeSet::from(["global", "tenant"]);
    assert_eq!(shown.collect::<BTreeSet<_>>(), &known - &unset);
    let limit = |name: &str| limits.iter().find(|limit| limit["name"] == name).cloned();
    let user = json!({
        "name": "user", "scope": "user", "limit": 100, "window_seconds": 60, "burst": null
    });
    assert_eq!(limit("user"), Some(user));
    // As the stack of the tests sets it.
    assert_eq!(limit("address").unwrap()["limit"], 10_000);
    assert_eq!(limit("tenant"), None, "it is not set");

    let circuit = &details["ai"][0];
    assert_eq!(circuit["name"], json!("primary"));
    assert_eq!(circuit["is_shared"], json!(true));
    for field in ["phase", "reason", "for_seconds", "next_in_seconds"] {
        assert!(circuit.get(field).is_some(), "{field} in {report}");
    }
    let name = details["embeddings"][0]["name"].as_str().unwrap();
    assert!(name.ends_with(" (embeddings)"), "{name}");
    for secret in ["127.0.0.1", "scripted", "sk-"] {
        assert!(!report.to_string().contains(secret), "{secret} in {report}");
    }
}

#[tokio::test]
async fn the_api_is_alive_whatever_its_dependencies_do() {
    let url = format!("{}/health/live", STACK.env("API_URL").unwrap());
    let answer = reqwest::get(url).await.unwrap();
    assert_eq!(
        read(answer, StatusCode::OK).await,
        json!({ "status": "ok" })
    );
}

/// An embedding model whose endpoint nobody asks.
const EMBEDDINGS: &str = r#"{ "model": "m", "dimensions": 3,
    "tiers": [{ "name": "v", "base_url": "http://127.0.0.1:9/v1" }] }"#;

/// Where an environment of the function looks.
struct Place {
    database_url: String,
    valkey_url: Option<String>,
    prefix: String,
}

impl Place {
    fn of_stack() -> Self {
        Self {
            database_url: STACK.env("DATABASE_URL").unwrap(),
            valkey_url: Some(STACK.env("VALKEY_URL").unwrap()),
            prefix: prefix(),
        }
    }

    /// The stack's database, through a proxy that counts.
    fn behind(proxy: &Proxy) -> Self {
        let mut url: url::Url = STACK.env("DATABASE_URL").unwrap().parse().unwrap();
        url.set_port(Some(proxy.port)).unwrap();

        Self {
            database_url: url.to_string(),
            ..Self::of_stack()
        }
    }

    async fn environment(&self) -> Environment {
        let tier = r#"[{"name":"t","base_url":"http://127.0.0.1:9/v1","model":"m"}]"#;
        let models = Models::new(Tiers::parse(tier).unwrap(), None).unwrap();
        let settings = DatabaseSettings {
            url: self.database_url.parse().unwrap(),
            auth: DatabaseAuth::Url,
        };

        let valkey_url = self.valkey_url.as_ref();
        let valkey = valkey_url.map(|url| connect(url, &self.prefix));
        let database = Database::new(&settings).await.unwrap();
        let purposes = [Purpose::Consultations, Purpose::Chat];
        let embeddings = EmbeddingSettings::parse(EMBEDDINGS).unwrap();
        Environment {
            check: HealthCheck::new(database, Readers::default(), valkey.clone()),
            circuits: Circuits {
                models: ai::circuits(&models, valkey.clone(), &purposes),
                embeddings: ai::embedding_circuits(&embeddings, valkey),
            },
        }
    }
}

/// What an environment of the function looks with.
struct Environment {
    check: HealthCheck,
    circuits: Circuits,
}

/// What it answers.
struct Health {
    status: u16,
    report: Value,
}

async fn ask_health(environment: &Environment) -> Health {
    let deadline = Deadline::after(Duration::from_secs(10));
    let reports = environment
        .check
        .report(&environment.circuits, deadline)
        .await;
    Health {
        status: if reports.public.is_serving() {
            200
        } else {
            503
        },
        report: serde_json::to_value(&*reports.public).unwrap(),
    }
}

/// A component that is gone is named, and decides on the status.
#[tokio::test]
async fn what_is_gone_is_named_and_decides_the_status() {
    let place = Place::of_stack();
    let Health { status, report } = ask_health(&place.environment().await).await;
    assert_eq!(status, 200);
    assert_eq!(report["status"], json!("ok"));
    assert_eq!(report["checks"]["embeddings"], json!("ok"));

    let without_valkey = Place {
        valkey_url: Some("redis://127.0.0.1:9".to_owned()),
        ..Place::of_stack()
    };
    let Health { status, report } = ask_health(&without_valkey.environment().await).await;
    assert_eq!(status, 200);
    assert_eq!(report["status"], json!("degraded"));
    assert_eq!(report["checks"]["valkey"], json!("down"));

    let without_database = Place {
        database_url: "postgres://wenzhen:x@127.0.0.1:9/wenzhen".to_owned(),
        ..Place::of_stack()
    };
    let Health { status, report } = ask_health(&without_database.environment().await).await;
    assert_eq!(status, 503);
    assert_eq!(report["status"], json!("down"));
    assert_eq!(report["checks"]["database"], json!("down"));
}

/// How many jobs there are may take long to count; calls can be accepted all the same.
#[tokio::test]
async fn jobs_that_cannot_be_counted_are_unknown_and_the_database_is_there() {
    let mut own = own_database().await;
    let lock = "BEGIN; LOCK TABLE outbox IN ACCESS EXCLUSIVE MODE";
    sqlx::raw_sql(lock)
        .execute(&mut own.connection)
        .await
        .unwrap();
    let place = Place {
        database_url: own.url.clone(),
        ..Place::of_stack()
    };

    let Health { status, report } = ask_health(&place.environment().await).await;
    assert_eq!(status, 200, "{report}");
    assert_eq!(report["checks"]["database"], json!("ok"));
    assert_eq!(report["checks"]["jobs"], json!("unknown"));
    assert_eq!(report["status"], json!("degraded"));
    sqlx::raw_sql("ROLLBACK")
        .execute(&mut own.connection)
        .await
        .unwrap();
    own.remove().await;
}

/// Anyone may ask, from any number of environments at once: the fleet makes one connection to find
/// out, and keeps none.
#[tokio::test]
async fn a_fleet_that_is_asked_makes_one_connection() {
    let proxy = Proxy::start(STACK.ports.postgres, Transport::Plain).await;
    let place = Place::behind(&proxy);
    let fleet = join_all((0..FLEET_SIZE).map(|_| place.environment())).await;

    let answers = join_all(fleet.iter().map(ask_health)).await;
    for Health { status, report } in answers {
        assert_eq!(status, 200, "{report}");
        assert_eq!(report["checks"]["database"], json!("ok"));
    }

    assert_eq!(proxy.accepted(), 1);
    eventually("the connection ends", async || {
        (proxy.open() == 0).then_some(())
    })
    .await;
}

/// A database that is gone is found out by one environment for all of them, too.
#[tokio::test]
async fn a_fleet_agrees_that_the_database_is_gone() {
    let place = Place {
        database_url: "postgres://wenzhen:x@127.0.0.1:9/wenzhen".to_owned(),
        ..Place::of_stack()
    };
    let fleet = join_all((0..FLEET_SIZE).map(|_| place.environment())).await;

    for Health { status, report } in join_all(fleet.iter().map(ask_health)).await {
        assert_eq!(status, 503, "{report}");
        assert_eq!(report["checks"]["valkey"], json!("ok"));
    }
}

/// Without Valkey, each environment believes itself for a while.
#[tokio::test]
async fn without_valkey_an_environment_checks_once() {
    let proxy = Proxy::start(STACK.ports.postgres, Transport::Plain).await;
    let place = Place {
        valkey_url: None,
        ..Place::behind(&proxy)
    };
    let environment = place.environment().await;

    for Health { status, report } in join_all((0..20).map(|_| ask_health(&environment))).await {
        assert_eq!(status, 200, "{report}");
        assert_eq!(report["checks"]["valkey"], json!("not_configured"));
    }

    assert_eq!(proxy.accepted(), 1);
    eventually("the connection ends", async || {
        (proxy.open() == 0).then_some(())
    })
    .await;
}
