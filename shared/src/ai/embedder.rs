//! Texts as vectors, by the endpoints of one embedding model, asked in order.
//!
//! A vector is accepted only with the model's number of dimensions: what another model makes cannot
//! be compared with what the index holds.

use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::json;

use super::fault::Fault;
use super::reranker::{RERANKING, Reranker};
use super::service::{ServiceCall, ServiceKind};
use super::text_tier::{NoNumbers, TextTier, first_answer};
use crate::aws::Secrets;
use crate::config::{ConfigError, EmbeddingSettings, InputForm};
use crate::resilience::breaker::{Breakers, Circuit};
use crate::valkey::Valkey;

const EMBEDDING: ServiceKind = ServiceKind {
    name: "embeddings",
    fault_metric: "EmbeddingFault",
};

/// A vector store's endpoint.
pub const VECTOR_STORE: ServiceKind = ServiceKind {
    name: "vectors",
    fault_metric: "VectorStoreFault",
};

/// The vector of a text.
#[derive(Debug, Clone, PartialEq)]
pub struct Embedding(Vec<f32>);

impl Embedding {
    /// Its numbers, as many as the model has dimensions.
    pub fn numbers(&self) -> &[f32] {
        &self.0
    }

    /// As pgvector reads it: `[0.1,0.2]`.
    pub fn to_sql(&self) -> String {
        let mut text = String::with_capacity(self.0.len() * 10 + 2);
        text.push('[');
        for (index, number) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            // Writing to a string cannot fail.
            _ = write!(text, "{comma}{number}");
        }
        text.push(']');
        text
    }
}

/// Which model makes the vectors. An index holds those of one model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmbeddingModel {
    /// Its name.
    pub name: String,
    /// The numbers of one vector.
    pub dimensions: u16,
}

/// What a text is. Some models place a question beside its answers only if they are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InputKind {
    /// A question.
    Query,
    /// What may answer one.
    Passage,
}

/// One embedding model with its endpoints.
pub struct Embedder {
    model: EmbeddingModel,
    batch_size: usize,
    query: InputForm,
    passage: InputForm,
    tiers: Vec<TextTier>,
    reranker: Option<Reranker>,
    breakers: Breakers,
}

/// The circuits of all endpoints of the knowledge base, beside others of the same fleet.
pub fn embedding_circuits(settings: &EmbeddingSettings, valkey: Option<Arc<Valkey>>) -> Breakers {
    let embedding = settings.tiers.iter().map(|tier| (EMBEDDING, tier));
    let reranking = settings.rerank.iter().flat_map(|rerank| &rerank.tiers);
    let reranking = reranking.map(|tier| (RERANKING, tier));
    let tiers = embedding.chain(reranking).map(|(kind, tier)| {
        let breaker = tier.breaker.clone().with_lease_over(tier.total_timeout());
        (kind.circuit_name(&tier.name), breaker)
    });
    let store = settings.store.iter().map(|store| {
        let breaker = store.breaker.clone().with_lease_over(store.total_timeout());
        (VECTOR_STORE.circuit_name(store.kind.as_str()), breaker)
    });
    let circuits: Vec<_> = tiers.chain(store).collect();

    let circuits = circuits.iter();
    let circuits = circuits.map(|(name, settings)| (name.as_str(), settings.clone()));
    Breakers::new(valkey, circuits)
}

impl Embedder {
    /// Makes the clients of all endpoints, and their circuits. Nothing is asked yet.
    pub fn new(
        settings: EmbeddingSettings,
        valkey: Option<Arc<Valkey>>,
        secrets: &Arc<Secrets>,
    ) -> Result<Self, ConfigError> {
        let breakers = embedding_circuits(&settings, valkey);
        let tiers = TextTier::all(
            EMBEDDING,
            settings.tiers,
            &settings.model,
            &breakers,
            secrets,
        )?;
        let reranker = match settings.rerank {
            Some(rerank) => Some(Reranker::new(rerank, &breakers, secrets)?),
            None => None,
        };

        Ok(Self {
            model: EmbeddingModel {
                name: settings.model,
                dimensions: settings.dimensions,
            },
            batch_size: usize::from(settings.batch_size),
            query: settings.query,
            passage: settings.passage,
            tiers,
            reranker,
            breakers,
        })
    }

    /// The circuit of this name, among those of [`embedding_circuits`].
    pub fn circuit(&self, name: &str) -> Option<&Arc<Circuit>> {
        self.breakers.circuit(name)
    }

    /// The model that puts passages in order, if there is one.
    pub const fn reranker(&self) -> Option<&Reranker> {
        self.reranker.as_ref()
    }

    /// Texts of one call.
    pub const fn batch_size(&self) -> usize {
        self.batch_size
    }

    /// Which model makes the vectors.
    pub const fn model(&self) -> &EmbeddingModel {
        &self.model
    }

