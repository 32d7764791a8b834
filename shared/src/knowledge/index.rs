//! The vectors of passages: of which model they are, and those that are missing.

use std::slice;

use serde::Serialize;
use sqlx::{Connection, FromRow, PgConnection};
use uuid::Uuid;

use super::passages::text_to_embed;
use crate::ai::{Embedder, Embedding, EmbeddingCall, EmbeddingModel, InputKind, NoEmbedding};
use crate::error::Error;

/// Passages that are read, embedded and written at a time.
const FILL_BATCH: i64 = 64;

/// Whether the index holds this model's vectors. An index that holds none of any model takes the
/// first one that comes, if its column has the model's dimensions.
pub async fn adopt_model(
    connection: &mut PgConnection,
    model: &EmbeddingModel,
) -> Result<bool, Error> {
    let is_of_model = sqlx::query_scalar(include_str!("sql/adopt_model.sql"))
        .bind(&model.name)
        .bind(i32::from(model.dimensions))
        .fetch_one(connection)
        .await?;
    Ok(is_of_model)
}

/// Empties the index and makes it this model's, in one transaction. Passages are found by their
/// words until [`fill_missing`] has given them vectors. It holds off all writes of passages for as
/// long as the table's other columns take to be rewritten.
pub async fn reset(connection: &mut PgConnection, model: &EmbeddingModel) -> Result<(), Error> {
    let dimensions = i32::from(model.dimensions);
    let mut transaction = connection.begin().await?;

    // A type's parameter cannot be bound; it is a number.
    let sql = format!(
        "DROP INDEX passages_embedding;
         ALTER TABLE passages ALTER COLUMN embedding TYPE halfvec({dimensions}) USING NULL;
         CREATE INDEX passages_embedding ON passages USING hnsw (embedding halfvec_cosine_ops);"
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql))
        .execute(&mut *transaction)
        .await?;
    let sql = "INSERT INTO embedding_index (model, dimensions) VALUES ($1, $2)
               ON CONFLICT (is_only) DO UPDATE
               SET model = excluded.model, dimensions = excluded.dimensions";
    sqlx::query(sql)
        .bind(&model.name)
        .bind(dimensions)
        .execute(&mut *transaction)
        .await?;

    transaction.commit().await?;
    Ok(())
}

/// A passage without a vector.
#[derive(FromRow)]
struct MissingPassage {
    tenant_id: String,
    document_id: Uuid,
    position: i32,
    content: String,
    title: String,
    heading: String,
}

/// Where the passages lie that have been looked at: the key of the last one.
#[derive(Default)]
struct FillPosition {
    tenant_id: String,
    document_id: Uuid,
    position: i32,
}

impl FillPosition {
    fn move_behind(&mut self, passage: &MissingPassage) {
        self.tenant_id.clone_from(&passage.tenant_id);
        self.document_id = passage.document_id;
        self.position = passage.position;
    }
}

/// What became of the passages that had no vector.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Filled {
    /// They have one now.
    pub made: usize,
    /// An endpoint refuses their text; the next call asks again.
    pub refused: usize,
}

/// Why passages are left without vectors.
#[derive(Debug, thiserror::Error)]
pub enum FillError {
    /// The index holds another model's vectors.
    #[error("the index holds vectors of another model: run `cargo xtask reindex`")]
    OtherModel,
    /// No endpoint made vectors.
    #[error(transparent)]
    NoEmbedding(#[from] NoEmbedding),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] Error),
}

/// Gives every passage of all owners a vector that has none, in the order of their keys, until all
/// are looked at or `may_go_on`, which is told the number that was made so far, says no. What was
/// filled stays when it is broken off.
pub async fn fill_missing(
    connection: &mut PgConnection,
    embedder: &Embedder,
    call: impl Fn() -> EmbeddingCall,
    mut may_go_on: impl FnMut(Filled) -> bool,
) -> Result<Filled, FillError> {
    if !adopt_model(connection, embedder.model()).await? {
        return Err(FillError::OtherModel);
    }

    let mut filled = Filled::default();
    let mut position = FillPosition::default();
    loop {
        let missing = read_missing(connection, &position).await?;
        let Some(last) = missing.last() else {
            return Ok(filled);
        };
        position.move_behind(last);

        let vectors = embed_missing(embedder, &missing, &call).await?;
        let with_vector = missing.iter().zip(&vectors);
        let made: Vec<_> = with_vector
            .filter_map(|(passage, vector)| Some((passage, vector.as_ref()?.to_sql())))
            .collect();
        write_filled(connection, &made).await?;

        filled.made += made.len();
        filled.refused += missing.len() - made.len();
        if !may_go_on(filled) {
            return Ok(filled);
        }
    }
}

/// The vectors of a batch. If an endpoint refuses a text in it, each is asked for by itself.
async fn embed_missing(
    embedder: &Embedder,
    missing: &[MissingPassage],
    call: impl Fn() -> EmbeddingCall,
) -> Result<Vec<Option<Embedding>>, NoEmbedding> {
    let text_of = |it: &MissingPassage| text_to_embed(&it.title, &it.heading, &it.content);
    let texts: Vec<_> = missing.iter().map(text_of).collect();
    let vectors = embedder.embed(&texts, InputKind::Passage, &call()).await;
    match vectors {
        Ok(vectors) => return Ok(vectors.into_iter().map(Some).collect()),
        Err(error) if error.may_pass => return Err(error),
        Err(_) => {}
    }

    let mut vectors = Vec::with_capacity(texts.len());
    for text in &texts {
        let one = slice::from_ref(text);
        match embedder.embed(one, InputKind::Passage, &call()).await {
            Ok(mut made) => vectors.push(made.pop()),
            Err(error) if error.may_pass => return Err(error),
            Err(_) => vectors.push(None),
        }
    }
    Ok(vectors)
}

async fn read_missing(
    connection: &mut PgConnection,
    position: &FillPosition,
) -> Result<Vec<MissingPassage>, Error> {
    let missing = sqlx::query_as(include_str!("sql/missing_embeddings.sql"))
        .bind(&position.tenant_id)
        .bind(position.document_id)
        .bind(position.position)
        .bind(FILL_BATCH)
        .fetch_all(connection)
        .await?;
    Ok(missing)
}

async fn write_filled(
    connection: &mut PgConnection,
    made: &[(&MissingPassage, String)],
) -> Result<(), Error> {
    let tenants: Vec<_> = made.iter().map(|(it, _)| it.tenant_id.as_str()).collect();
    let documents: Vec<_> = made.iter().map(|(it, _)| it.document_id).collect();
    let positions: Vec<_> = made.iter().map(|(it, _)| it.position).collect();
    let contents: Vec<_> = made.iter().map(|(it, _)| it.content.as_str()).collect();
    let vectors: Vec<_> = made.iter().map(|(_, vector)| vector.as_str()).collect();

    sqlx::query(include_str!("sql/fill_embeddings.sql"))
        .bind(tenants)
        .bind(documents)
        .bind(positions)
        .bind(contents)
        .bind(vectors)
        .execute(connection)
        .await?;
    Ok(())
}
