//! The issuer's public keys, kept by the execution environment.
//!
//! Keys rotate: a token with an unknown key id makes a request to the issuer, but at most one every
//! 30 seconds, so that made-up key ids cannot be turned into traffic. When the issuer cannot be
//! reached, keys already known serve on.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use jsonwebtoken::DecodingKey;
use jsonwebtoken::jwk::{AlgorithmParameters, Jwk, JwkSet};
use tokio::sync::{Mutex, MutexGuard};
use url::Url;

use crate::deadline::Deadline;
use crate::error::{BoxError, Error, error_chain};

/// How long keys are used before they are fetched again.
const KEYS_TTL: Duration = Duration::from_hours(1);

/// The shortest time between two requests to the issuer.
const MIN_REQUEST_INTERVAL: Duration = Duration::from_secs(30);

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
}

impl KnownKeys {
    /// Whether the issuer has to be asked for the key called `id`, and may be.
    fn is_due(&self, id: &str) -> bool {
        let is_wanted = !self.keys.contains_key(id) || is_older(self.fetched_at, KEYS_TTL);
        is_wanted && is_older(self.requested_at, MIN_REQUEST_INTERVAL)
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
    pub(super) async fn find_key(
        &self,
        id: &str,
        deadline: Deadline,
    ) -> Result<Option<Arc<DecodingKey>>, Error> {
        let mut known = self.known.lock().await;
        if known.is_due(id) {
            // A caller with a usable key need not wait long for a fresher one.
            let deadline = if known.keys.contains_key(id) {
                deadline.at_most(RENEWAL_TIMEOUT)
            } else {
                deadline
            };
            self.renew_keys(&mut known, deadline).await?;
        }

        Ok(known.keys.get(id).cloned())
    }

    /// Fetches the keys again. An error only if none is known.
    async fn renew_keys(
        &self,
        known: &mut MutexGuard<'_, KnownKeys>,
        deadline: Deadline,
    ) -> Result<(), Error> {
        known.requested_at = Some(SystemTime::now());
        let fetched = deadline.run(self.fetch_keys()).await;

        match fetched.map_err(BoxError::from).flatten() {
            Ok(keys) => {
                known.keys = keys;
                known.fetched_at = known.requested_at;
                Ok(())
            }
            Err(error) if known.keys.is_empty() => {
                known.requested_at = None;
                Err(Error::unavailable(
                    "The identity provider",
                    RETRY_AFTER,
                    error,
                ))
            }
            Err(error) => {
                let causes = error_chain(&*error);
                tracing::warn!(
                    causes,
                    "the issuer's keys cannot be renewed; known ones serve on"
                );
                Ok(())
            }
        }
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
