//! A real Chroma server holds a copy of the vectors: what it finds, and what happens while it is
//! behind, away or empty.

use std::time::Duration;

use scripted_provider::Provider;
use serde_json::{Value, json};
use tokio::sync::OnceCell;
use wenzhen::ai::ServiceCall;
use wenzhen::config::EmbeddingSettings;
use wenzhen::deadline::Deadline;
use wenzhen::identity::TenantId;
use wenzhen::knowledge::copies::{Copied, CopyError, adopt_store, copy_outdated};
use wenzhen::knowledge::index::{Filled, PassageScope};
use wenzhen::knowledge::{Owner, SearchResult, SearchSide, VectorIndex, index, store};
use wenzhen::lambda::Schedule;
use wenzhen::locale::Locale;
use wenzhen_functions::EmbedPassages;
use xtask::services;

use super::quality::restore_vectors;
use super::{
    database_of, document, fill, find, load_starter_documents, own_database, question, tenant,
    vector_index,
};
use crate::support::aws_proxy::{AwsProxy, Mode};
use crate::support::own_database::OwnDatabase;
use crate::support::{STACK, eventually};

static CHROMA: OnceCell<()> = OnceCell::const_new();

/// An address at which nothing listens.
const NOWHERE: &str = "http://127.0.0.1:9";

/// One test's own collection.
struct OwnStore {
    collection: String,
}

impl OwnStore {
    async fn new() -> Self {
        CHROMA
            .get_or_init(async || services::start_chroma(&STACK).await.unwrap())
            .await;
        let name = uuid::Uuid::new_v4().simple().to_string();
        Self {
            collection: format!("test-{name}"),
        }
    }

    fn settings(&self, url: &str) -> Value {
        json!({ "kind": "chroma", "base_url": url, "collection": self.collection })
    }

    /// The stack's model with this store.
    async fn index(&self) -> VectorIndex {
        self.index_at(&services::chroma_url(&STACK), |_| ()).await
    }

    async fn index_at(
        &self,
        url: &str,
        change: impl FnOnce(&mut EmbeddingSettings),
    ) -> VectorIndex {
        let store = serde_json::from_value(self.settings(url)).unwrap();
        vector_index(|settings| {
            settings.store = Some(store);
            change(settings);
        })
        .await
    }

    /// The server's own words on this test's collections.
    async fn collections(&self) -> Vec<Value> {
        let found: Vec<Value> = get(&collections_url()).await;
        let is_own = |it: &Value| it["name"].as_str().unwrap().starts_with(&self.collection);
        found.into_iter().filter(is_own).collect()
    }

    /// The vectors that the server holds for this test.
    async fn count(&self) -> u64 {
        let mut count = 0;
        for collection in self.collections().await {
            let id = collection["id"].as_str().unwrap();
            let here: u64 = get(&format!("{}/{id}/count", collections_url())).await;
            count += here;
        }
        count
    }

    /// Loses everything.
    async fn lose(&self) {
        for collection in self.collections().await {
            let name = collection["name"].as_str().unwrap();
            let url = format!("{}/{name}", collections_url());
            let deleted = reqwest::Client::new().delete(url).send().await.unwrap();
            assert!(deleted.status().is_success());
        }
    }
}

fn collections_url() -> String {
    let base = services::chroma_url(&STACK);
    format!("{base}/api/v2/tenants/default_tenant/databases/default_database/collections")
}

async fn get<T: serde::de::DeserializeOwned>(url: &str) -> T {
    let answer = reqwest::get(url).await.unwrap();
    answer.json().await.unwrap()
}

/// As the scheduled function does it: takes the store into use, and copies.
async fn try_copy(own: &OwnDatabase, vectors: &VectorIndex) -> Result<Copied, CopyError> {
    let (database, deadline) = (
        database_of(own).await,
        Deadline::after(Duration::from_mins(2)),
    );
    adopt_store(&database, vectors, ServiceCall::of_operator, deadline).await?;
    try_copy_alone(own, vectors).await
}

