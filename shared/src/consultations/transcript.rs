//! The turns of a consultation in DynamoDB, one item for each text: the patient's words, and the
//! answer to them.
//!
//! A model's answer is recorded before it is written to PostgreSQL. When a run dies in between, or
//! finds PostgreSQL gone, the next run takes the recorded answer and does not pay for another one.
//! The row in PostgreSQL counts the turns: an item beyond them is one whose request failed.

use std::collections::HashMap;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::batch_write_item::BatchWriteItemError;
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, DeleteRequest, PutRequest, WriteRequest};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

use super::assessment::Assessment;
use super::consultation::{Consultation, ConsultationStatus};
use super::conversation::{Conversation, Text, TurnText};
use super::store;
use crate::aws;
use crate::config::MAX_RECORD_DAYS;
use crate::error::{BoxError, Error};
use crate::identity::{Scope, TenantId};
use crate::postgres::Database;

/// When a caller may try again while DynamoDB is gone.
const RETRY_DELAY: Duration = Duration::from_secs(2);

/// The most items of one batch (DynamoDB's limit).
const MAX_BATCH_ITEMS: usize = 25;

/// From the end of the longest time for which a record is kept to the expiry of its texts.
const EXPIRY_RESERVE_DAYS: u64 = 31;

/// What is wrong if DynamoDB did not do all that it was told.
const LEFT_AS_IT_WAS: &str = "DynamoDB left a turn as it was";

/// The table of all transcripts.
pub struct Transcripts {
    client: Client,
    table: String,
}

/// A text as its item holds it, by the role that speaks.
#[derive(Serialize, Deserialize)]
#[serde(tag = "role", content = "content", rename_all = "snake_case")]
enum StoredText {
    /// The patient's own words.
    Patient(String),
    /// An answer, checked and with the rules' last word.
    Assistant(Box<Assessment>),
}

/// The number of the patient's text of a turn among the items of its consultation.
const fn message_number(turn: i16) -> i16 {
    2 * turn - 1
}

/// The number of the answer to it.
const fn answer_number(turn: i16) -> i16 {
    2 * turn
}

impl Transcripts {
    /// The table called `table`.
    pub fn new(config: &SdkConfig, table: String) -> Self {
        Self {
            client: Client::new(config),
            table,
        }
    }

    /// A consultation that the scope may see, with what was said in it.
    pub async fn read_consultation(
        &self,
        database: &Database,
        scope: Scope<'_>,
        id: Uuid,
    ) -> Result<(Consultation, Conversation), Error> {
        let read = async |connection: &mut _| store::get(connection, scope, id).await;
        let consultation = database.run(read).await?;

        let conversation = self.read(scope.tenant, &consultation).await?;
        Ok((consultation, conversation))
    }

    /// What was said before the last turn's answer. The complaint and the last answer are the
    /// consultation's own; without further messages DynamoDB is not asked. An error is a 503.
    pub async fn read(
        &self,
        tenant: &TenantId,
        consultation: &Consultation,
    ) -> Result<Conversation, Error> {
        let mut texts = if consultation.turns > 1 {
            let read = self.read_texts(tenant, consultation.id).await;
            read.map_err(unavailable)?
        } else {
            Vec::new()
        };

        let last = answer_number(consultation.turns);
        texts.retain(|text| (2..last).contains(&text.number));
        let has_message = |turn| {
            let number = message_number(turn);
            texts.iter().any(|text| text.number == number)
        };
        if !(2..=consultation.turns).all(has_message) {
            return Err(Error::internal("a message is missing in the transcript"));
        }
        Ok(Conversation::new(texts))
    }

    /// The model's answer to a turn that an earlier run recorded, if one did.
    pub async fn find_answer(
        &self,
        tenant: &TenantId,
        consultation: Uuid,
        turn: i16,
    ) -> Result<Option<Assessment>, BoxError> {
        let texts = self.read_texts(tenant, consultation).await?;

        let mut texts = texts.into_iter();
        let found = texts.find(|text| text.number == answer_number(turn));
        Ok(found.and_then(|found| match found.text {
            Text::Answer(answer) => Some(*answer),
            Text::Message(_) => None,
        }))
    }

