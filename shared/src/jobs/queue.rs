//! The queues: SQS.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_lambda_events::sqs::SqsMessage;
use aws_sdk_sqs::types::{
    ChangeMessageVisibilityBatchRequestEntry, MessageAttributeValue, SendMessageBatchRequestEntry,
};

use super::JobMessage;
use crate::error::BoxError;

/// Under this name a message that was passed on has the id that it came with.
const ORIGINAL_ID: &str = "original_id";

/// The id that a message had when it was first received.
pub fn original_id(record: &SqsMessage) -> Option<&str> {
    let passed_on = record
        .message_attributes
        .get(ORIGINAL_ID)
        .and_then(|attribute| attribute.string_value.as_deref());
    passed_on.or(record.message_id.as_deref())
}

/// What SQS takes in one call.
pub const BATCH: usize = 10;

/// A queue of jobs, or the one that takes what another gave up.
pub struct Queue {
    client: aws_sdk_sqs::Client,
    url: String,
}

impl Queue {
    /// The queue at `url`.
    pub fn new(config: &SdkConfig, url: String) -> Self {
        Self {
            client: aws_sdk_sqs::Client::new(config),
            url,
        }
    }

    /// Sends up to [`BATCH`] messages in one call; for each, whether the queue has taken it. The message group is the tenant: on
    /// a standard queue that keeps one tenant's flood from holding up the others ("fair queues", Amazon SQS developer guide).
    pub async fn send_batch(&self, messages: &[JobMessage]) -> Result<Vec<bool>, BoxError> {
        let mut entries = Vec::with_capacity(messages.len());
        for (index, message) in messages.iter().enumerate() {
            let entry = SendMessageBatchRequestEntry::builder()
                .id(index.to_string())
                .message_body(serde_json::to_string(message)?)
                .message_group_id(message.tenant_id.as_str());
            entries.push(entry.build()?);
        }
        let sent = self
            .client
            .send_message_batch()
            .queue_url(&self.url)
            .set_entries(Some(entries))
            .send()
            .await?;
        let is_taken = |index: usize| {
            sent.successful()
                .iter()
                .any(|entry| entry.id() == index.to_string())
        };
        Ok((0..messages.len()).map(is_taken).collect())
    }

    /// Sends a message that was received, to this other queue, where it gets another id; see [`original_id`].
    pub async fn pass_on(&self, record: &SqsMessage) -> Result<(), BoxError> {
        // SQS takes no empty message.
        let body = record
            .body
            .as_deref()
            .filter(|body| !body.is_empty())
            .unwrap_or(" ");
        let mut send = self
            .client
            .send_message()
            .queue_url(&self.url)
            .message_body(body);
        if let Some(id) = original_id(record) {
            let id = MessageAttributeValue::builder()
                .data_type("String")
                .string_value(id)
                .build()?;
            send = send.message_attributes(ORIGINAL_ID, id);
        }
        send.send().await?;
        Ok(())
    }

    /// Sets how long received messages stay invisible from now on, in whole seconds, rounded up; in one call for each
    /// [`BATCH`]. A receipt that does not hold any more is passed over: its message belongs to a later delivery.
    pub async fn set_visibility(&self, receipts: &[&str], wait: Duration) -> Result<(), BoxError> {
        let seconds = i32::try_from(wait.as_millis().div_ceil(1_000)).unwrap_or(i32::MAX);
        for receipts in receipts.chunks(BATCH) {
            let entry = |(index, receipt): (usize, &&str)| {
                let entry =
                    ChangeMessageVisibilityBatchRequestEntry::builder().id(index.to_string());
                entry
                    .receipt_handle(*receipt)
                    .visibility_timeout(seconds)
                    .build()
            };
            let entries = receipts
                .iter()
                .enumerate()
                .map(entry)
                .collect::<Result<_, _>>()?;
            let change = self
                .client
                .change_message_visibility_batch()
                .queue_url(&self.url);
            let changed = change.set_entries(Some(entries)).send().await?;
            let failed = changed
                .failed()
                .iter()
                .filter(|entry| entry.code() != "ReceiptHandleIsInvalid")
                .count();
            if failed > 0 {
                return Err(format!(
                    "the queue left the visibility of {failed} messages as it was"
                )
                .into());
            }
        }
        Ok(())
    }
}
