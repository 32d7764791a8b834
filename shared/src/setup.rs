//! What a function is made from: the settings of its environment and the clients of its services.
//!
//! Each is made when a function first asks for it, so a function pays at cold start only for what
//! it uses.

use std::cell::OnceCell;
use std::sync::Arc;

use aws_config::SdkConfig;
use tokio::sync::OnceCell as AsyncOnceCell;

use crate::aws::{Secrets, SharedConfig};
use crate::cache::Cache;
use crate::config::{
    self, CdnSettings, ConfigError, DatabaseSettings, EMBEDDINGS, EmbeddingSettings, Models,
    RETENTION, ReaderAddress, RetentionSettings, StoredSettings, ValkeySettings, unreadable_secret,
};
use crate::error::error_chain;
use crate::jobs::queue::Queue;
use crate::limits::{self, Limit, LimitView, Limiter};
use crate::postgres::{Database, Readers};
use crate::realtime::{Connections, Gateway, Pusher};
use crate::uploads::{CdnSigner, UploadBucket, UploadLinks};
use crate::valkey::Valkey;

/// The settings and clients of one function in one execution environment.
pub struct Setup {
    limits: &'static [Limit],
    valkey: OnceCell<Option<Arc<Valkey>>>,
    limiter: OnceCell<Arc<Limiter>>,
    aws: SharedConfig,
    secrets: Arc<Secrets>,
    stored: AsyncOnceCell<StoredSettings>,
}

impl Setup {
    /// For a function whose route declares `limits`; none for a queue consumer or a schedule.
    pub fn new(limits: &'static [Limit]) -> Self {
        let aws = SharedConfig::default();
        Self {
            limits,
            valkey: OnceCell::new(),
            limiter: OnceCell::new(),
            secrets: Arc::new(Secrets::with_config(aws.clone())),
            aws,
            stored: AsyncOnceCell::new(),
        }
    }

    /// Valkey, shared by the limiter, the cache and the circuits; `None` when none is configured.
    pub fn valkey(&self) -> Result<Option<Arc<Valkey>>, ConfigError> {
        if let Some(valkey) = self.valkey.get() {
            return Ok(valkey.clone());
        }

        let settings = ValkeySettings::from_env()?;
        let secrets = Arc::clone(&self.secrets);
        let valkey = Valkey::with_aws(&settings, secrets, self.aws.clone())?;
        Ok(self.valkey.get_or_init(|| valkey.map(Arc::new)).clone())
    }

    /// Whether something of the function asks Valkey.
    pub fn uses_valkey(&self) -> bool {
        self.valkey.get().is_some()
    }

    /// The limiter of the function's route, with what the operator changes of its limits.
    pub async fn limiter(&self) -> Result<Arc<Limiter>, ConfigError> {
        if let Some(limiter) = self.limiter.get() {
            return Ok(Arc::clone(limiter));
        }

        let changes = self.stored_settings(&["LIMITS"]).await?.limits()?;
        let limiter = Limiter::new(self.valkey()?, self.limits, &changes)?;
        if !limiter.is_shared() && limiter.names().next().is_some() {
            tracing::info!("no Valkey is configured: each environment counts limits by itself");
        }
        Ok(Arc::clone(self.limiter.get_or_init(|| Arc::new(limiter))))
    }

    /// How these limits are set, for admins.
    pub async fn limit_views(&self, limits: &[Limit]) -> Result<Vec<LimitView>, ConfigError> {
        limits::views(limits, &self.stored_settings(&["LIMITS"]).await?.limits()?)
    }

    /// A limiter of what a handler decides by itself, beside the limits of its route.
    pub async fn limiter_of(&self, limits: &[Limit]) -> Result<Limiter, ConfigError> {
        let changes = self.stored_settings(&["LIMITS"]).await?.limits()?;
        Limiter::new(self.valkey()?, limits, &changes)
    }

    /// The models: `AI_TIERS` and `AI_CHAINS`.
    pub async fn models(&self) -> Result<Models, ConfigError> {
        let stored = self.stored_settings(&["AI_TIERS", "AI_CHAINS"]).await?;
        stored.models()
    }

    /// The embedding model: `EMBEDDINGS`; none if documents are found by their words alone.
    pub async fn embeddings(&self) -> Result<Option<EmbeddingSettings>, ConfigError> {
        self.stored_settings(&[EMBEDDINGS]).await?.embeddings()
    }

    /// How long records are kept: `RETENTION`.
    pub async fn retention(&self) -> Result<RetentionSettings, ConfigError> {
        self.stored_settings(&[RETENTION]).await?.retention()
    }

    /// A cache in the environment's memory and in Valkey.
    pub fn cache(&self) -> Result<Cache, ConfigError> {
        Ok(Cache::new(self.valkey()?))
    }

    /// The database; no connection is made yet.
    pub async fn database(&self) -> Result<Database, ConfigError> {
        let settings = DatabaseSettings::from_env()?;
        Database::with_secrets(&settings, Arc::clone(&self.secrets)).await
    }

    /// The readers of the database, if it has any; no connection is made yet.
    pub async fn readers(&self) -> Result<Readers, ConfigError> {
        let settings = DatabaseSettings::from_env()?;
        let address = ReaderAddress::from_env()?;
        Readers::new(&settings, address, Arc::clone(&self.secrets)).await
    }

    /// The region, credentials and time-outs of the AWS clients.
    pub async fn aws(&self) -> &SdkConfig {
        self.aws.get().await
    }

    /// The same, made when it is first needed.
    pub fn shared_aws(&self) -> SharedConfig {
        self.aws.clone()
    }

    /// The bucket of the uploads.
    pub async fn upload_bucket(&self) -> Result<UploadBucket, ConfigError> {
        Ok(UploadBucket::new(
            self.aws().await,
            config::uploads_bucket()?,
        ))
    }

    /// Signs links to uploads.
    pub async fn upload_links(&self) -> Result<UploadLinks, ConfigError> {
        let cdn = CdnSettings::from_env()?;
        let cdn = cdn.map(|settings| CdnSigner::new(settings, self.secrets()));
        Ok(UploadLinks::new(self.upload_bucket().await?, cdn))
    }

    /// The connections of the WebSocket API.
    pub async fn connections(&self) -> Result<Connections, ConfigError> {
        let table = config::connections_table()?;
        Ok(Connections::new(self.aws().await, table))
    }

    /// Posts events to those connections.
    pub async fn pusher(&self) -> Result<Pusher, ConfigError> {
        let endpoint = config::websocket_endpoint()?;
        let aws = self.aws().await;
        let gateway = endpoint.map(|endpoint| Gateway::new(aws, &endpoint));
        Ok(Pusher::new(self.connections().await?, gateway))
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
    pub fn secrets(&self) -> Arc<Secrets> {
        Arc::clone(&self.secrets)
    }

    /// The settings that a secret holds, read once: they stay as they are for as long as the
    /// environment lives. Without the secret there are none, and where all of `names` are
    /// variables, it is not needed. A function that cannot read it does not start.
    async fn stored_settings(&self, names: &[&str]) -> Result<&StoredSettings, ConfigError> {
        let Some(id) = config::settings_secret(names)? else {
            return Ok(StoredSettings::none());
        };

        let read = || async {
            let json = self.secrets.get(&id).await;
            let json = json.map_err(|error| unreadable_secret(error_chain(&*error)))?;
            StoredSettings::parse(&json)
        };
        self.stored.get_or_try_init(read).await
    }
}
