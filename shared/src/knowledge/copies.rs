//! Keeps the vector store's copy as the database has it.
//!
//! The database notes each document whose vectors have changed, in the same transaction
//! (`0012_vector_store.sql`). One document is copied by comparing what the store holds of it with
//! what it must hold, so it may be broken off, done twice, or begun by another run. A store that has
//! lost everything is found out by its collection's id, and filled again without asking a model.

use std::collections::HashSet;
use std::time::Duration;

use serde::Serialize;
use sqlx::{Connection, FromRow, PgConnection};
use uuid::Uuid;

use super::index::FillScope;
use super::vector_index::VectorIndex;
use super::vector_store::{StoredVector, VectorId, VectorStore};
use crate::ai::{EmbeddingModel, Fault, ServiceCall};
use crate::deadline::Deadline;
use crate::error::Error;
use crate::locale::Locale;
use crate::postgres::Database;

/// Vectors that are read and written at a time.
const WRITE_BATCH: usize = 200;

/// How long one run has for one document. Longer than any call of the store, so that nothing of it
/// is written after another run has begun.
const LEASE: Duration = Duration::from_mins(5);

/// The longest that one call of the store may take.
const CALL_TIMEOUT: Duration = Duration::from_secs(40);

/// The longest that one statement may take.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(10);

/// What became of the documents whose copies were outdated.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Copied {
    /// Their copies are as they must be.
    pub copied: usize,
    /// Theirs are not: the store refused something of them. The next run tries again.
    pub left: usize,
}

/// Why documents are left with outdated copies. Searches ask the database meanwhile.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// The store does not answer as it should; the logs say why.
    #[error("the vector store does not answer as it should ({0})")]
    Store(String),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] Error),
}

impl From<Fault> for CopyError {
    fn from(fault: Fault) -> Self {
        Self::Store(fault.to_string())
    }
}

/// Copies the documents of `scope` whose copies are outdated, until none is left or `may_go_on`,
/// which is told how far it is, says no. Without a store the database forgets that there was one.
pub async fn copy_outdated(
    database: &Database,
    scope: FillScope<'_>,
    index: &VectorIndex,
    deadline: Deadline,
    mut may_go_on: impl FnMut(Copied) -> bool,
) -> Result<Copied, CopyError> {
    let Some(store) = index.store() else {
        database.within(STATEMENT_TIMEOUT, forget_store).await?;
        return Ok(Copied::default());
    };

    let call = || ServiceCall::of_operator(deadline.at_most(CALL_TIMEOUT));
    let collection = store.open(&call()).await?;
    let adopt = async |connection: &mut _| {
        adopt_store(connection, collection, index.embedder().model()).await
    };
    database.within(STATEMENT_TIMEOUT, adopt).await?;

    let mut copied = Copied::default();
    let mut refused = HashSet::new();
    loop {
        let lease = async |connection: &mut _| lease_copy(connection, scope).await;
        let leased = database.within(STATEMENT_TIMEOUT, lease).await?;
        // Those that were refused come last: all others are done.
        let Some(outdated) = leased.filter(|it| !refused.contains(&it.document_id)) else {
            return Ok(copied);
        };

        match copy_document(database, store, &outdated, &call).await {
            Ok(()) => copied.copied += 1,
            Err(CopyStop::Database(error)) => return Err(error.into()),
            Err(CopyStop::Store(fault)) => {
                let release = async |connection: &mut _| put_last(connection, &outdated).await;
                database.within(STATEMENT_TIMEOUT, release).await?;
                // What it refuses of one document, it may take of the next.
                if !fault.is_about_the_request() {
                    return Err(fault.into());
                }
                refused.insert(outdated.document_id);
                copied.left += 1;
            }
        }
        if !may_go_on(copied) {
            return Ok(copied);
        }
    }
}

/// A document whose copy is outdated.
#[derive(FromRow)]
struct OutdatedCopy {
    tenant_id: String,
    document_id: Uuid,
    changes: i64,
}

/// What stopped the copying of one document.
enum CopyStop {
    Store(Fault),
    Database(Error),
}

impl From<Fault> for CopyStop {
    fn from(fault: Fault) -> Self {
        Self::Store(fault)
    }
}

impl From<Error> for CopyStop {
    fn from(error: Error) -> Self {
        Self::Database(error)
    }
}

