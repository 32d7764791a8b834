//! The queue of a virus scanner that an operator runs.

use std::time::Duration;

use aws_config::SdkConfig;
use uuid::Uuid;

use super::key::UploadKey;
use super::message::ScanMessage;
use crate::aws;
use crate::error::Error;

/// The wait until a scanner is told again: the next delivery of the message.
const RETRY_AFTER: Duration = Duration::from_secs(30);

/// The queue.
pub struct ScanQueue {
    client: aws_sdk_sqs::Client,
    url: String,
}

impl ScanQueue {
    /// The queue at `url`.
    pub fn new(config: &SdkConfig, url: String) -> Self {
        Self {
            client: aws_sdk_sqs::Client::new(config),
            url,
        }
    }

    /// Tells the scanner of a file. It answers to the queue of the uploads, with a verdict.
    pub async fn ask(&self, key: &UploadKey, bucket: &str, object: &str) -> Result<(), Error> {
        let UploadKey { tenant, id } = key;
        let message = ScanMessage {
            tenant: tenant.clone(),
            upload: Uuid::clone(id),
            bucket: bucket.to_owned(),
            object: object.to_owned(),
            verdict: None,
        };
        let body = serde_json::to_string(&message).map_err(Error::internal)?;

        let send = self.client.send_message().queue_url(&self.url);
        match send.message_body(body).send().await {
            Ok(_) => Ok(()),
            Err(error) if aws::is_outage(&error) => {
                Err(Error::unavailable("scanner", RETRY_AFTER, error))
            }
            Err(error) => Err(Error::internal(error)),
        }
    }
}
