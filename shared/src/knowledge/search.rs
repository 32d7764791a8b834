//! Finds passages: by their words, and by their meaning where there is an embedding model.

use serde::{Deserialize, Serialize};
use sqlx::{FromRow, PgConnection};
use uuid::Uuid;

use super::bilingual::terms_of_question;
use super::document::owners_read_by;
use super::request::SearchRequest;
use super::vector_index::{VECTOR_STORE_SEARCH, VectorIndex};
use super::vector_store::{Neighbours, VectorId};
use crate::ai::{Embedding, EmbeddingModel, InputKind, QUERY_TIMEOUT, Reranker, ServiceCall};
use crate::deadline::Deadline;
use crate::error::Error;
use crate::identity::{TenantId, UserId};
use crate::locale::Locale;
use crate::telemetry::metrics;

/// Of a long question's beginning and of its end, so many characters are sent to the model.
const CLIPPED_CHARS: usize = 300;

/// A passage that was found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, FromRow, schemars::JsonSchema)]
pub struct FoundPassage {
    /// The passage's document.
    pub document_id: Uuid,
    /// The document's title.
    pub title: String,
    /// The document's language.
    pub language: Locale,
    /// Publisher and title of the document's source.
    pub source_title: String,
    /// An absolute `https` address.
    pub source_url: String,
    /// The passage's number in the document, from 0.
    pub position: i32,
    /// The heading of its part; empty before the first.
    pub heading: String,
    /// The passage.
    pub content: String,
    /// Where it begins in the document, in characters.
    pub start_char: i32,
    /// Where it ends there.
    pub end_char: i32,
    /// The sum of the reciprocals of 60 and each place: at most 0.033.
    pub score: f32,
    /// How many words of the question it has, those of the title threefold, and a part of one for
    /// how often it has them.
    pub text_score: f32,
    /// Its place among those that have words of the question, from 1 to 50.
    pub text_place: Option<i32>,
    /// Its place among those that mean the same, from 1 to 50.
    pub vector_place: Option<i32>,
    /// How well it answers the question, if a reranking model put the passages in order: only the
    /// order of these numbers means anything.
    #[sqlx(default)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rerank_score: Option<f32>,
}

/// What passages were found by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SearchSide {
    /// Their words.
    Text,
    /// Their meaning.
    Vector,
}

/// Which part of a search failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SearchDegradedReason {
    /// No endpoint made a vector of the question in time.
    EmbeddingsUnavailable,
    /// The index holds no vectors of the model.
    NotIndexed,
    /// No endpoint put the passages in order in time: they are in the order of their places.
    RerankUnavailable,
}

impl SearchDegradedReason {
    const fn as_str(self) -> &'static str {
        match self {
            Self::EmbeddingsUnavailable => "embeddings_unavailable",
            Self::NotIndexed => "not_indexed",
            Self::RerankUnavailable => "rerank_unavailable",
        }
    }
}

/// The passages that answer a question best.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct SearchResult {
    /// The passages, the best first.
    pub items: Vec<FoundPassage>,
    /// What they were found by.
    pub searched_by: Vec<SearchSide>,
    /// Whether a part of the search failed.
    pub degraded: bool,
    /// Which.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub degraded_reason: Option<SearchDegradedReason>,
    /// The question's telling words and pairs of characters; not known of a cached result.
    #[serde(skip)]
    pub terms: usize,
    /// Whether the vector store told what is near, and not the database's own index; not known of
    /// a cached result.
    #[serde(skip)]
    pub is_by_copy: bool,
}

/// A passage with a lower score by words has one word of the complaint in its title and no other,
/// or none and three: the word may mean something else ("mole", "burning", "sick note").
const MIN_FITTING_SCORE: f32 = 4.0;

/// The same for a complaint of one or two words, which says no more than that.
const MIN_FITTING_SCORE_IF_SHORT: f32 = 3.0;

/// Terms of a short complaint.
const SHORT_TERMS: usize = 2;

/// By meaning the passage must be among so many as well.
const MAX_FITTING_PLACE: i32 = 8;

impl SearchResult {
    /// Says that a part failed; of several, the first one stands.
    pub(super) fn mark_degraded(&mut self, reason: SearchDegradedReason) {
        self.degraded = true;
        self.degraded_reason.get_or_insert(reason);
    }

    /// Whether a passage is about what was asked: by words, since something is always near; and
    /// where there are vectors, by meaning.
    pub(super) fn is_fitting(&self, item: &FoundPassage) -> bool {
        let has_vectors = self.searched_by.contains(&SearchSide::Vector);
        let is_near = item
            .vector_place
            .is_some_and(|place| place <= MAX_FITTING_PLACE);
        let min_score = if self.terms <= SHORT_TERMS {
            MIN_FITTING_SCORE_IF_SHORT
        } else {
            MIN_FITTING_SCORE
        };
        item.text_score >= min_score && (is_near || !has_vectors)
    }
}

/// A question ready to be searched for. It may be a patient's words: it has no `Debug`.
pub struct PreparedQuestion {
    request: SearchRequest,
    vector: QuestionVector,
    /// The passages that are found at least, so that they can be put in order.
    candidates: u16,
}

/// What is known of a question's meaning.
enum QuestionVector {
    NotConfigured,
    Unavailable,
    Known {
        model: EmbeddingModel,
        embedding: Embedding,
        /// What the vector store has nearest to it, if there is one and it answers.
        neighbours: Option<Neighbours>,
    },
}

