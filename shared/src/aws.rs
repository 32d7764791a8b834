//! The AWS clients. Each function makes those that its route needs once, at start; none is made for
//! a call.
//!
//! `AWS_ENDPOINT_URL` points every client at an emulator; the SDK reads it itself.

mod login;
mod secrets;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_runtime::retries::classifiers::{THROTTLING_ERRORS, TRANSIENT_ERRORS};
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use tokio::sync::OnceCell;

use crate::error::BoxError;
pub use login::{CacheLogin, DatabaseLogin, TokenError};
pub use secrets::Secrets;

/// For connecting to a service.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// For one attempt of a call.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(3);

/// For a call with all of its attempts.
const OPERATION_TIMEOUT: Duration = Duration::from_secs(8);

/// All links made within one such period are the same, so that a client that holds a
/// representation with them need not get it again.
pub const LINK_PERIOD: Duration = Duration::from_mins(5);

/// The region, credentials and time-outs that all clients share.
pub async fn sdk_config() -> SdkConfig {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .operation_timeout(OPERATION_TIMEOUT)
        .build();

    aws_config::defaults(BehaviorVersion::latest())
        .timeout_config(timeouts)
        .load()
        .await
}

/// The configuration that the clients of one function share, made when one of them first needs it.
#[derive(Clone, Default)]
pub struct SharedConfig(Arc<OnceCell<SdkConfig>>);

impl SharedConfig {
    /// The configuration.
    pub async fn get(&self) -> &SdkConfig {
        self.0.get_or_init(sdk_config).await
    }
}

impl From<SdkConfig> for SharedConfig {
    fn from(config: SdkConfig) -> Self {
        Self(Arc::new(OnceCell::new_with(Some(config))))
    }
}

/// The client of S3. It names an emulator's buckets by path, since a bucket's own host name does
/// not lead to the emulator.
pub fn s3(config: &SdkConfig) -> aws_sdk_s3::Client {
    let is_emulated = config.endpoint_url().is_some();
    let config = aws_sdk_s3::config::Builder::from(config)
        .force_path_style(is_emulated)
        .build();
    aws_sdk_s3::Client::from_conf(config)
}

/// When the present [`LINK_PERIOD`] began.
pub fn period_start() -> Result<SystemTime, BoxError> {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
    let period = LINK_PERIOD.as_secs();
    let start = now.as_secs() / period * period;
    Ok(SystemTime::UNIX_EPOCH + Duration::from_secs(start))
}

/// Whether a call failed because the service could not be reached or was too busy, so that it may
/// succeed later. DynamoDB, SQS and `CloudFront` throttle with a 400: then the code tells, by the
/// lists that the SDK's own retries go by.
pub fn is_outage<E: ProvideErrorMetadata>(error: &SdkError<E>) -> bool {
    match error {
        SdkError::TimeoutError(_) | SdkError::DispatchFailure(_) | SdkError::ResponseError(_) => {
            true
        }
        SdkError::ServiceError(answer) => {
            matches!(answer.raw().status().as_u16(), 429 | 500..)
                || answer.err().code().is_some_and(is_busy_code)
        }
        _ => false,
    }
}

fn is_busy_code(code: &str) -> bool {
    THROTTLING_ERRORS.contains(&code) || TRANSIENT_ERRORS.contains(&code)
}

/// What remains of an error whose words may quote a patient's file, its name or its path: the
/// service's code.
pub fn error_code<E: ProvideErrorMetadata>(service: &str, error: &SdkError<E>) -> String {
    match error.code() {
        Some(code) => format!("{service} answered {code}"),
        None => format!("{service} did not answer"),
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_s3::error::ErrorMetadata;
    use aws_sdk_s3::operation::get_object::GetObjectError;
    use aws_sdk_s3::primitives::SdkBody;

    use super::*;

    fn answered(status: u16, code: &str) -> SdkError<GetObjectError> {
        let metadata = ErrorMetadata::builder().code(code).build();
        let raw = http::Response::builder().status(status);
        let raw = raw.body(SdkBody::empty()).unwrap();
        let error = GetObjectError::generic(metadata);
        SdkError::service_error(error, raw.try_into().unwrap())
    }

    #[test]
    fn a_throttle_is_an_outage_whatever_its_status() {
        for (status, code, expected) in [
            (400, "ThrottlingException", true),
            (400, "ProvisionedThroughputExceededException", true),
            (400, "Throttling", true),
            (400, "RequestTimeout", true),
            (429, "Anything", true),
            (503, "SlowDown", true),
            (400, "ValidationException", false),
            (403, "AccessDenied", false),
            (404, "NoSuchKey", false),
        ] {
            assert_eq!(is_outage(&answered(status, code)), expected, "{code}");
        }
    }
}
