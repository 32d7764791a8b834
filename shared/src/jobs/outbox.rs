//! Sending what the outbox announces.

use std::time::Duration;

use aws_config::SdkConfig;
use sqlx::PgConnection;

use super::JobMessage;
use crate::error::{BoxError, Error};
use crate::postgres::fault;

/// The queue that jobs are sent to.
pub struct Queue {
    client: aws_sdk_sqs::Client,
    url: String,
}

impl Queue {
    /// The queue at `url`.
    pub fn new(config: &SdkConfig, url: String) -> Self {
        Self { client: aws_sdk_sqs::Client::new(config), url }
    }

    /// Sends one message. The message group is the tenant: on a standard queue that keeps one tenant's flood from
    /// holding up the others ("fair queues", Amazon SQS developer guide).
    pub async fn send(&self, message: &JobMessage) -> Result<(), BoxError> {
        self.client
            .send_message()
            .queue_url(&self.url)
            .message_body(serde_json::to_string(message)?)
            .message_group_id(message.tenant_id.as_str())
            .send()
            .await?;
        Ok(())
    }

    /// Sets how long a received message stays invisible from now on, in whole seconds, rounded up.
    pub async fn set_visibility(&self, receipt_handle: &str, wait: Duration) -> Result<(), BoxError> {
        self.client
            .change_message_visibility()
            .queue_url(&self.url)
            .receipt_handle(receipt_handle)
            .visibility_timeout(i32::try_from(wait.as_millis().div_ceil(1_000)).unwrap_or(i32::MAX))
            .send()
            .await?;
        Ok(())
    }
}

/// Notes that a message was sent, so that it is not sent again.
pub async fn mark_sent(connection: &mut PgConnection, message: &JobMessage) -> Result<(), Error> {
    sqlx::query("UPDATE outbox SET sent_at = now() WHERE tenant_id = $1 AND job_id = $2 AND sent_at IS NULL")
        .bind(message.tenant_id.as_str())
        .bind(message.job_id)
        .execute(connection)
        .await
        .map_err(fault)?;
    Ok(())
}
