//! The knowledge base in a database of a test's own: whose documents are found, and how well.

mod chroma;
mod quality;
mod rerank;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;
use wenzhen::ai::ServiceCall;
use wenzhen::aws::Secrets;
use wenzhen::config::{DatabaseAuth, DatabaseSettings, EmbeddingSettings};
use wenzhen::deadline::Deadline;
use wenzhen::identity::{TenantId, UserId};
use wenzhen::knowledge::index::{FillError, Filled, PassageScope};
use wenzhen::knowledge::{
    Guidance, NewDocument, Owner, PreparedQuestion, SearchDegradedReason, SearchRequest,
    SearchResult, SearchSide, Source, VectorIndex, find_passages, index, store,
};
use wenzhen::locale::Locale;
use wenzhen::postgres::Database;
use xtask::knowledge::read_documents;

use crate::support::own_database::OwnDatabase;
use crate::support::{STACK, eventually, new_tenant, own_database};

fn tenant() -> TenantId {
    TenantId::try_from(new_tenant()).unwrap()
}

fn document(reference: &str, content: &str) -> NewDocument {
    NewDocument {
        reference: reference.to_owned(),
        language: Locale::En,
        title: "Glow worm bites".to_owned(),
        also: String::new(),
        source: Source {
            title: "A field guide".to_owned(),
            url: "https://example.org/".to_owned(),
        },
        content: content.to_owned(),
    }
}

fn question(text: &str) -> SearchRequest {
    SearchRequest {
        question: text.to_owned(),
        language: None,
        limit: 20,
    }
}

async fn contents(own: &mut OwnDatabase, tenant: &TenantId, text: &str) -> Vec<String> {
    let question = PreparedQuestion::of_words(question(text));
    let found = find_passages(&mut own.connection, tenant, &question).await;
    found
        .unwrap()
        .items
        .into_iter()
        .map(|found| found.content)
        .collect()
}

#[tokio::test]
async fn a_tenants_document_is_found_by_it_alone_and_a_shared_one_by_all() {
    let mut own = own_database().await;
    let (one, other) = (tenant(), tenant());
    let mine = document("mine", "It glows at night.");
    let shared = document("shared", "It glows for everybody.");
    store::replace(&mut own.connection, Owner::Tenant(&one), &mine)
        .await
        .unwrap();
    store::replace(&mut own.connection, Owner::Shared, &shared)
        .await
        .unwrap();

    let found = contents(&mut own, &one, "glowing").await;
    assert_eq!(found.len(), 2, "{found:?}");
    let found = contents(&mut own, &other, "glowing").await;
    assert_eq!(found, ["It glows for everybody."]);
    own.remove().await;
}

#[tokio::test]
async fn writing_a_document_again_replaces_it_and_the_same_changes_nothing() {
    let mut own = own_database().await;
    let tenant = tenant();
    let owner = Owner::Tenant(&tenant);
    let write = async |own: &mut OwnDatabase, content: &str| {
        let document = document("one", content);
        store::replace(&mut own.connection, owner, &document)
            .await
            .unwrap()
    };

    assert!(write(&mut own, "Rub it with mint.").await);
    assert!(!write(&mut own, "Rub it with mint.").await);
    assert!(write(&mut own, "Rub it with thyme.").await);
    assert_eq!(
        contents(&mut own, &tenant, "mint").await,
        Vec::<String>::new()
    );
    assert_eq!(
        contents(&mut own, &tenant, "thyme").await,
        ["Rub it with thyme."]
    );

    let versions: Vec<i32> = sqlx::query_scalar("SELECT version FROM documents")
        .fetch_all(&mut own.connection)
        .await
        .unwrap();
    assert_eq!(versions, [2]);
    own.remove().await;
}

async fn guidance_on(own: &mut OwnDatabase, text: &str, language: Locale) -> Option<Guidance> {
    let request = SearchRequest {
        language: Some(language),
        ..question(text)
    };
    let question = PreparedQuestion::of_words(request);
    let found = find_passages(&mut own.connection, &tenant(), &question).await;
    let guidance = store::find_guidance(&mut own.connection, &tenant(), &found.unwrap()).await;
    guidance.unwrap()
}

#[tokio::test]
async fn guidance_is_of_the_language_and_only_if_something_fits() {
    let mut own = own_database().await;
    load_starter_documents(&mut own).await;

    let guidance = guidance_on(&mut own, "my throat hurts when I swallow", Locale::En).await;
    let guidance = guidance.unwrap();
    assert_eq!(guidance.title, "Sore throat");
    assert!(!guidance.home.is_empty() && !guidance.care.is_empty());

    let chinese = guidance_on(&mut own, "嗓子疼", Locale::Zh).await;
    assert!(!chinese.unwrap().overview.is_ascii());
    let cold = guidance_on(&mut own, "咳嗽三天，有点流鼻涕", Locale::Zh).await;
    assert_eq!(cold.unwrap().title, "普通感冒");
    for text in ["qwertyzxcvb", "", "？？"] {
        let none = guidance_on(&mut own, text, Locale::Zh).await;
        assert!(none.is_none(), "{text}");
    }
    own.remove().await;
}

