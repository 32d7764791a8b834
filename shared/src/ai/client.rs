//! One call of one endpoint, with its time-outs.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use http::header::{self, HeaderValue};

use super::error_body::fault_of_status;
use super::fault::Fault;
use super::framing::{Framing, read_framing};
use super::reader::{self, StreamReader};
use super::request::ChatRequest;
use super::response::{CallCost, Response};
use super::usage::{BYTES_PER_TOKEN, UsageLedger};
use crate::aws::Secrets;
use crate::config::{self, ConfigError, KeyReference, TierSettings};
use crate::deadline::Deadline;
use crate::error::BoxError;

/// The largest error that is read, in bytes.
const MAX_ERROR_BYTES: usize = 64 * 1024;

/// A connection that was idle for longer may have died while the environment was frozen.
const IDLE_CONNECTION_TIMEOUT: Duration = Duration::from_secs(5);

/// The longest wait for an API key.
const API_KEY_TIMEOUT: Duration = Duration::from_secs(3);

/// Silence of this length is a fault, however long the tier's own time-out is.
const LONG_SILENCE_THRESHOLD: Duration = Duration::from_secs(8);

/// A client for one tier, made once.
pub(super) struct TierClient {
    pub(super) settings: TierSettings,
    http: reqwest::Client,
    endpoint: String,
    secrets: Arc<Secrets>,
    /// When it was last used, in milliseconds since 1970; 0 if never. The pool's own clock may
    /// stand still in a freeze.
    last_used: AtomicU64,
}

/// A call that is ready to be made, as often as need be.
pub(super) struct PreparedCall {
    body: Bytes,
    authorization: Option<HeaderValue>,
    choices: u64,
    ledger: Arc<UsageLedger>,
}

impl PreparedCall {
    /// What the call costs, as far as it is known before.
    pub(super) fn cost(&self) -> CallCost {
        CallCost {
            ledger: Arc::clone(&self.ledger),
            prompt_tokens: self.body.len() as u64 / BYTES_PER_TOKEN,
        }
    }

    /// Writes down that an answer in one piece broke, if it did: nothing tells what it has used.
    fn note_broken_answer(&self, fault: &Fault) {
        if matches!(
            fault,
            Fault::Interrupted | Fault::ResponseTooLarge | Fault::Truncated
        ) {
            self.ledger.add_unknown();
        }
    }
}

