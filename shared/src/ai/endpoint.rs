//! One address of a provider: requests with its key, and the faults of what comes back.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::Method;
use http::header::{self, HeaderName, HeaderValue};

use super::error_body::fault_of_status;
use super::fault::Fault;
use crate::aws::Secrets;
use crate::config::{self, ConfigError, KeyReference};
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

/// One address, made once.
pub(super) struct Endpoint {
    http: reqwest::Client,
    /// Without a slash at its end.
    base_url: String,
    key: Option<KeyReference>,
    /// The header of the key as it is; none if it is sent as a bearer token.
    key_header: Option<HeaderName>,
    secrets: Arc<Secrets>,
    /// When it was last used, in milliseconds since 1970; 0 if never. The pool's own clock may
    /// stand still in a freeze.
    last_used: AtomicU64,
}

/// What is sent, as often as need be.
pub(super) struct EndpointRequest {
    pub(super) method: Method,
    pub(super) body: Bytes,
    pub(super) authorization: Option<HeaderValue>,
}

/// An HTTP client with this time to connect; tiers that agree on it share one.
pub(super) fn new_http_client(
    setting: &'static str,
    connect_timeout: Duration,
) -> Result<reqwest::Client, ConfigError> {
    let no_redirects = reqwest::redirect::Policy::none();

    reqwest::Client::builder()
        .connect_timeout(connect_timeout)
        .redirect(no_redirects) // a redirect would carry the prompt to another host
        .pool_idle_timeout(IDLE_CONNECTION_TIMEOUT)
        .user_agent(concat!("wenzhen/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| ConfigError::new(setting, error.to_string()))
}

impl Endpoint {
    /// What stands below a base URL.
    pub(super) fn new(
        http: reqwest::Client,
        base_url: &url::Url,
        key: Option<KeyReference>,
        secrets: Arc<Secrets>,
    ) -> Self {
        Self {
            http,
            base_url: base_url.as_str().trim_end_matches('/').to_owned(),
            key,
            key_header: None,
            secrets,
            last_used: AtomicU64::new(0),
        }
    }

    /// The same for an endpoint that takes its key in another header, if it does.
    pub(super) fn with_key_header(mut self, name: Option<HeaderName>) -> Self {
        self.key_header = name;
        self
    }

    /// The header with the key; none if the endpoint asks for none.
    pub(super) async fn authorization(
        &self,
        deadline: Deadline,
    ) -> Result<Option<HeaderValue>, Fault> {
        let key = deadline.at_most(API_KEY_TIMEOUT).run(self.read_key());
        let authorization = key.await.unwrap_or_else(|elapsed| Err(elapsed.into()));
        authorization.map_err(Fault::ApiKeyUnavailable)
    }

    async fn read_key(&self) -> Result<Option<HeaderValue>, BoxError> {
        let key = match &self.key {
            None => return Ok(None),
            Some(KeyReference::Env(name)) => config::secret_from_env(name)?,
            Some(KeyReference::Secret(id)) => self.secrets.get(id).await?,
        };

        // A secret that was stored with `echo` ends with a line break.
        let key = key.trim();
        let mut value = match &self.key_header {
            Some(_) => HeaderValue::from_str(key)?,
            None => HeaderValue::from_str(&format!("Bearer {key}"))?,
        };
        value.set_sensitive(true);

        Ok(Some(value))
    }

    /// Sends the request to a path below the base URL. What comes back has a status of success.
    pub(super) async fn send(
        &self,
        path: &str,
        request: &EndpointRequest,
    ) -> Result<reqwest::Response, Fault> {
        let was_idle = self.was_idle();
        let response = self
            .http_request(path, request)
            .send()
            .await
            .map_err(|error| connection_fault(error, was_idle))?;

        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let headers = response.headers().clone();
        // An error whose text does not arrive is the same error.
        let body = read_error(response).await;
        Err(fault_of_status(status.as_u16(), &headers, &body))
    }

    fn http_request(&self, path: &str, request: &EndpointRequest) -> reqwest::RequestBuilder {
        let builder = self
            .http
            .request(request.method.clone(), format!("{}/{path}", self.base_url))
            .header(header::CONTENT_TYPE, "application/json")
            .body(request.body.clone());

        match &request.authorization {
            Some(value) => {
                let name = self.key_header.clone().unwrap_or(header::AUTHORIZATION);
                builder.header(name, value)
            }
            None => builder,
        }
    }

    /// Notes that it has just been used.
    pub(super) fn mark_used(&self) {
        self.last_used.store(now_millis(), Ordering::Relaxed);
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

/// A whole answer of success, up to this size.
pub(super) async fn read_bounded(
    mut response: reqwest::Response,
    max_bytes: usize,
) -> Result<Vec<u8>, Fault> {
    let mut body = Vec::new();
    loop {
        let chunk = response.chunk().await.map_err(|_| Fault::Truncated)?;
        let Some(chunk) = chunk else {
            return Ok(body);
        };
        if body.len() + chunk.len() > max_bytes {
            return Err(Fault::ResponseTooLarge);
        }
        body.extend_from_slice(&chunk);
    }
}

/// Silence is the tier's fault if it was long, or lasted for at least half of the time that the
/// tier may take.
pub(super) fn fault_of_silence(silence: Duration, timeout: Duration) -> Fault {
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