async fn load_starter_documents(own: &mut OwnDatabase) -> HashMap<String, Uuid> {
    let documents = read_documents(&STACK.root.join("infra/knowledge")).unwrap();
    assert!(documents.len() >= 80, "{}", documents.len());
    for document in &documents {
        store::replace(&mut own.connection, Owner::Shared, document)
            .await
            .unwrap();
    }

    let ids: Vec<(String, Uuid)> = sqlx::query_as("SELECT reference, id FROM documents")
        .fetch_all(&mut own.connection)
        .await
        .unwrap();
    ids.into_iter().collect()
}

/// The model of the stack, or another one at the same endpoint.
async fn vector_index(change: impl FnOnce(&mut EmbeddingSettings)) -> VectorIndex {
    let json = STACK.env("EMBEDDINGS").unwrap();
    let mut settings = EmbeddingSettings::parse(&json).unwrap();
    change(&mut settings);

    let secrets = Arc::new(Secrets::new(&wenzhen::aws::sdk_config().await));
    VectorIndex::new(settings, None, &secrets).unwrap()
}

fn operator() -> ServiceCall {
    ServiceCall::of_operator(Deadline::after(Duration::from_mins(2)))
}

async fn database_of(own: &OwnDatabase) -> Database {
    let settings = DatabaseSettings {
        url: own.url.parse().unwrap(),
        auth: DatabaseAuth::Url,
    };
    Database::new(&settings).await.unwrap()
}

async fn try_fill(own: &OwnDatabase, vectors: &VectorIndex) -> Result<Filled, FillError> {
    let database = database_of(own).await;
    index::fill_missing(
        &database,
        PassageScope::All,
        vectors.embedder(),
        operator,
        |_| true,
    )
    .await
}

async fn fill(own: &mut OwnDatabase, vectors: &VectorIndex) -> usize {
    try_fill(own, vectors).await.unwrap().made
}

async fn prepare(
    tenant: &TenantId,
    vectors: &VectorIndex,
    request: SearchRequest,
) -> PreparedQuestion {
    let user = UserId::try_from("someone".to_owned()).unwrap();
    let deadline = Deadline::after(Duration::from_secs(10));
    PreparedQuestion::new(request, Some(vectors), tenant, &user, deadline).await
}

/// What is found once the model has had time for the question: other tests ask it as well.
async fn find(
    own: &mut OwnDatabase,
    tenant: &TenantId,
    vectors: &VectorIndex,
    request: SearchRequest,
) -> SearchResult {
    eventually("the model has time for the question", async || {
        let question = prepare(tenant, vectors, request.clone()).await;
        let found = find_passages(&mut own.connection, tenant, &question).await;
        let found = found.unwrap();
        let is_late = found.degraded_reason == Some(SearchDegradedReason::EmbeddingsUnavailable);
        (!is_late).then_some(found)
    })
    .await
}

#[tokio::test]
async fn a_passage_is_found_by_its_meaning_and_both_places_are_told() {
    let mut own = own_database().await;
    let (tenant, vectors) = (tenant(), vector_index(|_| ()).await);
    let owner = Owner::Tenant(&tenant);
    for (name, text) in [
        (
            "throat",
            "A painful throat usually gets better by itself within a week.",
        ),
        ("car", "Change the oil of the engine every year."),
    ] {
        let document = NewDocument {
            title: name.to_owned(),
            ..document(name, text)
        };
        store::replace(&mut own.connection, owner, &document)
            .await
            .unwrap();
    }
    assert_eq!(fill(&mut own, &vectors).await, 2);
    assert_eq!(fill(&mut own, &vectors).await, 0);

    let asked = question("swallowing hurts");
    let found = find(&mut own, &tenant, &vectors, asked.clone()).await;
    assert_eq!(found.searched_by, [SearchSide::Text, SearchSide::Vector]);
    assert!(!found.degraded);
    let first = &found.items[0];
    assert_eq!(
        (first.title.as_str(), first.vector_place),
        ("throat", Some(1))
    );
    assert_eq!(first.text_place, None);

    let found = find(&mut own, &self::tenant(), &vectors, asked).await;
    assert_eq!(
        found.items,
        [],
        "another tenant finds nothing by meaning either"
    );
    own.remove().await;
}