/// Makes the copy of one document what it must be. What the store holds is read first: what is
/// removed was there before, and no longer has a passage.
async fn copy_document(
    database: &Database,
    store: &dyn VectorStore,
    outdated: &OutdatedCopy,
    call: impl Fn() -> ServiceCall,
) -> Result<(), CopyStop> {
    let held = store.ids_of(outdated.document_id, &call()).await?;
    let read = async |connection: &mut _| read_ids(connection, outdated).await;
    let wanted = database.within(STATEMENT_TIMEOUT, read).await?;

    let (held_set, wanted_set): (HashSet<_>, HashSet<_>) =
        (held.iter().collect(), wanted.iter().collect());
    let missing: Vec<_> = wanted
        .iter()
        .filter(|id| !held_set.contains(id))
        .map(|id| id.position)
        .collect();
    for positions in missing.chunks(WRITE_BATCH) {
        let read = async |connection: &mut _| read_vectors(connection, outdated, positions).await;
        let vectors = database.within(STATEMENT_TIMEOUT, read).await?;
        if !vectors.is_empty() {
            store.write(&vectors, &call()).await?;
        }
    }

    let unwanted = held.iter().filter(|id| !wanted_set.contains(id));
    let unwanted: Vec<_> = unwanted.cloned().collect();
    if !unwanted.is_empty() {
        store.remove(&unwanted, &call()).await?;
    }

    let end = async |connection: &mut _| end_copy(connection, outdated).await;
    Ok(database.within(STATEMENT_TIMEOUT, end).await?)
}

async fn adopt_store(
    connection: &mut PgConnection,
    collection: Uuid,
    model: &EmbeddingModel,
) -> Result<(), Error> {
    let sql = "SELECT EXISTS (SELECT FROM embedding_index WHERE store = $1)";
    let is_adopted: bool = sqlx::query_scalar(sql)
        .bind(collection)
        .fetch_one(&mut *connection)
        .await?;
    if is_adopted {
        return Ok(());
    }

    let mut transaction = connection.begin().await?;
    sqlx::query("SELECT FROM embedding_index FOR UPDATE")
        .execute(&mut *transaction)
        .await?;
    sqlx::query(include_str!("sql/adopt_store.sql"))
        .bind(collection)
        .bind(&model.name)
        .bind(i32::from(model.dimensions))
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await?;
    Ok(())
}

/// Nothing is copied any more, so nothing is outdated.
async fn forget_store(connection: &mut PgConnection) -> Result<(), Error> {
    let sql = "WITH forgotten AS (
                   UPDATE embedding_index SET store = NULL WHERE store IS NOT NULL RETURNING model
               )
               DELETE FROM outdated_copies WHERE EXISTS (SELECT FROM forgotten)";
    sqlx::query(sql).execute(connection).await?;
    Ok(())
}

async fn lease_copy(
    connection: &mut PgConnection,
    scope: FillScope<'_>,
) -> Result<Option<OutdatedCopy>, Error> {
    let (tenant, document) = scope.parts();
    let leased = sqlx::query_as(include_str!("sql/lease_copy.sql"))
        .bind(LEASE.as_secs_f64())
        .bind(tenant)
        .bind(document)
        .fetch_optional(connection)
        .await?;
    Ok(leased)
}

/// Gives the document back: the next run tries it after those that have not failed.
async fn put_last(connection: &mut PgConnection, outdated: &OutdatedCopy) -> Result<(), Error> {
    let sql = "UPDATE outdated_copies SET leased_until = now()
               WHERE tenant_id = $1 AND document_id = $2";
    sqlx::query(sql)
        .bind(&outdated.tenant_id)
        .bind(outdated.document_id)
        .execute(connection)
        .await?;
    Ok(())
}

async fn read_ids(
    connection: &mut PgConnection,
    outdated: &OutdatedCopy,
) -> Result<Vec<VectorId>, Error> {
    let rows: Vec<(i32, String)> = sqlx::query_as(include_str!("sql/vector_ids.sql"))
        .bind(&outdated.tenant_id)
        .bind(outdated.document_id)
        .fetch_all(connection)
        .await?;
    let with_document = |(position, digest)| VectorId {
        document: outdated.document_id,
        position,
        digest,
    };
    Ok(rows.into_iter().map(with_document).collect())
}

/// A passage's vector, as the database has it.
#[derive(FromRow)]
struct VectorRow {
    position: i32,
    digest: String,
    numbers: Vec<f32>,
    language: Locale,
}

async fn read_vectors(
    connection: &mut PgConnection,
    outdated: &OutdatedCopy,
    positions: &[i32],
) -> Result<Vec<StoredVector>, Error> {
    let rows: Vec<VectorRow> = sqlx::query_as(include_str!("sql/vectors.sql"))
        .bind(&outdated.tenant_id)
        .bind(outdated.document_id)
        .bind(positions)
        .fetch_all(connection)
        .await?;
    let to_stored = |row: VectorRow| StoredVector {
        id: VectorId {
            document: outdated.document_id,
            position: row.position,
            digest: row.digest,
        },
        owner: outdated.tenant_id.clone(),
        language: row.language,
        numbers: row.numbers,
    };
    Ok(rows.into_iter().map(to_stored).collect())
}

async fn end_copy(connection: &mut PgConnection, outdated: &OutdatedCopy) -> Result<(), Error> {
    sqlx::query(include_str!("sql/end_copy.sql"))
        .bind(&outdated.tenant_id)
        .bind(outdated.document_id)
        .bind(outdated.changes)
        .execute(connection)
        .await?;
    Ok(())
}
