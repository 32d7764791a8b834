//! Holds answers against the description of the API.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::LazyLock;

use boon::{Compiler, Draft, SchemaIndex, Schemas};
use reqwest::Url;
use serde_json::{Value, json};
use wenzhen::openapi;

use super::STACK;

/// What the description is called where schemas lead to others.
const NAME: &str = "http://localhost/openapi.json";

static DESCRIPTION: LazyLock<Value> = LazyLock::new(openapi::document);

thread_local! {
    static CHECKS: RefCell<Checks> = RefCell::new(Checks::new());
}

/// Schemas are made when an answer first needs them, by the pointer to them.
struct Checks {
    compiler: Compiler,
    schemas: Schemas,
    known: HashMap<String, SchemaIndex>,
}

impl Checks {
    fn new() -> Self {
        let mut compiler = Compiler::new();
        compiler.set_default_draft(Draft::V2020_12);
        compiler.enable_format_assertions();
        compiler.add_resource(NAME, DESCRIPTION.clone()).unwrap();
        Self {
            compiler,
            schemas: Schemas::new(),
            known: HashMap::new(),
        }
    }

    fn check(&mut self, pointer: &str, body: &Value) -> Result<(), String> {
        let (compiler, schemas) = (&mut self.compiler, &mut self.schemas);
        let compile = || {
            let place = format!("{NAME}#{pointer}");
            compiler.compile(&place, schemas).unwrap()
        };
        let index = *self.known.entry(pointer.to_owned()).or_insert_with(compile);
        let checked = self.schemas.validate(body, index);
        checked.map_err(|error| error.to_string())
    }
}

/// Fails if the JSON of an answer is not what the description says of its route and status. An
/// address that is no route of the API is nothing that is described.
pub fn check_answer(url: &Url, status: u16, media_type: &str, body: &Value) {
    let Some((template, methods)) = methods_of(url) else {
        return;
    };

    // An answer does not tell its request's method: it has to be right for one of them.
    let mut said = Vec::new();
    for (method, operation) in methods.as_object().unwrap() {
        let responses = operation["responses"].as_object().unwrap();
        let mut names = [status.to_string(), format!("{}XX", status / 100)].into_iter();
        let name = names.find(|name| responses.contains_key(name));
        let Some(name) = name.filter(|it| responses[it]["content"].get(media_type).is_some())
        else {
            continue;
        };
        let escaped = |part: &str| part.replace('/', "~1");
        let (path, media_type) = (escaped(template), escaped(media_type));
        let place = format!("/paths/{path}/{method}/responses/{name}/content/{media_type}/schema");
        match CHECKS.with_borrow_mut(|checks| checks.check(&place, body)) {
            Ok(()) => return,
            Err(error) => said.push(format!("{method} {name}: {error}")),
        }
    }
    let path = url.path();
    panic!("{status} {media_type} of {path} is not as described: {said:#?} in {body}");
}

/// What is said of the path, with its template: of one without parameters first.
fn methods_of(url: &Url) -> Option<(&'static String, &'static Value)> {
    let base: Url = STACK.env("API_URL").ok()?.parse().ok()?;
    let path = url.path().strip_prefix(base.path())?;
    if url.origin() != base.origin() {
        return None;
    }

    let fits = |template: &str| {
        let (parts, given) = (template.split('/'), path.split('/'));
        let is_same = |(part, given): (&str, &str)| part == given || part.starts_with('{');
        parts.clone().count() == given.clone().count() && parts.zip(given).all(is_same)
    };
    let paths = DESCRIPTION["paths"].as_object().unwrap();
    let exact = paths.iter().find(|(template, _)| *template == path);
    exact.or_else(|| paths.iter().find(|(template, _)| fits(template)))
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
