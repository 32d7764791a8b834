//! Texts as vectors, by the endpoints of one embedding model, asked in order.
//!
//! Each endpoint has a circuit of its own, a share of the call's time, and the same retries as a
//! tier that answers chats. A vector is accepted only with the model's number of dimensions: what
//! another model makes cannot be compared with what the index holds.

use std::fmt::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::attempt::{REPORT_RESERVE, TimeBudget, client_of};
use super::endpoint::{Endpoint, EndpointRequest, fault_of_silence, new_http_client, read_bounded};
use super::fault::Fault;
use super::response::settle_permit;
use super::tier::RETRY_POLICY;
use crate::aws::Secrets;
use crate::config::{ConfigError, EMBEDDINGS, EmbeddingSettings, EmbeddingTierSettings, InputForm};
use crate::deadline::Deadline;
use crate::error::error_chain;
use crate::identity::{TenantId, UserId};
use crate::resilience::breaker::{Admission, Breakers, Circuit};
use crate::resilience::retry;
use crate::setup::Setup;
use crate::telemetry::metrics;
use crate::valkey::Valkey;

/// The largest answer that is read: 256 vectors of 4,000 numbers.
const MAX_ANSWER_BYTES: usize = 16 * 1024 * 1024;

/// Whose calls a job's are, among the users of its tenant. No user's id is `*`.
const JOBS: &str = "*";

/// The vector of a text.
#[derive(Debug, Clone, PartialEq)]
pub struct Embedding(Vec<f32>);

impl Embedding {
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

/// No endpoint gave vectors; the logs say why.
#[derive(Debug, thiserror::Error)]
#[error("no embedding endpoint answered as it should")]
pub struct NoEmbedding {
    /// Whether another try may go better: not if an endpoint refused the texts.
    pub may_pass: bool,
}

/// One embedding model with its endpoints.
pub struct Embedder {
    model: EmbeddingModel,
    batch_size: usize,
    query: InputForm,
    passage: InputForm,
    tiers: Vec<EmbeddingTier>,
    breakers: Breakers,
}

struct EmbeddingTier {
    settings: EmbeddingTierSettings,
    /// The model's name at this endpoint.
    model: String,
    dimensions: usize,
    endpoint: Endpoint,
    circuit: Arc<Circuit>,
}

/// Whose texts they are, and until when vectors are of use.
#[derive(Clone)]
pub struct EmbeddingCall {
    client: String,
    deadline: Deadline,
}

impl EmbeddingCall {
    /// For a person of a tenant, so that circuits can tell their faults from others'.
    pub fn of_user(tenant: &TenantId, user: &UserId, deadline: Deadline) -> Self {
        let client = client_of(tenant, user.as_str());
        Self { client, deadline }
    }

    /// For a job of a tenant, which is no person's in particular.
    pub fn of_job(tenant: &TenantId, deadline: Deadline) -> Self {
        let client = client_of(tenant, JOBS);
        Self { client, deadline }
    }

    /// For an operator, who is no tenant's.
    pub fn of_operator(deadline: Deadline) -> Self {
        Self {
            client: String::new(),
            deadline,
        }
    }
}

/// The name of an endpoint's circuit. No tier's name has a space.
fn circuit_name(tier: &str) -> String {
    format!("{tier} (embeddings)")
}

/// The circuits of all endpoints of a model, beside others of the same fleet.
pub fn embedding_circuits(settings: &EmbeddingSettings, valkey: Option<Arc<Valkey>>) -> Breakers {
    let circuits: Vec<_> = settings
        .tiers
        .iter()
        .map(|tier| {
            let breaker = tier.breaker.clone().with_lease_over(tier.total_timeout());
            (circuit_name(&tier.name), breaker)
        })
        .collect();

    let circuits = circuits.iter();
    let circuits = circuits.map(|(name, settings)| (name.as_str(), settings.clone()));
    Breakers::new(valkey, circuits)
}

impl Embedder {
    /// The model of a function's settings; none if there is none.
    pub async fn from_setup(setup: &Setup) -> Result<Option<Self>, ConfigError> {
        let Some(settings) = setup.embeddings().await? else {
            return Ok(None);
        };
        Self::new(settings, setup.valkey()?, &setup.secrets()).map(Some)
    }

