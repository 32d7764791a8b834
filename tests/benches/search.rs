//! What a search of the knowledge base reads, and how long the server takes, as the passages grow.
//! `cargo xtask bench search` runs it.
#![expect(
    clippy::disallowed_methods,
    reason = "a benchmark reads where its stack is"
)]

#[expect(dead_code, reason = "the other benchmark uses more of it")]
#[path = "../support/growth.rs"]
mod growth;
#[expect(dead_code, reason = "the tests use more of it")]
#[path = "../support/own_database.rs"]
mod own_database;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use growth::{Reads, reads_of};
use own_database::OwnDatabase;
use sqlx::postgres::PgConnection;
use wenzhen::aws::Secrets;
use wenzhen::config::EmbeddingSettings;
use wenzhen::deadline::Deadline;
use wenzhen::identity::{TenantId, UserId};
use wenzhen::knowledge::{PreparedQuestion, SearchRequest, VectorIndex, find_passages, index};
use xtask::stack::Stack;

const PASSAGES: [u32; 3] = [1_000, 10_000, 100_000];

/// One has half of all passages, the other a hundredth.
const TENANTS: [&str; 2] = ["half", "small"];

/// Times that a vector is asked for.
const MAX_ATTEMPTS: usize = 10;

/// Searches whose median is told.
const SEARCHES: usize = 20;

/// Words that stand in many, some and few passages: `w` and a number, the smaller the more often.
const QUESTION: &str = "w3 w20 w150 w900";

fn request() -> SearchRequest {
    SearchRequest {
        question: QUESTION.to_owned(),
        language: None,
        limit: 5,
    }
}

async fn fill(connection: &mut PgConnection, passages: u32) {
    let sql = include_str!("search.sql").replace(":passages", &passages.to_string());
    // VACUUM runs in no transaction, and statements that are sent together are one.
    for statement in sql.split(";\n\n") {
        let statement = sqlx::AssertSqlSafe(statement.to_owned());
        sqlx::raw_sql(statement)
            .execute(&mut *connection)
            .await
            .unwrap();
    }
}

/// The question with its vector: on a busy machine the model may be too late at first.
async fn prepare(
    connection: &mut PgConnection,
    vectors: &VectorIndex,
    tenant: &TenantId,
    user: &UserId,
) -> PreparedQuestion {
    for _ in 0..MAX_ATTEMPTS {
        let deadline = Deadline::after(Duration::from_secs(10));
        let prepared =
            PreparedQuestion::new(request(), Some(vectors), tenant, user, deadline).await;
        let found = find_passages(connection, tenant, &prepared).await.unwrap();
        if !found.degraded {
            return prepared;
        }
    }
    panic!("the embedding model does not answer");
}

struct Measured {
    found: usize,
    reads: Reads,
    median: Duration,
}

async fn measure(
    connection: &mut PgConnection,
    tenant: &TenantId,
    question: &PreparedQuestion,
) -> Measured {
    let mut times = Vec::new();
    let mut found = 0;
    for _ in 0..SEARCHES {
        let began = Instant::now();
        let result = find_passages(connection, tenant, question).await.unwrap();
        times.push(began.elapsed());
        found = result.items.len();
    }
    times.sort_unstable();

    let reads = reads_of(connection, async |connection: &mut PgConnection| {
        find_passages(connection, tenant, question).await.unwrap();
    })
    .await;
    Measured {
        found,
        reads,
        median: times[SEARCHES / 2],
    }
}

/// Whether the server finds neighbours by the index: its scans are counted.
async fn index_scans(connection: &mut PgConnection) -> i64 {
    let sql = "SELECT pg_stat_get_xact_numscans(oid) + pg_stat_get_numscans(oid)
               FROM pg_class WHERE relname = 'passages_embedding'";
    sqlx::query_scalar(sql).fetch_one(connection).await.unwrap()
}

async fn force_statistics(connection: &mut PgConnection) {
    sqlx::query("SELECT pg_stat_force_next_flush()")
        .execute(connection)
        .await
        .unwrap();
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let env_file = std::env::var("WENZHEN_STACK_ENV").expect("run `cargo xtask bench search`");
    let stack = Stack::running(&PathBuf::from(env_file)).unwrap();
    let settings = EmbeddingSettings::parse(&stack.env("EMBEDDINGS").unwrap()).unwrap();
    let secrets = Arc::new(Secrets::new(&stack.aws().await));
    let vectors = VectorIndex::new(settings, None, &secrets).unwrap();
    let server_url = stack.env("DATABASE_URL").unwrap();
    let mut own = OwnDatabase::create(&server_url, &stack.root).await;
    let connection = &mut own.connection;
    assert!(
        index::adopt_model(connection, vectors.embedder().model())
            .await
            .unwrap()
    );

    println!("passages  tenant  by            found     rows  blocks  index scans  median");
    for passages in PASSAGES {
        fill(connection, passages).await;
        for name in TENANTS {
            let tenant = TenantId::try_from(name.to_owned()).unwrap();
            let user = UserId::try_from("someone".to_owned()).unwrap();
            let fused = prepare(connection, &vectors, &tenant, &user).await;
            let questions = [
                ("text", PreparedQuestion::of_words(request())),
                ("text, vector", fused),
            ];
            for (sides, question) in questions {
                let before = index_scans(connection).await;
                let measured = measure(connection, &tenant, &question).await;
                force_statistics(connection).await;
                let scans = index_scans(connection).await - before;

                let Measured {
                    found,
                    reads: Reads { rows, blocks },
                    median,
                } = measured;
                println!(
                    "{passages:>8}  {name:<6}  {sides:<12}  {found:>5}  {rows:>7}  {blocks:>6}  \
                     {scans:>11}  {:>6.1} ms",
                    median.as_secs_f64() * 1_000.0
                );
            }
        }
    }
    own.remove().await;
}
