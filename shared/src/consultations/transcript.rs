//! The turns of a consultation in DynamoDB, one item each: what the patient said, and what a model answered.
//!
//! An answer is recorded before it is written to PostgreSQL. A run that dies in between, or finds PostgreSQL gone, has
//! then not asked in vain: the next run takes the recorded answer and does not pay for another one.

use aws_config::SdkConfig;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{AttributeValue, DeleteRequest, PutRequest, WriteRequest};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

use super::{Assessment, Consultation};
use crate::error::BoxError;
use crate::identity::TenantId;

/// The table of all transcripts.
pub struct Transcripts {
    client: Client,
    table: String,
}

/// One turn, by the one who speaks.
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
    pub async fn answer(
        &self,
        tenant: &TenantId,
        consultation: Uuid,
    ) -> Result<Option<Assessment>, BoxError> {
        let found = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("consultation = :c")
            .expression_attribute_values(":c", partition(tenant, consultation))
            .consistent_read(true)
            .send()
            .await?;
        for item in found.items().iter().rev() {
            let turn = item
                .get("turn")
                .and_then(|turn| turn.as_s().ok())
                .ok_or("a turn without content")?;
            // The error's text could repeat the turn.
            if let Turn::Assistant(answer) =
                serde_json::from_str(turn).map_err(|_| "a turn that cannot be read")?
            {
                return Ok(Some(*answer));
            }
        }
        Ok(None)
    }

    /// Records the patient's turn and the answer to it, in one call. Doing it twice changes nothing.
    pub async fn record(
        &self,
        tenant: &TenantId,
        consultation: &Consultation,
        answer: &Assessment,
    ) -> Result<(), BoxError> {
        let turns = [
            (
                1,
                consultation.created_at,
                Turn::Patient(consultation.symptoms.clone()),
            ),
            (
                2,
                OffsetDateTime::now_utc(),
                Turn::Assistant(Box::new(answer.clone())),
            ),
        ];
        let mut writes = Vec::new();
        for (number, at, turn) in turns {
            let put = PutRequest::builder()
                .item("consultation", partition(tenant, consultation.id))
                .item("number", AttributeValue::N(number.to_string()))
                .item("at", AttributeValue::S(at.format(&Rfc3339)?))
                .item("turn", AttributeValue::S(serde_json::to_string(&turn)?));
            writes.push(WriteRequest::builder().put_request(put.build()?).build());
        }
        self.write(writes).await
    }

    /// Removes what [`Transcripts::record`] writes. There may be nothing.
    pub async fn forget(&self, tenant: &TenantId, consultation: Uuid) -> Result<(), BoxError> {
        let mut writes = Vec::new();
        for number in [1, 2] {
            let delete = DeleteRequest::builder()
                .key("consultation", partition(tenant, consultation))
                .key("number", AttributeValue::N(number.to_string()));
            writes.push(
                WriteRequest::builder()
                    .delete_request(delete.build()?)
                    .build(),
            );
        }
        self.write(writes).await
    }

    async fn write(&self, writes: Vec<WriteRequest>) -> Result<(), BoxError> {
        let written = self
            .client
            .batch_write_item()
            .request_items(&self.table, writes)
            .send()
            .await?;
        let whole = written
            .unprocessed_items()
            .is_none_or(std::collections::HashMap::is_empty);
        if whole {
            Ok(())
        } else {
            Err("DynamoDB left a turn as it was".into())
        }
    }
}

/// A consultation's items stand together. Neither a tenant's id nor a UUID contains the `#` between them.
fn partition(tenant: &TenantId, consultation: Uuid) -> AttributeValue {
    AttributeValue::S(format!("{}#{consultation}", tenant.as_str()))
}
