//! What passages are found by besides their words: the model that makes vectors, and the server
//! that holds a copy of them, if there is one.

use std::sync::Arc;
use std::time::Duration;

use super::chroma::Chroma;
use super::document::owners_read_by;
use super::vector_store::{NearestQuery, Neighbours, VectorStore};
use crate::ai::{Embedder, Embedding, ServiceCall, VECTOR_STORE};
use crate::aws::Secrets;
use crate::config::{ConfigError, EmbeddingSettings, VectorStoreKind};
use crate::deadline::Deadline;
use crate::identity::{TenantId, UserId};
use crate::locale::Locale;
use crate::setup::Setup;
use crate::telemetry::metrics;
use crate::valkey::Valkey;

/// The longest that the store is waited for, since the database's own index finds too.
const NEAREST_TIMEOUT: Duration = Duration::from_millis(1_300);

/// The passages that are looked at for their meaning; `sql/search.sql` looks at as many.
const MAX_NEIGHBOURS: u16 = 50;

/// The model that makes vectors, and the store that holds a copy of them.
pub struct VectorIndex {
    embedder: Embedder,
    store: Option<Box<dyn VectorStore>>,
}

impl VectorIndex {
    /// That of a function's settings; none if documents are found by their words alone.
    pub async fn from_setup(setup: &Setup) -> Result<Option<Self>, ConfigError> {
        let Some(settings) = setup.embeddings().await? else {
            return Ok(None);
        };
        Self::new(settings, setup.valkey()?, &setup.secrets()).map(Some)
    }

    /// Makes the clients of the model's endpoints and of the store. Nothing is asked yet.
    pub fn new(
        settings: EmbeddingSettings,
        valkey: Option<Arc<Valkey>>,
        secrets: &Arc<Secrets>,
    ) -> Result<Self, ConfigError> {
        let store_settings = settings.store.clone();
        let embedder = Embedder::new(settings, valkey, secrets)?;

        let store = store_settings.and_then(|settings| {
            let name = VECTOR_STORE.circuit_name(settings.kind.as_str());
            let circuit = embedder.circuit(&name)?;
            let VectorStoreKind::Chroma = settings.kind;
            Some(Chroma::new(&settings, embedder.model(), circuit, secrets))
        });
        let store = store.transpose()?;
        Ok(Self {
            embedder,
            store: store.map(|store| Box::new(store) as Box<dyn VectorStore>),
        })
    }

    /// The model.
    pub const fn embedder(&self) -> &Embedder {
        &self.embedder
    }

    /// The server that holds a copy of the vectors, if there is one.
    pub fn store(&self) -> Option<&dyn VectorStore> {
        self.store.as_deref()
    }

    /// The passages that the store has nearest to a question; none if there is no store, or it does
    /// not answer in time: then the database's own index is asked.
    pub(super) async fn nearest(
        &self,
        embedding: &Embedding,
        language: Option<Locale>,
        tenant: &TenantId,
        user: &UserId,
        deadline: Deadline,
    ) -> Option<Neighbours> {
        let query = NearestQuery {
            owners: owners_read_by(tenant),
            language,
            embedding,
            limit: MAX_NEIGHBOURS,
        };
        let call = ServiceCall::of_user(tenant, user, deadline.at_most(NEAREST_TIMEOUT));
        let found = self.store()?.nearest(query, &call).await;

        let outcome = if found.is_ok() { "answered" } else { "failed" };
        metrics::count("VectorStoreSearch", &[("outcome", outcome)]);
        found.ok()
    }
}