    /// Makes the clients of all endpoints, and their circuits. Nothing is asked yet.
    pub fn new(
        settings: EmbeddingSettings,
        valkey: Option<Arc<Valkey>>,
        secrets: &Arc<Secrets>,
    ) -> Result<Self, ConfigError> {
        let breakers = embedding_circuits(&settings, valkey);
        let mut tiers = Vec::new();
        for tier in settings.tiers {
            let Some(circuit) = breakers.circuit(&circuit_name(&tier.name)) else {
                continue;
            };
            let http = new_http_client(EMBEDDINGS, tier.connect_timeout())?;
            let (url, key) = (&tier.base_url, tier.key.clone());

            tiers.push(EmbeddingTier {
                model: tier.model.clone().unwrap_or_else(|| settings.model.clone()),
                dimensions: usize::from(settings.dimensions),
                endpoint: Endpoint::new(http, url, "embeddings", key, Arc::clone(secrets)),
                circuit: Arc::clone(circuit),
                settings: tier,
            });
        }

        Ok(Self {
            model: EmbeddingModel {
                name: settings.model,
                dimensions: settings.dimensions,
            },
            batch_size: usize::from(settings.batch_size),
            query: settings.query,
            passage: settings.passage,
            tiers,
            breakers,
        })
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
        call: &EmbeddingCall,
    ) -> Result<Vec<Embedding>, NoEmbedding> {
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
        call: &EmbeddingCall,
    ) -> Result<Vec<Embedding>, NoEmbedding> {
        let form = match kind {
            InputKind::Query => &self.query,
            InputKind::Passage => &self.passage,
        };
        let inputs: Vec<_> = texts
            .iter()
            .map(|text| format!("{}{text}", form.prefix))
            .collect();

        let mut may_pass = false;
        for (tier, later) in self.tiers.iter().zip((0..self.tiers.len()).rev()) {
            let later = u32::try_from(later).unwrap_or(u32::MAX);
            let answer_deadline = call.deadline.less(REPORT_RESERVE);
            let share = TimeBudget::among(answer_deadline, later).first_token;

            match tier.embed(&inputs, &form.fields, call, share).await {
                Ok(embeddings) => return Ok(embeddings),
                Err(fault) => {
                    may_pass |= !fault.is_about_the_request();
                    tier.report_fault(&fault);
                }
            }
        }
        Err(NoEmbedding { may_pass })
    }
}

impl EmbeddingTier {
    async fn embed(
        &self,
        inputs: &[String],
        fields: &Map<String, Value>,
        call: &EmbeddingCall,
        share: Deadline,
    ) -> Result<Vec<Embedding>, Fault> {
        let mut body = json!({ "model": self.model, "input": inputs });
        if let Some(body) = body.as_object_mut() {
            let others = fields.iter();
            body.extend(others.map(|(name, value)| (name.clone(), value.clone())));
        }
        let request = &EndpointRequest {
            body: Bytes::from(body.to_string()),
            authorization: self.endpoint.authorization(share).await?,
        };

        let attempt = |_| self.attempt(request, inputs.len(), call, share);
        retry::run(&RETRY_POLICY, share, attempt).await
    }

    /// One call, of which the circuit hears.
    async fn attempt(
        &self,
        request: &EndpointRequest,
        count: usize,
        call: &EmbeddingCall,
        share: Deadline,
    ) -> Result<Vec<Embedding>, Fault> {
        let permit = match self.circuit.admit(&call.client, share).await {
            Admission::Granted(permit) => permit,
            Admission::Refused(refusal) => return Err(refusal.into()),
        };

        let sent_at = Instant::now();
        let timeout = self.settings.total_timeout().min(share.remaining());
        let answer = share.at_most(timeout).run(self.exchange(request, count));
        let answer = answer
            .await
            .unwrap_or_else(|_| Err(fault_of_silence(sent_at.elapsed(), timeout)));
        self.endpoint.mark_used();

        let outcome = Fault::outcome_of(answer.as_ref().err());
        settle_permit(permit, outcome, sent_at.elapsed(), call.deadline).await;
        answer
    }

    async fn exchange(
        &self,
        request: &EndpointRequest,
        count: usize,
    ) -> Result<Vec<Embedding>, Fault> {
        let response = self.endpoint.post(request).await?;
        let body = read_bounded(response, MAX_ANSWER_BYTES).await?;
        read_embeddings(&body, count, self.dimensions)
    }

    /// Logs and counts a fault.
    fn report_fault(&self, fault: &Fault) {
        let tier = self.settings.name.as_str();
        let labels = [("tier", tier), ("fault", &fault.to_string())];
        metrics::count("EmbeddingFault", &labels);

        let causes = error_chain(fault);
        if fault.is_misconfigured() || matches!(fault, Fault::InvalidAnswer(_)) {
            let message = "an embedding tier cannot be used as it is configured";
            tracing::error!(tier, fault = %fault, causes, "{message}");
        } else {
            tracing::warn!(tier, fault = %fault, causes, "an embedding tier failed");
        }
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
