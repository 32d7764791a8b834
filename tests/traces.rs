//! One trace across API, queue, worker and model, as the functions' log lines tell it.

use std::collections::BTreeMap;

use reqwest::StatusCode;
use serde_json::{Value, json};
use wenzhen::identity::TenantId;

use crate::provider;
use crate::support::{STACK, User, eventually, read};

/// A span of OTLP, with its attributes by name.
#[derive(Clone, Debug)]
struct Span {
    name: String,
    id: String,
    parent: String,
    kind: i64,
    service: String,
    attributes: BTreeMap<String, String>,
}

/// Kinds, as OTLP numbers them.
const SERVER: i64 = 2;
const CLIENT: i64 = 3;
const PRODUCER: i64 = 4;
const CONSUMER: i64 = 5;

#[tokio::test]
async fn a_trace_leads_from_the_call_over_the_queue_to_the_model() {
    let user = User::new().await;
    let accepted = user.complain("喉咙痛两天了。").await;
    user.outcome(&accepted).await;

    let request = request_line(&user, "POST /v1/consultations").await;
    let trace_id = request["trace_id"].as_str().unwrap();
    let spans = eventually("the worker's spans", async || {
        let spans = spans_of(trace_id).await;
        let is_there = |kind| spans.iter().any(|span| span.kind == kind);
        (is_there(CONSUMER) && is_there(SERVER)).then_some(spans)
    })
    .await;
    let named = |name: &str| {
        let found = spans.iter().find(|span| span.name == name);
        found.unwrap_or_else(|| panic!("no {name} in {spans:#?}"))
    };

    let call = named("POST /v1/consultations");
    assert_eq!(
        (call.kind, call.service.as_str()),
        (SERVER, "create-consultation")
    );
    assert_eq!(call.attributes["http.response.status_code"], "202");
    assert_eq!(call.attributes["http.route"], "POST /v1/consultations");
    let pseudonym = TenantId::try_from(user.tenant.clone()).unwrap().pseudonym();
    assert_eq!(call.attributes["wenzhen.tenant"], pseudonym);

    let record = named("record analyze");
    assert_eq!((record.kind, record.service.as_str()), (CONSUMER, "worker"));
    // The job was made by a statement of the call.
    let statement = spans.iter().find(|span| span.id == record.parent).unwrap();
    assert_eq!(
        (statement.name.as_str(), &statement.parent),
        ("ask database", &call.id)
    );
    assert_eq!(
        record.attributes["wenzhen.job.id"],
        accepted["job_id"].as_str().unwrap()
    );
    assert_eq!(record.attributes["wenzhen.tier"], "primary");

    let model = named("ask model scripted-primary");
    assert_eq!((model.kind, &model.parent), (CLIENT, &record.id));
    let sent = named("send messages");
    assert_eq!((sent.kind, &sent.parent), (PRODUCER, &call.id));
    let database = spans.iter().filter(|span| span.name == "ask database");
    let parents: Vec<_> = database.map(|span| span.parent.as_str()).collect();
    assert!(parents.contains(&call.id.as_str()) && parents.contains(&record.id.as_str()));
}

/// Since its message may be sent much later (`jobs/outbox.rs`, `jobs/dead_letters.rs`).
#[tokio::test]
async fn a_jobs_row_keeps_the_trace_that_it_was_made_in() {
    let user = User::new().await;
    let complaint = "[primary:prose] [secondary:prose]";
    let body = json!({ "symptoms": complaint, "require_model": true });
    let accepted = user
        .post("/v1/consultations")
        .json(&body)
        .send()
        .await
        .unwrap();
    let accepted = read(accepted, StatusCode::ACCEPTED).await;
    let trace_id = request_line(&user, "POST /v1/consultations").await["trace_id"].clone();

    let stored = eventually("the job's row", async || {
        let job = accepted["job_id"]
            .as_str()
            .unwrap()
            .parse::<uuid::Uuid>()
            .unwrap();
        let sql = "SELECT traceparent FROM jobs WHERE id = $1";
        let row: Option<Option<String>> = sqlx::query_scalar(sql)
            .bind(job)
            .fetch_optional(&mut crate::support::database().await)
            .await
            .unwrap();
        row.flatten()
    })
    .await;
    assert_eq!(stored.split('-').nth(1), trace_id.as_str());
}

