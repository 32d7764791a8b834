//! What happens when documents change, and when several copy them.

use scripted_provider::Provider;
use wenzhen::config::EmbeddingSettings;
use wenzhen::knowledge::{Owner, index, store};
use wenzhen::locale::Locale;
use xtask::services;

use super::super::{database_of, document, fill, find, question, tenant, vector_index};
use super::{CAR, OwnStore, Room, THROAT, WALL, contents, copy_alone, try_copy};
use crate::support::aws_proxy::{AwsProxy, Mode};
use crate::support::{STACK, eventually};

#[tokio::test]
async fn a_change_is_copied_and_until_then_the_database_answers() {
    let (mut room, other) = (Room::with(&[THROAT, CAR]).await, tenant());
    room.write_for(&other, "other", THROAT).await;
    assert_eq!(room.copy().await, 1);
    let found = room.search_by_copy().await;
    assert_eq!(found.items.len(), 2, "nothing of another tenant");

    room.write(THROAT, WALL).await;
    let found = room.search().await;
    assert_eq!((found.is_by_copy, found.items.len()), (false, 2));
    let own_tenant = std::mem::replace(&mut room.tenant, other);
    room.search_by_copy().await; // others' searches are not concerned
    room.tenant = own_tenant;
    assert_eq!(room.copy().await, 1);
    room.search_by_copy().await;
    assert_eq!(room.store.count().await, 3, "the old vector is gone");

    let id = room.id_of(THROAT).await;
    let deleted = store::delete(&mut room.own.connection, &room.tenant, id).await;
    deleted.unwrap();
    let found = room.search().await;
    assert_eq!((found.is_by_copy, found.items.len()), (false, 1));
    assert_eq!(room.copy().await, 1);
    assert_eq!(room.store.count().await, 2);
    room.own.remove().await;
}

#[tokio::test]
async fn a_document_of_many_passages_is_copied_whole_and_removed_whole() {
    let (mut room, provider) = (Room::new().await, Provider::anywhere());
    let scripted = |settings: &mut EmbeddingSettings| {
        settings.model = "ngrams".to_owned();
        settings.tiers[0].base_url = provider.url().parse().unwrap();
        settings.batch_size = 64;
    };
    let url = services::chroma_url(&STACK);
    room.vectors = room.store.index_at(&url, scripted).await;
    let model = room.vectors.embedder().model();
    index::reset(&mut room.own.connection, model).await.unwrap();

    let parts = (0..450).map(|part| format!("## Part {part}\n\nWhat is said of case {part}."));
    let text: Vec<_> = parts.collect();
    room.write("long", &text.join("\n\n")).await;
    assert_eq!(room.copy().await, 1);
    assert!(room.store.count().await > 400);
    room.write("long", "Nothing is said.").await;
    assert_eq!(room.copy().await, 1);
    assert_eq!(room.store.count().await, 1);
    room.own.remove().await;
}

#[tokio::test]
async fn a_document_whose_language_is_corrected_is_found_in_it() {
    let mut room = Room::new().await;
    let mut document = document(THROAT, THROAT);
    for language in [Locale::Zh, Locale::En] {
        document.language = language;
        let owner = Owner::Tenant(&room.tenant);
        let written = store::replace(&mut room.own.connection, owner, &document).await;
        assert!(written.unwrap());
        fill(&mut room.own, &room.vectors).await;
        assert_eq!(room.copy().await, 1);
    }

    let mut asked = question(super::ASKED);
    asked.language = Some(Locale::En);
    let found = eventually("the copy is asked", async || {
        let found = find(&mut room.own, &room.tenant, &room.vectors, asked.clone()).await;
        found.is_by_copy.then_some(found)
    });
    assert_eq!(contents(&found.await), [THROAT]);
    room.own.remove().await;
}

#[tokio::test]
async fn another_model_has_another_collection() {
    let mut room = Room::with(&[THROAT]).await;
    let url = services::chroma_url(&STACK);
    let renamed = |settings: &mut EmbeddingSettings| settings.model = "another".to_owned();
    let other = room.store.index_at(&url, renamed).await;

    // Neither are its vectors copied, nor is a backlog of the first model's taken away.
    room.write(THROAT, WALL).await;
    assert_eq!(try_copy(&room.own, &other).await.unwrap().copied, 0);
    assert_eq!(
        copy_alone(&database_of(&room.own).await, &other)
            .await
            .unwrap()
            .copied,
        0
    );
    assert_eq!(room.count_outdated().await, 1);
    assert_eq!(room.copy().await, 1);
    room.search_by_copy().await;

    let model = other.embedder().model();
    index::reset(&mut room.own.connection, model).await.unwrap();
    fill(&mut room.own, &other).await;
    room.vectors = other;
    assert_eq!(room.copy().await, 1);
    room.search_by_copy().await;
    assert_eq!(room.store.collections().await.len(), 2);
    room.own.remove().await;
}

