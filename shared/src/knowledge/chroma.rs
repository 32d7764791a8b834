//! A Chroma server as a vector store, by its HTTP API, version 2.
//!
//! It is given vectors, ids, owners and languages, and no texts. Tried with Chroma 1.5.9 on one
//! machine; docs/knowledge.md tells what it does not promise.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use http::header::HeaderName;
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::sync::Mutex;
use url::Url;
use uuid::Uuid;

use super::vector_store::{NearestQuery, Neighbours, StoredVector, VectorId, VectorStore};
use crate::ai::{
    EmbeddingModel, Fault, ServiceAddress, ServiceCall, ServiceEndpoint, VECTOR_STORE,
};
use crate::aws::Secrets;
use crate::config::{ConfigError, EMBEDDINGS, VectorStoreSettings};
use crate::resilience::breaker::Circuit;

/// Whose calls Chroma Cloud, and proxies before a server, tell by their key.
const KEY_HEADER: HeaderName = HeaderName::from_static("x-chroma-token");

/// How vectors are compared: as the database's index does.
const SPACE: &str = "cosine";

/// Ids of one call: Chroma keeps them in an SQL database that takes some thousand at a time.
const MAX_IDS: usize = 1_000;

/// The longest part of a collection's name that tells of the model.
const MAX_MODEL_CHARS: usize = 100;

/// One collection of a Chroma server.
pub struct Chroma {
    endpoint: ServiceEndpoint,
    collection_name: String,
    /// The collection's id, once it is known: one that is made anew has another.
    collection: Mutex<Option<Uuid>>,
}

impl Chroma {
    /// The collection of this model. Nothing is asked yet.
    pub fn new(
        settings: &VectorStoreSettings,
        model: &EmbeddingModel,
        circuit: &Arc<Circuit>,
        secrets: &Arc<Secrets>,
    ) -> Result<Self, ConfigError> {
        let address = ServiceAddress {
            setting: EMBEDDINGS,
            name: settings.kind.as_str(),
            url: &database_url(settings),
            key: settings.key.as_ref(),
            key_header: Some(KEY_HEADER),
            connect_timeout: settings.connect_timeout(),
            total_timeout: settings.total_timeout(),
        };
        Ok(Self {
            endpoint: ServiceEndpoint::new(VECTOR_STORE, address, circuit, secrets)?,
            collection_name: collection_name(&settings.collection, model),
            collection: Mutex::default(),
        })
    }

    async fn ask<T>(
        &self,
        path: &str,
        body: Value,
        call: &ServiceCall,
        read: impl Fn(&[u8]) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let share = call.answer_deadline();
        let answer = self.endpoint.ask(path, &body, call, share, &read).await;
        answer.inspect_err(|fault| self.endpoint.report_fault(fault))
    }

    /// Asks the collection, whose id the server tells first if it is not known.
    async fn ask_collection<T>(
        &self,
        operation: &str,
        body: Value,
        call: &ServiceCall,
        read: impl Fn(&[u8]) -> Result<T, Fault>,
    ) -> Result<(Uuid, T), Fault> {
        let id = self.known_collection(call).await?;
        let path = format!("collections/{id}/{operation}");
        let answer = self.ask(&path, body, call, read).await;

        if matches!(answer, Err(Fault::Misconfigured { status: 404 })) {
            *self.collection.lock().await = None; // it is gone; the next call makes it anew
        }
        answer.map(|answer| (id, answer))
    }

    async fn known_collection(&self, call: &ServiceCall) -> Result<Uuid, Fault> {
        let mut known = self.collection.lock().await;
        if let Some(id) = *known {
            return Ok(id);
        }

        let id = self.open_collection(call).await?;
        *known = Some(id);
        Ok(id)
    }

    /// The collection's id. The server makes it if there is none, and gives back one that is there
    /// as it is, whatever was asked for.
    async fn open_collection(&self, call: &ServiceCall) -> Result<Uuid, Fault> {
        // Its own defaults find half of the nearest ten among ten thousand random vectors.
        let index = json!({
            "space": SPACE,
            "ef_construction": 200,
            "max_neighbors": 32,
            "ef_search": 100,
        });
        let body = json!({
            "name": self.collection_name,
            "get_or_create": true,
            "configuration": { "hnsw": index },
        });
        self.ask("collections", body, call, read_collection).await
    }

