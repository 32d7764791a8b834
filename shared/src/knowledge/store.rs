//! Documents and passages in PostgreSQL. Every function takes the owner, or the tenant that reads.

use sqlx::{Connection, FromRow, PgConnection};
use uuid::Uuid;

use super::document::{ListedDocument, NewDocument, Owner, owners_read_by};
use super::guidance::{Guidance, QuotedPassage};
use super::passages::{Passage, cut_passages};
use super::search::SearchResult;
use super::tasks::IngestDocument;
use super::terms::Terms;
use crate::error::Error;
use crate::identity::{Caller, TenantId};
use crate::jobs::{self, JobMessage, Lease, NewJob, completion_sql};
use crate::page::Page;

/// The most documents that are read until one is written for patients.
const MAX_GUIDANCE_DOCUMENTS: usize = 3;

/// A document's version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromRow)]
pub struct Version {
    /// The document.
    pub id: Uuid,
    /// Counted from 1.
    pub version: i32,
}

/// What a job brings in.
#[derive(FromRow)]
pub struct StoredDocument {
    /// The latest version.
    pub version: i32,
    title: String,
    also: String,
    content: String,
}

impl StoredDocument {
    fn of_new(document: &NewDocument, version: i32) -> Self {
        Self {
            version,
            title: document.title.clone(),
            also: document.also.clone(),
            content: document.content.clone(),
        }
    }
}

/// Writes a document with its passages, in one transaction. Returns whether something has changed.
pub async fn replace(
    connection: &mut PgConnection,
    owner: Owner<'_>,
    document: &NewDocument,
) -> Result<bool, Error> {
    let mut transaction = connection.begin().await?;

    let written = write_document(&mut transaction, owner, document, None).await?;
    if let Some(Version { id, version }) = written {
        let stored = StoredDocument::of_new(document, version);
        write_passages(&mut transaction, owner, id, &stored).await?;
        mark_ingested(&mut transaction, owner, id, version).await?;
    }

    transaction.commit().await?;
    Ok(written.is_some())
}

/// Writes a tenant's document and the job that brings it in, in one transaction. None if it is
/// there already as it is.
pub async fn create(
    connection: &mut PgConnection,
    caller: &Caller,
    document: &NewDocument,
) -> Result<Option<CreatedDocument>, Error> {
    let owner = Owner::Tenant(&caller.tenant);
    let mut transaction = connection.begin().await?;

    let job_id = Uuid::now_v7();
    let written = write_document(&mut transaction, owner, document, Some(job_id)).await?;
    let Some(Version { id, version }) = written else {
        transaction.rollback().await?;
        return Ok(None);
    };
    let payload = IngestDocument { document_id: id };
    let job = NewJob::new(&caller.tenant, &caller.user, document.language, &payload)?
        .with_id(job_id)
        .deduplicate_by(format!("{id}:{version}"));
    jobs::store::enqueue(&mut transaction, &job).await?;

    transaction.commit().await?;
    Ok(Some(CreatedDocument {
        id,
        message: job.message(),
    }))
}

/// A document that is being brought in.
#[derive(Debug)]
pub struct CreatedDocument {
    /// The document's id.
    pub id: Uuid,
    /// The job's message for the queue.
    pub message: JobMessage,
}

async fn write_document(
    connection: &mut PgConnection,
    owner: Owner<'_>,
    document: &NewDocument,
    job_id: Option<Uuid>,
) -> Result<Option<Version>, Error> {
    let written = sqlx::query_as(include_str!("sql/replace.sql"))
        .bind(owner.column())
        .bind(Uuid::now_v7())
        .bind(&document.reference)
        .bind(document.language)
        .bind(&document.title)
        .bind(&document.also)
        .bind(&document.source.title)
        .bind(&document.source.url)
        .bind(&document.content)
        .bind(job_id)
        .fetch_optional(connection)
        .await?;
    Ok(written)
}

/// The document that a job brings in, as it is now. 404 if it was deleted meanwhile.
pub async fn get_content(
    connection: &mut PgConnection,
    tenant: &TenantId,
    id: Uuid,
) -> Result<StoredDocument, Error> {
    let sql = "SELECT version, title, also, content FROM documents
               WHERE tenant_id = $1 AND id = $2";

    let found = sqlx::query_as(sql)
        .bind(tenant)
        .bind(id)
        .fetch_optional(connection)
        .await?;
    found.ok_or_else(|| Error::not_found("document"))
}