#[tokio::test]
async fn an_index_of_another_model_is_not_mixed_and_reindexing_replaces_it() {
    let mut own = own_database().await;
    let (tenant, first) = (tenant(), vector_index(|_| ()).await);
    let worm = document("one", "It glows at night.");
    let owner = Owner::Tenant(&tenant);
    store::replace(&mut own.connection, owner, &worm)
        .await
        .unwrap();
    fill(&mut own, &first).await;

    let other = vector_index(|settings| settings.model = "another".to_owned()).await;
    let adopted = index::adopt_model(&mut own.connection, other.embedder().model()).await;
    assert!(!adopted.unwrap());
    let refused = try_fill(&own, &other).await;
    assert!(matches!(refused, Err(FillError::OtherModel)));

    let asked = question("glowing");
    let found = find(&mut own, &tenant, &other, asked.clone()).await;
    assert_eq!(found.searched_by, [SearchSide::Text]);
    assert_eq!(
        found.degraded_reason,
        Some(SearchDegradedReason::NotIndexed)
    );
    assert_eq!(found.items.len(), 1);

    index::reset(&mut own.connection, other.embedder().model())
        .await
        .unwrap();
    assert_eq!(fill(&mut own, &other).await, 1);
    let found = find(&mut own, &tenant, &other, asked).await;
    assert_eq!(found.searched_by, [SearchSide::Text, SearchSide::Vector]);
    own.remove().await;
}

#[tokio::test]
async fn without_the_model_words_find_and_the_answer_says_so() {
    let mut own = own_database().await;
    let tenant = tenant();
    let worm = document("one", "It glows at night.");
    let owner = Owner::Tenant(&tenant);
    store::replace(&mut own.connection, owner, &worm)
        .await
        .unwrap();

    let gone = vector_index(|settings| {
        settings.tiers[0].base_url = "http://127.0.0.1:9/v1".parse().unwrap();
    })
    .await;
    let question = prepare(&tenant, &gone, question("glowing")).await;
    let found = find_passages(&mut own.connection, &tenant, &question)
        .await
        .unwrap();

    assert_eq!(found.items.len(), 1);
    assert!(found.degraded);
    let reason = Some(SearchDegradedReason::EmbeddingsUnavailable);
    assert_eq!(found.degraded_reason, reason);
    own.remove().await;
}

/// The endpoint is away: nothing is made, and nothing is lost.
#[tokio::test]
async fn what_could_not_be_made_is_made_later() {
    let mut own = own_database().await;
    for name in ["one", "two"] {
        let worm = document(name, "It glows at night.");
        store::replace(&mut own.connection, Owner::Shared, &worm)
            .await
            .unwrap();
    }
    let gone = vector_index(|settings| {
        settings.tiers[0].base_url = "http://127.0.0.1:9/v1".parse().unwrap();
    })
    .await;
    let nothing = Filled { made: 0, left: 2 };
    assert_eq!(try_fill(&own, &gone).await.unwrap(), nothing);

    let back = vector_index(|_| ()).await;
    assert_eq!(fill(&mut own, &back).await, 2);
    own.remove().await;
}

/// A tenant with a hundredth of all passages finds as many as it asks for: a scan of the index that
/// stopped at its first neighbours would find hardly any of them.
#[tokio::test]
async fn a_small_tenant_among_large_ones_finds_enough_by_meaning() {
    let mut own = own_database().await;
    let (small, vectors) = (tenant(), vector_index(|_| ()).await);
    let embedding = "(SELECT array_agg(random() - 0.5)::real[]::halfvec(384)
                      FROM generate_series(1, 384) WHERE n > 0)";
    let sql = format!(
        "INSERT INTO documents (tenant_id, id, reference, language, title, source_title,
                                source_url, content)
         SELECT tenant, gen_random_uuid(), tenant, 'en', 't', 's', 'https://example.org/', 'c'
         FROM unnest(ARRAY['large', '{small}']) tenant;
         INSERT INTO passages (tenant_id, document_id, position, heading, content, start_char,
                               end_char, terms, embedding)
         SELECT tenant_id, id, n, '', 'c', 0, 1, '', {embedding}
         FROM documents, generate_series(1, CASE tenant_id WHEN 'large' THEN 5000 ELSE 50 END) n;
         ANALYZE passages;",
        small = small.as_str(),
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql))
        .execute(&mut own.connection)
        .await
        .unwrap();
    assert!(
        index::adopt_model(&mut own.connection, vectors.embedder().model())
            .await
            .unwrap()
    );
    sqlx::raw_sql("SET enable_seqscan = off; SET enable_bitmapscan = off; SET enable_sort = off")
        .execute(&mut own.connection)
        .await
        .unwrap();

    let found = find(&mut own, &small, &vectors, question("anything at all")).await;
    assert_eq!(found.items.len(), 20);
    let kept: String = sqlx::query_scalar("SELECT current_setting('hnsw.iterative_scan')")
        .fetch_one(&mut own.connection)
        .await
        .unwrap();
    assert_eq!(kept, "off", "the setting holds for the search alone");
    own.remove().await;
}
