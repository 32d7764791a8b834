//! Keeps the vector store's copy as the database has it.
//!
//! The database notes each document whose vectors have changed, in the same transaction
//! (`0012_vector_store.sql`). One document is copied by comparing what the store holds of it with
//! what it must hold, so copying may be broken off, done twice, or begun by another run: a lease
//! keeps two runs from copying one document at a time, and ends a copy only as long as it holds. A
//! store that has lost everything is found out by its collection's id, and filled again without
//! asking a model.

use std::collections::HashSet;
use std::time::Duration;

use serde::Serialize;
use sqlx::{Connection, FromRow, PgConnection};
use uuid::Uuid;

use super::index::PassageScope;
use super::vector_index::VectorIndex;
use super::vector_store::{StoredVector, VectorId, VectorStore};
use crate::ai::{EmbeddingModel, Fault, ServiceCall};
use crate::deadline::Deadline;
use crate::error::Error;
use crate::locale::Locale;
use crate::postgres::Database;

/// Numbers of vectors that are read and written at a time: some 200 small vectors, some megabytes.
const WRITE_NUMBERS: usize = 80_000;

/// How long a lease holds that is not renewed, as it is before each call of the store. Much longer
/// than a call, so that a call that was given up has come to its end in the store as well.
const LEASE: Duration = Duration::from_mins(5);

/// The longest that one call of the store may take.
const CALL_TIMEOUT: Duration = Duration::from_secs(40);

/// What must be left of the time for another call to begin: less, and the store would be blamed.
const MIN_CALL_TIME: Duration = Duration::from_secs(10);

/// The longest that one statement may take.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(10);

/// The same for noting all documents, when a store is taken into use.
const ADOPT_TIMEOUT: Duration = Duration::from_mins(1);

/// What became of the documents whose copies were outdated.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Copied {
    /// Their copies are as they must be.
    pub copied: usize,
    /// Theirs are not yet: there was no time, or the store refused something of them.
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

/// Takes the store into use if it is another one than before, has lost its collection, or holds
/// another number of vectors than the database although no copy is noted as outdated: then it is
/// emptied, and all documents with vectors are noted. Without a store the database forgets that
/// there was one. Only an operator's work may do this, and the function that runs alone.
pub async fn adopt_store(
    database: &Database,
    index: &VectorIndex,
    call: impl Fn(Deadline) -> ServiceCall,
    deadline: Deadline,
) -> Result<(), CopyError> {
    let read = async |connection: &mut _| read_store(connection).await;
    let adopted = database.within(STATEMENT_TIMEOUT, read).await?;
    let Some(store) = index.store() else {
        if adopted.is_some() {
            database.within(STATEMENT_TIMEOUT, forget_store).await?;
        }
        return Ok(());
    };

    let call = call(deadline.at_most(CALL_TIMEOUT));
    let found = store.collection(&call).await?;
    if found.is_some() && found == adopted {
        let count = async |connection: &mut _| count_if_whole(connection).await;
        let wanted = database.within(STATEMENT_TIMEOUT, count).await?;
        let held = store.count(&call).await?;
        if wanted.is_none_or(|wanted| wanted == held) {
            return Ok(());
        }
        // What has changed meanwhile is copied, and counted by the next run.
        if wanted != database.within(STATEMENT_TIMEOUT, count).await? {
            return Ok(());
        }
        tracing::error!(
            held,
            wanted,
            "the vector store holds what the database does not know; its copy is made anew"
        );
    }
    let model = index.embedder().model();
    let is_of_model = async |connection: &mut _| is_of_model(connection, model).await;
    if !database.within(STATEMENT_TIMEOUT, is_of_model).await? {
        return Ok(());
    }

    let collection = store.renew(&call).await?;
    let adopt = async |connection: &mut _| note_all(connection, collection, model).await;
    Ok(database.within(ADOPT_TIMEOUT, adopt).await?)
}

