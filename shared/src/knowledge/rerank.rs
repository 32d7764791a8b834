//! Puts what was found in the order in which a model says that it answers the question.

use std::time::Duration;

use super::search::{FoundPassage, PreparedQuestion, SearchDegradedReason, SearchResult};
use super::vector_index::VectorIndex;
use crate::ai::ServiceCall;
use crate::deadline::Deadline;
use crate::identity::{TenantId, UserId};
use crate::telemetry::metrics;

/// The longest that an order is waited for, since there is one without.
const RERANK_TIMEOUT: Duration = Duration::from_secs(3);

/// The result as it is shown: as many passages as were asked for, in the reranking model's order if
/// there is one. Without its answer they stay in the order of their places, and the result says so.
pub async fn put_in_order(
    mut found: SearchResult,
    question: &PreparedQuestion,
    index: Option<&VectorIndex>,
    tenant: &TenantId,
    user: &UserId,
    deadline: Deadline,
) -> SearchResult {
    let reranker = index.and_then(|index| index.embedder().reranker());
    if let Some(reranker) = reranker.filter(|_| found.items.len() > 1) {
        let call = ServiceCall::of_user(tenant, user, deadline.at_most(RERANK_TIMEOUT));
        let texts: Vec<_> = found.items.iter().map(text_of).collect();
        let texts: Vec<_> = texts.iter().map(String::as_str).collect();
        let rated = reranker.rate(&question.clipped(), &texts, &call).await;

        let outcome = if rated.is_ok() { "ordered" } else { "failed" };
        metrics::count("KnowledgeRerank", &[("outcome", outcome)]);
        match rated {
            Ok(ratings) => order_by(&mut found, &ratings),
            Err(_) => found.mark_degraded(SearchDegradedReason::RerankUnavailable),
        }
    }

    found.items.truncate(question.limit());
    found
}

/// A passage as the model reads it: with what it is about.
fn text_of(passage: &FoundPassage) -> String {
    let FoundPassage {
        title,
        heading,
        content,
        ..
    } = passage;
    format!("{title}\n{heading}\n{content}")
}

/// The best rated first; those with the same rating keep their order.
fn order_by(found: &mut SearchResult, ratings: &[f32]) {
    for (passage, rating) in found.items.iter_mut().zip(ratings) {
        passage.rerank_score = Some(*rating);
    }
    let rating = |passage: &FoundPassage| passage.rerank_score.unwrap_or(f32::MIN);
    found
        .items
        .sort_by(|one, other| rating(other).total_cmp(&rating(one)));
}
