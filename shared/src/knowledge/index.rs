//! The vectors of passages: of which model they are, and those that are missing.

use std::slice;
use std::time::Duration;

use serde::Serialize;
use sqlx::{Connection, FromRow, PgConnection};
use uuid::Uuid;

use super::passages::text_to_embed;
use crate::ai::{Embedder, Embedding, EmbeddingModel, InputKind, ServiceCall};
use crate::error::Error;
use crate::identity::TenantId;
use crate::postgres::Database;

/// Passages that are read at a time.
const FILL_BATCH: i64 = 64;

/// The longest that one statement may take.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(10);

/// Batches that may fail one after the other before no more are tried: the endpoints are away.
const MAX_FAILURES_IN_A_ROW: usize = 3;

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
/// words until [`fill_missing`] has given them vectors. Searches wait for as long as an index of
/// keys takes to be built; nothing is rewritten. It gives up if it cannot begin within five
/// seconds.
pub async fn reset(connection: &mut PgConnection, model: &EmbeddingModel) -> Result<(), Error> {
    let dimensions = i32::from(model.dimensions);
    let mut transaction = connection.begin().await?;

    // A type's parameter cannot be bound; it is a number.
    let sql = format!(
        "SET LOCAL lock_timeout = '5s';
         SELECT FROM embedding_index FOR UPDATE;
         ALTER TABLE passages DROP COLUMN embedding;
         ALTER TABLE passages ADD COLUMN embedding halfvec({dimensions});
         CREATE INDEX passages_embedding ON passages USING hnsw (embedding halfvec_cosine_ops);
         CREATE INDEX passages_without_embedding ON passages (tenant_id, document_id, position)
             WHERE embedding IS NULL;"
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql))
        .execute(&mut *transaction)
        .await?;
    let sql = "INSERT INTO embedding_index (model, dimensions) VALUES ($1, $2)
               ON CONFLICT (is_only) DO UPDATE
               SET model = excluded.model, dimensions = excluded.dimensions, store = NULL";
    sqlx::query(sql)
        .bind(&model.name)
        .bind(dimensions)
        .execute(&mut *transaction)
        .await?;

    sqlx::query("DELETE FROM outdated_copies")
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

/// Which passages are looked at.
#[derive(Clone, Copy)]
pub enum PassageScope<'t> {
    /// Those of all owners, which only an operator's work may.
    All,
    /// Those of one document of a tenant.
    Document {
        /// The tenant.
        tenant: &'t TenantId,
        /// The document.
        id: Uuid,
    },
}

impl<'t> PassageScope<'t> {
    /// The tenant and its document, for a statement that takes all without them.
    pub(super) const fn parts(self) -> (Option<&'t TenantId>, Option<Uuid>) {
        match self {
            Self::All => (None, None),
            Self::Document { tenant, id } => (Some(tenant), Some(id)),
        }
    }
}

/// What became of the passages that had no vector.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Filled {
    /// They have one now.
    pub made: usize,
    /// They have none: an endpoint refuses their text, or did not answer in time. The next call
    /// tries again.
    pub left: usize,
}

/// Why passages are left without vectors.
#[derive(Debug, thiserror::Error)]
pub enum FillError {
    /// The index holds another model's vectors.
    #[error("the index holds vectors of another model: run `cargo xtask reindex`")]
    OtherModel,
    /// The database failed.
    #[error(transparent)]
    Database(#[from] Error),
}

/// Gives passages a vector that have none, in the order of their keys, until all are looked at, the
/// endpoints fail again and again, or `may_go_on`, which is told how far it is, says no. Each batch
/// is written when it is made, so what was made stays when this is broken off.
pub async fn fill_missing(
    database: &Database,
    scope: PassageScope<'_>,
    embedder: &Embedder,
    call: impl Fn() -> ServiceCall,
    mut may_go_on: impl FnMut(Filled) -> bool,
) -> Result<Filled, FillError> {
    let model = embedder.model();
    let adopt = async |connection: &mut _| adopt_model(connection, model).await;
    if !database.within(STATEMENT_TIMEOUT, adopt).await? {
        return Err(FillError::OtherModel);
    }

    let mut filled = Filled::default();
    let mut failures = 0;
    let mut position = FillPosition::default();
    loop {
        let read = async |connection: &mut _| read_missing(connection, scope, &position).await;
        let missing = database.within(STATEMENT_TIMEOUT, read).await?;
        let Some(last) = missing.last() else {
            return Ok(filled);
        };
        position.move_behind(last);

        for batch in missing.chunks(embedder.batch_size()) {
            // No session is held meanwhile: the function's other work needs the connection.
            let made = embed_batch(embedder, batch, &call).await;
            let write = async |connection: &mut _| write_filled(connection, model, &made).await;
            database.within(STATEMENT_TIMEOUT, write).await?;

            failures = if made.is_empty() { failures + 1 } else { 0 };
            filled.made += made.len();
            filled.left += batch.len() - made.len();
            if failures == MAX_FAILURES_IN_A_ROW || !may_go_on(filled) {
                return Ok(filled);
            }
        }
    }
}

/// The passages of a batch with their vectors. If the batch fails as a whole, each is tried by
/// itself, so that one text holds up no other; but not the rest if the endpoints are away.
async fn embed_batch<'m>(
    embedder: &Embedder,
    batch: &'m [MissingPassage],
    call: impl Fn() -> ServiceCall,
) -> Vec<(&'m MissingPassage, String)> {
    let text_of = |it: &MissingPassage| text_to_embed(&it.title, &it.heading, &it.content);
    let texts: Vec<_> = batch.iter().map(text_of).collect();
    let with_vectors = |vectors: Vec<Embedding>| {
        let vectors = vectors.iter().map(Embedding::to_sql);
        batch.iter().zip(vectors).collect()
    };
    if let Ok(vectors) = embedder.embed(&texts, InputKind::Passage, &call()).await {
        return with_vectors(vectors);
    }

    let mut made = Vec::new();
    for (passage, text) in batch.iter().zip(&texts) {
        let one = slice::from_ref(text);
        match embedder.embed(one, InputKind::Passage, &call()).await {
            Ok(vectors) => made.extend(vectors.first().map(|it| (passage, it.to_sql()))),
            Err(error) if error.may_pass => return made,
            Err(_) => {}
        }
    }
    made
}

async fn read_missing(
    connection: &mut PgConnection,
    scope: PassageScope<'_>,
    position: &FillPosition,
) -> Result<Vec<MissingPassage>, Error> {
    let (tenant, document) = scope.parts();
    let missing = sqlx::query_as(include_str!("sql/missing_embeddings.sql"))
        .bind(&position.tenant_id)
        .bind(position.document_id)
        .bind(position.position)
        .bind(FILL_BATCH)
        .bind(tenant)
        .bind(document)
        .fetch_all(connection)
        .await?;
    Ok(missing)
}

async fn write_filled(
    connection: &mut PgConnection,
    model: &EmbeddingModel,
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
        .bind(&model.name)
        .bind(i32::from(model.dimensions))
        .execute(connection)
        .await?;
    Ok(())
}
