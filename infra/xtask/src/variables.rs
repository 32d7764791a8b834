//! What Lambda makes of the functions' variables: it refuses more than 4 KB of them.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use serde_norway::{Mapping, Value};

/// Bytes of one function's variables, at most, as one JSON object: so a quote in a value counts
/// twice. Source: "Lambda quotas", and the text of its error, which quotes what it measured.
pub const MAX_BYTES: usize = 4_096;

/// Bytes that a resource's name, ARN or URL may have.
const RESOURCE_LENGTH: usize = 150;

/// Fewer of some kinds. A queue's URL has region, account and a name of 80 characters at most; the
/// schema is a number.
const LENGTHS: [(&str, usize); 5] = [
    ("AWS::SQS::Queue", 135),
    ("AWS::S3::Bucket", 63),
    ("AWS::Cognito::UserPool", 55),
    ("AWS::Cognito::UserPoolClient", 128),
    ("Custom::Schema", 10),
];

/// The variables of one function.
#[derive(Debug)]
pub struct FunctionVariables {
    /// Its logical name.
    pub function: String,
    /// What Lambda would measure.
    pub bytes: usize,
}

/// The template's parameters by name; what is left out has its default.
pub type ParameterValues<'a> = BTreeMap<&'a str, &'a str>;

/// Refuses what Lambda would refuse.
pub fn check_size(template: &Value, parameters: &ParameterValues<'_>) -> Result<()> {
    let FunctionVariables { function, bytes } = find_largest(template, parameters)?;
    ensure!(
        bytes <= MAX_BYTES,
        "the variables of {function} have {bytes} bytes, of which Lambda takes {MAX_BYTES}; \
         shorten AI_TIERS, AI_CHAINS, LIMITS, EMBEDDINGS and RETENTION, or the URLs"
    );

    Ok(())
}

/// The function with the largest variables. Where the template has a choice, the longer value
/// counts.
pub fn find_largest(
    template: &Value,
    parameters: &ParameterValues<'_>,
) -> Result<FunctionVariables> {
    let resources = template.get("Resources").and_then(Value::as_mapping);
    let resolver = Resolver {
        defaults: template.get("Parameters"),
        resources,
        parameters,
    };

    let common = variables_of(template.get("Globals").and_then(|it| it.get("Function")));
    let sizes = resources
        .into_iter()
        .flatten()
        .filter_map(|(id, resource)| {
            let own = variables_of(resource.get("Properties"));
            let is_function = resource.get("Type")? == "AWS::Serverless::Function";
            is_function.then(|| FunctionVariables {
                function: id.as_str().unwrap_or_default().to_owned(),
                bytes: resolver.measure(common.into_iter().chain(own)),
            })
        });

    let largest = sizes.max_by_key(|variables| variables.bytes);
    largest.context("template.yaml has no functions")
}

fn variables_of(properties: Option<&Value>) -> Option<&Mapping> {
    properties?
        .get("Environment")?
        .get("Variables")?
        .as_mapping()
}

/// Knows what an intrinsic function of the template becomes, as far as its length goes.
struct Resolver<'a> {
    defaults: Option<&'a Value>,
    resources: Option<&'a Mapping>,
    parameters: &'a ParameterValues<'a>,
}

impl Resolver<'_> {
    fn measure<'v>(&self, mappings: impl Iterator<Item = &'v Mapping>) -> usize {
        let mut values = BTreeMap::new();
        for (name, value) in mappings.flatten() {
            values.insert(name.as_str().unwrap_or_default(), self.resolve(value));
        }

        serde_json::json!(values).to_string().len()
    }

    fn resolve(&self, value: &Value) -> String {
        match value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            Value::Tagged(tagged) => self.resolve_tag(&tagged.tag.to_string(), &tagged.value),
            _ => String::new(),
        }
    }

    fn resolve_tag(&self, tag: &str, value: &Value) -> String {
        match (tag, value) {
            ("!Ref", Value::String(name)) => self.reference(name),
            ("!GetAtt", Value::String(path)) => self.attribute(path),
            ("!Sub", Value::String(text)) => self.substitute(text),
            ("!If", Value::Sequence(parts)) => {
                let branches = parts.iter().skip(1).map(|branch| self.resolve(branch));
                branches.max_by_key(String::len).unwrap_or_default()
            }
            _ => "x".repeat(RESOURCE_LENGTH),
        }
    }

    /// A parameter's value, or a text as long as a resource's name can be.
    fn reference(&self, name: &str) -> String {
        if let Some(value) = self.parameters.get(name) {
            return (*value).to_owned();
        }

        let parameter = self.defaults.and_then(|parameters| parameters.get(name));
        match parameter.and_then(|parameter| parameter.get("Default")) {
            Some(default) => self.resolve(default),
            None => self.attribute(name),
        }
    }

    /// A text as long as what a resource gives, by its logical name, with an attribute or without.
    fn attribute(&self, path: &str) -> String {
        let name = path.split('.').next().unwrap_or_default();
        let resource = self.resources.and_then(|resources| resources.get(name));
        let kind = resource.and_then(|resource| resource.get("Type")?.as_str());
        let mut lengths = LENGTHS.iter();
        let known = lengths.find(|(known, _)| kind == Some(known));
        "x".repeat(known.map_or(RESOURCE_LENGTH, |(_, length)| *length))
    }

    /// `text` with each `${name}` replaced.
    fn substitute(&self, text: &str) -> String {
        let mut parts = text.split("${");
        let mut resolved = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (name, rest) = part.split_once('}').unwrap_or((part, ""));
            resolved.push_str(&self.reference(name));
            resolved.push_str(rest);
        }

        resolved
    }
}
