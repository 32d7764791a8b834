//! Documents and passages in PostgreSQL. Every function takes the owner, or the tenant that reads.

use serde::Serialize;
use sqlx::{Connection, FromRow, PgConnection};
use uuid::Uuid;

use super::document::{NewDocument, Owner};
use super::guidance::{Guidance, QuotedPassage};
use super::passages::{Passage, cut_passages};
use super::request::SearchRequest;
use super::terms::Terms;
use crate::error::Error;
use crate::identity::TenantId;
use crate::locale::Locale;

/// A document whose best passage scores less says nothing of the complaint: it has a word or two of
/// it by chance.
const MIN_GUIDANCE_SCORE: f32 = 0.05;

/// A passage that was found.
#[derive(Debug, Clone, PartialEq, Serialize, FromRow)]
pub struct FoundPassage {
    /// The passage's document.
    pub document_id: Uuid,
    /// The document's title.
    pub title: String,
    /// The document's language.
    pub language: Locale,
    /// Publisher and title of the document's source.
    pub source_title: String,
    /// An absolute `https` address.
    pub source_url: String,
    /// The passage's number in the document, from 0.
    pub position: i32,
    /// The heading of its part; empty before the first.
    pub heading: String,
    /// The passage.
    pub content: String,
    /// Where it begins in the document, in characters.
    pub start_char: i32,
    /// Where it ends there.
    pub end_char: i32,
    /// How well it answers: above 0, and only for comparing within one search.
    pub score: f32,
}

/// Writes a document with its passages, in one transaction. Returns whether something has changed.
pub async fn replace(
    connection: &mut PgConnection,
    owner: Owner<'_>,
    document: &NewDocument,
) -> Result<bool, Error> {
    let mut transaction = connection.begin().await?;

    let written: Option<Uuid> = sqlx::query_scalar(include_str!("sql/replace.sql"))
        .bind(owner.column())
        .bind(Uuid::now_v7())
        .bind(&document.reference)
        .bind(document.language)
        .bind(&document.title)
        .bind(&document.also)
        .bind(&document.source.title)
        .bind(&document.source.url)
        .bind(&document.content)
        .fetch_optional(&mut *transaction)
        .await?;
    if let Some(id) = written {
        write_passages(&mut transaction, owner, id, document).await?;
    }

    transaction.commit().await?;
    Ok(written.is_some())
}

async fn write_passages(
    connection: &mut PgConnection,
    owner: Owner<'_>,
    id: Uuid,
    document: &NewDocument,
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

/// The passages that answer best, of the tenant's own documents and the shared ones.
pub async fn search(
    connection: &mut PgConnection,
    tenant: &TenantId,
    request: &SearchRequest,
) -> Result<Vec<FoundPassage>, Error> {
    let terms = Terms::of(&request.question);

    let found = sqlx::query_as(include_str!("sql/search.sql"))
        .bind(owners_read_by(tenant))
        .bind(terms.any_word())
        .bind(terms.any_pair())
        .bind(request.language)
        .bind(i64::from(request.limit))
        .fetch_all(connection)
        .await?;
    Ok(found)
}

/// What the document that answers best tells a patient; none if no document answers.
pub async fn find_guidance(
    connection: &mut PgConnection,
    tenant: &TenantId,
    text: &str,
    language: Locale,
) -> Result<Option<Guidance>, Error> {
    let terms = Terms::of(text);

    let passages: Vec<QuotedPassage> = sqlx::query_as(include_str!("sql/guidance.sql"))
        .bind(owners_read_by(tenant))
        .bind(terms.any_word())
        .bind(terms.any_pair())
        .bind(language)
        .bind(MIN_GUIDANCE_SCORE)
        .fetch_all(connection)
        .await?;
    Ok(Guidance::of_passages(passages))
}

fn owners_read_by(tenant: &TenantId) -> [&str; 2] {
    [Owner::Tenant(tenant).column(), Owner::Shared.column()]
}