/// As a document's job does it.
async fn try_copy_alone(own: &OwnDatabase, vectors: &VectorIndex) -> Result<Copied, CopyError> {
    let (database, deadline) = (
        database_of(own).await,
        Deadline::after(Duration::from_mins(2)),
    );
    let (scope, call) = (PassageScope::All, ServiceCall::of_operator);
    copy_outdated(&database, scope, vectors, call, deadline, |_| true).await
}

async fn copy(own: &OwnDatabase, vectors: &VectorIndex) -> usize {
    let copied = try_copy(own, vectors).await.unwrap();
    assert_eq!(copied.left, 0);
    copied.copied
}

async fn search(
    own: &mut OwnDatabase,
    tenant: &TenantId,
    vectors: &VectorIndex,
    text: &str,
) -> SearchResult {
    find(own, tenant, vectors, question(text)).await
}

/// The same once the copy told what is near: on a busy machine the store may be too late at first.
async fn search_by_copy(
    own: &mut OwnDatabase,
    tenant: &TenantId,
    vectors: &VectorIndex,
    text: &str,
) -> SearchResult {
    eventually("the copy is asked", async || {
        let found = search(own, tenant, vectors, text).await;
        found.is_by_copy.then_some(found)
    })
    .await
}

async fn write(own: &mut OwnDatabase, tenant: &TenantId, name: &str, text: &str) {
    let owner = Owner::Tenant(tenant);
    let written = store::replace(&mut own.connection, owner, &document(name, text)).await;
    assert!(written.unwrap());
}

/// Documents whose copies are outdated.
async fn count_outdated(own: &mut OwnDatabase) -> i64 {
    let count = sqlx::query_scalar("SELECT count(*) FROM outdated_copies");
    count.fetch_one(&mut own.connection).await.unwrap()
}

fn contents(found: &SearchResult) -> Vec<(&str, i32)> {
    let mut by_vector: Vec<_> = found
        .items
        .iter()
        .filter(|item| item.vector_place.is_some())
        .collect();
    by_vector.sort_by_key(|item| item.vector_place);
    let passages = by_vector.iter();
    passages
        .map(|item| (item.content.as_str(), item.position))
        .collect()
}

#[tokio::test]
async fn the_copy_finds_what_the_database_finds() {
    let (mut own, store) = (own_database().await, OwnStore::new().await);
    let documents = load_starter_documents(&mut own).await;
    let (with_copy, without) = (store.index().await, vector_index(|_| ()).await);
    restore_vectors(&mut own, &without).await;
    fill(&mut own, &without).await;

    let tenant = tenant();
    let text = "嗓子疼，咽口水都疼";
    assert!(!search(&mut own, &tenant, &with_copy, text).await.is_by_copy);
    assert_eq!(copy(&own, &with_copy).await, documents.len());
    assert_eq!(copy(&own, &with_copy).await, 0);

    for (text, language) in [
        (text, Some(Locale::Zh)),
        ("swallowing hurts", Some(Locale::En)),
        ("孩子发烧三十九度怎么办", None),
        ("my knee is swollen after a fall", None),
    ] {
        let mut request = question(text);
        request.language = language;
        request.limit = 10;
        let mut places = Vec::new();
        for vectors in [&with_copy, &without] {
            let found = eventually("the store has time", async || {
                let found = find(&mut own, &tenant, vectors, request.clone()).await;
                (found.is_by_copy == vectors.store().is_some()).then_some(found)
            })
            .await;
            assert_eq!(found.searched_by, [SearchSide::Text, SearchSide::Vector]);
            let is_of_language = |it: Locale| language.is_none_or(|wanted| it == wanted);
            assert!(found.items.iter().all(|item| is_of_language(item.language)));
            let first: Vec<_> = contents(&found)
                .iter()
                .take(3)
                .map(|(content, position)| ((*content).to_owned(), *position))
                .collect();
            places.push(first);
        }
        assert_eq!(places[0], places[1], "{text}");
    }
    own.remove().await;
}

