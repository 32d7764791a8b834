//! What a client asks for.

use std::sync::Arc;

use http::StatusCode;
use serde_json::{Map, Value};

use crate::ai::{Chain, Chains, ChatRequest, RequestError};
use crate::http::openai::ApiError;

/// The largest body, in bytes.
pub(super) const MAX_BODY_BYTES: usize = 1024 * 1024;

/// A request, read and checked. It has no `Debug`: it holds a patient's words.
pub struct ClientRequest {
    /// The name of the chain: `model`.
    model: String,
    /// The tiers to ask instead of the chain's own order: `fallbacks`.
    pub(super) tier_order: Option<Vec<String>>,
    /// Whether events are asked for: `stream`.
    pub(super) stream: bool,
    /// Whether the last event is to say the number of tokens: `stream_options.include_usage`.
    pub(super) include_usage: bool,
    /// The rest, for the tiers.
    pub(super) chat: ChatRequest,
}

impl From<RequestError> for ApiError {
    fn from(error: RequestError) -> Self {
        Self::invalid(error.param.as_deref(), &error.message)
    }
}

impl ClientRequest {
    /// Reads a body; `chains` are those it may name.
    pub fn parse(body: &[u8], chains: &Chains) -> Result<Self, ApiError> {
        let mut fields = parse_fields(body)?;
        let model = match fields.remove("model") {
            Some(Value::String(model)) if !model.is_empty() => model,
            _ => {
                let problem = "'model' must name a chain; GET /v1/models lists them.";
                return Err(ApiError::invalid(Some("model"), problem));
            }
        };

        let chain = find_chain(chains, &model)?;
        let fallbacks = fields.remove("fallbacks").filter(|value| !value.is_null());
        let tier_order = match fallbacks {
            Some(fallbacks) => Some(parse_tier_order(&fallbacks, chain)?),
            None => None,
        };

        let stream = parse_stream(&fields)?;
        let include_usage = includes_usage(&fields);
        let chat = ChatRequest::from_client(fields)?;
        chain.check_demands(&chat, tier_order.as_deref())?;

        Ok(Self {
            model,
            tier_order,
            stream,
            include_usage,
            chat,
        })
    }

    /// Whether the same request is to have the same answer: `temperature` 0, and one answer.
    pub(super) fn is_deterministic(&self) -> bool {
        self.chat.is_deterministic()
    }

    /// The text that tells it from every other request of its tenant. It holds the prompt, so it is
    /// only ever hashed.
    pub(super) fn cache_identity(&self) -> String {
        let chat = self.chat.cache_identity();
        format!("{}\n{:?}\n{chat}", self.model, self.tier_order)
    }

    /// The chain that it names.
    pub(super) fn chain<'a>(&self, chains: &'a Chains) -> Result<&'a Arc<Chain>, ApiError> {
        find_chain(chains, &self.model)
    }
}

/// The fields of a body. Of two with one name the last counts, as in most parsers (RFC 8259,
/// section 4): a client that works elsewhere works here. All that follow see the same one: the
/// limit's estimate is read by the same parser, and tiers are sent what was read, never the
/// client's bytes.
fn parse_fields(body: &[u8]) -> Result<Map<String, Value>, ApiError> {
    if body.len() > MAX_BODY_BYTES {
        let problem = "The body may have at most 1,048,576 bytes.";
        return Err(ApiError::invalid(None, problem));
    }
    if body.is_empty() {
        let problem = "The body is empty; send a JSON object.";
        return Err(ApiError::invalid(None, problem));
    }

    serde_json::from_slice(body).map_err(|error| unreadable_body(&error))
}

fn unreadable_body(error: &serde_json::Error) -> ApiError {
    let is_too_deep = error.to_string().starts_with("recursion limit");
    let problem = if is_too_deep {
        "nested too deeply"
    } else if error.is_data() {
        "not a JSON object"
    } else {
        "not valid JSON"
    };

    let (line, column) = (error.line(), error.column());
    let message = format!("The body is {problem} (line {line}, column {column}).");

    ApiError::invalid(None, &message)
}

fn parse_stream(fields: &Map<String, Value>) -> Result<bool, ApiError> {
    match fields.get("stream") {
        None | Some(Value::Null) => Ok(false),
        Some(Value::Bool(stream)) => Ok(*stream),
        Some(_) => {
            let problem = "'stream' must be true or false.";
            Err(ApiError::invalid(Some("stream"), problem))
        }
    }
}

fn includes_usage(fields: &Map<String, Value>) -> bool {
    let options = fields.get("stream_options");
    let include_usage = options.and_then(|options| options.get("include_usage"));
    include_usage.and_then(Value::as_bool).unwrap_or(false)
}

fn find_chain<'a>(chains: &'a Chains, model: &str) -> Result<&'a Arc<Chain>, ApiError> {
    if chains.is_empty() {
        let (status, code) = (StatusCode::SERVICE_UNAVAILABLE, "no_model_configured");
        let message = "No model is configured. Tell the operator.";
        return Err(ApiError::new(status, "server_error", Some(code), message));
    }

    chains.get(model).ok_or_else(|| {
        let (status, code) = (StatusCode::NOT_FOUND, "model_not_found");
        let message = "There is no such model; GET /v1/models lists those there are.";
        let mut error = ApiError::new(status, "invalid_request_error", Some(code), message);

        let param = Value::String("model".to_owned());
        error.error.insert("param".to_owned(), param);
        error
    })
}

fn parse_tier_order(order: &Value, chain: &Chain) -> Result<Vec<String>, ApiError> {
    let names = order.as_array().map(Vec::as_slice).unwrap_or_default();
    if names.is_empty() {
        let problem = "'fallbacks' must be an array with at least one name of a tier.";
        return Err(ApiError::invalid(Some("fallbacks"), problem));
    }

    let mut order: Vec<String> = Vec::new();
    for (index, name) in names.iter().enumerate() {
        let wrong = |problem: &str| {
            let param = format!("fallbacks[{index}]");
            ApiError::invalid(Some(&param), problem)
        };

        let name = name.as_str().filter(|name| chain.has_tier(name));
        let name = name.ok_or_else(|| wrong("There is no such tier in this chain."))?;
        if order.iter().any(|known| known == name) {
            return Err(wrong("This tier stands there twice."));
        }
        order.push(name.to_owned());
    }

    Ok(order)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::meter::estimate_tokens;

    /// Else a client could be charged for one `max_tokens` and have another sent.
    #[test]
    fn of_two_fields_with_one_name_the_last_counts_for_all() {
        let body = br#"{"max_tokens":1,"messages":[1],"\u006dax_tokens":500,"messages":[2]}"#;
        let Ok(fields) = parse_fields(body) else {
            panic!("refused")
        };

        let sent = Value::Object(fields).to_string();
        assert_eq!(sent, r#"{"max_tokens":500,"messages":[2]}"#);
        let prompt_tokens = body.len() as u64 / 4;
        assert_eq!(estimate_tokens(body), prompt_tokens + 500);
    }
}
