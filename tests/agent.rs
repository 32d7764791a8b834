//! The agent with the parts that it needs taken away.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use wenzhen::agent::{Agent, LiveSummary};
use wenzhen::ai::Chains;
use wenzhen::aws::Secrets;
use wenzhen::config::{DatabaseAuth, DatabaseSettings, Models, Tiers};
use wenzhen::consultations::{Consultation, Conversation};
use wenzhen::deadline::Deadline;
use wenzhen::identity::TenantId;
use wenzhen::postgres::{Database, Readers};
use wenzhen::triage::{self, Complaint};

use crate::provider;
use crate::support::{STACK, new_tenant};

fn consultation_of(symptoms: &str) -> Consultation {
    let triage = triage::assess(&Complaint {
        symptoms,
        history: None,
        age: None,
        sex: None,
    });
    let nobody = "00000000-0000-0000-0000-000000000000";
    let at = "2026-01-01T00:00:00Z";
    serde_json::from_value(json!({
        "id": nobody, "user_id": "u", "job_id": nobody, "status": "processing",
        "urgency": triage.urgency, "locale": "en", "symptoms": symptoms,
        "age": null, "sex": null, "history": null, "triage": triage, "turns": 1,
        "assessment": null, "requires_model": false, "by_patient": true,
        "failure": null, "report": null, "created_at": at, "updated_at": at,
    }))
    .unwrap()
}

/// A database where no server answers.
async fn database_nowhere() -> Database {
    let settings = DatabaseSettings {
        url: "postgres://wenzhen:x@127.0.0.1:9/wenzhen".parse().unwrap(),
        auth: DatabaseAuth::Url,
    };
    Database::new(&settings).await.unwrap()
}

/// The tools say so, and the model answers without them.
#[tokio::test]
async fn without_the_database_a_model_that_calls_tools_still_answers() {
    provider::start();
    let port = STACK.env("PROVIDER_PORT").unwrap();
    let tier = json!([{
        "name": "only", "base_url": format!("http://127.0.0.1:{port}/v1"),
        "model": "scripted-primary", "tools": true,
    }]);
    let models = Models::new(Tiers::parse(&tier.to_string()).unwrap(), None).unwrap();
    let secrets = Arc::new(Secrets::new(&STACK.aws().await));
    let chains = Chains::new(&models, None, &secrets).unwrap();
    let (database, readers) = (database_nowhere().await, Readers::default());
    let live = LiveSummary::default();
    let agent = Agent {
        live: &live,
        chain: chains.for_consultations(),
        database: &database,
        readers: &readers,
        uploads: None,
        index: None,
    };

    let marker = uuid::Uuid::new_v4().to_string();
    let symptoms = format!("a dull headache {marker} [primary:agent-looks-up]");
    let tenant = TenantId::try_from(new_tenant()).unwrap();
    let deadline = Deadline::after(Duration::from_mins(2));
    let (consultation, conversation) = (consultation_of(&symptoms), Conversation::default());
    let answered = agent.analyze(&tenant, &consultation, &conversation, deadline);
    let assessment = answered.await.ok().unwrap();

    assert_eq!(assessment.served_by.tier, "only");
    assert_eq!(assessment.summary, "So the passage says.", "no mark stays");
    let calls = provider::calls(&marker);
    let said = calls.last().unwrap().body["messages"].as_array().unwrap();
    let replies: Vec<Value> = said
        .iter()
        .filter(|it| it["role"] == "tool")
        .map(|it| serde_json::from_str(it["content"].as_str().unwrap()).unwrap())
        .collect();
    assert_eq!(replies.len(), 2);
    for reply in replies {
        let error = reply["error"].as_str().unwrap();
        assert!(error.ends_with("now."), "{error}");
    }
}