#[tokio::test]
async fn a_change_is_copied_and_until_then_the_database_answers() {
    let (mut own, store, tenant) = (own_database().await, OwnStore::new().await, tenant());
    let vectors = store.index().await;
    let other = self::tenant();
    write(
        &mut own,
        &tenant,
        "throat",
        "A sore throat passes by itself.",
    )
    .await;
    write(
        &mut own,
        &tenant,
        "car",
        "Change the engine's oil each year.",
    )
    .await;
    write(
        &mut own,
        &other,
        "other",
        "A sore throat of another tenant.",
    )
    .await;
    fill(&mut own, &vectors).await;
    assert_eq!(copy(&own, &vectors).await, 3);

    let text = "swallowing hurts";
    let found = search_by_copy(&mut own, &tenant, &vectors, text).await;
    assert!(found.is_by_copy);
    assert_eq!(found.items.len(), 2, "nothing of another tenant");

    // A new text: the old vector is of no use, and the new one is not copied yet.
    write(&mut own, &tenant, "throat", "How to paint a wall.").await;
    fill(&mut own, &vectors).await;
    let found = search(&mut own, &tenant, &vectors, text).await;
    assert!(!found.is_by_copy);
    assert_eq!(found.items.len(), 2);
    let neighbour = search_by_copy(&mut own, &other, &vectors, text).await;
    assert!(neighbour.is_by_copy, "others' searches are not concerned");
    assert_eq!(copy(&own, &vectors).await, 1);
    search_by_copy(&mut own, &tenant, &vectors, text).await;
    assert_eq!(store.count().await, 3, "the old vector is gone");

    let id = sqlx::query_scalar("SELECT id FROM documents WHERE reference = 'throat'");
    let id = id.fetch_one(&mut own.connection).await.unwrap();
    store::delete(&mut own.connection, &tenant, id)
        .await
        .unwrap();
    let found = search(&mut own, &tenant, &vectors, text).await;
    assert_eq!((found.is_by_copy, found.items.len()), (false, 1));
    assert_eq!(copy(&own, &vectors).await, 1);
    assert_eq!(store.count().await, 2);
    own.remove().await;
}

#[tokio::test]
async fn a_document_of_many_passages_is_copied_whole_and_removed_whole() {
    let (mut own, store, tenant) = (own_database().await, OwnStore::new().await, tenant());
    let text: Vec<_> = (0..450)
        .map(|number| format!("## Part {number}\n\nWhat is said of case {number}."))
        .collect();
    write(&mut own, &tenant, "long", &text.join("\n\n")).await;
    let provider = Provider::anywhere();
    let scripted = |settings: &mut EmbeddingSettings| {
        settings.model = "ngrams".to_owned();
        settings.tiers[0].base_url = provider.url().parse().unwrap();
        settings.batch_size = 64;
    };
    let url = services::chroma_url(&STACK);
    let vectors = store.index_at(&url, scripted).await;
    index::reset(&mut own.connection, vectors.embedder().model())
        .await
        .unwrap();
    let passages = fill(&mut own, &vectors).await;
    assert!(passages > 400, "{passages}");

    assert_eq!(copy(&own, &vectors).await, 1);
    assert_eq!(store.count().await, u64::try_from(passages).unwrap());
    write(&mut own, &tenant, "long", "Nothing is said.").await;
    fill(&mut own, &vectors).await;
    assert_eq!(copy(&own, &vectors).await, 1);
    assert_eq!(store.count().await, 1);
    own.remove().await;
}

