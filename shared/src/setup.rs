//! What a function is made from: the settings of its environment and the clients of its services.
//!
//! Each is made when a function first asks for it, so a function pays at cold start only for what
//! it uses.

use std::cell::OnceCell;
use std::sync::Arc;

use aws_config::SdkConfig;
use tokio::sync::OnceCell as AsyncOnceCell;

use crate::aws::{self, Secrets};
use crate::cache::Cache;
use crate::config::{self, ConfigError, DatabaseSettings};
use crate::jobs::queue::Queue;
use crate::limits::{Limit, Limiter};
use crate::postgres::Database;
use crate::valkey::Valkey;

/// The settings and clients of one function in one execution environment.
pub struct Setup {
    limits: &'static [Limit],
    valkey: OnceCell<Option<Arc<Valkey>>>,
    limiter: OnceCell<Arc<Limiter>>,
    aws: AsyncOnceCell<SdkConfig>,
}

impl Setup {
    /// For a function whose route declares `limits`; none for a queue consumer or a schedule.
    pub fn new(limits: &'static [Limit]) -> Self {
        Self {
            limits,
            valkey: OnceCell::new(),
            limiter: OnceCell::new(),
            aws: AsyncOnceCell::new(),
        }
    }

    /// Valkey, shared by the limiter, the cache and the circuits; `None` when none is configured.
    pub fn valkey(&self) -> Result<Option<Arc<Valkey>>, ConfigError> {
        if let Some(valkey) = self.valkey.get() {
            return Ok(valkey.clone());
        }

        let valkey = Valkey::from_env()?;
        Ok(self.valkey.get_or_init(|| valkey).clone())
    }

    /// The limiter of the function's route, with what the operator changes of its limits.
    pub fn limiter(&self) -> Result<Arc<Limiter>, ConfigError> {
        if let Some(limiter) = self.limiter.get() {
            return Ok(Arc::clone(limiter));
        }

        let limiter = Limiter::new(self.valkey()?, self.limits, &config::limits()?)?;
        if !limiter.is_shared() && limiter.names().next().is_some() {
            tracing::info!("no Valkey is configured: each environment counts limits by itself");
        }
        Ok(Arc::clone(self.limiter.get_or_init(|| Arc::new(limiter))))
    }

    /// A limiter of what a handler decides by itself, beside the limits of its route.
    pub fn limiter_of(&self, limits: &[Limit]) -> Result<Limiter, ConfigError> {
        Limiter::new(self.valkey()?, limits, &config::limits()?)
    }

    /// A cache in the environment's memory and in Valkey.
    pub fn cache(&self) -> Result<Cache, ConfigError> {
        Ok(Cache::new(self.valkey()?))
    }

    /// The database; no connection is made yet.
    pub async fn database(&self) -> Result<Database, ConfigError> {
        Database::new(&DatabaseSettings::from_env()?).await
    }

    /// The region, credentials and time-outs of the AWS clients.
    pub async fn aws(&self) -> &SdkConfig {
        self.aws.get_or_init(aws::sdk_config).await
    }

    /// The queue of the jobs.
    pub async fn jobs_queue(&self) -> Result<Queue, ConfigError> {
        Ok(Queue::new(self.aws().await, config::jobs_queue_url()?))
    }

    /// The dead-letter queue of the jobs.
    pub async fn dead_letter_queue(&self) -> Result<Queue, ConfigError> {
        Ok(Queue::new(
            self.aws().await,
            config::dead_letter_queue_url()?,
        ))
    }

    /// The secrets that the tiers' keys refer to.
    pub async fn secrets(&self) -> Arc<Secrets> {
        Arc::new(Secrets::new(self.aws().await))
    }
}