    async fn ids_page(
        &self,
        document: Uuid,
        offset: usize,
        call: &ServiceCall,
    ) -> Result<Vec<VectorId>, Fault> {
        let body = json!({
            "where": { "document": { "$eq": document } },
            "limit": MAX_IDS,
            "offset": offset,
            "include": [],
        });
        let read = |body: &[u8]| read_json::<IdsAnswer>(body).and_then(|it| read_ids(&it.ids));
        let (_, ids) = self.ask_collection("get", body, call, read).await?;
        Ok(ids)
    }
}

impl VectorStore for Chroma {
    fn open<'a>(&'a self, call: &'a ServiceCall) -> BoxFuture<'a, Result<Uuid, Fault>> {
        async move {
            let id = self.open_collection(call).await?;
            *self.collection.lock().await = Some(id);
            Ok(id)
        }
        .boxed()
    }

    fn nearest<'a>(
        &'a self,
        query: NearestQuery<'a>,
        call: &'a ServiceCall,
    ) -> BoxFuture<'a, Result<Neighbours, Fault>> {
        async move {
            let owners = json!({ "owner": { "$in": query.owners } });
            let language = query
                .language
                .map(|it| json!({ "language": { "$eq": it } }));
            let conditions: Vec<_> = [owners].into_iter().chain(language).collect();
            let body = json!({
                "query_embeddings": [query.embedding.numbers()],
                "n_results": query.limit,
                "where": { "$and": conditions },
                "include": [],
            });

            let (collection, ids) = self
                .ask_collection("query", body, call, read_neighbours)
                .await?;
            Ok(Neighbours {
                collection,
                documents: ids.iter().map(|id| id.document).collect(),
                positions: ids.iter().map(|id| id.position).collect(),
            })
        }
        .boxed()
    }

    fn ids_of<'a>(
        &'a self,
        document: Uuid,
        call: &'a ServiceCall,
    ) -> BoxFuture<'a, Result<Vec<VectorId>, Fault>> {
        async move {
            let mut ids = Vec::new();
            loop {
                let page = self.ids_page(document, ids.len(), call).await?;
                let is_last = page.len() < MAX_IDS;
                ids.extend(page);
                if is_last {
                    return Ok(ids);
                }
            }
        }
        .boxed()
    }

    fn write<'a>(
        &'a self,
        vectors: &'a [StoredVector],
        call: &'a ServiceCall,
    ) -> BoxFuture<'a, Result<(), Fault>> {
        async move {
            let ids: Vec<_> = vectors.iter().map(|it| it.id.to_text()).collect();
            let numbers: Vec<_> = vectors.iter().map(|it| &it.numbers).collect();
            let labels: Vec<_> = vectors.iter().map(labels_of).collect();
            let body = json!({ "ids": ids, "embeddings": numbers, "metadatas": labels });
            self.ask_collection("upsert", body, call, |_| Ok(()))
                .await
                .map(drop)
        }
        .boxed()
    }

    fn remove<'a>(
        &'a self,
        ids: &'a [VectorId],
        call: &'a ServiceCall,
    ) -> BoxFuture<'a, Result<(), Fault>> {
        async move {
            for ids in ids.chunks(MAX_IDS) {
                let ids: Vec<_> = ids.iter().map(VectorId::to_text).collect();
                let body = json!({ "ids": ids });
                self.ask_collection("delete", body, call, |_| Ok(()))
                    .await?;
            }
            Ok(())
        }
        .boxed()
    }
}

/// What searches ask a vector by.
fn labels_of(vector: &StoredVector) -> Value {
    json!({
        "owner": vector.owner,
        "language": vector.language,
        "document": vector.id.document,
    })
}

/// Where the collections of a database are, behind the server's address.
fn database_url(settings: &VectorStoreSettings) -> Url {
    let mut url = settings.base_url.clone();
    // An address with a host takes segments, and the settings refuse one without.
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty()
            .extend(["api", "v2", "tenants", &settings.tenant])
            .extend(["databases", &settings.database]);
    }
    url
}