/// The database's own index answers, and the scheduled run says that the store is away and ends
/// well: what is outdated is copied when the store is back.
#[tokio::test]
async fn without_the_server_nothing_is_missing() {
    let (mut own, store, tenant) = (own_database().await, OwnStore::new().await, tenant());
    let vectors = store.index().await;
    write(
        &mut own,
        &tenant,
        "throat",
        "A sore throat passes by itself.",
    )
    .await;
    fill(&mut own, &vectors).await;
    copy(&own, &vectors).await;

    let gone = store.index_at(NOWHERE, |_| ()).await;
    let found = search(&mut own, &tenant, &gone, "swallowing hurts").await;
    assert!(!found.is_by_copy && !found.degraded);
    assert_eq!(found.items[0].vector_place, Some(1));

    write(
        &mut own,
        &tenant,
        "car",
        "Change the engine's oil each year.",
    )
    .await;
    let schedule = EmbedPassages {
        database: database_of(&own).await,
        index: Some(gone),
    };
    let run = schedule.run(Deadline::after(Duration::from_mins(2))).await;
    assert_eq!(run.unwrap().vectors, Filled { made: 1, left: 0 });
    assert_eq!(count_outdated(&mut own).await, 1);
    let failed = try_copy(&own, schedule.index.as_ref().unwrap()).await;
    assert!(matches!(failed, Err(CopyError::Store(_))));

    assert_eq!(copy(&own, &vectors).await, 1);
    assert_eq!(store.count().await, 2);
    own.remove().await;
}

#[tokio::test]
async fn a_store_that_has_lost_everything_is_filled_again_without_asking_the_model() {
    let (mut own, store, tenant) = (own_database().await, OwnStore::new().await, tenant());
    let vectors = store.index().await;
    write(
        &mut own,
        &tenant,
        "throat",
        "A sore throat passes by itself.",
    )
    .await;
    fill(&mut own, &vectors).await;
    copy(&own, &vectors).await;

    store.lose().await;
    for _ in 0..2 {
        let found = search(&mut own, &tenant, &vectors, "swallowing hurts").await;
        assert_eq!((found.is_by_copy, found.items.len()), (false, 1));
    }
    let no_model = |settings: &mut EmbeddingSettings| {
        settings.tiers[0].base_url = format!("{NOWHERE}/v1").parse().unwrap();
    };
    let url = services::chroma_url(&STACK);
    let without_model = store.index_at(&url, no_model).await;
    assert_eq!(copy(&own, &without_model).await, 1);

    let found = search_by_copy(&mut own, &tenant, &vectors, "swallowing hurts").await;
    assert!(found.is_by_copy);
    own.remove().await;
}

#[tokio::test]
async fn another_model_has_another_collection() {
    let (mut own, store, tenant) = (own_database().await, OwnStore::new().await, tenant());
    let first = store.index().await;
    write(
        &mut own,
        &tenant,
        "throat",
        "A sore throat passes by itself.",
    )
    .await;
    fill(&mut own, &first).await;
    copy(&own, &first).await;

    let url = services::chroma_url(&STACK);
    let renamed = |settings: &mut EmbeddingSettings| settings.model = "another".to_owned();
    let other = store.index_at(&url, renamed).await;
    assert_eq!(copy(&own, &other).await, 0, "the index is not that model's");
    let found = search_by_copy(&mut own, &tenant, &first, "swallowing hurts").await;
    assert!(found.is_by_copy, "the first model's copy stands");

    index::reset(&mut own.connection, other.embedder().model())
        .await
        .unwrap();
    fill(&mut own, &other).await;
    assert_eq!(copy(&own, &other).await, 1);
    let found = search_by_copy(&mut own, &tenant, &other, "swallowing hurts").await;
    assert!(found.is_by_copy);
    assert_eq!(store.collections().await.len(), 2);
    own.remove().await;
}

/// Neither its vectors are copied, nor is noted what concerns another model's copy.
#[tokio::test]
async fn a_backlog_of_another_model_stays_for_it() {
    let (mut own, store, tenant) = (own_database().await, OwnStore::new().await, tenant());
    let first = store.index().await;
    write(
        &mut own,
        &tenant,
        "throat",
        "A sore throat passes by itself.",
    )
    .await;
    fill(&mut own, &first).await;
    copy(&own, &first).await;
    write(&mut own, &tenant, "throat", "How to paint a wall.").await;
    fill(&mut own, &first).await;

    let url = services::chroma_url(&STACK);
    let renamed = |settings: &mut EmbeddingSettings| settings.model = "another".to_owned();
    let other = store.index_at(&url, renamed).await;
    assert_eq!(copy(&own, &other).await, 0);
    assert_eq!(try_copy_alone(&own, &other).await.unwrap().copied, 0);
    assert_eq!(count_outdated(&mut own).await, 1);
    assert_eq!(copy(&own, &first).await, 1);
    own.remove().await;
}

