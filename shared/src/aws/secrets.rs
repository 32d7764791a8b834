//! The secrets that settings refer to.

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use aws_config::SdkConfig;
use aws_sdk_secretsmanager::Client;
use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::sync::{Mutex, OnceCell};

use super::SharedConfig;
use crate::error::{BoxError, error_chain};

/// How long a secret is used before it is fetched again.
const SECRET_TTL: Duration = Duration::from_mins(5);

/// How long a known secret serves on while Secrets Manager cannot be reached.
const STALE_SECRET_TTL: Duration = Duration::from_hours(1);

/// A secret that was fetched less than this ago is not fetched again because a service refused it:
/// the secret itself may be wrong, and each call would ask for it.
const MIN_REFETCH_AGE: Duration = Duration::from_secs(10);

/// Secrets of AWS Secrets Manager, each fetched when it is first needed and kept for 5 minutes, so
/// that a rotated one is taken up without a deployment.
#[derive(Default)]
pub struct Secrets {
    config: SharedConfig,
    client: OnceCell<Client>,
    known: Mutex<HashMap<String, KnownSecret>>,
}

#[derive(Clone)]
struct KnownSecret {
    value: String,
    fetched_at: SystemTime,
}

impl KnownSecret {
    /// A clock that was set back makes a secret old.
    fn age(&self) -> Duration {
        self.fetched_at.elapsed().unwrap_or(Duration::MAX)
    }
}

impl Secrets {
    /// For the region and credentials of `config`. Nothing is fetched yet.
    pub fn new(config: &SdkConfig) -> Self {
        Self::with_config(SharedConfig::from(config.clone()))
    }

    /// For a configuration that is made with the first secret.
    pub fn with_config(config: SharedConfig) -> Self {
        Self {
            config,
            ..Self::default()
        }
    }

    /// The secret string called `id`, a name or an ARN. Callers that arrive together share one
    /// call.
    pub async fn get(&self, id: &str) -> Result<String, BoxError> {
        let mut known = self.known.lock().await;
        let held = known.get(id).cloned();
        if let Some(held) = &held
            && held.age() < SECRET_TTL
        {
            return Ok(held.value.clone());
        }

        match (self.fetch_secret(id).await, held) {
            (Ok(secret), _) => {
                known.insert(id.to_owned(), secret.clone());
                Ok(secret.value)
            }
            (Err(error), Some(held)) if held.age() < STALE_SECRET_TTL => {
                let causes = error_chain(&*error);
                tracing::warn!(
                    causes,
                    "a secret cannot be fetched again; the known one serves on"
                );
                Ok(held.value)
            }
            (Err(error), _) => Err(error),
        }
    }

    /// The secret string called `id` after a service has refused `refused`, its known value: it
    /// may have been rotated. `None` if it is the same, cannot be had, or was fetched a moment ago.
    pub async fn get_rotated(&self, id: &str, refused: &str) -> Option<String> {
        let mut known = self.known.lock().await;
        if let Some(held) = known.get(id) {
            if held.value != refused {
                return Some(held.value.clone()); // another caller has fetched it meanwhile
            }
            if held.age() < MIN_REFETCH_AGE {
                return None;
            }
        }

        let secret = self.fetch_secret(id).await.ok()?;
        known.insert(id.to_owned(), secret.clone());
        (secret.value != refused).then_some(secret.value)
    }

    /// On the heap: the SDK's seldom call would make every future that uses a connection large.
    fn fetch_secret<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<KnownSecret, BoxError>> {
        let fetch = async move {
            let make_client = || async { Client::new(self.config.get().await) };
            let client = self.client.get_or_init(make_client).await;

            let answer = client.get_secret_value().secret_id(id).send().await?;
            let value = answer.secret_string.ok_or("the secret is not a string")?;
            Ok(KnownSecret {
                value,
                fetched_at: SystemTime::now(),
            })
        };

        fetch.boxed()
    }
}
