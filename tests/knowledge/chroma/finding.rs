//! What is found by a copy.

use serde_json::json;
use wenzhen::knowledge::{Owner, SearchSide, store};
use wenzhen::locale::Locale;

use super::super::quality::restore_vectors;
use super::super::{document, fill, find, load_starter_documents, question, tenant, vector_index};
use super::{CAR, Room, THROAT, contents};
use crate::support::eventually;

#[tokio::test]
async fn the_copy_finds_what_the_database_finds() {
    let mut room = Room::new().await;
    let documents = load_starter_documents(&mut room.own).await;
    let without = vector_index(|_| ()).await;
    restore_vectors(&mut room.own, &without).await;
    fill(&mut room.own, &without).await;
    assert!(!room.search().await.is_by_copy);
    assert_eq!(room.copy().await, documents.len());
    assert_eq!(room.copy().await, 0);

    for (text, language) in [
        ("嗓子疼，咽口水都疼", Some(Locale::Zh)),
        ("swallowing hurts", Some(Locale::En)),
        ("孩子发烧三十九度怎么办", None),
        ("my knee is swollen after a fall", None),
    ] {
        let mut request = question(text);
        (request.language, request.limit) = (language, 10);
        let mut nearest = Vec::new();
        for vectors in [&room.vectors, &without] {
            let found = eventually("the store has time", async || {
                let request = request.clone();
                let found = find(&mut room.own, &room.tenant, vectors, request).await;
                (found.is_by_copy == vectors.store().is_some()).then_some(found)
            })
            .await;
            assert_eq!(found.searched_by, [SearchSide::Text, SearchSide::Vector]);
            let is_of_language = |it: Locale| language.is_none_or(|wanted| it == wanted);
            assert!(found.items.iter().all(|it| is_of_language(it.language)));
            let three = contents(&found).into_iter().take(3);
            nearest.push(three.map(str::to_owned).collect::<Vec<_>>());
        }
        assert_eq!(nearest[0], nearest[1], "{text}");
    }
    room.own.remove().await;
}

/// The server itself leaves out what the caller may not read: it would take all fifty places.
#[tokio::test]
async fn others_take_no_places_among_the_nearest() {
    let (mut room, other) = (Room::new().await, tenant());
    for number in 0..60 {
        let name = format!("other {number}");
        let document = document(&name, "It hurts when I swallow.");
        let owner = Owner::Tenant(&other);
        let written = store::replace(&mut room.own.connection, owner, &document).await;
        assert!(written.unwrap());
    }
    room.write(CAR, CAR).await;
    assert_eq!(room.copy().await, 61);

    let found = room.search_by_copy().await;
    assert_eq!(contents(&found), [CAR]);
    room.own.remove().await;
}

/// Neither texts nor titles leave the database.
#[tokio::test]
async fn the_server_is_given_no_texts() {
    let room = Room::with(&[THROAT]).await;
    let everything = json!({ "include": ["documents", "metadatas", "uris"] });
    let held = room.store.ask("get", &everything).await;

    assert_eq!(held["documents"], json!([null]));
    let labels = held["metadatas"][0].as_object().unwrap();
    let mut names: Vec<_> = labels.keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["document", "language", "owner"]);
    room.own.remove().await;
}
