//! A model that puts what was found in order, and what happens without its answer.

use scripted_provider::Provider;
use serde_json::json;
use wenzhen::deadline::Deadline;
use wenzhen::identity::{TenantId, UserId};
use wenzhen::knowledge::{
    NewDocument, Owner, SearchDegradedReason, SearchRequest, SearchResult, find_passages,
    put_in_order, store,
};

use super::{document, own_database, prepare, question, tenant, vector_index};
use crate::support::own_database::OwnDatabase;

const QUESTION: &str = "zinc oxide paste";

/// Three documents with words of the question; the longest one is not the one whose title has its
/// words.
async fn with_documents() -> (OwnDatabase, TenantId) {
    let mut own = own_database().await;
    let tenant = tenant();
    for (name, text) in [
        ("Zinc oxide", "A paste."),
        (
            "Skin",
            "Zinc, oxide, paste: all of it, and it stands at the end.",
        ),
        ("Paste", "Of flour."),
    ] {
        let document = NewDocument {
            title: name.to_owned(),
            ..document(name, text)
        };
        let owner = Owner::Tenant(&tenant);
        let written = store::replace(&mut own.connection, owner, &document);
        written.await.unwrap();
    }
    (own, tenant)
}

/// The titles in the order in which this model, or each of these in turn, puts them.
async fn ordered_by(
    (own, tenant): &mut (OwnDatabase, TenantId),
    models: &[&str],
    limit: u16,
) -> SearchResult {
    let provider = Provider::anywhere();
    let tiers: Vec<_> = models
        .iter()
        .map(|model| json!({ "name": model, "model": model, "base_url": provider.url() }))
        .collect();
    let rerank = json!({ "model": "m", "candidates": 10, "tiers": tiers });
    let vectors = vector_index(|settings| {
        settings.rerank = serde_json::from_value(rerank).unwrap();
    })
    .await;

    let request = SearchRequest {
        limit,
        ..question(QUESTION)
    };
    let question = prepare(tenant, &vectors, request).await;
    let found = find_passages(&mut own.connection, tenant, &question).await;
    let user = UserId::try_from("someone".to_owned()).unwrap();
    let deadline = Deadline::after(std::time::Duration::from_secs(10));
    let (found, vectors) = (found.unwrap(), Some(&vectors));
    put_in_order(found, &question, vectors, tenant, &user, deadline).await
}

fn titles(found: &SearchResult) -> Vec<&str> {
    found.items.iter().map(|it| it.title.as_str()).collect()
}

#[tokio::test]
async fn passages_come_in_the_models_order() {
    let mut own = with_documents().await;
    let found = ordered_by(&mut own, &["good"], 2).await;

    assert_eq!(titles(&found)[0], "Skin");
    assert_eq!(found.items.len(), 2, "of all candidates the best two");
    assert!(found.items[0].rerank_score > found.items[1].rerank_score);
    let reason = found.degraded_reason;
    assert_ne!(reason, Some(SearchDegradedReason::RerankUnavailable));
    own.0.remove().await;
}

#[tokio::test]
async fn the_next_endpoint_puts_them_in_order() {
    let mut own = with_documents().await;
    let found = ordered_by(&mut own, &["500", "partial", "good"], 3).await;
    assert_eq!(titles(&found)[0], "Skin");
    own.0.remove().await;
}

#[tokio::test]
async fn without_its_answer_they_stay_in_the_order_of_their_places() {
    let mut own = with_documents().await;
    let found = ordered_by(&mut own, &["503"], 2).await;

    assert_eq!(titles(&found)[0], "Zinc oxide");
    assert_eq!(found.items.len(), 2);
    assert!(found.degraded);
    assert!(found.items.iter().all(|it| it.rerank_score.is_none()));
    own.0.remove().await;
}