    /// A query of all of a consultation's texts, page by page.
    fn query_texts(&self, tenant: &TenantId, consultation: Uuid) -> QueryFluentBuilder {
        let query = self.client.query().table_name(&self.table);
        query
            .key_condition_expression("consultation = :c")
            .expression_attribute_values(":c", partition_key(tenant, consultation))
            .consistent_read(true)
    }

    async fn read_texts(
        &self,
        tenant: &TenantId,
        consultation: Uuid,
    ) -> Result<Vec<TurnText>, BoxError> {
        let mut texts = Vec::new();
        let mut from = None;
        loop {
            let page = self
                .query_texts(tenant, consultation)
                .set_exclusive_start_key(from)
                .send()
                .await?;
            for item in page.items() {
                texts.push(parse_text(item)?);
            }

            from = page.last_evaluated_key;
            if from.is_none() {
                return Ok(texts);
            }
        }
    }

    /// Records the patient's turn and a model's answer to it, in one call. Doing it twice changes
    /// nothing.
    pub async fn record_answer(
        &self,
        tenant: &TenantId,
        consultation: &Consultation,
        answer: &Assessment,
    ) -> Result<(), BoxError> {
        let mut writes = Vec::new();
        if consultation.turns == 1 {
            writes.push(first_text(tenant, consultation)?);
        }
        writes.push(put_text(
            tenant,
            consultation.id,
            answer_number(consultation.turns),
            OffsetDateTime::now_utc(),
            &StoredText::Assistant(Box::new(answer.clone())),
        )?);
        self.write_items(writes).await
    }

    /// Keeps the message of the turn after the consultation's last one, and the answer to that,
    /// which the next one replaces in its row. Doing it twice changes nothing. An error is a 503.
    pub(super) async fn begin_turn(
        &self,
        tenant: &TenantId,
        consultation: &Consultation,
        message: &str,
    ) -> Result<(), Error> {
        let writes = texts_of_begun_turn(tenant, consultation, message);
        let written = async { self.write_items(writes?).await };
        written.await.map_err(unavailable)
    }

    /// Removes all of a consultation's texts, also those that cannot be read. There may be none.
    /// An outage is a 503.
    pub async fn delete(&self, tenant: &TenantId, consultation: Uuid) -> Result<(), Error> {
        let mut from = None;
        loop {
            let page = self
                .query_texts(tenant, consultation)
                .projection_expression("consultation, #number")
                .expression_attribute_names("#number", "number")
                .set_exclusive_start_key(from)
                .send()
                .await
                .map_err(sort_error)?;
            let deletes: Result<Vec<_>, _> = page.items().iter().map(delete_text).collect();
            for batch in deletes.map_err(Error::internal)?.chunks(MAX_BATCH_ITEMS) {
                let written = self.write_batch(batch.to_vec()).await;
                let is_whole = written.map_err(sort_error)?;
                if !is_whole {
                    return Err(unavailable(LEFT_AS_IT_WAS));
                }
            }

            from = page.last_evaluated_key;
            if from.is_none() {
                return Ok(());
            }
        }
    }

    async fn write_items(&self, writes: Vec<WriteRequest>) -> Result<(), BoxError> {
        if self.write_batch(writes).await? {
            Ok(())
        } else {
            Err(LEFT_AS_IT_WAS.into())
        }
    }

    /// Writes or deletes items. Returns whether DynamoDB did all of it.
    async fn write_batch(
        &self,
        writes: Vec<WriteRequest>,
    ) -> Result<bool, SdkError<BatchWriteItemError>> {
        let written = self
            .client
            .batch_write_item()
            .request_items(&self.table, writes)
            .send()
            .await?;
        Ok(written.unprocessed_items().is_none_or(HashMap::is_empty))
    }
}

/// A table that cannot be reached, or is too busy, comes back. Any other error is our fault.
fn sort_error<E>(error: SdkError<E>) -> Error
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    if aws::is_outage(&error) {
        unavailable(error)
    } else {
        Error::internal(error)
    }
}

/// A 503: the table cannot be reached.
pub(super) fn unavailable(cause: impl Into<BoxError>) -> Error {
    Error::unavailable("The transcript", RETRY_DELAY, cause)
}

