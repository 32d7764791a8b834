//! `GET /openapi.json` and `GET /docs`: the API describes itself.

use std::collections::BTreeSet;

use reqwest::StatusCode;
use serde_json::{Value, json};
use wenzhen::http::script_hash;
use wenzhen::jobs::JobKind;
use wenzhen::openapi;
use wenzhen_functions::JOB_KINDS;

use crate::support::{STACK, User, read};
use crate::template::deployed_routes;

async fn get(path: &str) -> reqwest::Response {
    let url = STACK.env("API_URL").unwrap();
    let answer = reqwest::get(format!("{url}{path}")).await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    answer
}

#[test]
fn every_route_is_described_and_no_other() {
    let document = openapi::document();
    let paths = document["paths"].as_object().unwrap().iter();
    let described = paths.flat_map(|(path, methods)| {
        let methods = methods.as_object().unwrap().keys();
        methods.map(move |method| format!("{} {path}", method.to_uppercase()))
    });
    let described: BTreeSet<_> = described.collect();

    let deployed = deployed_routes().into_iter();
    let deployed: BTreeSet<_> = deployed
        .map(|it| format!("{} {}", it.method, it.path))
        .collect();
    assert_eq!(described, deployed);
}

/// Generated clients call the routes by these.
#[test]
fn each_route_has_a_name_of_its_own() {
    let document = openapi::document();
    let paths = document["paths"].as_object().unwrap().values();
    let names: Vec<_> = paths
        .flat_map(|methods| methods.as_object().unwrap().values())
        .map(|operation| operation["operationId"].as_str().unwrap().to_owned())
        .collect();
    let unique: BTreeSet<_> = names.iter().collect();
    assert_eq!(unique.len(), names.len(), "{names:?}");
}

#[tokio::test]
async fn the_deployed_description_is_that_of_the_code() {
    let answer = get("/openapi.json").await;
    assert_eq!(answer.headers()["cache-control"], "public, max-age=300");
    let deployed: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
    assert_eq!(deployed, openapi::document());
}

#[tokio::test]
async fn the_page_runs_its_own_script_alone() {
    let answer = get("/docs").await;
    let policy = answer.headers()["content-security-policy"].clone();
    assert_eq!(answer.headers()["content-type"], "text/html; charset=utf-8");
    let page = answer.text().await.unwrap();
    let allowed = format!("script-src '{}'", script_hash(&page));
    assert!(policy.to_str().unwrap().contains(&allowed), "{policy:?}");
    assert_eq!(page.matches("<script").count(), 1);
    assert!(
        !page.contains("http://") && !page.contains("https://"),
        "another origin"
    );
}

/// The description is large: it goes out small.
#[tokio::test]
async fn the_description_is_compressed() {
    let user = User::new().await;
    let request = user.get("/openapi.json").header("accept-encoding", "gzip");
    let answer = request.send().await.unwrap();
    assert_eq!(answer.headers()["content-encoding"], "gzip");
    let (small, whole) = (
        answer.bytes().await.unwrap().len(),
        openapi::document().to_string().len(),
    );
    assert!(small * 4 < whole, "{small} of {whole}");
}

/// The library that describes the API does not know the functions, whose list this is.
#[test]
fn the_described_kinds_of_jobs_are_those_that_run() {
    let document = openapi::document();
    let parameters = document["paths"]["/v1/jobs/redrive"]["post"]["parameters"].as_array();
    let mut parameters = parameters.unwrap().iter();
    let kind = parameters.find(|it| it["name"] == "kind").unwrap();
    let described = kind["schema"]["enum"].as_array().unwrap().iter();
    let described: Vec<_> = described.map(|it| it.as_str().unwrap()).collect();
    assert_eq!(described.len(), JOB_KINDS.len());
    for kind in described {
        assert!(JobKind::is_known(JOB_KINDS, kind), "{kind}");
    }
}

/// Its form cannot be changed, so it is described.
#[tokio::test]
async fn the_gateways_own_answer_is_as_described() {
    for path in ["/v1/models", "/v1/users/me"] {
        let url = STACK.env("API_URL").unwrap() + path;
        let answer = reqwest::get(url).await.unwrap();
        assert_eq!(answer.headers()["content-type"], "application/json");
        let body = read(answer, StatusCode::UNAUTHORIZED).await;
        assert_eq!(body, json!({ "message": "Unauthorized" }));
    }
}
