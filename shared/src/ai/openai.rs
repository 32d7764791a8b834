//! The OpenAI chat-completions wire format, as far as an answer in JSON needs it.

use std::time::Duration;

use reqwest::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::aws::Secrets;
use crate::config::{self, ConfigError, KeyReference, StructuredOutput, Tier};
use crate::deadline::Deadline;

/// The largest answer that is read, in bytes.
const LARGEST_ANSWER: usize = 1024 * 1024;

/// A connection that was idle for longer may have died while the environment was frozen.
const IDLE_CONNECTION: Duration = Duration::from_secs(5);

/// The longest name of a model that is repeated in an answer, in characters.
const LONGEST_MODEL: usize = 200;

/// What a model is asked: a prompt, and the JSON schema of its answer.
pub struct ChatRequest {
    /// What the model is to do.
    pub system: String,
    /// What it is to do it with.
    pub user: String,
    /// The schema's name: `a-z` and `_`.
    pub schema_name: &'static str,
    /// The JSON schema, in the subset that `strict` allows.
    pub schema: Value,
}

/// Why a tier gave no answer. None of them carries content.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// No time was left for the tier, or it took longer than it may.
    #[error("timed out")]
    TimedOut,
    /// The connection could not be made or broke.
    #[error("connection failed")]
    Connection(#[source] reqwest::Error),
    /// The endpoint answered with an error.
    #[error("answered {0}")]
    Status(StatusCode),
    /// The answer is not a chat completion, or is larger than 1 MiB.
    #[error("answered something that is not a chat completion")]
    NotACompletion,
    /// The model stopped before it was done, or refused: `length`, `content_filter`.
    #[error("stopped early: {0}")]
    Unfinished(&'static str),
    /// The text is not what the schema and the rules of its use ask for.
    #[error("gave an invalid answer: {0}")]
    Invalid(&'static str),
    /// The tier's key cannot be had.
    #[error("has no key")]
    NoKey(#[source] crate::error::BoxError),
}

/// A whole answer of a model.
pub(super) struct Completion {
    /// The text of the first choice.
    pub(super) text: String,
    /// The model that the endpoint says it used.
    pub(super) model: String,
}

/// A client for one tier, made once.
pub(super) struct Client {
    pub(super) tier: Tier,
    http: reqwest::Client,
    endpoint: String,
}

#[derive(Deserialize)]
struct Body {
    model: Option<String>,
    choices: Vec<Choice>,
}

#[derive(Deserialize)]
struct Choice {
    message: Message,
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Message {
    content: Option<String>,
}

impl Client {
    pub(super) fn new(tier: Tier) -> Result<Self, ConfigError> {
        let http = reqwest::Client::builder()
            .connect_timeout(tier.connect_timeout())
            .redirect(reqwest::redirect::Policy::none()) // a redirect would carry the prompt to another host
            .pool_idle_timeout(IDLE_CONNECTION)
            .user_agent(concat!("wenzhen/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| ConfigError::new(format!("AI_TIERS ({})", tier.name), error.to_string()))?;
        let endpoint = format!("{}/chat/completions", tier.base_url.as_str().trim_end_matches('/'));
        Ok(Self { tier, http, endpoint })
    }

    /// One call, within the tier's own limit and the deadline.
    pub(super) async fn complete(
        &self,
        request: &ChatRequest,
        secrets: &Secrets,
        deadline: Deadline,
    ) -> Result<Completion, Fault> {
        let deadline = deadline.at_most(self.tier.total_timeout());
        deadline.run(self.call(request, secrets)).await.unwrap_or(Err(Fault::TimedOut))
    }

    async fn call(&self, request: &ChatRequest, secrets: &Secrets) -> Result<Completion, Fault> {
        let mut call = self.http.post(&self.endpoint).json(&self.body(request));
        if let Some(key) = self.key(secrets).await? {
            call = call.bearer_auth(key);
        }
        let mut response = call.send().await.map_err(connection)?;
        if !response.status().is_success() {
            return Err(Fault::Status(response.status()));
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(connection)? {
            if body.len() + chunk.len() > LARGEST_ANSWER {
                return Err(Fault::NotACompletion);
            }
            body.extend_from_slice(&chunk);
        }
        self.read(&body)
    }

    async fn key(&self, secrets: &Secrets) -> Result<Option<String>, Fault> {
        match &self.tier.key {
            None => Ok(None),
            Some(KeyReference::Env(name)) => {
                config::secret_from_env(name).map(Some).map_err(|error| Fault::NoKey(error.into()))
            }
            Some(KeyReference::Secret(id)) => secrets.get(id).await.map(Some).map_err(Fault::NoKey),
        }
    }

    fn body(&self, request: &ChatRequest) -> Value {
        let mut body = json!({
            "model": self.tier.model,
            "messages": [
                { "role": "system", "content": request.system },
                { "role": "user", "content": request.user },
            ],
        });
        let format = match self.tier.structured_output {
            StructuredOutput::JsonSchema => json!({
                "type": "json_schema",
                "json_schema": { "name": request.schema_name, "strict": true, "schema": request.schema },
            }),
            StructuredOutput::JsonObject => json!({ "type": "json_object" }),
            StructuredOutput::Prompt => return body,
        };
        if let Some(fields) = body.as_object_mut() {
            fields.insert("response_format".to_owned(), format);
        }
        body
    }

    /// A 200 may still hold no answer; whatever is not provably a whole one is a fault.
    fn read(&self, body: &[u8]) -> Result<Completion, Fault> {
        let body: Body = serde_json::from_slice(body).map_err(|_| Fault::NotACompletion)?;
        let choice = body.choices.into_iter().next().ok_or(Fault::NotACompletion)?;
        match choice.finish_reason.as_deref() {
            Some("stop") | None => {}
            Some("length") => return Err(Fault::Unfinished("length")),
            Some("content_filter") => return Err(Fault::Unfinished("content_filter")),
            Some(_) => return Err(Fault::Unfinished("another reason")),
        }
        let text = choice.message.content.ok_or(Fault::NotACompletion)?;
        let model = body.model.unwrap_or_else(|| self.tier.model.clone());
        Ok(Completion { text, model: model.chars().take(LONGEST_MODEL).collect() })
    }
}

fn connection(error: reqwest::Error) -> Fault {
    if error.is_timeout() { Fault::TimedOut } else { Fault::Connection(error.without_url()) }
}