/// A run that began before the store was changed writes to none of both what the other must hold.
#[tokio::test]
async fn a_run_on_a_collection_that_is_not_in_use_ends() {
    let (mut own, tenant) = (own_database().await, tenant());
    let (one, other) = (OwnStore::new().await, OwnStore::new().await);
    let (before, after) = (one.index().await, other.index().await);
    write(
        &mut own,
        &tenant,
        "throat",
        "A sore throat passes by itself.",
    )
    .await;
    fill(&mut own, &before).await;
    copy(&own, &before).await;
    assert_eq!(copy(&own, &after).await, 1);
    write(&mut own, &tenant, "throat", "How to paint a wall.").await;
    fill(&mut own, &after).await;

    assert_eq!(try_copy_alone(&own, &before).await.unwrap().copied, 0);
    assert_eq!(count_outdated(&mut own).await, 1);
    assert_eq!(copy(&own, &after).await, 1);
    search_by_copy(&mut own, &tenant, &after, "swallowing hurts").await;

    // Taken into use again, the first one holds nothing of before.
    let removed = "DELETE FROM documents";
    sqlx::query(removed)
        .execute(&mut own.connection)
        .await
        .unwrap();
    write(
        &mut own,
        &tenant,
        "car",
        "Change the engine's oil each year.",
    )
    .await;
    fill(&mut own, &before).await;
    assert_eq!(
        copy(&own, &before).await,
        2,
        "the removed one, and the new one"
    );
    assert_eq!(one.count().await, 1);
    own.remove().await;
}

#[tokio::test]
async fn a_document_whose_language_is_corrected_is_found_in_it() {
    let (mut own, store, tenant) = (own_database().await, OwnStore::new().await, tenant());
    let vectors = store.index().await;
    let mut document = document("throat", "A sore throat passes by itself.");
    document.language = Locale::Zh;
    let owner = Owner::Tenant(&tenant);
    store::replace(&mut own.connection, owner, &document)
        .await
        .unwrap();
    fill(&mut own, &vectors).await;
    copy(&own, &vectors).await;

    document.language = Locale::En;
    store::replace(&mut own.connection, owner, &document)
        .await
        .unwrap();
    fill(&mut own, &vectors).await;
    assert_eq!(copy(&own, &vectors).await, 1);
    let mut asked = question("swallowing hurts");
    asked.language = Some(Locale::En);
    let found = eventually("the copy is asked", async || {
        let found = find(&mut own, &tenant, &vectors, asked.clone()).await;
        found.is_by_copy.then_some(found)
    });
    assert_eq!(found.await.items[0].vector_place, Some(1));
    own.remove().await;
}

/// The server itself leaves out what the caller may not read: it would take all fifty places.
#[tokio::test]
async fn others_take_no_places_among_the_nearest() {
    let (mut own, store, tenant) = (own_database().await, OwnStore::new().await, tenant());
    let (vectors, other) = (store.index().await, self::tenant());
    for number in 0..60 {
        let name = format!("other {number}");
        write(&mut own, &other, &name, "It hurts when I swallow.").await;
    }
    write(
        &mut own,
        &tenant,
        "car",
        "Change the engine's oil each year.",
    )
    .await;
    fill(&mut own, &vectors).await;
    assert_eq!(copy(&own, &vectors).await, 61);

    let found = search_by_copy(&mut own, &tenant, &vectors, "swallowing hurts").await;
    assert_eq!(
        contents(&found),
        [("Change the engine's oil each year.", 0)]
    );
    own.remove().await;
}

