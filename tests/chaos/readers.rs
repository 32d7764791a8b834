//! The server that follows the database falls behind, and dies: what has just been written is found
//! all the same, and searches go on.

use reqwest::StatusCode;
use serde_json::{Value, json};
use sqlx::Connection;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use xtask::services;
use xtask::users::Role;

use crate::support::{STACK, User, database, eventually, new_tenant, read};

/// A word that stands in this test's documents alone.
const WORD: &str = "Quittenblütenfieber";

#[tokio::test]
async fn readers_that_fall_behind_and_die() {
    let user = User::of(&new_tenant(), "clinician-1", Role::Clinician).await;
    let mut standby = standby().await;
    pause_replay(&mut standby, true).await;

    write_document(&user, "first").await;
    let found = titles(&user, "what is Quittenblütenfieber").await;
    pause_replay(&mut standby, false).await;
    assert_eq!(found, ["first"], "one's own write, from the database");

    services::stop_standby(&STACK).unwrap();
    write_document(&user, "second").await;
    let found = titles(&user, "how is Quittenblütenfieber treated").await;
    assert_eq!(found.len(), 2, "without a reader: {found:?}");
    eventually("the health says so", async || is_reader_up(false).await).await;

    services::start_standby(&STACK).await.unwrap();
    eventually("the reader is back", async || is_reader_up(true).await).await;
    eventually("the reader has caught up", async || {
        let found = titles(&user, "who had Quittenblütenfieber").await;
        (found.len() == 2).then_some(())
    })
    .await;
}

/// To the standby itself.
async fn standby() -> PgConnection {
    let options: PgConnectOptions = STACK.env("DATABASE_URL").unwrap().parse().unwrap();
    let options = options.port(STACK.ports.standby);
    PgConnection::connect_with(&options).await.unwrap()
}

async fn pause_replay(standby: &mut PgConnection, is_paused: bool) {
    let sql = if is_paused {
        "SELECT pg_wal_replay_pause()"
    } else {
        "SELECT pg_wal_replay_resume()"
    };
    sqlx::query(sql).execute(standby).await.unwrap();
}

async fn write_document(user: &User, title: &str) {
    let content = format!("{WORD} is a fever that this test has made up. {WORD} {title}.");
    let body = json!({
        "title": title,
        "content": content,
        "language": "en",
        "source": { "title": "Our clinic", "url": "https://example.org/quince" },
    });
    let written = user.post("/v1/knowledge/documents").json(&body);
    let accepted = read(written.send().await.unwrap(), StatusCode::ACCEPTED).await;

    let job: uuid::Uuid = accepted["job_id"].as_str().unwrap().parse().unwrap();
    eventually("the document is in", async || {
        let sql = "SELECT state = 'completed' FROM jobs WHERE id = $1";
        let is_done: Option<bool> = sqlx::query_scalar(sql)
            .bind(job)
            .fetch_optional(&mut database().await)
            .await
            .unwrap();
        is_done.filter(|is_done| *is_done).map(drop)
    })
    .await;
}

/// Of the documents of this test that a search finds.
async fn titles(user: &User, question: &str) -> Vec<String> {
    let mut url = reqwest::Url::parse("http://localhost/v1/knowledge/search").unwrap();
    url.query_pairs_mut().append_pair("q", question);
    let path = format!("{}?{}", url.path(), url.query().unwrap());
    let answer = read(user.get(&path).send().await.unwrap(), StatusCode::OK).await;
    let found = answer["items"].as_array().unwrap().iter();
    let own = found.filter(|item| item["content"].as_str().unwrap().contains(WORD));
    let title = |item: &Value| item["title"].as_str().unwrap().to_owned();
    own.map(title).collect()
}

/// Asked by nobody, since a person has a hundred calls a minute.
async fn is_reader_up(expected: bool) -> Option<()> {
    let url = format!("{}/health", STACK.env("API_URL").unwrap());
    let answer = reqwest::get(url).await.unwrap();
    let health: Value = answer.json().await.unwrap();
    let status = if expected { "ok" } else { "down" };
    (health["checks"]["readers"] == status).then_some(())
}
