//! A store that is away, silent, empty, or written to by others.

use std::time::Duration;

use serde_json::json;
use uuid::Uuid;
use wenzhen::config::EmbeddingSettings;
use wenzhen::deadline::Deadline;
use wenzhen::knowledge::copies::CopyError;
use wenzhen::knowledge::index::Filled;
use wenzhen::knowledge::{Owner, store};
use wenzhen::lambda::Schedule;
use wenzhen_functions::EmbedPassages;
use xtask::services;

use super::super::{database_of, document};
use super::{CAR, NOWHERE, Room, THROAT, collections_url, contents, try_copy};
use crate::support::STACK;
use crate::support::aws_proxy::{AwsProxy, Mode};

/// The database's own index answers, and the scheduled run says that the store is away and ends
/// well: what is outdated is copied when the store is back.
#[tokio::test]
async fn without_the_server_nothing_is_missing() {
    let mut room = Room::with(&[THROAT]).await;
    let gone = room.store.index_at(NOWHERE, |_| ()).await;
    let there = std::mem::replace(&mut room.vectors, gone);
    let found = room.search().await;
    assert!(!found.is_by_copy && !found.degraded);
    assert_eq!(contents(&found), [THROAT]);

    let (owner, document) = (Owner::Tenant(&room.tenant), document(CAR, CAR));
    let written = store::replace(&mut room.own.connection, owner, &document).await;
    assert!(written.unwrap());
    let schedule = EmbedPassages {
        database: database_of(&room.own).await,
        index: Some(room.store.index_at(NOWHERE, |_| ()).await),
    };
    let run = schedule.run(Deadline::after(Duration::from_mins(2))).await;
    assert_eq!(run.unwrap().vectors, Filled { made: 1, left: 0 });
    assert_eq!(room.count_outdated().await, 1);
    let failed = try_copy(&room.own, &room.vectors).await;
    assert!(matches!(failed, Err(CopyError::Store(_))));

    room.vectors = there;
    assert_eq!(room.copy().await, 1);
    assert_eq!(room.store.count().await, 2);
    room.own.remove().await;
}

/// A server that takes its time is not waited for.
#[tokio::test]
async fn a_silent_server_is_left_for_the_database() {
    let mut room = Room::with(&[THROAT]).await;
    let proxy = AwsProxy::in_front_of(services::chroma_url(&STACK), Mode::Pass).await;
    room.vectors = room.store.index_at(&proxy.url, |_| ()).await;
    room.search_by_copy().await;

    proxy.set(Mode::Hold);
    let found = room.search().await;
    assert!(!found.is_by_copy && !found.degraded);
    assert_eq!(contents(&found), [THROAT]);
    proxy.set(Mode::Pass);
    room.search_by_copy().await;
    room.own.remove().await;
}

#[tokio::test]
async fn a_store_that_has_lost_everything_is_filled_again_without_asking_the_model() {
    let mut room = Room::with(&[THROAT]).await;
    room.store.lose().await;
    for _ in 0..2 {
        let found = room.search().await;
        assert_eq!((found.is_by_copy, found.items.len()), (false, 1));
    }

    let no_model = |settings: &mut EmbeddingSettings| {
        settings.tiers[0].base_url = format!("{NOWHERE}/v1").parse().unwrap();
    };
    let url = services::chroma_url(&STACK);
    let without_model = room.store.index_at(&url, no_model).await;
    assert_eq!(room.copy_with(&without_model).await, 1);
    room.search_by_copy().await;
    room.own.remove().await;
}

#[tokio::test]
async fn a_store_that_has_lost_a_part_is_filled_again() {
    let mut room = Room::with(&[THROAT, CAR]).await;
    let throat = room.id_of(THROAT).await;
    let lost = json!({ "where": { "document": { "$eq": throat } } });
    room.store.ask("delete", &lost).await;
    assert_eq!(room.store.count().await, 1);

    assert_eq!(room.copy().await, 2);
    assert_eq!(room.store.count().await, 2);
    room.own.remove().await;
}

/// Who can write into the collection cannot make anybody find less or other things: an answer that
/// names what the database does not know is not believed, and the next run makes the copy anew.
#[tokio::test]
async fn what_the_database_does_not_know_is_not_believed() {
    let mut room = Room::with(&[THROAT]).await;
    let everything = json!({ "include": ["embeddings", "metadatas"] });
    let held = room.store.ask("get", &everything).await;
    let (vector, labels) = (&held["embeddings"][0], &held["metadatas"][0]);
    let document = labels["document"].as_str().unwrap();
    let outdated = format!("{document}:0:{}", "0".repeat(32));
    let unknown = format!("{}:0:{}", Uuid::new_v4(), "0".repeat(32));

    for foreign in ["not ours".to_owned(), outdated, unknown] {
        let body = json!({ "ids": [foreign], "embeddings": [vector], "metadatas": [labels] });
        room.store.ask("upsert", &body).await;
        let found = room.search().await;
        assert_eq!(contents(&found), [THROAT], "{foreign}");
    }
    assert!(!room.search().await.is_by_copy);

    assert_eq!(room.copy().await, 1);
    assert_eq!(room.store.count().await, 1);
    room.search_by_copy().await;
    room.own.remove().await;
}

/// Another program's collection of that name is left alone.
#[tokio::test]
async fn a_collection_that_compares_otherwise_is_not_used() {
    let room = Room::with(&[THROAT]).await;
    let collections = room.store.collections().await;
    let name = &collections[0]["name"];
    room.store.lose().await;
    let foreign = json!({ "name": name, "configuration": { "hnsw": { "space": "l2" } } });
    let made = reqwest::Client::new()
        .post(collections_url())
        .json(&foreign);
    assert!(made.send().await.unwrap().status().is_success());

    let refused = try_copy(&room.own, &room.vectors).await;
    assert!(matches!(refused, Err(CopyError::Store(reason)) if reason.contains("cosine")));
    assert_eq!(room.store.count().await, 0);
    room.own.remove().await;
}
