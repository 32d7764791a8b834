//! The queues: SQS.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_lambda_events::sqs::SqsMessage;
use aws_sdk_sqs::error::BuildError;
use aws_sdk_sqs::types::{
    BatchResultErrorEntry, ChangeMessageVisibilityBatchRequestEntry, MessageAttributeValue,
    QueueAttributeName, SendMessageBatchRequestEntry,
};

use tracing::Instrument;

use super::message::JobMessage;
use crate::error::BoxError;
use crate::telemetry::trace;

/// The most messages that SQS takes in one call.
pub const MAX_BATCH_SIZE: usize = 10;

/// The attribute in which a message that was passed on has the id that it came with.
const ORIGINAL_ID_ATTRIBUTE: &str = "original_id";

/// The error codes for a receipt that does not hold any more: of one that is none, and of one whose
/// message was deleted, or came again. The second is other parameters' code, too.
const INVALID_RECEIPT: &str = "ReceiptHandleIsInvalid";
const INVALID_VALUE: &str = "InvalidParameterValue";

/// The id that a message had when it was first received.
pub fn original_id(record: &SqsMessage) -> Option<&str> {
    let attribute = record.message_attributes.get(ORIGINAL_ID_ATTRIBUTE);
    let passed_on = attribute.and_then(|attribute| attribute.string_value.as_deref());
    passed_on.or(record.message_id.as_deref())
}

/// About how many messages a queue holds.
#[derive(Debug, Clone, Copy)]
pub struct QueueDepth {
    /// They can be received.
    pub visible: u32,
    /// They were received, and not deleted.
    pub in_flight: u32,
    /// They can be received later.
    pub delayed: u32,
}

/// A queue of jobs, or the dead-letter queue of another one.
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

    /// Sends up to [`MAX_BATCH_SIZE`] messages in one call; for each, whether the queue has taken
    /// it. The message group is the tenant: on a standard queue that keeps one tenant's flood from
    /// holding up the others ("fair queues", Amazon SQS developer guide).
    pub async fn send_batch(&self, messages: &[JobMessage]) -> Result<Vec<bool>, BoxError> {
        let mut entries = Vec::with_capacity(messages.len());
        for (index, message) in messages.iter().enumerate() {
            entries.push(send_entry(index, message)?);
        }

        let span = tracing::info_span!(
            target: trace::TARGET,
            "send_messages",
            messages = messages.len()
        );
        let request = self.client.send_message_batch().queue_url(&self.url);
        let sent = request.set_entries(Some(entries)).send();
        let response = sent.instrument(span.clone()).await;
        if response.is_err() {
            span.in_scope(|| trace::fail("the queue takes no messages"));
        }
        let response = response?;

        let is_taken = |index: usize| {
            let id = index.to_string();
            response.successful().iter().any(|entry| entry.id() == id)
        };

        Ok((0..messages.len()).map(is_taken).collect())
    }

    /// About how many messages it holds.
    pub async fn depth(&self) -> Result<QueueDepth, BoxError> {
        use QueueAttributeName::{
            ApproximateNumberOfMessages, ApproximateNumberOfMessagesDelayed,
            ApproximateNumberOfMessagesNotVisible,
        };

        let names = [
            ApproximateNumberOfMessages,
            ApproximateNumberOfMessagesNotVisible,
            ApproximateNumberOfMessagesDelayed,
        ];
        let request = self.client.get_queue_attributes().queue_url(&self.url);
        let request = request.set_attribute_names(Some(names.to_vec()));
        let response = request.send().await?;

        let [visible, in_flight, delayed] = names.map(|name| {
            let attributes = response.attributes()?;
            attributes.get(&name)?.parse().ok()
        });
        let unreadable = || BoxError::from("the queue does not say how many messages it holds");
        Ok(QueueDepth {
            visible: visible.ok_or_else(unreadable)?,
            in_flight: in_flight.ok_or_else(unreadable)?,
            delayed: delayed.ok_or_else(unreadable)?,
        })
    }

    /// Sends a message that was received to this other queue, where it gets another id; see
    /// [`original_id`].
    pub async fn pass_on(&self, record: &SqsMessage) -> Result<(), BoxError> {
        // SQS takes no empty message.
        let body = record.body.as_deref().filter(|body| !body.is_empty());
        let mut request = self
            .client
            .send_message()
            .queue_url(&self.url)
            .message_body(body.unwrap_or(" "));

        if let Some(id) = original_id(record) {
            let id = MessageAttributeValue::builder()
                .data_type("String")
                .string_value(id)
                .build()?;
            request = request.message_attributes(ORIGINAL_ID_ATTRIBUTE, id);
        }

        request.send().await?;

        Ok(())
    }

    /// Sets how long received messages stay invisible from now on, in whole seconds, rounded up;
    /// in one call for each [`MAX_BATCH_SIZE`]. A receipt that does not hold any more is passed
    /// over: its message belongs to a later delivery.
    pub async fn set_visibility(
        &self,
        receipts: &[&str],
        timeout: Duration,
    ) -> Result<(), BoxError> {
        let seconds = i32::try_from(timeout.as_millis().div_ceil(1_000)).unwrap_or(i32::MAX);
        for batch in receipts.chunks(MAX_BATCH_SIZE) {
            self.set_batch_visibility(batch, seconds).await?;
        }
        Ok(())
    }

    async fn set_batch_visibility(&self, receipts: &[&str], seconds: i32) -> Result<(), BoxError> {
        let mut entries = Vec::with_capacity(receipts.len());
        for (index, receipt) in receipts.iter().enumerate() {
            entries.push(visibility_entry(index, receipt, seconds)?);
        }

        let request = self
            .client
            .change_message_visibility_batch()
            .queue_url(&self.url);

        let response = request.set_entries(Some(entries)).send().await?;

        let failures = response.failed().iter();
        let unchanged = failures.filter(|entry| !is_past(entry)).count();
        if unchanged > 0 {
            let message =
                format!("the queue left the visibility of {unchanged} messages as it was");
            return Err(message.into());
        }

        Ok(())
    }
}