/// The words of patients and models are nowhere, and the tenant is a pseudonym.
#[tokio::test]
async fn no_span_says_who_was_ill_with_what() {
    let user = User::new().await;
    let accepted = user.complain("胸痛 Zweiundsiebzig [primary:500]").await;
    user.outcome(&accepted).await;
    let request = request_line(&user, "POST /v1/consultations").await;
    let trace_id = request["trace_id"].as_str().unwrap();

    let lines = eventually("the worker's spans", async || {
        let lines = span_lines().await;
        let of_trace = lines.into_iter().filter(|line| line.contains(trace_id));
        let of_trace: Vec<_> = of_trace.collect();
        let has_failed = of_trace
            .iter()
            .any(|line| line.contains("ask model scripted-primary"));
        has_failed.then_some(of_trace)
    })
    .await;
    for line in lines {
        for secret in ["Zweiundsiebzig", "胸痛", &user.tenant, "sk-test"] {
            assert!(!line.contains(secret), "traced: {line}");
        }
    }
}

/// As the template has it on AWS for every function (`chaos/traces.rs`), but for one.
#[tokio::test]
async fn spans_of_a_log_group_are_sent_on_as_otlp() {
    let group = &xtask::logs::functions_group();
    let aws = STACK.aws().await;
    let functions = aws_sdk_lambda::Client::new(&aws).list_functions();
    let functions = functions.max_items(100);
    let functions = functions.send().await.unwrap().functions.unwrap();
    let mut functions = functions.into_iter();
    let forwarder = functions.find(|it| it.function_name().unwrap().contains("ForwardTraces"));
    let logs = aws_sdk_cloudwatchlogs::Client::new(&aws);
    let filter = logs.put_subscription_filter().log_group_name(group);
    let filter = filter
        .filter_name("spans")
        .filter_pattern("\"resourceSpans\" \"get-checklist\"");
    let filter = filter.destination_arn(forwarder.unwrap().function_arn.unwrap());
    filter.send().await.unwrap();

    let user = User::new().await;
    let asked = user.get("/v1/triage/checklist").send().await.unwrap();
    assert!(asked.status().is_success());
    let trace_id = request_line(&user, "GET /v1/triage/checklist").await["trace_id"].clone();
    let trace_id = trace_id.as_str().unwrap();
    let sent = eventually("the spans at the service", async || {
        let requests = provider::start().attempts("otlp").into_iter();
        let mut of_trace = requests.filter(|it| it.body.to_string().contains(trace_id));
        of_trace.next()
    })
    .await;

    let resource = &sent.body["resourceSpans"][0];
    assert_eq!(
        attributes(&resource["resource"])["service.name"],
        "get-checklist"
    );
    let names = resource["scopeSpans"][0]["spans"]
        .as_array()
        .unwrap()
        .iter();
    let names: Vec<_> = names.map(|span| span["name"].as_str().unwrap()).collect();
    assert!(names.contains(&"GET /v1/triage/checklist"), "{names:?}");
    let delete = logs.delete_subscription_filter().log_group_name(group);
    delete.filter_name("spans").send().await.unwrap();
}

/// The one line of a call that this user's tenant made.
async fn request_line(user: &User, route: &str) -> Value {
    let pseudonym = TenantId::try_from(user.tenant.clone()).unwrap().pseudonym();
    eventually("the call's line", async || {
        let lines = xtask::logs::all(&STACK).await.unwrap();
        let mut lines = lines
            .iter()
            .filter_map(|line| serde_json::from_str(line).ok());
        lines.find_map(|line: Value| {
            let span = &line["span"];
            let is_it = span["route"] == route && span["tenant"] == pseudonym.as_str();
            (is_it && line["status"].is_u64()).then(|| span.clone())
        })
    })
    .await
}

async fn span_lines() -> Vec<String> {
    let lines = xtask::logs::all(&STACK).await.unwrap();
    let is_traces = |line: &String| line.starts_with("{\"resourceSpans\"");
    lines.into_iter().filter(is_traces).collect()
}

async fn spans_of(trace_id: &str) -> Vec<Span> {
    let lines = span_lines().await;
    let lines = lines
        .iter()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let resources = lines.flat_map(|line| line["resourceSpans"].as_array().unwrap().clone());
    let spans = resources.flat_map(|resource| {
        let service = attributes(&resource["resource"])["service.name"].clone();
        let spans = resource["scopeSpans"][0]["spans"]
            .as_array()
            .unwrap()
            .clone();
        spans.into_iter().map(move |span| (service.clone(), span))
    });
    let spans = spans.filter(|(_, span)| span["traceId"] == trace_id);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let spans = spans.map(|(service, span)| Span {
        name: text(&span["name"]),
        id: text(&span["spanId"]),
        parent: text(&span["parentSpanId"]),
        kind: span["kind"].as_i64().unwrap(),
        attributes: attributes(&span),
        service,
    });
    spans.collect()
}

fn attributes(owner: &Value) -> BTreeMap<String, String> {
    let attributes = owner["attributes"].as_array().unwrap().iter();
    let attributes = attributes.map(|attribute| {
        let value = attribute["value"].as_object().unwrap();
        let value = value.values().next().unwrap();
        let value = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        (attribute["key"].as_str().unwrap().to_owned(), value)
    });
    attributes.collect()
}
