//! A Chroma server as a vector store, by its HTTP API, version 2.
//!
//! It is given vectors, ids, owners and languages, and no texts. Tried with Chroma 1.5.9 on one
//! machine; docs/knowledge.md tells what it does not promise.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use http::Method;
use http::header::HeaderName;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};
use url::Url;
use uuid::Uuid;

use super::vector_store::{NearestQuery, Neighbours, StoredVector, VectorId, VectorStore};
use crate::ai::{
    EmbeddingModel, Fault, ServiceAddress, ServiceCall, ServiceEndpoint, ServiceRequest,
    VECTOR_STORE,
};
use crate::aws::Secrets;
use crate::config::{ConfigError, EMBEDDINGS, VectorStoreSettings};
use crate::locale::Locale;
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
    known: Mutex<Option<Uuid>>,
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
            known: Mutex::default(),
        })
    }

    async fn ask<T>(
        &self,
        request: ServiceRequest<'_>,
        call: &ServiceCall,
        read: impl Fn(&[u8]) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let share = call.answer_deadline();
        let answer = self.endpoint.ask(request, call, share, &read).await;
        answer.inspect_err(|fault| {
            if !is_missing(fault) {
                self.endpoint.report_fault(fault);
            }
        })
    }

    /// Asks the collection.
    async fn ask_collection<T>(
        &self,
        operation: &str,
        body: &impl Serialize,
        call: &ServiceCall,
        read: impl Fn(&[u8]) -> Result<T, Fault>,
    ) -> Result<(Uuid, T), Fault> {
        let id = self.collection_id(call).await?;
        let path = format!("collections/{id}/{operation}");
        let request = ServiceRequest::post(&path, body);
        let answer = self.ask(request, call, read).await;

        if answer.as_ref().is_err_and(is_missing) {
            *self.known.lock() = None; // it was made anew, or is gone
        }
        answer.map(|answer| (id, answer))
    }

    /// The id that is known, or else the server's.
    async fn collection_id(&self, call: &ServiceCall) -> Result<Uuid, Fault> {
        let known = *self.known.lock();
        match known {
            Some(id) => Ok(id),
            None => self.find_collection(call).await?.ok_or_else(missing),
        }
    }

    /// The collection's id; none if there is no such collection.
    async fn find_collection(&self, call: &ServiceCall) -> Result<Option<Uuid>, Fault> {
        let path = format!("collections/{}", self.collection_name);
        let request = ServiceRequest::without_body(Method::GET, &path);
        let found = match self.ask(request, call, read_collection).await {
            Ok(id) => Some(id),
            Err(fault) if is_missing(&fault) => None,
            Err(fault) => return Err(fault),
        };
        *self.known.lock() = found;
        Ok(found)
    }

    async fn renew_collection(&self, call: &ServiceCall) -> Result<Uuid, Fault> {
        // One that compares otherwise is another program's: it is refused here, and stays.
        if self.find_collection(call).await?.is_some() {
            let path = format!("collections/{}", self.collection_name);
            let request = ServiceRequest::without_body(Method::DELETE, &path);
            match self.ask(request, call, |_| Ok(())).await {
                Err(fault) if !is_missing(&fault) => return Err(fault),
                _ => {}
            }
        }

        // Its own defaults find half of the nearest ten among ten thousand random vectors.
        let index = json!({
            "space": SPACE,
            "ef_construction": 200,
            "max_neighbors": 32,
            "ef_search": 100,
        });
        let body = json!({
            "name": self.collection_name,
            "get_or_create": true, // a request that is repeated finds what it made
            "configuration": { "hnsw": index },
        });
        let request = ServiceRequest::post("collections", &body);
        let id = self.ask(request, call, read_collection).await?;
        *self.known.lock() = Some(id);
        Ok(id)
    }

    async fn ids_page(
        &self,
        document: Uuid,
        offset: usize,
        call: &ServiceCall,
    ) -> Result<Vec<String>, Fault> {
        let body = json!({
            "where": { "document": { "$eq": document } },
            "limit": MAX_IDS,
            "offset": offset,
            "include": [],
        });
        let read = |body: &[u8]| read_json::<IdsAnswer>(body);
        let (_, answer) = self.ask_collection("get", &body, call, read).await?;
        Ok(answer.ids)
    }
}

impl VectorStore for Chroma {
    fn collection<'a>(
        &'a self,
        call: &'a ServiceCall,
    ) -> BoxFuture<'a, Result<Option<Uuid>, Fault>> {
        self.find_collection(call).boxed()
    }

    fn renew<'a>(&'a self, call: &'a ServiceCall) -> BoxFuture<'a, Result<Uuid, Fault>> {
        self.renew_collection(call).boxed()
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

            let asked = self.ask_collection("query", &body, call, read_neighbours);
            let (collection, ids) = asked.await?;
            Ok(Neighbours { collection, ids })
        }
        .boxed()
    }

    fn count<'a>(&'a self, call: &'a ServiceCall) -> BoxFuture<'a, Result<u64, Fault>> {
        async move {
            let id = self.collection_id(call).await?;
            let path = format!("collections/{id}/count");
            let request = ServiceRequest::without_body(Method::GET, &path);
            self.ask(request, call, |body| read_json(body)).await
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
                    return Ok(read_ids(&ids));
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
            let body = UpsertBody {
                ids: vectors.iter().map(|it| it.id.to_text()).collect(),
                embeddings: vectors.iter().map(|it| it.numbers.as_slice()).collect(),
                metadatas: vectors.iter().map(labels_of).collect(),
            };
            let written = self.ask_collection("upsert", &body, call, |_| Ok(()));
            written.await.map(drop)
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
                self.ask_collection("delete", &body, call, |_| Ok(()))
                    .await?;
            }
            Ok(())
        }
        .boxed()
    }
}

/// Of many numbers, which are written as they are.
#[derive(Serialize)]
struct UpsertBody<'v> {
    ids: Vec<String>,
    embeddings: Vec<&'v [f32]>,
    metadatas: Vec<Labels<'v>>,
}

/// What a vector is asked for by.
#[derive(Serialize)]
struct Labels<'v> {
    owner: &'v str,
    language: Locale,
    document: Uuid,
}

fn labels_of(vector: &StoredVector) -> Labels<'_> {
    Labels {
        owner: &vector.owner,
        language: vector.language,
        document: vector.id.document,
    }
}

/// What the server answers if it has no such collection.
const fn missing() -> Fault {
    Fault::Misconfigured { status: 404 }
}

/// Whether the server has no such collection.
const fn is_missing(fault: &Fault) -> bool {
    matches!(fault, Fault::Misconfigured { status: 404 })
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
    let hash = hex::encode(hash.get(..4).unwrap_or_default());

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
    Ok(read_ids(ids))
}

/// What somebody else has written is passed over.
fn read_ids(ids: &[String]) -> Vec<VectorId> {
    let ids = ids.iter().map(|id| VectorId::from_text(id));
    ids.flatten().collect()
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