/// A run that began before the store was changed writes to none of both what the other must hold;
/// and what is taken into use again holds nothing of before.
#[tokio::test]
async fn a_run_on_a_collection_that_is_not_in_use_ends() {
    let mut room = Room::with(&[THROAT]).await;
    let after = OwnStore::new().await.index().await;
    assert_eq!(room.copy_with(&after).await, 1);
    room.write(THROAT, WALL).await;
    let before = copy_alone(&database_of(&room.own).await, &room.vectors).await;
    assert_eq!(before.unwrap().copied, 0);
    assert_eq!(room.count_outdated().await, 1);
    assert_eq!(room.copy_with(&after).await, 1);

    room.run_sql("DELETE FROM documents").await;
    room.write(CAR, CAR).await;
    assert_eq!(room.copy().await, 2, "the removed one, and the new one");
    assert_eq!(room.store.count().await, 1);
    room.own.remove().await;
}

#[tokio::test]
async fn two_runs_at_once_copy_each_document_once() {
    let mut room = Room::new().await;
    for number in 0..12 {
        let name = format!("case {number}");
        room.write(&name, &format!("What is said of case {number}."))
            .await;
    }

    let (own, vectors) = (&room.own, &room.vectors);
    let (one, other) = futures::join!(try_copy(own, vectors), try_copy(own, vectors));
    // The collection that one of them has made may be made anew by the other.
    let copied = one.map_or(0, |it| it.copied) + other.map_or(0, |it| it.copied);
    let copied = copied + try_copy(own, vectors).await.unwrap().copied;
    assert!(copied >= 12, "{copied}");
    assert_eq!(room.count_outdated().await, 0);
    assert_eq!(room.store.count().await, 12);
    room.own.remove().await;
}

/// A room whose store is asked by way of a proxy, with a text that is not copied.
async fn behind_proxy(text: &str) -> (Room, AwsProxy) {
    let mut room = Room::with(&[CAR]).await;
    let proxy = AwsProxy::in_front_of(services::chroma_url(&STACK), Mode::Pass).await;
    room.vectors = room.store.index_at(&proxy.url, |_| ()).await;
    room.write("changed", text).await;
    (room, proxy)
}

async fn until_held(proxy: &AwsProxy) {
    eventually("a vector is on its way", async || {
        (proxy.held() > 0).then_some(())
    })
    .await;
}

/// The run that was under way when a document changed does not end what it has not copied.
#[tokio::test]
async fn a_change_while_a_document_is_copied_is_copied_as_well() {
    let (mut room, proxy) = behind_proxy(WALL).await;
    let twin = room.store.index_at(&proxy.url, |_| ()).await;
    let database = database_of(&room.own).await;
    proxy.set(Mode::HoldPath("/upsert"));

    let change = async {
        until_held(&proxy).await;
        room.write("changed", THROAT).await;
        proxy.set(Mode::Pass);
    };
    let (copied, ()) = futures::join!(copy_alone(&database, &twin), change);
    assert_eq!(copied.unwrap().copied, 1);
    assert_eq!(
        (room.count_outdated().await, room.store.count().await),
        (0, 2)
    );
    let found = room.search_by_copy().await;
    assert_eq!(contents(&found)[0], THROAT);
    room.own.remove().await;
}

/// Whoever has lost the lease to another run ends nothing.
#[tokio::test]
async fn a_run_that_has_lost_its_lease_ends_nothing() {
    let (mut room, proxy) = behind_proxy(THROAT).await;
    let twin = room.store.index_at(&proxy.url, |_| ()).await;
    let database = database_of(&room.own).await;
    proxy.set(Mode::HoldPath("/upsert"));

    let lose = async {
        until_held(&proxy).await;
        room.run_sql(
            "UPDATE outdated_copies
             SET lease = gen_random_uuid(), leased_until = now() + interval '1 hour'",
        )
        .await;
        proxy.set(Mode::Pass);
    };
    let (copied, ()) = futures::join!(copy_alone(&database, &twin), lose);
    assert_eq!(copied.unwrap().copied, 0);
    assert_eq!(room.count_outdated().await, 1);

    let died = "UPDATE outdated_copies SET leased_until = now() - interval '1 second'";
    room.run_sql(died).await;
    assert_eq!(room.copy().await, 1);
    room.own.remove().await;
}

/// Without the setting nothing is noted any more.
#[tokio::test]
async fn a_store_that_is_no_longer_wanted_is_forgotten() {
    let mut room = Room::with(&[THROAT]).await;
    let without = vector_index(|_| ()).await;
    room.write(THROAT, WALL).await;
    assert_eq!(room.count_outdated().await, 1);
    assert_eq!(room.copy_with(&without).await, 0);
    assert_eq!(room.count_outdated().await, 0);
    room.write(THROAT, CAR).await;
    assert_eq!(room.count_outdated().await, 0);

    assert_eq!(
        room.copy().await,
        1,
        "wanted again, it is brought up to date"
    );
    assert_eq!(room.store.count().await, 1);
    room.own.remove().await;
}
