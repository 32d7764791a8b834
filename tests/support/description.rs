//! Holds answers against the description of the API.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};

use jsonschema::Validator;
use reqwest::Url;
use serde_json::{Value, json};
use wenzhen::openapi;

use super::STACK;

static DESCRIPTION: LazyLock<Value> = LazyLock::new(openapi::document);

/// Made when an answer first needs them, by the pointer to their schema.
static VALIDATORS: LazyLock<Mutex<HashMap<String, Arc<Validator>>>> = LazyLock::new(Mutex::default);

/// Fails if the JSON of an answer is not what the description says of its route and status. An
/// address that is no route of the API is nothing that is described.
pub fn check_answer(url: &Url, status: u16, media_type: &str, body: &Value) {
    let Some(methods) = methods_of(url) else {
        return;
    };

    // An answer does not tell its request's method: it has to be right for one of them.
    let mut said = Vec::new();
    for (method, operation) in methods.as_object().unwrap() {
        let status = status.to_string();
        let responses = operation["responses"].as_object().unwrap();
        let name = if responses.contains_key(&status) {
            status
        } else {
            "default".to_owned()
        };
        let Some(schema) = responses[&name]["content"].get(media_type) else {
            continue;
        };
        match validator(&schema["schema"]).validate(body) {
            Ok(()) => return,
            Err(error) => said.push(format!(
                "{method} {name}: {error} at {}",
                error.instance_path()
            )),
        }
    }
    let path = url.path();
    panic!("{status} {media_type} of {path} is not as described: {said:#?} in {body}");
}

/// What is said of the path: of one without parameters first.
fn methods_of(url: &Url) -> Option<&'static Value> {
    let base: Url = STACK.env("API_URL").ok()?.parse().ok()?;
    let path = url.path().strip_prefix(base.path())?;
    if url.origin() != base.origin() {
        return None;
    }

    let paths = DESCRIPTION["paths"].as_object().unwrap();
    let fits = |template: &str| {
        let (mut parts, mut given) = (template.split('/'), path.split('/'));
        let is_same = parts
            .by_ref()
            .zip(given.by_ref())
            .all(|(part, given)| part == given || part.starts_with('{'));
        is_same && template.split('/').count() == path.split('/').count()
    };
    let found = paths.iter().find(|(template, _)| fits(template));
    paths
        .get(path)
        .or_else(|| found.map(|(_, methods)| methods))
}

fn validator(schema: &Value) -> Arc<Validator> {
    let mut known = VALIDATORS.lock().unwrap();
    let make = || {
        let mut whole = schema.clone();
        whole["components"] = DESCRIPTION["components"].clone();
        let options = jsonschema::options().should_validate_formats(true);
        Arc::new(options.build(&whole).unwrap())
    };
    let found = known.entry(schema.to_string()).or_insert_with(make);
    Arc::clone(found)
}

/// That the checks find what is wrong.
#[test]
fn a_wrong_answer_is_found() {
    let url = STACK.env("API_URL").unwrap() + "/v1/jobs/redrive";
    let url: Url = url.parse().unwrap();
    let check = |body: Value| {
        let checked = std::panic::catch_unwind(|| {
            check_answer(&url, 200, "application/json", &body);
        });
        checked.is_ok()
    };
    assert!(check(json!({ "redriven": 1, "remaining": 0 })));
    assert!(!check(json!({ "redriven": "1", "remaining": 0 })));
    assert!(!check(json!({ "redriven": 1 })));
}