/// Writes a document's passages instead of the earlier ones, without vectors, and completes the
/// job, in one transaction. Passages of a later version stay. Returns whether the lease held and
/// the document is still there; if not, nothing was written.
pub async fn complete_ingestion(
    connection: &mut PgConnection,
    lease: &Lease,
    id: Uuid,
    document: &StoredDocument,
) -> Result<bool, Error> {
    let mut transaction = connection.begin().await?;
    let completion = sqlx::query_scalar(completion_sql!(
        "UPDATE documents SET ingested = greatest(documents.ingested, $5)
         FROM transition
         WHERE documents.tenant_id = $1 AND documents.id = $4
         RETURNING documents.ingested"
    ));

    let ingested: Option<i32> = completion
        .bind(&lease.tenant)
        .bind(lease.job_id)
        .bind(lease.token)
        .bind(id)
        .bind(document.version)
        .fetch_optional(&mut *transaction)
        .await?;
    let Some(ingested) = ingested else {
        transaction.rollback().await?;
        return Ok(false);
    };

    if ingested == document.version {
        let owner = Owner::Tenant(&lease.tenant);
        write_passages(&mut transaction, owner, id, document).await?;
    }
    transaction.commit().await?;
    Ok(true)
}

async fn mark_ingested(
    connection: &mut PgConnection,
    owner: Owner<'_>,
    id: Uuid,
    version: i32,
) -> Result<(), Error> {
    sqlx::query("UPDATE documents SET ingested = $3 WHERE tenant_id = $1 AND id = $2")
        .bind(owner.column())
        .bind(id)
        .bind(version)
        .execute(connection)
        .await?;
    Ok(())
}

/// Removes a tenant's document with its passages. 404 if there is none.
pub async fn delete(
    connection: &mut PgConnection,
    tenant: &TenantId,
    id: Uuid,
) -> Result<(), Error> {
    let deleted = sqlx::query("DELETE FROM documents WHERE tenant_id = $1 AND id = $2")
        .bind(tenant)
        .bind(id)
        .execute(connection)
        .await?;

    if deleted.rows_affected() == 0 {
        return Err(Error::not_found("document"));
    }
    Ok(())
}

/// The tenant's documents, the newest first: one more than the page holds, if there are more.
pub async fn list(
    connection: &mut PgConnection,
    tenant: &TenantId,
    page: Page,
) -> Result<Vec<ListedDocument>, Error> {
    let rows = sqlx::query_as(include_str!("sql/list.sql"))
        .bind(tenant)
        .bind(page.after.unwrap_or(Uuid::max()))
        .bind(i64::from(page.limit) + 1)
        .fetch_all(connection)
        .await?;
    Ok(rows)
}

async fn write_passages(
    connection: &mut PgConnection,
    owner: Owner<'_>,
    id: Uuid,
    document: &StoredDocument,
) -> Result<(), Error> {
    sqlx::query("DELETE FROM passages WHERE tenant_id = $1 AND document_id = $2")
        .bind(owner.column())
        .bind(id)
        .execute(&mut *connection)
        .await?;

    let passages = cut_passages(&document.content);
    let terms: Vec<Terms> = passages.iter().map(terms_of_passage).collect();
    let title = Terms::of(&format!("{} {}", document.title, document.also));
    let column = |text: fn(&Passage) -> &str| passages.iter().map(text).collect::<Vec<_>>();
    let place = |end: fn(&Passage) -> usize| {
        let places = passages.iter().map(|passage| i32::try_from(end(passage)));
        places
            .collect::<Result<Vec<_>, _>>()
            .map_err(Error::internal)
    };

    sqlx::query(include_str!("sql/write_passages.sql"))
        .bind(owner.column())
        .bind(id)
        .bind(title.words())
        .bind(title.pairs())
        .bind(column(|passage| &passage.heading))
        .bind(column(|passage| &passage.text))
        .bind(place(|passage| passage.place.start)?)
        .bind(place(|passage| passage.place.end)?)
        .bind(terms.iter().map(Terms::words).collect::<Vec<_>>())
        .bind(terms.iter().map(Terms::pairs).collect::<Vec<_>>())
        .execute(connection)
        .await?;
    Ok(())
}

fn terms_of_passage(passage: &Passage) -> Terms {
    Terms::of(&format!("{} {}", passage.heading, passage.text))
}

/// What the document that answers best tells a patient, of what was found; none if no document
/// answers, or none of those that do is written for patients.
pub async fn find_guidance(
    connection: &mut PgConnection,
    tenant: &TenantId,
    found: &SearchResult,
) -> Result<Option<Guidance>, Error> {
    let mut tried: Vec<Uuid> = Vec::new();
    for item in found.items.iter().filter(|item| found.is_fitting(item)) {
        if tried.contains(&item.document_id) || tried.len() == MAX_GUIDANCE_DOCUMENTS {
            continue;
        }
        tried.push(item.document_id);

        let passages: Vec<QuotedPassage> = sqlx::query_as(include_str!("sql/passages_of.sql"))
            .bind(owners_read_by(tenant))
            .bind(item.document_id)
            .fetch_all(&mut *connection)
            .await?;
        if let Some(guidance) = Guidance::of_passages(passages) {
            return Ok(Some(guidance));
        }
    }
    Ok(None)
}
