//! What a client asks for.

use http::StatusCode;
use serde_json::{Map, Value};

use crate::ai::{Chain, Chains, ChatRequest, RequestError};
use crate::http::openai::ApiError;

/// The largest body, in bytes.
pub(super) const LARGEST: usize = 1024 * 1024;

/// A request, read and checked. It has no `Debug`: it holds a patient's words.
pub struct ClientRequest {
    /// The name of the chain: `model`.
    model: String,
    /// The tiers to ask instead of the chain's own order: `fallbacks`.
    pub(super) order: Option<Vec<String>>,
    /// Whether events are asked for: `stream`.
    pub(super) stream: bool,
    /// Whether the last event is to say the number of tokens: `stream_options.include_usage`.
    pub(super) include_usage: bool,
    /// The rest, for the tiers.
    pub(super) request: ChatRequest,
}

impl From<RequestError> for ApiError {
    fn from(error: RequestError) -> Self {
        Self::invalid(error.param.as_deref(), &error.message)
    }
}

impl ClientRequest {
    /// Reads a body; `chains` are those it may name.
    pub fn parse(body: &[u8], chains: &Chains) -> Result<Self, ApiError> {
        if body.len() > LARGEST {
            return Err(ApiError::invalid(
                None,
                "The body may have at most 1,048,576 bytes.",
            ));
        }
        if body.is_empty() {
            return Err(ApiError::invalid(
                None,
                "The body is empty; send a JSON object.",
            ));
        }
        let mut fields: Map<String, Value> =
            serde_json::from_slice(body).map_err(|error| unreadable(&error))?;
        let model = match fields.remove("model") {
            Some(Value::String(model)) if !model.is_empty() => model,
            _ => {
                return Err(ApiError::invalid(
                    Some("model"),
                    "'model' must name a chain; GET /v1/models lists them.",
                ));
            }
        };
        let chain = known(chains, &model)?;
        let order = fields.remove("fallbacks").filter(|order| !order.is_null());
        let order = order.map(|order| read_order(&order, chain)).transpose()?;
        let stream = match fields.get("stream") {
            None | Some(Value::Null) => false,
            Some(Value::Bool(stream)) => *stream,
            Some(_) => {
                return Err(ApiError::invalid(
                    Some("stream"),
                    "'stream' must be true or false.",
                ));
            }
        };
        let include_usage = fields
            .get("stream_options")
            .and_then(|options| options.get("include_usage"));
        let include_usage = include_usage.and_then(Value::as_bool).unwrap_or(false);
        Ok(Self {
            model,
            order,
            stream,
            include_usage,
            request: ChatRequest::from_client(fields)?,
        })
    }

    /// Whether the same request is to have the same answer: `temperature` 0, and one answer.
    pub(super) fn is_deterministic(&self) -> bool {
        self.request.is_deterministic()
    }

    /// What tells it from every other request of its tenant. It holds the prompt, so it is only ever hashed.
    pub(super) fn identity(&self) -> String {
        format!(
            "{}\n{:?}\n{}",
            self.model,
            self.order,
            self.request.identity()
        )
    }

    /// The chain that it names.
    pub(super) fn chain<'a>(&self, chains: &'a Chains) -> Result<&'a Chain, ApiError> {
        known(chains, &self.model)
    }
}

fn unreadable(error: &serde_json::Error) -> ApiError {
    let what = match error {
        error if error.to_string().starts_with("recursion limit") => "nested too deeply",
        error if error.is_data() => "not a JSON object",
        _ => "not valid JSON",
    };
    let place = format!(
        "The body is {what} (line {}, column {}).",
        error.line(),
        error.column()
    );
    ApiError::invalid(None, &place)
}

fn known<'a>(chains: &'a Chains, model: &str) -> Result<&'a Chain, ApiError> {
    if chains.is_empty() {
        let (status, message) = (
            StatusCode::SERVICE_UNAVAILABLE,
            "No model is configured. Tell the operator.",
        );
        return Err(ApiError::new(
            status,
            "server_error",
            Some("no_model_configured"),
            message,
        ));
    }
    chains.get(model).ok_or_else(|| {
        let message = "There is no such model; GET /v1/models lists those there are.";
        let mut error = ApiError::new(
            StatusCode::NOT_FOUND,
            "invalid_request_error",
            Some("model_not_found"),
            message,
        );
        error
            .error
            .insert("param".to_owned(), Value::String("model".to_owned()));
        error
    })
}

fn read_order(order: &Value, chain: &Chain) -> Result<Vec<String>, ApiError> {
    let wrong = |param: String, message: &str| Err(ApiError::invalid(Some(&param), message));
    let names = order.as_array().map(Vec::as_slice).unwrap_or_default();
    if names.is_empty() {
        return wrong(
            "fallbacks".to_owned(),
            "'fallbacks' must be an array with at least one name of a tier.",
        );
    }
    let mut read: Vec<String> = Vec::new();
    for (index, name) in names.iter().enumerate() {
        let param = format!("fallbacks[{index}]");
        let Some(name) = name.as_str().filter(|name| chain.has_tier(name)) else {
            return wrong(param, "There is no such tier in this chain.");
        };
        if read.iter().any(|known| known == name) {
            return wrong(param, "This tier stands there twice.");
        }
        read.push(name.to_owned());
    }
    Ok(read)
}