/// An HTTP client with this time to connect; tiers that agree on it share one.
pub(super) fn new_http_client(connect_timeout: Duration) -> Result<reqwest::Client, ConfigError> {
    let no_redirects = reqwest::redirect::Policy::none();

    reqwest::Client::builder()
        .connect_timeout(connect_timeout)
        .redirect(no_redirects) // a redirect would carry the prompt to another host
        .pool_idle_timeout(IDLE_CONNECTION_TIMEOUT)
        .user_agent(concat!("wenzhen/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| ConfigError::new("AI_TIERS", error.to_string()))
}

impl TierClient {
    pub(super) fn new(
        settings: TierSettings,
        http: reqwest::Client,
        secrets: Arc<Secrets>,
    ) -> Self {
        let base_url = settings.base_url.as_str().trim_end_matches('/');
        let endpoint = format!("{base_url}/chat/completions");

        Self {
            settings,
            http,
            endpoint,
            secrets,
            last_used: AtomicU64::new(0),
        }
    }

    /// Makes a call ready. Only faults that are not the provider's can come of it: the tier cannot
    /// do what is asked for, or its key cannot be had.
    pub(super) async fn prepare_call(
        &self,
        request: &ChatRequest,
        ledger: &Arc<UsageLedger>,
        deadline: Deadline,
    ) -> Result<PreparedCall, Fault> {
        let body = Bytes::from(request.body_for(&self.settings)?.to_string());

        let key = deadline.at_most(API_KEY_TIMEOUT).run(self.authorization());
        let authorization = key.await.unwrap_or_else(|elapsed| Err(elapsed.into()));
        let authorization = authorization.map_err(Fault::ApiKeyUnavailable)?;

        Ok(PreparedCall {
            body,
            authorization,
            choices: request.choices(),
            ledger: Arc::clone(ledger),
        })
    }

    async fn authorization(&self) -> Result<Option<HeaderValue>, BoxError> {
        let key = match &self.settings.key {
            None => return Ok(None),
            Some(KeyReference::Env(name)) => config::secret_from_env(name)?,
            Some(KeyReference::Secret(id)) => self.secrets.get(id).await?,
        };

        // A secret that was stored with `echo` ends with a line break.
        let mut value = HeaderValue::from_str(&format!("Bearer {}", key.trim()))?;
        value.set_sensitive(true);

        Ok(Some(value))
    }

    /// Sends the call, and waits for the first token: within the tier's time-out and the part of it
    /// that `deadline` leaves.
    pub(super) async fn send(
        &self,
        call: &PreparedCall,
        deadline: Deadline,
    ) -> Result<Response, Fault> {
        // What is not streamed has its first token when it has its last.
        let timeout = if self.settings.stream {
            self.settings.first_token_timeout()
        } else {
            self.settings.total_timeout()
        };

        let sent_at = Instant::now();
        let deadline = deadline.at_most(timeout);
        let response = deadline.run(self.exchange(call, deadline)).await;
        self.last_used.store(now_millis(), Ordering::Relaxed);

        match response {
            Err(_) | Ok(Err(Fault::FirstTokenTimeout | Fault::IdleTimeout)) => {
                Err(fault_of_silence(sent_at.elapsed(), timeout))
            }
            Ok(response) => response,
        }
    }

    async fn exchange(&self, call: &PreparedCall, deadline: Deadline) -> Result<Response, Fault> {
        let was_idle = self.was_idle();
        let request = self.http_request(call);
        let response = request
            .send()
            .await
            .map_err(|error| connection_fault(error, was_idle))?;

        let status = response.status();
        if !status.is_success() {
            let headers = response.headers().clone();
            // An error whose text does not arrive is the same error.
            let body = read_error(response).await;
            return Err(fault_of_status(status.as_u16(), &headers, &body));
        }

        let framing = read_framing(response).await.map_err(|broken| {
            if broken.has_begun {
                call.note_broken_answer(&broken.fault);
            }
            broken.fault
        })?;
        match framing {
            Framing::Events(events) => {
                let mut reader = StreamReader::new(events, call.choices);
                let chunks = reader.read_first_token(deadline).await?;
                Ok(Response::Streamed { reader, chunks })
            }
            Framing::Body(body) => {
                let completion = reader::read_body(&body, call.choices);
                let completion = completion.inspect_err(|fault| call.note_broken_answer(fault))?;
                Ok(Response::Complete(completion))
            }
        }
    }

    fn http_request(&self, call: &PreparedCall) -> reqwest::RequestBuilder {
        let request = self
            .http
            .post(&self.endpoint)
            .header(header::CONTENT_TYPE, "application/json")
            .body(call.body.clone());

        match &call.authorization {
            Some(value) => request.header(header::AUTHORIZATION, value),
            None => request,
        }
    }

    /// Whether its connections may have died in a freeze.
    fn was_idle(&self) -> bool {
        let last_used = self.last_used.load(Ordering::Relaxed);
        let pause = Duration::from_millis(now_millis().saturating_sub(last_used));
        last_used > 0 && pause > IDLE_CONNECTION_TIMEOUT
    }
}

/// The text of an error, as far as it arrives.
async fn read_error(mut response: reqwest::Response) -> Vec<u8> {
    let mut body = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        if body.len() + chunk.len() > MAX_ERROR_BYTES {
            return Vec::new();
        }
        body.extend_from_slice(&chunk);
    }

    body
}

/// Silence is the tier's fault if it was long, or lasted for at least half of the time that the
/// tier may take.
fn fault_of_silence(silence: Duration, timeout: Duration) -> Fault {
    if silence >= (timeout / 2).min(LONG_SILENCE_THRESHOLD) {
        Fault::FirstTokenTimeout
    } else {
        Fault::DeadlineExceeded
    }
}

/// A connection that cannot be made in time is silence: making it once more would take as long
/// again.
fn connection_fault(error: reqwest::Error, was_idle: bool) -> Fault {
    if error.is_timeout() {
        return Fault::FirstTokenTimeout;
    }

    // Only a connection that stood before can have died in a freeze.
    let was_idle = was_idle && !error.is_connect();

    Fault::Connection {
        cause: error.without_url().into(),
        was_idle,
    }
}

fn now_millis() -> u64 {
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}
