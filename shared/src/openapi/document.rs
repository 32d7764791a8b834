//! All of it as one document.

use std::collections::{BTreeMap, BTreeSet};

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::operation::{Access, Answer, Operation, Parameter, Rule, schema_of};
use super::operations;
use crate::http::Problem;

/// Where the schemas of the types are.
const SCHEMAS: &str = "/components/schemas";

/// An error in `OpenAI`'s form.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct OpenAiError {
    error: Map<String, Value>,
}

/// What the gateway answers by itself, which an HTTP API cannot change.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its schema is used")]
#[schemars(deny_unknown_fields)]
struct GatewayAnswer {
    message: String,
}

/// Every answer of a route that has not done what it was asked for.
const ERRORS: [(&str, &str); 2] = [
    ("4XX", "What is wrong with the call, and what to do"),
    ("5XX", "What went wrong, and whether to come back"),
];

/// The description of the API: `OpenAPI` 3.1, whose schemas are JSON Schema 2020-12.
pub fn document() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = SCHEMAS.into();
        settings.meta_schema = None;
    });
    // Bodies are what is read, answers are what is written: one type may be both.
    let mut reads = settings.clone().for_deserialize().into_generator();
    let mut writes = settings.for_serialize().into_generator();

    let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    for operation in operations() {
        if let Some((method, path)) = operation.route.split_once(' ') {
            let described = describe(&operation, &mut reads, &mut writes);
            let methods = paths.entry(path).or_default();
            methods.insert(method.to_ascii_lowercase(), described);
        }
    }

    let mut schemas = reads.take_definitions(true);
    schemas.extend(writes.take_definitions(true));
    for schema in schemas.values_mut() {
        shorten_descriptions(schema);
    }
    schemas.sort_keys();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "wenzhen",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Consultations: symptoms in, an urgency at once and a cited assessment later",
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": "./" }],
        "security": [{ "idToken": [] }],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "idToken": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "The ID token of the user pool.",
                },
                "scrapersToken": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "The token of those who scrape the metrics.",
                },
            },
            "schemas": schemas,
        },
    })
}

/// One operation object.
fn describe(
    operation: &Operation,
    reads: &mut SchemaGenerator,
    writes: &mut SchemaGenerator,
) -> Value {
    let mut described = Map::new();
    let mut say = |name: &str, value: Value| described.insert(name.to_owned(), value);

    say("operationId", operation.id.into());
    say("summary", operation.summary.into());
    say("tags", json!([operation.tag]));
    say("parameters", parameters_of(operation).into());
    if let Some(body) = &operation.body {
        let described = json!({ "schema": (body.schema)(reads), "example": body.example });
        let content = json!({ "application/json": described });
        say(
            "requestBody",
            json!({ "required": true, "content": content }),
        );
    }
    say("responses", responses_of(operation, writes));
    match operation.access {
        Access::People => {}
        Access::Scrapers => drop(say("security", json!([{ "scrapersToken": [] }]))),
        Access::Anybody => drop(say("security", json!([]))),
    }
    described.into()
}

fn parameters_of(operation: &Operation) -> Vec<Value> {
    let in_path = operation.route.split('/').filter_map(|part| {
        let name = part.strip_prefix('{')?.strip_suffix('}')?;
        Some(json!({
            "in": "path", "name": name, "required": true,
            "schema": schema_of_rule(operation.id_rule),
        }))
    });
    let others = operation.parameters.iter().map(|parameter| {
        let Parameter {
            place,
            name,
            rule,
            is_required,
            about,
        } = parameter;
        json!({
            "in": place,
            "name": name,
            "required": is_required,
            "description": about,
            "schema": schema_of_rule(*rule),
        })
    });
    in_path.chain(others).collect()
}

fn schema_of_rule(rule: Rule) -> Value {
    match rule {
        Rule::Text => json!({ "type": "string" }),
        Rule::Pattern(pattern) => json!({ "type": "string", "pattern": pattern }),
        Rule::Length { min, max } => {
            json!({ "type": "string", "minLength": min, "maxLength": max })
        }
        Rule::Number { min, max } => json!({ "type": "integer", "minimum": min, "maximum": max }),
        Rule::OneOf(values) => json!({ "type": "string", "enum": values }),
        Rule::Uuid => json!({ "type": "string", "format": "uuid" }),
    }
}

fn responses_of(operation: &Operation, writes: &mut SchemaGenerator) -> Value {
    let statuses: BTreeSet<_> = operation.answers.iter().map(|one| one.status).collect();
    let mut responses = Map::new();
    for status in statuses {
        let same = operation.answers.iter().filter(|one| one.status == status);
        let about = same.clone().map(|one| one.about).next();
        let contents = same.filter_map(|one: &Answer| {
            let (media_type, schema) = one.body?;
            Some((media_type.to_owned(), json!({ "schema": schema(writes) })))
        });
        let contents: Map<_, _> = contents.collect();
        let response = if contents.is_empty() {
            json!({ "description": about })
        } else {
            json!({ "description": about, "content": contents })
        };
        responses.insert(status.to_string(), response);
    }

    let content = errors_of(operation, writes);
    for (statuses, about) in ERRORS {
        let described = json!({ "description": about, "content": content });
        responses.insert(statuses.to_owned(), described);
    }
    responses.into()
}

/// The errors of a route, and those of the gateway before it.
fn errors_of(operation: &Operation, writes: &mut SchemaGenerator) -> Value {
    let gateway = schema_of::<GatewayAnswer>(writes);
    if operation.is_openai {
        let own = schema_of::<OpenAiError>(writes);
        return json!({ "application/json": { "schema": { "anyOf": [own, gateway] } } });
    }
    let own = schema_of::<Problem<'static>>(writes);
    json!({
        "application/problem+json": { "schema": own },
        "application/json": { "schema": gateway },
    })
}

/// Leaves the first sentence of each description: what follows is for those who write Rust.
fn shorten_descriptions(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            if let Some(Value::String(text)) = fields.get_mut("description") {
                *text = first_sentence(text);
            }
            fields.values_mut().for_each(shorten_descriptions);
        }
        Value::Array(items) => items.iter_mut().for_each(shorten_descriptions),
        _ => {}
    }
}

/// In one line, without the marks of links to Rust items.
fn first_sentence(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let end = line.find(". ").map_or(line.len(), |dot| dot + 1);
    let sentence = line.get(..end).unwrap_or(&line);
    sentence.replace("[`", "`").replace("`]", "`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_is_one_sentence_without_links() {
        let text = "How soon, see [`Urgency`].\nIt has no `Debug`: it is medical.";
        assert_eq!(first_sentence(text), "How soon, see `Urgency`.");
        assert_eq!(first_sentence("Bytes."), "Bytes.");
    }

    #[test]
    fn every_reference_leads_to_a_schema() {
        let document = document();
        let schemas = &document["components"]["schemas"];
        let text = document.to_string();
        let references = text.split("\"$ref\":\"#/components/schemas/").skip(1);
        for reference in references {
            let name = reference.split('"').next().unwrap();
            assert!(schemas[name].is_object(), "{name}");
        }
    }
}