/// Who can write into the collection cannot make anybody find less or other things: an answer that
/// names what the database does not know is not believed, and the next run makes the copy anew.
#[tokio::test]
async fn what_the_database_does_not_know_is_not_believed() {
    let (mut own, store, tenant) = (own_database().await, OwnStore::new().await, tenant());
    let vectors = store.index().await;
    let text = "A sore throat passes by itself.";
    write(&mut own, &tenant, "throat", text).await;
    fill(&mut own, &vectors).await;
    copy(&own, &vectors).await;

    let id = store.collections().await[0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let (collection, client) = (
        format!("{}/{id}", collections_url()),
        reqwest::Client::new(),
    );
    let everything = json!({ "include": ["embeddings", "metadatas"] });
    let get = client.post(format!("{collection}/get")).json(&everything);
    let held: Value = get.send().await.unwrap().json().await.unwrap();
    let (vector, labels) = (&held["embeddings"][0], &held["metadatas"][0]);
    let document = labels["document"].as_str().unwrap();
    let outdated = format!("{document}:0:{}", "0".repeat(32));
    let unknown = format!("{}:0:{}", uuid::Uuid::new_v4(), "0".repeat(32));
    for foreign in ["not ours".to_owned(), outdated, unknown] {
        let body = json!({ "ids": [foreign], "embeddings": [vector], "metadatas": [labels] });
        let upsert = client.post(format!("{collection}/upsert")).json(&body);
        assert!(upsert.send().await.unwrap().status().is_success());
        let found = search(&mut own, &tenant, &vectors, "swallowing hurts").await;
        assert_eq!(contents(&found), [(text, 0)], "{foreign}");
    }
    assert!(
        !search(&mut own, &tenant, &vectors, "swallowing hurts")
            .await
            .is_by_copy
    );

    assert_eq!(copy(&own, &vectors).await, 1);
    assert_eq!(store.count().await, 1);
    search_by_copy(&mut own, &tenant, &vectors, "swallowing hurts").await;
    own.remove().await;
}

#[tokio::test]
async fn a_store_that_has_lost_a_part_is_filled_again() {
    let (mut own, store, tenant) = (own_database().await, OwnStore::new().await, tenant());
    let vectors = store.index().await;
    write(
        &mut own,
        &tenant,
        "throat",
        "A sore throat passes by itself.",
    )
    .await;
    write(
        &mut own,
        &tenant,
        "car",
        "Change the engine's oil each year.",
    )
    .await;
    fill(&mut own, &vectors).await;
    copy(&own, &vectors).await;

    let id = store.collections().await[0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let throat = "SELECT id FROM documents WHERE reference = 'throat'";
    let throat: uuid::Uuid = sqlx::query_scalar(throat)
        .fetch_one(&mut own.connection)
        .await
        .unwrap();
    let lost = json!({ "where": { "document": { "$eq": throat } } });
    let delete = reqwest::Client::new().post(format!("{}/{id}/delete", collections_url()));
    assert!(
        delete
            .json(&lost)
            .send()
            .await
            .unwrap()
            .status()
            .is_success()
    );
    assert_eq!(store.count().await, 1);

    assert_eq!(copy(&own, &vectors).await, 2);
    assert_eq!(store.count().await, 2);
    own.remove().await;
}

#[tokio::test]
async fn two_runs_at_once_copy_each_document_once() {
    let (mut own, store, tenant) = (own_database().await, OwnStore::new().await, tenant());
    let vectors = store.index().await;
    for number in 0..12 {
        let text = format!("What is said of case {number}.");
        write(&mut own, &tenant, &format!("case {number}"), &text).await;
    }
    fill(&mut own, &vectors).await;

    let (one, other) = futures::join!(try_copy(&own, &vectors), try_copy(&own, &vectors));
    let (one, other) = (one.unwrap(), other.unwrap());
    assert_eq!(one.copied + other.copied, 12, "{one:?}, {other:?}");
    assert_eq!(count_outdated(&mut own).await, 0);
    assert_eq!(store.count().await, 12);
    own.remove().await;
}

/// The run that was under way when a document changed does not end what it has not copied.
#[tokio::test]
async fn a_change_while_a_document_is_copied_is_copied_as_well() {
    let (mut own, store, tenant) = (own_database().await, OwnStore::new().await, tenant());
    let proxy = AwsProxy::in_front_of(services::chroma_url(&STACK), Mode::Pass).await;
    let vectors = store.index_at(&proxy.url, |_| ()).await;
    write(
        &mut own,
        &tenant,
        "car",
        "Change the engine's oil each year.",
    )
    .await;
    fill(&mut own, &vectors).await;
    copy(&own, &vectors).await;

    write(&mut own, &tenant, "throat", "How to paint a wall.").await;
    fill(&mut own, &vectors).await;
    let database = database_of(&own).await;
    proxy.set(Mode::HoldPath("/upsert"));
    let call = ServiceCall::of_operator;
    let deadline = Deadline::after(Duration::from_mins(2));
    let copying = copy_outdated(
        &database,
        PassageScope::All,
        &vectors,
        call,
        deadline,
        |_| true,
    );
    let change = async {
        eventually("the old vector is on its way", async || {
            (proxy.held() > 0).then_some(())
        })
        .await;
        write(
            &mut own,
            &tenant,
            "throat",
            "A sore throat passes by itself.",
        )
        .await;
        fill(&mut own, &vectors).await;
        proxy.set(Mode::Pass);
    };
    let (copied, ()) = futures::join!(copying, change);
    assert_eq!(copied.unwrap().copied, 1);

    assert_eq!(
        (count_outdated(&mut own).await, store.count().await),
        (0, 2)
    );
    let found = search_by_copy(&mut own, &tenant, &vectors, "swallowing hurts").await;
    assert_eq!(contents(&found)[0], ("A sore throat passes by itself.", 0));
    own.remove().await;
}

/// Whoever has lost the lease to another run ends nothing.
#[tokio::test]
async fn a_run_that_has_lost_its_lease_ends_nothing() {
    let (mut own, store, tenant) = (own_database().await, OwnStore::new().await, tenant());
    let proxy = AwsProxy::in_front_of(services::chroma_url(&STACK), Mode::Pass).await;
    let vectors = store.index_at(&proxy.url, |_| ()).await;
    write(
        &mut own,
        &tenant,
        "car",
        "Change the engine's oil each year.",
    )
    .await;
    fill(&mut own, &vectors).await;
    copy(&own, &vectors).await;

    write(
        &mut own,
        &tenant,
        "throat",
        "A sore throat passes by itself.",
    )
    .await;
    fill(&mut own, &vectors).await;
    let database = database_of(&own).await;
    proxy.set(Mode::HoldPath("/upsert"));
    let call = ServiceCall::of_operator;
    let deadline = Deadline::after(Duration::from_mins(2));
    let copying = copy_outdated(
        &database,
        PassageScope::All,
        &vectors,
        call,
        deadline,
        |_| true,
    );
    let lose = async {
        eventually("the vector is on its way", async || {
            (proxy.held() > 0).then_some(())
        })
        .await;
        let leased = "UPDATE outdated_copies
                      SET lease = gen_random_uuid(), leased_until = now() + interval '1 hour'";
        let leased = sqlx::raw_sql(leased);
        leased.execute(&mut own.connection).await.unwrap();
        proxy.set(Mode::Pass);
    };
    let (copied, ()) = futures::join!(copying, lose);
    assert_eq!(copied.unwrap().copied, 0);
    assert_eq!(count_outdated(&mut own).await, 1);

    let died = "UPDATE outdated_copies SET leased_until = now() - interval '1 second'";
    sqlx::raw_sql(died)
        .execute(&mut own.connection)
        .await
        .unwrap();
    assert_eq!(copy(&own, &vectors).await, 1);
    own.remove().await;
}

/// A server that takes its time is not waited for.
#[tokio::test]
async fn a_silent_server_is_left_for_the_database() {
    let (mut own, store, tenant) = (own_database().await, OwnStore::new().await, tenant());
    let proxy = AwsProxy::in_front_of(services::chroma_url(&STACK), Mode::Pass).await;
    let vectors = store.index_at(&proxy.url, |_| ()).await;
    write(
        &mut own,
        &tenant,
        "throat",
        "A sore throat passes by itself.",
    )
    .await;
    fill(&mut own, &vectors).await;
    copy(&own, &vectors).await;
    search_by_copy(&mut own, &tenant, &vectors, "swallowing hurts").await;

    proxy.set(Mode::Hold);
    let found = search(&mut own, &tenant, &vectors, "swallowing hurts").await;
    assert!(!found.is_by_copy && !found.degraded);
    assert_eq!(found.items[0].vector_place, Some(1));
    proxy.set(Mode::Pass);
    search_by_copy(&mut own, &tenant, &vectors, "swallowing hurts").await;
    own.remove().await;
}

/// Without the setting nothing is noted any more.
#[tokio::test]
async fn a_store_that_is_no_longer_wanted_is_forgotten() {
    let (mut own, store, tenant) = (own_database().await, OwnStore::new().await, tenant());
    let (with_copy, without) = (store.index().await, vector_index(|_| ()).await);
    write(
        &mut own,
        &tenant,
        "throat",
        "A sore throat passes by itself.",
    )
    .await;
    fill(&mut own, &with_copy).await;
    copy(&own, &with_copy).await;
    write(&mut own, &tenant, "throat", "How to paint a wall.").await;
    assert_eq!(count_outdated(&mut own).await, 1);

    assert_eq!(copy(&own, &without).await, 0);
    assert_eq!(count_outdated(&mut own).await, 0);
    write(&mut own, &tenant, "throat", "How to mend a chair.").await;
    assert_eq!(count_outdated(&mut own).await, 0);

    // Wanted again, it is brought up to date from what it holds.
    fill(&mut own, &with_copy).await;
    assert_eq!(copy(&own, &with_copy).await, 1);
    assert_eq!(store.count().await, 1);
    own.remove().await;
}

/// Neither texts nor titles leave the database.
#[tokio::test]
async fn the_server_is_given_no_texts() {
    let (mut own, store, tenant) = (own_database().await, OwnStore::new().await, tenant());
    let vectors = store.index().await;
    write(
        &mut own,
        &tenant,
        "throat",
        "A sore throat passes by itself.",
    )
    .await;
    fill(&mut own, &vectors).await;
    copy(&own, &vectors).await;

    let id = store.collections().await[0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let url = format!("{}/{id}/get", collections_url());
    let everything = json!({ "include": ["documents", "metadatas", "uris"] });
    let answer = reqwest::Client::new().post(url).json(&everything);
    let held: Value = answer.send().await.unwrap().json().await.unwrap();
    assert_eq!(held["documents"], json!([null]));
    let labels = held["metadatas"][0].as_object().unwrap();
    let mut names: Vec<_> = labels.keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["document", "language", "owner"]);
    own.remove().await;
}

/// Another program's collection of that name is left alone.
#[tokio::test]
async fn a_collection_that_compares_otherwise_is_not_used() {
    let (mut own, store, tenant) = (own_database().await, OwnStore::new().await, tenant());
    let vectors = store.index().await;
    write(
        &mut own,
        &tenant,
        "throat",
        "A sore throat passes by itself.",
    )
    .await;
    fill(&mut own, &vectors).await;
    copy(&own, &vectors).await;
    let name = store.collections().await[0]["name"]
        .as_str()
        .unwrap()
        .to_owned();
    store.lose().await;
    let foreign = json!({ "name": name, "configuration": { "hnsw": { "space": "l2" } } });
    let made = reqwest::Client::new()
        .post(collections_url())
        .json(&foreign);
    assert!(made.send().await.unwrap().status().is_success());

    let refused = try_copy(&own, &vectors).await;
    assert!(matches!(refused, Err(CopyError::Store(reason)) if reason.contains("cosine")));
    assert_eq!(store.count().await, 0);
    own.remove().await;
}
