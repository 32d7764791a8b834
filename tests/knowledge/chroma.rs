//! A real Chroma server holds a copy of the vectors: what it finds, and what happens while it is
//! behind, away, empty or written to by others.

mod changes;
mod faults;
mod finding;

use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::OnceCell;
use uuid::Uuid;
use wenzhen::ai::ServiceCall;
use wenzhen::config::EmbeddingSettings;
use wenzhen::deadline::Deadline;
use wenzhen::identity::TenantId;
use wenzhen::knowledge::copies::{Copied, CopyError, adopt_store, copy_outdated};
use wenzhen::knowledge::index::PassageScope;
use wenzhen::knowledge::{Owner, SearchResult, VectorIndex, store};
use wenzhen::postgres::Database;
use xtask::services;

use super::{database_of, document, fill, find, own_database, question, tenant, vector_index};
use crate::support::own_database::OwnDatabase;
use crate::support::{STACK, eventually};

static CHROMA: OnceCell<()> = OnceCell::const_new();

/// What is asked, by none of the words of its answer.
const ASKED: &str = "swallowing hurts";

/// Its answer, and other texts.
const THROAT: &str = "A sore throat passes by itself.";
const CAR: &str = "Change the engine's oil each year.";
const WALL: &str = "How to paint a wall.";

/// An address at which nothing listens.
const NOWHERE: &str = "http://127.0.0.1:9";

/// One test's own collection.
struct OwnStore {
    collection: String,
}

impl OwnStore {
    async fn new() -> Self {
        CHROMA
            .get_or_init(async || services::start_chroma(&STACK).await.unwrap())
            .await;
        let name = Uuid::new_v4().simple().to_string();
        Self {
            collection: format!("test-{name}"),
        }
    }

    fn settings(&self, url: &str) -> Value {
        json!({ "kind": "chroma", "base_url": url, "collection": self.collection })
    }

    /// The stack's model with this store.
    async fn index(&self) -> VectorIndex {
        self.index_at(&services::chroma_url(&STACK), |_| ()).await
    }

    async fn index_at(
        &self,
        url: &str,
        change: impl FnOnce(&mut EmbeddingSettings),
    ) -> VectorIndex {
        let store = serde_json::from_value(self.settings(url)).unwrap();
        vector_index(|settings| {
            settings.store = Some(store);
            change(settings);
        })
        .await
    }

    /// The server's own words on this test's collections.
    async fn collections(&self) -> Vec<Value> {
        let found: Vec<Value> = get(&collections_url()).await;
        let is_own = |it: &Value| it["name"].as_str().unwrap().starts_with(&self.collection);
        found.into_iter().filter(is_own).collect()
    }

    /// The vectors that the server holds for this test.
    async fn count(&self) -> u64 {
        let mut count = 0;
        for collection in self.collections().await {
            let id = collection["id"].as_str().unwrap();
            let here: u64 = get(&format!("{}/{id}/count", collections_url())).await;
            count += here;
        }
        count
    }

    /// The address of this test's one collection.
    async fn collection_url(&self) -> String {
        let collections = self.collections().await;
        let id = collections[0]["id"].as_str().unwrap();
        format!("{}/{id}", collections_url())
    }

    /// Asks the server itself.
    async fn ask(&self, operation: &str, body: &Value) -> Value {
        let url = format!("{}/{operation}", self.collection_url().await);
        let asked = reqwest::Client::new().post(url).json(body);
        let answer = asked.send().await.unwrap().error_for_status().unwrap();
        answer.json().await.unwrap()
    }

    /// Loses everything.
    async fn lose(&self) {
        for collection in self.collections().await {
            let name = collection["name"].as_str().unwrap();
            let url = format!("{}/{name}", collections_url());
            let deleted = reqwest::Client::new().delete(url).send().await.unwrap();
            assert!(deleted.status().is_success());
        }
    }
}

fn collections_url() -> String {
    let base = services::chroma_url(&STACK);
    format!("{base}/api/v2/tenants/default_tenant/databases/default_database/collections")
}

