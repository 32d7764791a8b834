//! The turns of a consultation in DynamoDB, one item each: the patient's words, and a model's
//! answer.
//!
//! An answer is recorded before it is written to PostgreSQL. When a run dies in between, or finds
//! PostgreSQL gone, the next run takes the recorded answer and does not pay for another one.

use std::collections::HashMap;

use aws_config::SdkConfig;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{AttributeValue, DeleteRequest, PutRequest, WriteRequest};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

use super::assessment::Assessment;
use super::consultation::Consultation;
use crate::error::BoxError;
use crate::identity::TenantId;

/// The number of the patient's turn within its consultation.
const PATIENT_TURN: u8 = 1;

/// The number of the answer's turn.
const ANSWER_TURN: u8 = 2;

/// The table of all transcripts.
pub struct Transcripts {
    client: Client,
    table: String,
}

/// One turn, by the role that speaks.
#[derive(Serialize, Deserialize)]
#[serde(tag = "role", content = "content", rename_all = "snake_case")]
enum Turn {
    /// The patient's own words.
    Patient(String),
    /// A model's answer, checked and with the rules' last word.
    Assistant(Box<Assessment>),
}

impl Transcripts {
    /// The table called `table`.
    pub fn new(config: &SdkConfig, table: String) -> Self {
        Self {
            client: Client::new(config),
            table,
        }
    }

    /// The answer that an earlier run recorded, if one did.
    pub async fn find_answer(
        &self,
        tenant: &TenantId,
        consultation: Uuid,
    ) -> Result<Option<Assessment>, BoxError> {
        let turns = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("consultation = :c")
            .expression_attribute_values(":c", partition_key(tenant, consultation))
            .consistent_read(true)
            .send()
            .await?;

        for item in turns.items().iter().rev() {
            if let Turn::Assistant(answer) = parse_turn(item)? {
                return Ok(Some(*answer));
            }
        }
        Ok(None)
    }

    /// Records the patient's turn and the answer to it, in one call. Doing it twice changes
    /// nothing.
    pub async fn record_turns(
        &self,
        tenant: &TenantId,
        consultation: &Consultation,
        answer: &Assessment,
    ) -> Result<(), BoxError> {
        let put_turn = |number, at: OffsetDateTime, turn: &Turn| {
            let put = PutRequest::builder()
                .item("consultation", partition_key(tenant, consultation.id))
                .item("number", turn_number(number))
                .item("at", AttributeValue::S(at.format(&Rfc3339)?))
                .item("turn", AttributeValue::S(serde_json::to_string(turn)?))
                .build()?;
            Ok::<_, BoxError>(WriteRequest::builder().put_request(put).build())
        };

        let question = Turn::Patient(consultation.symptoms.clone());
        let reply = Turn::Assistant(Box::new(answer.clone()));
        let writes = vec![
            put_turn(PATIENT_TURN, consultation.created_at, &question)?,
            put_turn(ANSWER_TURN, OffsetDateTime::now_utc(), &reply)?,
        ];
        self.write_items(writes).await
    }

    /// Removes what [`Transcripts::record_turns`] writes. There may be nothing.
    pub async fn delete(&self, tenant: &TenantId, consultation: Uuid) -> Result<(), BoxError> {
        let delete_turn = |number| {
            let delete = DeleteRequest::builder()
                .key("consultation", partition_key(tenant, consultation))
                .key("number", turn_number(number))
                .build()?;
            Ok::<_, BoxError>(WriteRequest::builder().delete_request(delete).build())
        };

        let writes = vec![delete_turn(PATIENT_TURN)?, delete_turn(ANSWER_TURN)?];
        self.write_items(writes).await
    }

    async fn write_items(&self, writes: Vec<WriteRequest>) -> Result<(), BoxError> {
        let written = self
            .client
            .batch_write_item()
            .request_items(&self.table, writes)
            .send()
            .await?;

        let left = written.unprocessed_items();
        if left.is_none_or(HashMap::is_empty) {
            Ok(())
        } else {
            Err("DynamoDB left a turn as it was".into())
        }
    }
}

/// Reads a turn. The parser's own error could repeat it, so it is dropped.
fn parse_turn(item: &HashMap<String, AttributeValue>) -> Result<Turn, BoxError> {
    let text = item.get("turn").and_then(|turn| turn.as_s().ok());
    let text = text.ok_or("a turn without content")?;
    let turn = serde_json::from_str(text).map_err(|_| "a turn that cannot be read")?;
    Ok(turn)
}

/// The items of a consultation stand together. Neither a tenant's id nor a UUID contains the `#`
/// between them.
fn partition_key(tenant: &TenantId, consultation: Uuid) -> AttributeValue {
    AttributeValue::S(format!("{}#{consultation}", tenant.as_str()))
}

fn turn_number(number: u8) -> AttributeValue {
    AttributeValue::N(number.to_string())
}
