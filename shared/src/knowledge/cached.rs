//! Results of searches in the cache.

use std::time::Duration;

use super::request::SearchRequest;
use super::search::SearchResult;
use crate::cache::{Cache, CachePolicy, EntryKind, Key, Tag};
use crate::deadline::Deadline;
use crate::error::error_chain;
use crate::identity::TenantId;

/// The cached values; the number is raised when their form changes.
const SEARCHES: EntryKind<SearchResult> = EntryKind::new("searches", 3);

/// What an operator writes for all tenants is found after five minutes at most; a tenant's own
/// changes are found at once.
pub const CACHE_POLICY: CachePolicy = CachePolicy::new(Duration::from_mins(5));

/// The key of one search. The question is part of it as a hash: it may be a patient's words.
pub fn cache_key(tenant: &TenantId, request: &SearchRequest) -> Key<SearchResult> {
    let language = request.language.map_or("any", |language| language.as_str());
    let (limit, question) = (request.limit, &request.question);
    // A text with a space is hashed.
    let id = format!("{language} {limit} {question}");
    let tag = cache_tag(tenant);
    Key::of_tenant(tenant, &SEARCHES, &id).tagged(&tag)
}

/// Makes a tenant's next searches see what has changed. Without Valkey they may show the old for as
/// long as the cache keeps it, and a log line says so: what was changed stands.
pub async fn forget_searches(cache: &Cache, tenant: &TenantId, deadline: Deadline) {
    if let Err(error) = cache.invalidate(&[cache_tag(tenant)], deadline).await {
        let causes = error_chain(&error);
        tracing::warn!(
            causes,
            "until they expire, cached searches show the old documents"
        );
    }
}

/// The tag of all of a tenant's searches: a document that is brought in belongs into results that
/// do not have it yet.
fn cache_tag(tenant: &TenantId) -> Tag {
    Tag::of_tenant(tenant, "knowledge", "all")
}