impl PreparedQuestion {
    /// A question that is searched for by its words alone.
    pub const fn of_words(request: SearchRequest) -> Self {
        Self {
            request,
            vector: QuestionVector::NotConfigured,
            candidates: 0,
        }
    }

    /// The passages that were asked for.
    pub(super) fn limit(&self) -> usize {
        usize::from(self.request.limit)
    }

    /// The question as models read it.
    pub(super) fn clipped(&self) -> String {
        clip_question(&self.request.question)
    }

    /// Asks for the question's vector, if there is a model for it, and the vector store for what is
    /// near. Without a vector the question's words are searched for.
    pub async fn new(
        request: SearchRequest,
        index: Option<&VectorIndex>,
        tenant: &TenantId,
        user: &UserId,
        deadline: Deadline,
    ) -> Self {
        let Some(index) = index else {
            return Self::of_words(request);
        };

        let embedder = index.embedder();
        let call = ServiceCall::of_user(tenant, user, deadline.at_most(QUERY_TIMEOUT));
        let texts = [clip_question(&request.question)];
        let vectors = embedder.embed(&texts, InputKind::Query, &call).await;
        let vector = match vectors.ok().and_then(|mut all| all.pop()) {
            Some(embedding) => {
                let language = request.language;
                let near = index.nearest(&embedding, language, tenant, user, deadline);
                QuestionVector::Known {
                    model: embedder.model().clone(),
                    neighbours: near.await,
                    embedding,
                }
            }
            None => QuestionVector::Unavailable,
        };
        Self {
            request,
            vector,
            candidates: embedder.reranker().map_or(0, Reranker::candidates),
        }
    }
}

/// The passages that answer best, of the tenant's own documents and the shared ones;
/// [`super::put_in_order`] makes of them what was asked for.
pub async fn find_passages(
    connection: &mut PgConnection,
    tenant: &TenantId,
    question: &PreparedQuestion,
) -> Result<SearchResult, Error> {
    let request = &question.request;
    let terms = terms_of_question(&request.question, request.language);
    let (known, neighbours) = match &question.vector {
        QuestionVector::Known {
            model,
            embedding,
            neighbours,
        } => (Some((model, embedding)), neighbours.as_ref()),
        QuestionVector::NotConfigured | QuestionVector::Unavailable => (None, None),
    };

    let rows: Vec<SearchRow> = sqlx::query_as(include_str!("sql/search.sql"))
        .bind(owners_read_by(tenant))
        .bind(terms.telling_words())
        .bind(terms.telling_pairs())
        .bind(request.language)
        .bind(i64::from(request.limit.max(question.candidates)))
        .bind(known.map(|(_, embedding)| embedding.to_sql()))
        .bind(known.map(|(model, _)| model.name.as_str()))
        .bind(known.map(|(model, _)| i32::from(model.dimensions)))
        .bind(neighbours.map(|near| near.collection))
        .bind(neighbours.map(|near| column(&near.ids, |id| id.document)))
        .bind(neighbours.map(|near| column(&near.ids, |id| id.position)))
        .bind(neighbours.map(|near| column(&near.ids, |id| id.digest.clone())))
        .fetch_all(connection)
        .await?;
    if neighbours.is_some() {
        let is_used = rows.is_empty() || rows.iter().any(|row| row.is_by_copy);
        let outcome = if is_used { "used" } else { "behind" };
        metrics::count(VECTOR_STORE_SEARCH, &[("outcome", outcome)]);
    }
    let mut result = mark_sides(rows, &question.vector);
    result.terms = terms.count_telling();
    Ok(result)
}

fn column<T>(ids: &[VectorId], part: impl Fn(&VectorId) -> T) -> Vec<T> {
    ids.iter().map(part).collect()
}

/// A passage, and whether the index holds the question's model.
#[derive(FromRow)]
struct SearchRow {
    #[sqlx(flatten)]
    passage: FoundPassage,
    is_indexed: bool,
    is_by_copy: bool,
}

/// The beginning and the end of a long question, in which the latest message stands: no model reads
/// more.
fn clip_question(question: &str) -> String {
    let length = question.chars().count();
    if length <= 2 * CLIPPED_CHARS {
        return question.to_owned();
    }

    let beginning: String = question.chars().take(CLIPPED_CHARS).collect();
    let end: String = question.chars().skip(length - CLIPPED_CHARS).collect();
    format!("{beginning}\n{end}")
}

/// Says what the passages were found by.
fn mark_sides(rows: Vec<SearchRow>, vector: &QuestionVector) -> SearchResult {
    // Where nothing is found at all, nothing was missed.
    let is_indexed = rows.iter().all(|row| row.is_indexed);
    let is_by_copy = rows.iter().any(|row| row.is_by_copy);
    let items = rows.into_iter().map(|row| row.passage).collect();
    let degraded_reason = match vector {
        QuestionVector::NotConfigured => None,
        QuestionVector::Unavailable => Some(SearchDegradedReason::EmbeddingsUnavailable),
        QuestionVector::Known { .. } if is_indexed => None,
        QuestionVector::Known { .. } => Some(SearchDegradedReason::NotIndexed),
    };
    let outcome = degraded_reason.map_or("whole", SearchDegradedReason::as_str);
    metrics::count("KnowledgeSearch", &[("outcome", outcome)]);

    let mut searched_by = vec![SearchSide::Text];
    let has_vector = matches!(vector, QuestionVector::Known { .. }) && is_indexed;
    searched_by.extend(has_vector.then_some(SearchSide::Vector));
    SearchResult {
        items,
        searched_by,
        degraded: degraded_reason.is_some(),
        degraded_reason,
        terms: 0,
        is_by_copy,
    }
}