/// Copies the documents of `scope` whose copies are outdated, until none is left, the time is over,
/// or `may_go_on`, which is told how far it is, says no. Nothing is copied to another collection
/// than the one that [`adopt_store`] has taken into use.
pub async fn copy_outdated(
    database: &Database,
    scope: PassageScope<'_>,
    index: &VectorIndex,
    call: impl Fn(Deadline) -> ServiceCall,
    deadline: Deadline,
    mut may_go_on: impl FnMut(Copied) -> bool,
) -> Result<Copied, CopyError> {
    let mut copied = Copied::default();
    let Some(store) = index.store() else {
        return Ok(copied);
    };
    let found = store
        .collection(&call(deadline.at_most(CALL_TIMEOUT)))
        .await;
    let Some(collection) = found? else {
        return Ok(copied);
    };

    let run = CopyRun {
        database,
        store,
        collection,
        batch: (WRITE_NUMBERS / usize::from(index.embedder().model().dimensions)).max(1),
        call,
        deadline,
    };
    let mut refused = HashSet::new();
    while let Some(outdated) = run.lease(scope).await? {
        // Those that were refused come last: all others are done.
        let key = (outdated.tenant_id.clone(), outdated.document_id);
        if refused.contains(&key) {
            run.put_last(&outdated).await?;
            break;
        }

        match run.copy_document(&outdated).await {
            Ok(has_ended) => copied.copied += usize::from(has_ended),
            Err(CopyStop::Database(error)) => return Err(error.into()),
            // What was sent may still be done: the lease runs out by itself.
            Err(CopyStop::LeaseLost | CopyStop::OutOfTime) => break,
            Err(CopyStop::Store(fault)) if !fault.is_about_the_request() => {
                return Err(fault.into());
            }
            Err(CopyStop::Store(_)) => {
                run.put_last(&outdated).await?;
                refused.insert(key);
            }
        }
        if !may_go_on(copied) {
            break;
        }
    }

    let count = async |connection: &mut _| count_outdated(connection, scope).await;
    copied.left = database.within(STATEMENT_TIMEOUT, count).await?;
    Ok(copied)
}

/// A document whose copy is outdated, leased.
#[derive(FromRow)]
struct OutdatedCopy {
    tenant_id: String,
    document_id: Uuid,
    change: i64,
    lease: Uuid,
}

/// What stopped the copying of one document.
enum CopyStop {
    Store(Fault),
    Database(Error),
    /// Another run may copy it.
    LeaseLost,
    OutOfTime,
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

/// One run, on one collection.
struct CopyRun<'r, C> {
    database: &'r Database,
    store: &'r dyn VectorStore,
    collection: Uuid,
    /// Vectors that are read and written at a time.
    batch: usize,
    call: C,
    deadline: Deadline,
}

impl<C: Fn(Deadline) -> ServiceCall> CopyRun<'_, C> {
    /// Makes the copy of one document what it must be. What the store holds is read first: what is
    /// removed was there before, and no longer has a passage. Returns whether it is: not if its
    /// vectors have changed meanwhile, or if another run has it now.
    async fn copy_document(&self, outdated: &OutdatedCopy) -> Result<bool, CopyStop> {
        let call = self.begin_call(outdated).await?;
        let held = self.store.ids_of(outdated.document_id, &call).await?;
        let read = async |connection: &mut _| read_ids(connection, outdated).await;
        let wanted = self.database.within(STATEMENT_TIMEOUT, read).await?;

        let (held_set, wanted_set): (HashSet<_>, HashSet<_>) =
            (held.iter().collect(), wanted.iter().collect());
        let missing: Vec<_> = wanted
            .iter()
            .filter(|id| !held_set.contains(id))
            .map(|id| id.position)
            .collect();
        for positions in missing.chunks(self.batch) {
            let read =
                async |connection: &mut _| read_vectors(connection, outdated, positions).await;
            let vectors = self.database.within(STATEMENT_TIMEOUT, read).await?;
            if !vectors.is_empty() {
                let call = self.begin_call(outdated).await?;
                self.store.write(&vectors, &call).await?;
            }
        }

        let unwanted = held.iter().filter(|id| !wanted_set.contains(id));
        let unwanted: Vec<_> = unwanted.cloned().collect();
        if !unwanted.is_empty() {
            let call = self.begin_call(outdated).await?;
            self.store.remove(&unwanted, &call).await?;
        }
        Ok(self.end(outdated).await?)
    }

    /// Renews the lease for one call of the store, if there is time for one.
    async fn begin_call(&self, outdated: &OutdatedCopy) -> Result<ServiceCall, CopyStop> {
        if self.deadline.remaining() < MIN_CALL_TIME {
            return Err(CopyStop::OutOfTime);
        }
        let renew = async |connection: &mut _| renew_lease(connection, outdated).await;
        if !self.database.within(STATEMENT_TIMEOUT, renew).await? {
            return Err(CopyStop::LeaseLost);
        }
        Ok((self.call)(self.deadline.at_most(CALL_TIMEOUT)))
    }

    async fn lease(&self, scope: PassageScope<'_>) -> Result<Option<OutdatedCopy>, Error> {
        if self.deadline.remaining() < MIN_CALL_TIME {
            return Ok(None);
        }
        let (tenant, document) = scope.parts();
        let lease = async |connection: &mut PgConnection| {
            let leased = sqlx::query_as(include_str!("sql/lease_copy.sql"))
                .bind(Uuid::new_v4())
                .bind(LEASE.as_secs_f64())
                .bind(self.collection)
                .bind(tenant)
                .bind(document)
                .fetch_optional(connection)
                .await?;
            Ok(leased)
        };
        self.database.within(STATEMENT_TIMEOUT, lease).await
    }

    /// Gives the document back: the next run tries it after those that have not failed.
    async fn put_last(&self, outdated: &OutdatedCopy) -> Result<(), Error> {
        let put_last = async |connection: &mut PgConnection| {
            let sql = "UPDATE outdated_copies SET lease = NULL, leased_until = now()
                       WHERE tenant_id = $1 AND document_id = $2 AND lease = $3";
            sqlx::query(sql)
                .bind(&outdated.tenant_id)
                .bind(outdated.document_id)
                .bind(outdated.lease)
                .execute(connection)
                .await?;
            Ok(())
        };
        self.database.within(STATEMENT_TIMEOUT, put_last).await
    }

    async fn end(&self, outdated: &OutdatedCopy) -> Result<bool, Error> {
        let end = async |connection: &mut PgConnection| {
            let has_ended = sqlx::query_scalar(include_str!("sql/end_copy.sql"))
                .bind(&outdated.tenant_id)
                .bind(outdated.document_id)
                .bind(outdated.lease)
                .bind(outdated.change)
                .bind(self.collection)
                .fetch_one(connection)
                .await?;
            Ok(has_ended)
        };
        self.database.within(STATEMENT_TIMEOUT, end).await
    }
}