fn texts_of_begun_turn(
    tenant: &TenantId,
    consultation: &Consultation,
    message: &str,
) -> Result<Vec<WriteRequest>, BoxError> {
    let Consultation { id, turns, .. } = consultation;
    let mut writes = Vec::new();
    if *turns == 1 {
        writes.push(first_text(tenant, consultation)?);
    }
    // A turn that failed has no answer: the row still holds the one before.
    let is_answered = consultation.status == ConsultationStatus::Completed;
    let answer = consultation.current_assessment().filter(|_| is_answered);
    if let Some(answer) = answer {
        let text = StoredText::Assistant(Box::new(answer));
        let number = answer_number(*turns);
        writes.push(put_text(
            tenant,
            *id,
            number,
            consultation.updated_at,
            &text,
        )?);
    }

    let text = StoredText::Patient(message.to_owned());
    let number = message_number(turns + 1);
    writes.push(put_text(
        tenant,
        *id,
        number,
        OffsetDateTime::now_utc(),
        &text,
    )?);
    Ok(writes)
}

fn first_text(tenant: &TenantId, consultation: &Consultation) -> Result<WriteRequest, BoxError> {
    let text = StoredText::Patient(consultation.symptoms.clone());
    let (id, at) = (consultation.id, consultation.created_at);
    put_text(tenant, id, message_number(1), at, &text)
}

fn delete_text(key: &HashMap<String, AttributeValue>) -> Result<WriteRequest, BoxError> {
    let delete = DeleteRequest::builder().set_key(Some(key.clone()));
    Ok(WriteRequest::builder()
        .delete_request(delete.build()?)
        .build())
}

fn put_text(
    tenant: &TenantId,
    consultation: Uuid,
    number: i16,
    at: OffsetDateTime,
    text: &StoredText,
) -> Result<WriteRequest, BoxError> {
    let put = PutRequest::builder()
        .item("consultation", partition_key(tenant, consultation))
        .item("number", sort_key(number))
        .item("at", AttributeValue::S(at.format(&Rfc3339)?))
        .item("turn", AttributeValue::S(serde_json::to_string(text)?))
        .item("expires_at", expiry(consultation))
        .build()?;
    Ok(WriteRequest::builder().put_request(put).build())
}

/// Reads an item. The parser's own error could repeat it, so it is dropped.
fn parse_text(item: &HashMap<String, AttributeValue>) -> Result<TurnText, BoxError> {
    let text_of = |name| item.get(name).and_then(|value| value.as_s().ok());
    let number = item.get("number").and_then(|number| number.as_n().ok());
    let number = number.and_then(|number| number.parse().ok());
    let at = text_of("at").and_then(|at| OffsetDateTime::parse(at, &Rfc3339).ok());

    let content = text_of("turn").ok_or("a turn without content")?;
    let stored = serde_json::from_str(content).map_err(|_| "a turn that cannot be read")?;
    Ok(TurnText {
        number: number.ok_or("a turn without its number")?,
        at: at.ok_or("a turn without its time")?,
        text: match stored {
            StoredText::Patient(words) => Text::Message(words),
            StoredText::Assistant(answer) => Text::Answer(answer),
        },
    })
}

/// The items of a consultation stand together. Neither a tenant's id nor a UUID contains the `#`
/// between them.
fn partition_key(tenant: &TenantId, consultation: Uuid) -> AttributeValue {
    AttributeValue::S(format!("{}#{consultation}", tenant.as_str()))
}

/// When DynamoDB may remove a text by itself, in seconds: a month after the longest time for which
/// a record is kept. The consultation's id tells when it was made.
fn expiry(consultation: Uuid) -> AttributeValue {
    let created_at = consultation.get_timestamp().map(|time| time.to_unix().0);
    let days = u64::from(MAX_RECORD_DAYS) + EXPIRY_RESERVE_DAYS;
    let expires_at = created_at.unwrap_or_default() + days * 24 * 60 * 60;
    AttributeValue::N(expires_at.to_string())
}

fn sort_key(number: i16) -> AttributeValue {
    AttributeValue::N(number.to_string())
}