async fn get<T: serde::de::DeserializeOwned>(url: &str) -> T {
    let answer = reqwest::get(url).await.unwrap();
    answer.json().await.unwrap()
}

/// The time that a run has.
fn deadline() -> Deadline {
    Deadline::after(Duration::from_mins(2))
}

/// As the scheduled function does it: takes the store into use, and copies.
async fn try_copy(own: &OwnDatabase, vectors: &VectorIndex) -> Result<Copied, CopyError> {
    let database = database_of(own).await;
    adopt_store(&database, vectors, ServiceCall::of_operator, deadline()).await?;
    copy_alone(&database, vectors).await
}

/// As a document's job does it.
async fn copy_alone(database: &Database, vectors: &VectorIndex) -> Result<Copied, CopyError> {
    let (scope, call) = (PassageScope::All, ServiceCall::of_operator);
    copy_outdated(database, scope, vectors, call, deadline(), |_| true).await
}

/// One test's own database, tenant and collection.
struct Room {
    own: OwnDatabase,
    tenant: TenantId,
    store: OwnStore,
    vectors: VectorIndex,
}

impl Room {
    async fn new() -> Self {
        let store = OwnStore::new().await;
        Self {
            own: own_database().await,
            tenant: tenant(),
            vectors: store.index().await,
            store,
        }
    }

    /// With documents, called like their texts, that are copied.
    async fn with(texts: &[&str]) -> Self {
        let mut room = Self::new().await;
        for text in texts {
            room.write(text, text).await;
        }
        assert_eq!(room.copy().await, texts.len());
        room
    }

    /// Writes a document of the tenant, or another text of it, with its vectors.
    async fn write(&mut self, name: &str, text: &str) {
        let tenant = self.tenant.clone();
        self.write_for(&tenant, name, text).await;
    }

    async fn write_for(&mut self, tenant: &TenantId, name: &str, text: &str) {
        let (owner, document) = (Owner::Tenant(tenant), document(name, text));
        let written = store::replace(&mut self.own.connection, owner, &document).await;
        assert!(written.unwrap());
        fill(&mut self.own, &self.vectors).await;
    }

    /// The number of documents that a run has copied; it leaves none.
    async fn copy(&self) -> usize {
        self.copy_with(&self.vectors).await
    }

    async fn copy_with(&self, vectors: &VectorIndex) -> usize {
        let copied = try_copy(&self.own, vectors).await.unwrap();
        assert_eq!(copied.left, 0);
        copied.copied
    }

    /// What the tenant finds.
    async fn search(&mut self) -> SearchResult {
        find(&mut self.own, &self.tenant, &self.vectors, question(ASKED)).await
    }

    /// The same once the copy told what is near: a busy store may be too late at first.
    async fn search_by_copy(&mut self) -> SearchResult {
        eventually("the copy is asked", async || {
            let found = self.search().await;
            found.is_by_copy.then_some(found)
        })
        .await
    }

    /// Documents whose copies are outdated.
    async fn count_outdated(&mut self) -> i64 {
        let count = sqlx::query_scalar("SELECT count(*) FROM outdated_copies");
        count.fetch_one(&mut self.own.connection).await.unwrap()
    }

    async fn run_sql(&mut self, sql: &'static str) {
        let run = sqlx::raw_sql(sql);
        run.execute(&mut self.own.connection).await.unwrap();
    }

    async fn id_of(&mut self, name: &str) -> Uuid {
        let id = sqlx::query_scalar("SELECT id FROM documents WHERE reference = $1").bind(name);
        id.fetch_one(&mut self.own.connection).await.unwrap()
    }
}

/// The passages that were found by meaning, the nearest first.
fn contents(found: &SearchResult) -> Vec<&str> {
    let items = found.items.iter();
    let mut near: Vec<_> = items.filter(|item| item.vector_place.is_some()).collect();
    near.sort_by_key(|item| item.vector_place);
    near.iter().map(|item| item.content.as_str()).collect()
}