/// `PREFIX-MODEL-DIMENSIONS-HASH`: models do not share a collection. Chroma takes letters, digits,
/// dots, underscores and hyphens in a name.
fn collection_name(prefix: &str, model: &EmbeddingModel) -> String {
    let EmbeddingModel { name, dimensions } = model;
    let hash = Sha256::digest(name.as_bytes());
    let hash: Vec<_> = hash.iter().take(4).map(|it| format!("{it:02x}")).collect();
    let hash = hash.concat();

    let is_fitting = |it: char| it.is_ascii_alphanumeric() || "._-".contains(it);
    let name = name.chars().take(MAX_MODEL_CHARS);
    let name: String = name
        .map(|it| if is_fitting(it) { it } else { '-' })
        .collect();
    format!("{prefix}-{name}-{dimensions}-{hash}")
}

fn read_json<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Fault> {
    serde_json::from_slice(body).map_err(|_| Fault::InvalidAnswer("not what Chroma answers".into()))
}

#[derive(Deserialize)]
struct CollectionAnswer {
    id: Uuid,
    configuration_json: CollectionConfiguration,
}

/// One kind of index or the other.
#[derive(Deserialize)]
struct CollectionConfiguration {
    #[serde(default)]
    hnsw: Option<IndexConfiguration>,
    #[serde(default)]
    spann: Option<IndexConfiguration>,
}

#[derive(Deserialize)]
struct IndexConfiguration {
    space: String,
}

fn read_collection(body: &[u8]) -> Result<Uuid, Fault> {
    let answer: CollectionAnswer = read_json(body)?;
    let CollectionConfiguration { hnsw, spann } = answer.configuration_json;
    let is_fitting = hnsw.or(spann).is_some_and(|index| index.space == SPACE);
    if !is_fitting {
        let problem = "its collection of this name does not compare by cosine";
        return Err(Fault::InvalidAnswer(problem.into()));
    }
    Ok(answer.id)
}

#[derive(Deserialize)]
struct IdsAnswer {
    ids: Vec<String>,
}

#[derive(Deserialize)]
struct NeighboursAnswer {
    ids: Vec<Vec<String>>,
}

/// The neighbours of the one question that was asked.
fn read_neighbours(body: &[u8]) -> Result<Vec<VectorId>, Fault> {
    let answer: NeighboursAnswer = read_json(body)?;
    let ids = answer.ids.first().map_or(&[][..], Vec::as_slice);
    read_ids(ids)
}

fn read_ids(ids: &[String]) -> Result<Vec<VectorId>, Fault> {
    let ids = ids.iter().map(|id| VectorId::from_text(id));
    let ids: Option<Vec<_>> = ids.collect();
    ids.ok_or_else(|| Fault::InvalidAnswer("an id that is not ours".into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(name: &str) -> EmbeddingModel {
        EmbeddingModel {
            name: name.to_owned(),
            dimensions: 384,
        }
    }

    #[test]
    fn models_that_differ_in_one_character_have_two_collections() {
        let one = collection_name("wenzhen", &model("intfloat/e5:small"));
        let other = collection_name("wenzhen", &model("intfloat/e5 small"));

        assert!(one.starts_with("wenzhen-intfloat-e5-small-384-"), "{one}");
        assert_ne!(one, other);
        let long = collection_name("wenzhen", &model(&"模".repeat(3_000)));
        assert!(long.is_ascii() && long.len() < 512, "{long}");
    }

    #[test]
    fn names_of_the_settings_cannot_leave_their_place_in_the_address() {
        let settings = json!({
            "kind": "chroma",
            "base_url": "http://127.0.0.1:8000/proxy/",
            "tenant": "../a b",
            "database": "c/d?e",
        });
        let settings: VectorStoreSettings = serde_json::from_value(settings).unwrap();
        let expected = "http://127.0.0.1:8000/proxy/api/v2/tenants/..%2Fa%20b/databases/c%2Fd%3Fe";
        assert_eq!(database_url(&settings).as_str(), expected);
    }

    #[test]
    fn a_collection_that_compares_otherwise_is_refused() {
        let answer = |space: &str| {
            let index = json!({ "space": space });
            let body = json!({
                "id": Uuid::nil(),
                "configuration_json": { "hnsw": index, "spann": null },
            });
            read_collection(body.to_string().as_bytes())
        };
        assert_eq!(answer("cosine").unwrap(), Uuid::nil());
        let refused = answer("l2").unwrap_err().to_string();
        assert!(refused.contains("cosine"), "{refused}");
    }
}
