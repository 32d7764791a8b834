//! The issuer's public keys, kept by the environment.
//!
//! Keys rotate: an unknown key id asks the issuer again, but not more often than every 30 seconds, so that made-up key
//! ids cannot be turned into traffic. When the issuer is gone, keys already known serve on.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use jsonwebtoken::DecodingKey;
use jsonwebtoken::jwk::{AlgorithmParameters, JwkSet};
use tokio::sync::Mutex;
use url::Url;

use crate::deadline::Deadline;
use crate::error::{BoxError, Error, error_chain};

/// Keys are asked for again after this time.
const FRESH: Duration = Duration::from_hours(1);

/// The shortest time between two questions to the issuer.
const PAUSE: Duration = Duration::from_secs(30);

/// The longest wait for the issuer by a caller whose key is known but old.
const RENEWAL: Duration = Duration::from_secs(1);

/// The longest wait for the issuer.
const ANSWER: Duration = Duration::from_secs(5);

/// The keys of one issuer.
pub(super) struct Jwks {
    url: Url,
    client: reqwest::Client,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    keys: HashMap<String, Arc<DecodingKey>>,
    asked: Option<SystemTime>,
    fetched: Option<SystemTime>,
}

impl Known {
    fn is_due(&self, has_key: bool) -> bool {
        // By the wall clock: the monotonic one may stand still while the environment is frozen.
        let older_than = |at: Option<SystemTime>, age| {
            at.is_none_or(|at| at.elapsed().map_or(true, |passed| passed > age))
        };
        let wanted = !has_key || older_than(self.fetched, FRESH);
        wanted && older_than(self.asked, PAUSE)
    }
}

impl Jwks {
    pub(super) fn new(url: Url) -> Result<Self, reqwest::Error> {
        let client = reqwest::Client::builder()
            .connect_timeout(Duration::from_secs(2))
            .timeout(ANSWER)
            .build()?;
        Ok(Self {
            url,
            client,
            known: Mutex::default(),
        })
    }

    /// The key called `id`, if the issuer has one. Callers that arrive together share one question to the issuer.
    pub(super) async fn key(
        &self,
        id: &str,
        deadline: Deadline,
    ) -> Result<Option<Arc<DecodingKey>>, Error> {
        let mut known = self.known.lock().await;
        if known.is_due(known.keys.contains_key(id)) {
            known.asked = Some(SystemTime::now());
            // Whoever holds a usable key need not wait long for a fresher one.
            let deadline = if known.keys.contains_key(id) {
                deadline.at_most(RENEWAL)
            } else {
                deadline
            };
            match deadline
                .run(self.fetch())
                .await
                .map_err(BoxError::from)
                .flatten()
            {
                Ok(keys) => {
                    known.keys = keys;
                    known.fetched = known.asked;
                }
                Err(error) if known.keys.is_empty() => {
                    known.asked = None;
                    return Err(Error::unavailable(
                        "The identity provider",
                        Duration::from_secs(2),
                        error,
                    ));
                }
                Err(error) => {
                    tracing::warn!(
                        causes = error_chain(&*error),
                        "the issuer's keys cannot be renewed; known ones serve on"
                    );
                }
            }
        }
        Ok(known.keys.get(id).cloned())
    }

    async fn fetch(&self) -> Result<HashMap<String, Arc<DecodingKey>>, BoxError> {
        let response = self
            .client
            .get(self.url.clone())
            .send()
            .await?
            .error_for_status()?;
        let set: JwkSet = response.json().await?;
        let mut keys = HashMap::new();
        for jwk in set.keys {
            // Only RSA keys: a symmetric key in the set must never verify a token.
            let (Some(id), AlgorithmParameters::RSA(_)) = (&jwk.common.key_id, &jwk.algorithm)
            else {
                continue;
            };
            match DecodingKey::from_jwk(&jwk) {
                Ok(key) => drop(keys.insert(id.clone(), Arc::new(key))),
                Err(error) => tracing::warn!(%error, "one of the issuer's keys cannot be read"),
            }
        }
        if keys.is_empty() {
            Err("the issuer has no key that can be used".into())
        } else {
            Ok(keys)
        }
    }
}
