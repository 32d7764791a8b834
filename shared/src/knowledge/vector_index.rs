//! What passages are found by besides their words: the model that makes vectors, and the server
//! that holds a copy of them, if there is one.

use std::sync::Arc;
use std::time::Duration;

use super::chroma::Chroma;
use super::document::owners_read_by;
use super::vector_store::{NearestQuery, Neighbours, VectorStore};
use crate::ai::{Embedder, Embedding, ServiceCall, VECTOR_STORE};
use crate::aws::Secrets;
use crate::config::{
    ConfigError, EMBEDDINGS, EmbeddingSettings, VectorStoreKind, VectorStoreSettings,
};
use crate::deadline::Deadline;
use crate::identity::{TenantId, UserId};
use crate::locale::Locale;
use crate::setup::Setup;
use crate::telemetry::metrics;
use crate::valkey::Valkey;

/// The longest that the store is waited for, since the database's own index finds too.
const NEAREST_TIMEOUT: Duration = Duration::from_millis(1_300);

/// Counts searches by what came of asking the store: `used`, `behind` if the database knows that
/// the copy is not whole, or `failed`.
pub(super) const VECTOR_STORE_SEARCH: &str = "VectorStoreSearch";

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

        let store = match store_settings {
            Some(settings) => Some(new_store(&settings, &embedder, secrets)?),
            None => None,
        };
        Ok(Self { embedder, store })
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
        let deadline = deadline.at_most(NEAREST_TIMEOUT);
        let call = ServiceCall::of_user(tenant, user, deadline);
        let asked = deadline.run(self.store()?.nearest(query, &call)).await;

        let found = asked.ok().and_then(Result::ok);
        if found.is_none() {
            metrics::count(VECTOR_STORE_SEARCH, &[("outcome", "failed")]);
        }
        found
    }
}

fn new_store(
    settings: &VectorStoreSettings,
    embedder: &Embedder,
    secrets: &Arc<Secrets>,
) -> Result<Box<dyn VectorStore>, ConfigError> {
    let name = VECTOR_STORE.circuit_name(settings.kind.as_str());
    let circuit = embedder.circuit(&name);
    let circuit =
        circuit.ok_or_else(|| ConfigError::new(EMBEDDINGS, "has a store without a circuit"))?;

    let VectorStoreKind::Chroma = settings.kind;
    let store = Chroma::new(settings, embedder.model(), circuit, secrets)?;
    Ok(Box::new(store))
}
