//! One call of one endpoint, with its time limits.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use http::header::{self, HeaderValue};
use serde_json::Value;

use super::completion::Completion;
use super::fault::{self, Fault};
use super::reader::{LARGEST_ANSWER, Reader};
use super::request::ChatRequest;
use crate::aws::Secrets;
use crate::config::{self, ConfigError, KeyReference, Tier};
use crate::deadline::Deadline;
use crate::error::BoxError;

/// The largest error that is read, in bytes.
const LARGEST_ERROR: usize = 64 * 1024;

/// A connection that was idle for longer may have died while the environment was frozen.
const IDLE_CONNECTION: Duration = Duration::from_secs(5);

/// The longest wait for a key.
const KEY: Duration = Duration::from_secs(3);

/// Silence of this length is a fault, whatever the tier's own limit is.
const LONG_SILENCE: Duration = Duration::from_secs(8);

/// A client for one tier, made once.
pub(super) struct Client {
    pub(super) tier: Tier,
    http: reqwest::Client,
    endpoint: String,
    secrets: Arc<Secrets>,
    /// When it was last used, in milliseconds since 1970: the pool's own clock may stand still in a freeze.
    used: AtomicU64,
}

/// A call that is ready to be made, as often as need be.
pub(super) struct Prepared {
    body: Bytes,
    key: Option<HeaderValue>,
    choices: u64,
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
        let endpoint = format!(
            "{}/chat/completions",
            tier.base_url.as_str().trim_end_matches('/')
        );
        Self {
            tier,
            http,
            endpoint,
            secrets,
            used: AtomicU64::new(0),
        }
    }

    /// What can go wrong without the provider: the tier cannot do what is asked for, or its key cannot be had.
    pub(super) async fn prepare(
        &self,
        request: &ChatRequest,
        deadline: Deadline,
    ) -> Result<Prepared, Fault> {
        let body = Bytes::from(request.body(&self.tier)?.to_string());
        let key = deadline
            .at_most(KEY)
            .run(self.key())
            .await
            .unwrap_or_else(|elapsed| Err(elapsed.into()));
        let key = key.map_err(Fault::NoKey)?;
        Ok(Prepared {
            body,
            key,
            choices: request.choices(),
        })
    }

    async fn key(&self) -> Result<Option<HeaderValue>, BoxError> {
        let key = match &self.tier.key {
            None => return Ok(None),
            Some(KeyReference::Env(name)) => config::secret_from_env(name)?,
            Some(KeyReference::Secret(id)) => self.secrets.get(id).await?,
        };
        // Whoever stores a secret with `echo` stores a line.
        let mut value = HeaderValue::from_str(&format!("Bearer {}", key.trim()))?;
        value.set_sensitive(true);
        Ok(Some(value))
    }

    /// Asks, and waits for the first token: within the tier's limit and what `deadline` leaves of it.
    pub(super) async fn begin(&self, call: &Prepared, deadline: Deadline) -> Result<Begun, Fault> {
        // What is not streamed has its first token when it has its last.
        let limit = if self.tier.stream {
            self.tier.first_token_timeout()
        } else {
            self.tier.total_timeout()
        };
        let started = Instant::now();
        let within = deadline.at_most(limit);
        let begun = within.run(self.ask(call, within)).await;
        self.used.store(now(), Ordering::Relaxed);
        match begun {
            Err(_) | Ok(Err(Fault::Silent | Fault::Stalled)) => Err(too_late(started, limit)),
            Ok(begun) => begun,
        }
    }

    async fn ask(&self, call: &Prepared, deadline: Deadline) -> Result<Begun, Fault> {
        let used = self.used.load(Ordering::Relaxed);
        let was_idle = used > 0
            && now().saturating_sub(used) > u64::try_from(IDLE_CONNECTION.as_millis()).unwrap_or(0);
        let mut request = self
            .http
            .post(&self.endpoint)
            .header(header::CONTENT_TYPE, "application/json");
        if let Some(key) = &call.key {
            request = request.header(header::AUTHORIZATION, key);
        }
        let answer = request.body(call.body.clone()).send().await;
        let response = answer.map_err(|error| connection(error, was_idle))?;
        let status = response.status();
        if !status.is_success() {
            let headers = response.headers().clone();
            // An error whose text does not arrive is the same error.
            let body = read(response, LARGEST_ERROR).await.unwrap_or_default();
            return Err(fault::of_status(status.as_u16(), &headers, &body));
        }
        let kind = response
            .headers()
            .get(header::CONTENT_TYPE)
            .and_then(|kind| kind.to_str().ok())
            .unwrap_or_default();
        if kind.trim_start().starts_with("text/event-stream") {
            let mut reader = Reader::new(response, call.choices);
            let pieces = reader.begin(deadline).await?;
            return Ok(Begun::Stream(reader, pieces));
        }
        let body = read(response, LARGEST_ANSWER).await?;
        let body: Value = serde_json::from_slice(&body).map_err(|_| Fault::NotACompletion)?;
        if let Some(fault) = fault::within(&body) {
            return Err(fault);
        }
        let completion = Completion::from_body(body).ok_or(Fault::NotACompletion)?;
        if completion.is_interrupted() {
            Err(Fault::Interrupted)
        } else {
            Ok(Begun::Whole(completion))
        }
    }
}

/// Silence is the tier's fault if it was long, or lasted for at least half of the time that the tier may take.
fn too_late(started: Instant, limit: Duration) -> Fault {
    if started.elapsed() >= (limit / 2).min(LONG_SILENCE) {
        Fault::Silent
    } else {
        Fault::OutOfTime
    }
}

async fn read(mut response: reqwest::Response, largest: usize) -> Result<Vec<u8>, Fault> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| cut(&error))? {
        if body.len() + chunk.len() > largest {
            return Err(Fault::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn cut(error: &reqwest::Error) -> Fault {
    if error.is_timeout() {
        Fault::Silent
    } else {
        Fault::Cut
    }
}

/// A connection that cannot be made in time is silence: making it once more would take as long again.
fn connection(error: reqwest::Error, was_idle: bool) -> Fault {
    if error.is_timeout() {
        return Fault::Silent;
    }
    // Only a connection that stood before can have died in a freeze.
    let was_idle = was_idle && !error.is_connect();
    Fault::Connection {
        cause: error.without_url().into(),
        was_idle,
    }
}

fn now() -> u64 {
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}
