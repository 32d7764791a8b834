//! The issuer's public keys, kept by the execution environment.
//!
//! Keys rotate, so a token with an unknown key id makes a look-up: the issuer is asked for all its
//! keys. Look-ups are paid from a budget, so made-up key ids cannot be turned into traffic. A
//! look-up that finds no such key remembers that of its own id alone. While the budget is used up,
//! an unknown key id is neither good nor bad: its caller is told to come back (503), so a new key
//! is never refused because of others' made-up ones. When the issuer cannot be reached, known keys
//! serve on.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use jsonwebtoken::DecodingKey;
use jsonwebtoken::jwk::{AlgorithmParameters, Jwk, JwkSet};
use tokio::sync::Mutex;
use url::Url;

use super::lookup_budget::LookupBudget;
use crate::deadline::Deadline;
use crate::error::{BoxError, Error, error_chain};

/// How long keys are used before they are fetched again.
const KEYS_TTL: Duration = Duration::from_hours(1);

/// The shortest time between two requests that only renew known keys.
const MIN_RENEWAL_INTERVAL: Duration = Duration::from_secs(30);

/// How long a key id is known not to be the issuer's: it may be announced later than it is used.
const ABSENT_TTL: Duration = Duration::from_secs(30);

/// Key ids that are known not to be the issuer's. The budget lets in fewer within their time.
const MAX_ABSENT: usize = 100;

/// The longest key id, in bytes. Those of user pools have 44.
const MAX_KEY_ID_LENGTH: usize = 256;

/// For connecting to the issuer.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// For a request to the issuer.
const FETCH_TIMEOUT: Duration = Duration::from_secs(5);

/// For a request that only renews a known key.
const RENEWAL_TIMEOUT: Duration = Duration::from_secs(1);

/// The wait that a caller is told while the issuer cannot be reached.
const RETRY_AFTER: Duration = Duration::from_secs(2);

type Keys = HashMap<String, Arc<DecodingKey>>;

/// The keys of one issuer.
pub(super) struct Jwks {
    url: Url,
    client: reqwest::Client,
    known: Mutex<KnownKeys>,
}

#[derive(Default)]
struct KnownKeys {
    keys: Keys,
    requested_at: Option<SystemTime>,
    fetched_at: Option<SystemTime>,
    /// When the issuer was found not to have a key of this id.
    absent: HashMap<String, SystemTime>,
    lookups: LookupBudget,
}

impl KnownKeys {
    /// Whether known keys have to be fetched again, and may be.
    fn is_renewal_due(&self) -> bool {
        let is_expired = is_older(self.fetched_at, KEYS_TTL);
        is_expired && is_older(self.requested_at, MIN_RENEWAL_INTERVAL)
    }

    fn is_absent(&self, id: &str) -> bool {
        let found_absent = self.absent.get(id).copied();
        id.len() > MAX_KEY_ID_LENGTH
            || found_absent.is_some_and(|found| !is_older(Some(found), ABSENT_TTL))
    }

    /// Remembers that the issuer has no key of this id.
    fn remember_absent(&mut self, id: &str) {
        let absent = &mut self.absent;
        absent.retain(|_, found| !is_older(Some(*found), ABSENT_TTL));

        if absent.len() < MAX_ABSENT {
            absent.insert(id.to_owned(), SystemTime::now());
        }
    }
}

/// Whether `time` was longer ago than `age`, by the wall clock: the monotonic one may stand still
/// while the environment is frozen.
fn is_older(time: Option<SystemTime>, age: Duration) -> bool {
    let passed = time.and_then(|time| time.elapsed().ok());
    passed.is_none_or(|passed| passed > age)
}

impl Jwks {
    pub(super) fn new(url: Url) -> Result<Self, reqwest::Error> {
        let client = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(FETCH_TIMEOUT)
            .build()?;

        Ok(Self {
            url,
            client,
            known: Mutex::default(),
        })
    }

    /// The key called `id`, if the issuer has one. Callers that arrive together share one request.
    /// An error if that cannot be known now.
    pub(super) async fn find_key(
        &self,
        id: &str,
        deadline: Deadline,
    ) -> Result<Option<Arc<DecodingKey>>, Error> {
        let mut known = self.known.lock().await;
        if let Some(key) = known.keys.get(id).cloned() {
            let renewed = self.renew_keys(&mut known, id, deadline).await;
            return Ok(renewed.unwrap_or(Some(key)));
        }
        if known.is_absent(id) {
            return Ok(None);
        }

        self.look_up(&mut known, id, deadline).await
    }

    /// Asks the issuer for a key that is not known.
    async fn look_up(
        &self,
        known: &mut KnownKeys,
        id: &str,
        deadline: Deadline,
    ) -> Result<Option<Arc<DecodingKey>>, Error> {
        if let Err(wait) = known.lookups.take(SystemTime::now()) {
            let reason = "too many unknown key ids: the issuer is asked again a little later";
            return Err(unavailable(wait, reason));
        }

        let fetched = self.fetch_into(known, deadline).await;
        fetched.map_err(|error| unavailable(RETRY_AFTER, error))?;

        let key = known.keys.get(id).cloned();
        if key.is_none() {
            known.remember_absent(id);
        }
        Ok(key)
    }

    /// The key called `id` by the issuer's newest word, if it is time to ask and it answers.
    async fn renew_keys(
        &self,
        known: &mut KnownKeys,
        id: &str,
        deadline: Deadline,
    ) -> Option<Option<Arc<DecodingKey>>> {
        if !known.is_renewal_due() {
            return None;
        }

        // A caller with a usable key need not wait long for a fresher one.
        let deadline = deadline.at_most(RENEWAL_TIMEOUT);
        if let Err(error) = self.fetch_into(known, deadline).await {
            let causes = error_chain(&*error);
            tracing::warn!(
                causes,
                "the issuer's keys cannot be renewed; known ones serve on"
            );
            return None;
        }
        Some(known.keys.get(id).cloned())
    }

    /// Replaces the known keys by those that the issuer has now.
    async fn fetch_into(&self, known: &mut KnownKeys, deadline: Deadline) -> Result<(), BoxError> {
        known.requested_at = Some(SystemTime::now());
        let fetched = deadline.run(self.fetch_keys()).await;

        known.keys = fetched.map_err(BoxError::from).flatten()?;
        known.fetched_at = known.requested_at;
        Ok(())
    }

    async fn fetch_keys(&self) -> Result<Keys, BoxError> {
        let response = self.client.get(self.url.clone()).send().await?;
        let set: JwkSet = response.error_for_status()?.json().await?;

        let keys: Keys = set.keys.iter().filter_map(decoding_key).collect();
        if keys.is_empty() {
            return Err("the issuer has no key that can be used".into());
        }
        Ok(keys)
    }
}

/// Whether the token is good cannot be known now.
fn unavailable(wait: Duration, source: impl Into<BoxError>) -> Error {
    Error::unavailable("The identity provider", wait, source)
}

/// The key and its id. Only RSA keys: a symmetric key in the set must never verify a token.
fn decoding_key(jwk: &Jwk) -> Option<(String, Arc<DecodingKey>)> {
    let AlgorithmParameters::RSA(_) = &jwk.algorithm else {
        return None;
    };
    let id = jwk.common.key_id.clone()?;

    let key = DecodingKey::from_jwk(jwk);
    if let Err(error) = &key {
        tracing::warn!(%error, "one of the issuer's keys cannot be read");
    }
    Some((id, Arc::new(key.ok()?)))
}