/// The number of vectors that the copy must hold; none while a copy is outdated.
async fn count_if_whole(connection: &mut PgConnection) -> Result<Option<u64>, Error> {
    let sql = "SELECT count(*) FROM passages
               WHERE embedding IS NOT NULL
               HAVING NOT EXISTS (SELECT FROM outdated_copies)";
    let count: Option<i64> = sqlx::query_scalar(sql).fetch_optional(connection).await?;
    Ok(count.and_then(|count| u64::try_from(count).ok()))
}

/// The documents whose copies are outdated.
async fn count_outdated(
    connection: &mut PgConnection,
    scope: PassageScope<'_>,
) -> Result<usize, Error> {
    let (tenant, document) = scope.parts();
    let sql = "SELECT count(*) FROM outdated_copies
               WHERE $1::text IS NULL OR (tenant_id = $1 AND document_id = $2)";
    let count: i64 = sqlx::query_scalar(sql)
        .bind(tenant)
        .bind(document)
        .fetch_one(connection)
        .await?;
    Ok(usize::try_from(count).unwrap_or(usize::MAX))
}

/// The collection that holds the copy.
async fn read_store(connection: &mut PgConnection) -> Result<Option<Uuid>, Error> {
    let store: Option<Option<Uuid>> = sqlx::query_scalar("SELECT store FROM embedding_index")
        .fetch_optional(connection)
        .await?;
    Ok(store.flatten())
}

async fn is_of_model(connection: &mut PgConnection, model: &EmbeddingModel) -> Result<bool, Error> {
    let sql = "SELECT EXISTS (SELECT FROM embedding_index WHERE model = $1 AND dimensions = $2)";
    let is_of_model = sqlx::query_scalar(sql)
        .bind(&model.name)
        .bind(i32::from(model.dimensions))
        .fetch_one(connection)
        .await?;
    Ok(is_of_model)
}

async fn note_all(
    connection: &mut PgConnection,
    collection: Uuid,
    model: &EmbeddingModel,
) -> Result<(), Error> {
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
    let mut transaction = connection.begin().await?;
    sqlx::query("SELECT FROM embedding_index FOR UPDATE")
        .execute(&mut *transaction)
        .await?;
    sqlx::query("UPDATE embedding_index SET store = NULL")
        .execute(&mut *transaction)
        .await?;
    sqlx::query("DELETE FROM outdated_copies")
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await?;
    Ok(())
}

/// Whether the lease still holds.
async fn renew_lease(
    connection: &mut PgConnection,
    outdated: &OutdatedCopy,
) -> Result<bool, Error> {
    let sql = "UPDATE outdated_copies SET leased_until = now() + make_interval(secs => $4)
               WHERE tenant_id = $1 AND document_id = $2 AND lease = $3";
    let renewed = sqlx::query(sql)
        .bind(&outdated.tenant_id)
        .bind(outdated.document_id)
        .bind(outdated.lease)
        .bind(LEASE.as_secs_f64())
        .execute(connection)
        .await?;
    Ok(renewed.rows_affected() == 1)
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
