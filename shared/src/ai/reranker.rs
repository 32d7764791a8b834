//! How well passages answer a question, by a model that reads both: slower than comparing vectors,
//! and better.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::json;

use super::fault::Fault;
use super::service::{ServiceCall, ServiceKind};
use super::text_tier::{NoNumbers, TextTier, first_answer};
use crate::aws::Secrets;
use crate::config::{ConfigError, RerankSettings};
use crate::resilience::breaker::Breakers;

pub(super) const RERANKING: ServiceKind = ServiceKind {
    name: "rerank",
    fault_metric: "RerankFault",
};

/// One reranking model with its endpoints.
pub struct Reranker {
    candidates: u16,
    tiers: Vec<TextTier>,
}

impl Reranker {
    pub(super) fn new(
        settings: RerankSettings,
        breakers: &Breakers,
        secrets: &Arc<Secrets>,
    ) -> Result<Self, ConfigError> {
        let RerankSettings {
            model,
            candidates,
            tiers,
        } = settings;
        let tiers = TextTier::all(RERANKING, tiers, &model, breakers, secrets)?;
        Ok(Self { candidates, tiers })
    }

    /// The passages that are put in order for one question.
    pub const fn candidates(&self) -> u16 {
        self.candidates
    }

    /// How well each passage answers the question, in their order; only the order of the numbers
    /// means anything.
    pub async fn rate(
        &self,
        question: &str,
        passages: &[&str],
        call: &ServiceCall,
    ) -> Result<Vec<f32>, NoNumbers> {
        let body_for = |tier: &TextTier| {
            json!({
                "model": tier.model,
                "query": question,
                "documents": passages,
                "top_n": passages.len(),
            })
        };
        let read = |body: &[u8]| read_ratings(body, passages.len());
        first_answer(&self.tiers, call, body_for, read).await
    }
}

/// As Cohere, Jina, vLLM and others answer; as Voyage does; as a bare list.
#[derive(Deserialize)]
#[serde(untagged)]
enum RerankAnswer {
    Results { results: Vec<Rating> },
    Data { data: Vec<Rating> },
    List(Vec<Rating>),
}

#[derive(Deserialize)]
struct Rating {
    index: usize,
    #[serde(alias = "score")]
    relevance_score: f32,
}

/// The ratings in the order of the passages. Each is there once, and a number.
fn read_ratings(body: &[u8], count: usize) -> Result<Vec<f32>, Fault> {
    let answer: RerankAnswer = serde_json::from_slice(body).map_err(|_| Fault::NotACompletion)?;
    let (RerankAnswer::Results {
        results: mut ratings,
    }
    | RerankAnswer::Data { data: mut ratings }
    | RerankAnswer::List(mut ratings)) = answer;
    ratings.sort_by_key(|rating| rating.index);

    if !ratings.iter().map(|rating| rating.index).eq(0..count) {
        return Err(Fault::InvalidAnswer(
            "not one rating for each passage".into(),
        ));
    }
    if ratings.iter().any(|it| !it.relevance_score.is_finite()) {
        return Err(Fault::InvalidAnswer("a rating that is no number".into()));
    }
    Ok(ratings.iter().map(|it| it.relevance_score).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn read(body: &Value) -> Result<Vec<f32>, String> {
        let read = read_ratings(body.to_string().as_bytes(), 2);
        read.map_err(|fault| fault.to_string())
    }

    #[test]
    fn ratings_come_in_the_order_of_their_passages() {
        let best_first = json!([
            { "index": 1, "relevance_score": 0.9, "document": { "text": "x" } },
            { "index": 0, "relevance_score": -2.5 },
        ]);
        let bare = json!([{ "index": 1, "score": 0.9 }, { "index": 0, "score": -2.5 }]);
        for body in [
            json!({ "results": best_first, "id": "r" }),
            json!({ "object": "list", "data": best_first }),
            bare,
        ] {
            assert_eq!(read(&body).unwrap(), [-2.5, 0.9]);
        }
    }

    #[test]
    fn what_is_no_order_is_refused() {
        let missing = "invalid: not one rating for each passage";
        let one = json!({ "index": 0, "relevance_score": 1 });
        assert_eq!(read(&json!({ "results": [one] })).unwrap_err(), missing);
        assert_eq!(
            read(&json!({ "results": [one, one] })).unwrap_err(),
            missing
        );
        assert_eq!(
            read(&json!({ "error": "x" })).unwrap_err(),
            "not_a_completion"
        );
    }
}
