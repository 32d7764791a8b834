//! Vectors of passages, kept beside the stacks of this checkout: to make those of the project's
//! documents takes a minute, and a fresh stack needs them again.

use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;

use anyhow::Result;
use sqlx::postgres::PgConnection;
use wenzhen::ai::EmbeddingModel;

use crate::stack::Stack;
use crate::tools;

/// What a passage's vector depends on, as one hash.
const PASSAGE_HASH: &str = "md5(d.title || E'\\n' || p.heading || E'\\n' || p.content)";

/// The file of one model's vectors: a line for each, its passage's hash and the vector.
fn file_of(stack: &Stack, model: &EmbeddingModel) -> PathBuf {
    let EmbeddingModel { name, dimensions } = model;
    let hash = tools::sha256(format!("{name} {dimensions}").as_bytes());
    let short: String = hash.chars().take(12).collect();
    stack.root.join(format!(".local/vectors-{short}.tsv"))
}

/// Gives passages the vectors that were made for the same text before.
pub async fn restore(
    stack: &Stack,
    database: &mut PgConnection,
    model: &EmbeddingModel,
) -> Result<()> {
    let text = fs::read_to_string(file_of(stack, model)).unwrap_or_default();
    let (hashes, vectors): (Vec<_>, Vec<_>) = read_lines(&text).into_iter().unzip();
    let sql = format!(
        "UPDATE passages p SET embedding = kept.vector::halfvec
         FROM documents d, unnest($1::text[], $2::text[]) AS kept (hash, vector)
         WHERE d.tenant_id = p.tenant_id AND d.id = p.document_id
           AND p.embedding IS NULL AND kept.hash = {PASSAGE_HASH}"
    );

    sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(hashes)
        .bind(vectors)
        .execute(database)
        .await?;
    Ok(())
}

/// Keeps the vectors of the project's own documents.
pub async fn save(
    stack: &Stack,
    database: &mut PgConnection,
    model: &EmbeddingModel,
) -> Result<()> {
    let sql = format!(
        "SELECT DISTINCT {PASSAGE_HASH}, p.embedding::text
         FROM passages p JOIN documents d ON d.tenant_id = p.tenant_id AND d.id = p.document_id
         WHERE p.tenant_id = '*' AND p.embedding IS NOT NULL"
    );
    let rows: Vec<(String, String)> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .fetch_all(database)
        .await?;

    let lines = rows
        .iter()
        .map(|(hash, vector)| format!("{hash}\t{vector}\n"));
    fs::write(file_of(stack, model), lines.collect::<Vec<_>>().concat())?;
    Ok(())
}

/// Hashes with their vectors, each hash once; a line that was cut off is left out.
fn read_lines(text: &str) -> HashMap<&str, &str> {
    let lines = text.lines().filter_map(|line| line.split_once('\t'));
    lines.filter(|(_, vector)| vector.ends_with(']')).collect()
}