    /// The vectors of these texts, in their order: all of them, or none.
    pub async fn embed(
        &self,
        texts: &[String],
        kind: InputKind,
        call: &ServiceCall,
    ) -> Result<Vec<Embedding>, NoNumbers> {
        self.breakers.refresh(call.deadline).await;

        let mut embeddings = Vec::with_capacity(texts.len());
        for batch in texts.chunks(self.batch_size) {
            embeddings.extend(self.embed_batch(batch, kind, call).await?);
        }
        Ok(embeddings)
    }

    /// The vectors of one batch, of the first endpoint that gives them.
    async fn embed_batch(
        &self,
        texts: &[String],
        kind: InputKind,
        call: &ServiceCall,
    ) -> Result<Vec<Embedding>, NoNumbers> {
        let form = match kind {
            InputKind::Query => &self.query,
            InputKind::Passage => &self.passage,
        };
        let inputs: Vec<_> = texts
            .iter()
            .map(|text| format!("{}{text}", form.prefix))
            .collect();

        let body_for = |tier: &TextTier| {
            let mut body = json!({ "model": tier.model, "input": inputs });
            if let Some(body) = body.as_object_mut() {
                let others = form.fields.iter();
                body.extend(others.map(|(name, value)| (name.clone(), value.clone())));
            }
            body
        };
        let dimensions = usize::from(self.model.dimensions);
        let read = |body: &[u8]| read_embeddings(body, texts.len(), dimensions);
        first_answer(&self.tiers, call, body_for, read).await
    }
}

#[derive(Deserialize)]
struct EmbeddingAnswer {
    data: Vec<AnsweredEmbedding>,
}

#[derive(Deserialize)]
struct AnsweredEmbedding {
    index: usize,
    embedding: Vec<f32>,
}

/// The vectors in the order of their texts. Each is there once, has the model's dimensions, and a
/// direction.
fn read_embeddings(body: &[u8], count: usize, dimensions: usize) -> Result<Vec<Embedding>, Fault> {
    let answer: EmbeddingAnswer =
        serde_json::from_slice(body).map_err(|_| Fault::NotACompletion)?;
    let mut answered = answer.data;
    answered.sort_by_key(|embedding| embedding.index);

    let are_all_there = answered
        .iter()
        .map(|embedding| embedding.index)
        .eq(0..count);
    if !are_all_there {
        return Err(Fault::InvalidAnswer("not one vector for each text".into()));
    }
    if answered.iter().any(|it| it.embedding.len() != dimensions) {
        return Err(Fault::InvalidAnswer("vectors of other dimensions".into()));
    }

    let has_direction = |it: &AnsweredEmbedding| {
        let numbers = &it.embedding;
        numbers.iter().all(|number| number.is_finite()) && numbers.iter().any(|&it| it != 0.0)
    };
    if !answered.iter().all(has_direction) {
        return Err(Fault::InvalidAnswer("a vector without a direction".into()));
    }
    Ok(answered
        .into_iter()
        .map(|it| Embedding(it.embedding))
        .collect())
}

/// The longest that a question's vector is waited for, since without it words find too.
pub const QUERY_TIMEOUT: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn read(body: &Value, count: usize) -> Result<Vec<String>, String> {
        let read = read_embeddings(body.to_string().as_bytes(), count, 2);
        let read = read.map(|embeddings| embeddings.iter().map(Embedding::to_sql).collect());
        read.map_err(|fault| fault.to_string())
    }

    fn vector(index: usize, numbers: &[f32]) -> Value {
        json!({ "object": "embedding", "index": index, "embedding": numbers })
    }

    #[test]
    fn vectors_come_in_the_order_of_their_texts() {
        let body = json!({ "data": [vector(1, &[0.5, 1.0]), vector(0, &[-1.0, 0.25])] });
        assert_eq!(read(&body, 2).unwrap(), ["[-1,0.25]", "[0.5,1]"]);
    }

    #[test]
    fn what_cannot_be_compared_is_no_vector() {
        let one = |numbers: &[f32]| json!({ "data": [vector(0, numbers)] });

        let other = "invalid: vectors of other dimensions";
        assert_eq!(read(&one(&[1.0]), 1).unwrap_err(), other);
        let none = "invalid: a vector without a direction";
        assert_eq!(read(&one(&[0.0, 0.0]), 1).unwrap_err(), none);
        let missing = "invalid: not one vector for each text";
        assert_eq!(read(&one(&[1.0, 0.0]), 2).unwrap_err(), missing);
        let twice = json!({ "data": [vector(0, &[1.0, 0.0]), vector(0, &[1.0, 0.0])] });
        assert_eq!(read(&twice, 2).unwrap_err(), missing);
        let text = json!({ "error": "x" });
        assert_eq!(read(&text, 1).unwrap_err(), "not_a_completion");
    }
}