fn send_entry(
    index: usize,
    message: &JobMessage,
) -> Result<SendMessageBatchRequestEntry, BoxError> {
    let entry = SendMessageBatchRequestEntry::builder()
        .id(index.to_string())
        .message_body(serde_json::to_string(message)?)
        .message_group_id(message.tenant_id.as_str());
    Ok(entry.build()?)
}

fn visibility_entry(
    index: usize,
    receipt: &str,
    seconds: i32,
) -> Result<ChangeMessageVisibilityBatchRequestEntry, BuildError> {
    ChangeMessageVisibilityBatchRequestEntry::builder()
        .id(index.to_string())
        .receipt_handle(receipt)
        .visibility_timeout(seconds)
        .build()
}

/// Whether an entry has failed since its receipt does not hold any more.
fn is_past(entry: &BatchResultErrorEntry) -> bool {
    match entry.code() {
        INVALID_RECEIPT => true,
        INVALID_VALUE => entry
            .message()
            .is_some_and(|it| it.contains("ReceiptHandle")),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(code: &str, message: &str) -> BatchResultErrorEntry {
        let entry = BatchResultErrorEntry::builder().id("0").sender_fault(true);
        entry.code(code).message(message).build().unwrap()
    }

    #[test]
    fn a_receipt_that_holds_no_more_is_told_from_a_refusal() {
        let reason = "Value 4 for parameter ReceiptHandle is invalid. Reason: Message does not exist \
                      or is not available for visibility timeout change.";
        assert!(is_past(&entry("ReceiptHandleIsInvalid", "not a receipt")));
        assert!(is_past(&entry("InvalidParameterValue", reason)));
        let timeout = "Value 50000 for parameter VisibilityTimeout is invalid.";
        assert!(!is_past(&entry("InvalidParameterValue", timeout)));
        assert!(!is_past(&entry("InternalError", "")));
    }
}
