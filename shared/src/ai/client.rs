//! One call of one endpoint, with its time limits.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::header;
use serde_json::Value;

use super::completion::Completion;
use super::fault::{self, Fault};
use super::reader::{LARGEST_ANSWER, Reader};
use super::request::ChatRequest;
use crate::aws::Secrets;
use crate::config::{self, ConfigError, KeyReference, Tier};
use crate::deadline::Deadline;

/// The largest error that is read, in bytes.
const LARGEST_ERROR: usize = 64 * 1024;

/// A connection that was idle for longer may have died while the environment was frozen.
const IDLE_CONNECTION: Duration = Duration::from_secs(5);

/// A client for one tier, made once.
pub(super) struct Client {
    pub(super) tier: Tier,
    http: reqwest::Client,
    endpoint: String,
    secrets: Arc<Secrets>,
}

/// An answer that has begun.
pub(super) enum Begun {
    /// It came in one piece.
    Whole(Completion),
    /// It comes in pieces; these are there.
    Stream(Reader, Vec<Value>),
}

/// An HTTP client with this time to connect; tiers that agree on it share one.
pub(super) fn http_client(connect_timeout: Duration) -> Result<reqwest::Client, ConfigError> {
    reqwest::Client::builder()
        .connect_timeout(connect_timeout)
        .redirect(reqwest::redirect::Policy::none()) // a redirect would carry the prompt to another host
        .pool_idle_timeout(IDLE_CONNECTION)
        .user_agent(concat!("wenzhen/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| ConfigError::new("AI_TIERS", error.to_string()))
}

impl Client {
    pub(super) fn new(tier: Tier, http: reqwest::Client, secrets: Arc<Secrets>) -> Self {
        let endpoint = format!("{}/chat/completions", tier.base_url.as_str().trim_end_matches('/'));
        Self { tier, http, endpoint, secrets }
    }

    /// Asks, and waits for the first token: within the tier's limit and what `deadline` leaves of it.
    pub(super) async fn begin(&self, request: &ChatRequest, deadline: Deadline) -> Result<Begun, Fault> {
        // What is not streamed has its first token when it has its last.
        let limit = if self.tier.stream { self.tier.first_token_timeout() } else { self.tier.total_timeout() };
        let started = Instant::now();
        let within = deadline.at_most(limit);
        let begun = within.run(self.ask(request, within)).await;
        match begun {
            Err(_) | Ok(Err(Fault::Silent | Fault::Stalled)) => Err(too_late(started, limit)),
            Ok(begun) => begun,
        }
    }

    async fn ask(&self, request: &ChatRequest, deadline: Deadline) -> Result<Begun, Fault> {
        let mut call = self.http.post(&self.endpoint).json(&request.body(&self.tier)?);
        if let Some(key) = self.key().await? {
            call = call.bearer_auth(key);
        }
        let response = call.send().await.map_err(connection)?;
        let status = response.status();
        if !status.is_success() {
            let headers = response.headers().clone();
            // An error whose text does not arrive is the same error.
            let body = read(response, LARGEST_ERROR).await.unwrap_or_default();
            return Err(fault::of_status(status.as_u16(), &headers, &body));
        }
        let kind = response.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        if kind.trim_start().starts_with("text/event-stream") {
            let mut reader = Reader::new(response, request.choices());
            let pieces = reader.begin(deadline).await?;
            return Ok(Begun::Stream(reader, pieces));
        }
        let body = read(response, LARGEST_ANSWER).await?;
        let body: Value = serde_json::from_slice(&body).map_err(|_| Fault::NotACompletion)?;
        if let Some(fault) = fault::within(&body) {
            return Err(fault);
        }
        Completion::from_body(body).map(Begun::Whole).ok_or(Fault::NotACompletion)
    }

    async fn key(&self) -> Result<Option<String>, Fault> {
        match &self.tier.key {
            None => Ok(None),
            Some(KeyReference::Env(name)) => {
                config::secret_from_env(name).map(Some).map_err(|error| Fault::NoKey(error.into()))
            }
            Some(KeyReference::Secret(id)) => self.secrets.get(id).await.map(Some).map_err(Fault::NoKey),
        }
    }
}

/// Silence is the tier's fault only if it had at least half of the time that it may take.
pub(super) fn too_late(started: Instant, limit: Duration) -> Fault {
    if started.elapsed() * 2 >= limit { Fault::Silent } else { Fault::OutOfTime }
}

async fn read(mut response: reqwest::Response, largest: usize) -> Result<Vec<u8>, Fault> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| cut(&error))? {
        if body.len() + chunk.len() > largest {
            return Err(Fault::NotACompletion);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn cut(error: &reqwest::Error) -> Fault {
    if error.is_timeout() { Fault::Silent } else { Fault::Cut }
}

/// A connection that cannot be made in time is silence: making it once more would take as long again.
fn connection(error: reqwest::Error) -> Fault {
    if error.is_timeout() { Fault::Silent } else { Fault::Connection(error.without_url().into()) }
}
