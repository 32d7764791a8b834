//! `GET /metrics`: what the fleet has counted, for Prometheus.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::StatusCode;
use uuid::Uuid;
use wenzhen::deadline::Deadline;
use wenzhen::fleet_metrics::script::{Flush, ReadSums};
use wenzhen::telemetry::catalogue;
use xtask::users::Role;

use crate::support::valkey::{connect, prefix};
use crate::support::{STACK, User, eventually, new_tenant, problem};

fn url() -> String {
    format!("{}/metrics", STACK.env("API_URL").unwrap())
}

async fn read_text(answer: reqwest::Response) -> String {
    assert_eq!(answer.status(), StatusCode::OK);
    answer.text().await.unwrap()
}

async fn scrape() -> String {
    let token = STACK.env("METRICS_TOKEN").unwrap();
    let request = reqwest::Client::new().get(url()).bearer_auth(token);
    read_text(request.send().await.unwrap()).await
}

/// The values of the series whose names begin so.
fn values(text: &str, beginning: &str) -> Vec<f64> {
    let lines = text.lines().filter(|line| line.starts_with(beginning));
    let values = lines.map(|line| line.rsplit_once(' ').unwrap().1.parse().unwrap());
    values.collect()
}

/// Environments flush within their next calls, at most every ten seconds.
#[tokio::test]
async fn what_environments_count_is_summed_for_the_fleet() {
    let user = User::new().await;
    let accepted = user.complain("a headache").await;
    user.outcome(&accepted).await;

    let created = r#"http_requests_total{method="POST",path="/v1/consultations",status="202"}"#;
    let expected = [
        created,
        r#"http_request_duration_ms_bucket{method="POST",path="/v1/consultations",le="+Inf"}"#,
        r#"http_request_duration_ms_count{method="GET",path="/v1/consultations/{id}"}"#,
        r#"ai_calls_total{provider="primary",model="scripted-primary",status="ok"}"#,
        r#"jobs_completed_total{kind="analyze"}"#,
        r#"job_duration_ms_count{kind="analyze"}"#,
        r#"triage_verdicts_total{urgency="routine"}"#,
        "cache_reads_total{",
        r#"cold_starts_total{function="create-consultation"}"#,
        "outbox_sent_total",
        "db_connections{",
        "db_connections_max",
        r#"queue_messages{queue="dead_letters",state="visible"}"#,
        r#"circuit_phase{circuit="primary",phase="closed"} 1"#,
        r#"scrape_source_up{source="database"} 1"#,
        r#"scrape_source_up{source="valkey"} 1"#,
    ];
    let missing = eventually("all series", async || {
        // A call makes its environment flush what it has counted.
        let other = User::new().await;
        let accepted = other.complain("a headache").await;
        other.outcome(&accepted).await;
        let text = scrape().await;
        let missing = expected.iter().filter(|series| !text.contains(**series));
        let missing: Vec<_> = missing.collect();
        println!("missing: {missing:?}");
        missing.is_empty().then_some(text)
    });
    let text = missing.await;

    assert!(values(&text, created)[0] >= 1.0);
    assert_eq!(values(&text, "db_connections_max").len(), 1);
    let series = text.lines().filter(|line| !line.starts_with('#')).count();
    assert!(series >= 100, "{series} series");
    for secret in [user.tenant.as_str(), "headache"] {
        assert!(!text.contains(secret), "{secret} is in the metrics");
    }
}

/// They are of the whole fleet: an admin is one of a tenant.
#[tokio::test]
async fn metrics_are_for_scrapers_alone() {
    let get = async |token: Option<&str>| {
        let request = reqwest::Client::new().get(url());
        let request = match token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        request.send().await.unwrap()
    };
    let admin = User::of(&new_tenant(), "chief", Role::Admin).await;
    for token in [None, Some("guessed"), Some(admin.token.as_str())] {
        problem(get(token).await, StatusCode::UNAUTHORIZED).await;
    }

    let token = STACK.env("METRICS_TOKEN").unwrap();
    let answer = get(Some(&token)).await;
    let kind = answer.headers()["content-type"].to_str().unwrap();
    assert_eq!(kind, "text/plain; version=0.0.4; charset=utf-8");
    let text = read_text(answer).await;
    assert!(text.contains("# TYPE db_connections gauge"), "{text}");
}

/// An environment whose answer was lost sends the same flush again.
#[tokio::test]
async fn a_flush_that_comes_twice_counts_once() {
    let url = STACK.env("VALKEY_URL").unwrap();
    let prefix = prefix();
    let valkey = connect(&url, &prefix);
    let deadline = || Deadline::after(Duration::from_secs(5));
    let increments = HashMap::from([("a_total".to_owned(), 2), ("b_total".to_owned(), 40)]);
    let flush = |id| Flush {
        prefix: &prefix,
        id,
        increments: &increments,
    };

    let (first, second) = (Uuid::now_v7(), Uuid::now_v7());
    for id in [first, first, second] {
        valkey.run(flush(id), deadline()).await.unwrap();
    }

    let sums = ReadSums { prefix: &prefix };
    let sums = valkey.run(sums, deadline()).await.unwrap().unwrap();
    let sums: BTreeMap<_, _> = sums.into_iter().collect();
    let expected = [("a_total".to_owned(), 4), ("b_total".to_owned(), 80)];
    assert_eq!(sums, BTreeMap::from(expected));
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn sources(folder: &Path, texts: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, texts);
        } else if path.extension().is_some_and(|it| it == "rs") {
            texts.push(std::fs::read_to_string(path).unwrap());
        }
    }
}

/// The names that are given to `metrics::count` and `metrics::add`, but those in constants.
fn counted_events() -> BTreeSet<String> {
    let mut texts = Vec::new();
    sources(&root().join("shared/src"), &mut texts);
    sources(&root().join("functions/src"), &mut texts);

    let mut names = BTreeSet::new();
    for call in texts.iter().flat_map(|text| {
        let calls = text.split("metrics::count(").skip(1);
        calls.chain(text.split("metrics::add(").skip(1))
    }) {
        let first = call.trim_start().strip_prefix('"');
        let name = first.and_then(|rest| rest.split_once('"'));
        names.extend(name.map(|(name, _)| name.to_owned()));
    }
    names
}

#[test]
fn every_event_that_is_counted_is_in_the_catalogue() {
    let counted = counted_events();
    assert!(counted.len() > 40, "{counted:?}");
    let known: BTreeSet<_> = catalogue::all().map(|metric| metric.event).collect();
    let unknown: Vec<_> = counted
        .iter()
        .filter(|name| !known.contains(name.as_str()))
        .collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}

#[test]
fn the_page_of_metrics_names_all_of_the_catalogue() {
    let page = std::fs::read_to_string(root().join("docs/metrics.md")).unwrap();
    for metric in catalogue::all() {
        let labels = metric.labels.iter().map(|label| format!("`{label}`"));
        let labels = labels.collect::<Vec<_>>().join(", ");
        let event = match metric.event {
            "" => String::new(),
            event => format!("`{event}`"),
        };
        let row = format!(
            "| `{}` | {labels} | {event} | {} |",
            metric.name, metric.help
        );
        assert!(page.contains(&row), "docs/metrics.md lacks: {row}");
    }
}
