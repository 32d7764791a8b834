//! The knowledge base in a database of a test's own: whose documents are found, and how well.

use std::collections::HashMap;

use uuid::Uuid;
use wenzhen::identity::TenantId;
use wenzhen::knowledge::{Guidance, NewDocument, Owner, SearchRequest, Source, store};
use wenzhen::locale::Locale;
use xtask::knowledge::read_documents;

use crate::support::own_database::OwnDatabase;
use crate::support::{STACK, new_tenant, own_database};

/// Questions as people put them, each with the document that answers it best: its language and
/// name, and the question.
const QUESTIONS: &str = include_str!("knowledge/questions.tsv");

/// The least shares of questions whose document is among the first five passages, and the mean of
/// one by its place: a little under what was measured, so that a loss shows.
const MIN_FOUND_IN_FIVE: f64 = 0.88;
const MIN_MEAN_RECIPROCAL: f64 = 0.80;

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
    let found = store::search(&mut own.connection, tenant, &question(text)).await;
    found
        .unwrap()
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
    let found = store::find_guidance(&mut own.connection, &tenant(), &request).await;
    found.unwrap()
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

#[tokio::test]
async fn questions_find_the_document_that_answers_them() {
    let mut own = own_database().await;
    let ids = load_starter_documents(&mut own).await;
    let tenant = tenant();

    let (mut asked, mut found_in_five, mut reciprocals) = (0.0, 0.0, 0.0);
    let mut missed = Vec::new();
    for line in QUESTIONS.lines() {
        let [language, name, text] = line.split('\t').collect::<Vec<_>>()[..] else {
            panic!("{line}");
        };
        let wanted = ids[&format!("{language}/{name}")];
        let request = SearchRequest {
            language: Locale::of_tag(language),
            ..question(text)
        };
        let found = store::search(&mut own.connection, &tenant, &request)
            .await
            .unwrap();

        let place = found.iter().position(|found| found.document_id == wanted);
        asked += 1.0;
        match place {
            Some(place) => {
                reciprocals += 1.0 / (1.0 + f64::from(u32::try_from(place).unwrap()));
                found_in_five += f64::from(u8::from(place < 5));
            }
            None => missed.push(line),
        }
    }

    let (share, mean) = (found_in_five / asked, reciprocals / asked);
    println!("{asked} questions: {share:.3} among the first five, mean reciprocal place {mean:.3}");
    assert!(share >= MIN_FOUND_IN_FIVE, "{share} {missed:#?}");
    assert!(mean >= MIN_MEAN_RECIPROCAL, "{mean}");
    own.remove().await;
}
