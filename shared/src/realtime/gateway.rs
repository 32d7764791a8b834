//! The gateway's own API, by which the server speaks to its connections (`@connections`).

use std::time::Duration;

use aws_config::SdkConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_apigatewaymanagement::Client;
use aws_sdk_apigatewaymanagement::operation::delete_connection::DeleteConnectionError;
use aws_sdk_apigatewaymanagement::operation::post_to_connection::PostToConnectionError;
use aws_sdk_apigatewaymanagement::primitives::Blob;
use url::Url;

use super::connection::ConnectionId;
use crate::error::BoxError;

/// For one post with all its attempts: the gateway takes a frame in milliseconds, and keeps it for
/// a client that reads slowly.
const POST_TIMEOUT: Duration = Duration::from_secs(2);

/// Why a frame was not posted.
#[derive(Debug, thiserror::Error)]
pub enum PostError {
    /// 410: the connection is closed.
    #[error("the connection is gone")]
    Gone,
    /// The gateway cannot be reached, or did not take it.
    #[error("the gateway did not take the frame")]
    Failed(#[source] BoxError),
}

/// The gateway of the WebSocket API.
pub struct Gateway {
    client: Client,
}

impl Gateway {
    /// The gateway at this endpoint, with its stage.
    pub fn new(config: &SdkConfig, endpoint: &Url) -> Self {
        let timeouts = TimeoutConfig::builder()
            .operation_timeout(POST_TIMEOUT)
            .build();
        let config = aws_sdk_apigatewaymanagement::config::Builder::from(config)
            .endpoint_url(endpoint.as_str().trim_end_matches('/'))
            .timeout_config(timeouts)
            .build();

        Self {
            client: Client::from_conf(config),
        }
    }

    /// Posts a frame to a connection, in at most 2 seconds.
    pub async fn post(&self, connection: &ConnectionId, frame: &str) -> Result<(), PostError> {
        let post = self
            .client
            .post_to_connection()
            .connection_id(connection.as_str())
            .data(Blob::new(frame));

        post.send().await.map(drop).map_err(|error| {
            let is_gone = error
                .as_service_error()
                .is_some_and(PostToConnectionError::is_gone_exception);
            if is_gone {
                PostError::Gone
            } else {
                PostError::Failed(error.into())
            }
        })
    }

    /// Closes a connection, which may be closed already.
    pub async fn close(&self, connection: &ConnectionId) -> Result<(), BoxError> {
        let close = self
            .client
            .delete_connection()
            .connection_id(connection.as_str());

        let Err(error) = close.send().await else {
            return Ok(());
        };
        let is_gone = error
            .as_service_error()
            .is_some_and(DeleteConnectionError::is_gone_exception);
        if is_gone { Ok(()) } else { Err(error.into()) }
    }
}
