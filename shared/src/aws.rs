//! The AWS clients. Each function makes those that its route needs once, at start; none is made for
//! a call.
//!
//! `AWS_ENDPOINT_URL` points every client at an emulator; the SDK reads it itself.

mod secrets;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials;
use aws_sdk_s3::error::SdkError;
use aws_sigv4::http_request::{
    SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign,
};
use aws_sigv4::sign::v4;
use tokio::sync::OnceCell;
use url::Url;

use crate::error::BoxError;
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

/// How long IAM accepts a login token.
const LOGIN_TOKEN_TTL: Duration = Duration::from_mins(15);

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
/// succeed later.
pub fn is_outage<E>(error: &SdkError<E>) -> bool {
    match error {
        SdkError::TimeoutError(_) | SdkError::DispatchFailure(_) | SdkError::ResponseError(_) => {
            true
        }
        SdkError::ServiceError(answer) => matches!(answer.raw().status().as_u16(), 429 | 500..),
        _ => false,
    }
}

/// Makes the passwords with which IAM lets a database user in.
///
/// A password is a presigned request that is never sent, made from the environment's own
/// credentials, so it costs no call. Source: "Connecting to your DB instance using IAM
/// authentication", Amazon RDS user guide.
pub struct DatabaseLogin {
    config: SdkConfig,
    host: String,
    user: String,
}

/// Why no token could be made.
#[derive(Debug, thiserror::Error)]
#[error("no database token: {0}")]
pub struct TokenError(String);

impl TokenError {
    fn new(reason: impl std::fmt::Display) -> Self {
        Self(reason.to_string())
    }
}

impl DatabaseLogin {
    /// For a user of the database at a host and port.
    pub fn new(config: SdkConfig, host: &str, port: u16, user: &str) -> Self {
        Self {
            config,
            host: format!("{host}:{port}"),
            user: user.to_owned(),
        }
    }

    /// A password that opens connections for the next 15 minutes.
    pub async fn token(&self) -> Result<String, TokenError> {
        let provider = self.config.credentials_provider();
        let provider = provider.ok_or_else(|| TokenError::new("no credentials"))?;
        let credentials = provider
            .provide_credentials()
            .await
            .map_err(TokenError::new)?;

        let region = self.config.region();
        let region = region.ok_or_else(|| TokenError::new("no region"))?;
        self.presign(credentials, region.as_ref(), SystemTime::now())
            .map_err(TokenError::new)
    }

    fn presign(
        &self,
        credentials: Credentials,
        region: &str,
        now: SystemTime,
    ) -> Result<String, BoxError> {
        let mut settings = SigningSettings::default();
        settings.signature_location = SignatureLocation::QueryParams;
        settings.expires_in = Some(LOGIN_TOKEN_TTL);

        let identity = credentials.into();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(region)
            .name("rds-db")
            .time(now)
            .settings(settings)
            .build()?
            .into();

        let mut url = Url::parse(&format!("https://{}/", self.host))?;
        url.query_pairs_mut()
            .append_pair("Action", "connect")
            .append_pair("DBUser", &self.user);

        let no_headers = std::iter::empty();
        let body = SignableBody::Bytes(&[]);
        let request = SignableRequest::new("GET", url.as_str(), no_headers, body)?;
        let (instructions, _) = sign(request, &parameters)?.into_parts();
        for (name, value) in instructions.params() {
            url.query_pairs_mut().append_pair(name, value);
        }

        Ok(url.as_str().trim_start_matches("https://").to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_token_is_a_presigned_connect_request() {
        let login = DatabaseLogin::new(SdkConfig::builder().build(), "db.example", 5432, "wenzhen");
        let session = Some("session".to_owned());
        let credentials = Credentials::new("AKIDEXAMPLE", "secret", session, None, "test");

        let token = login
            .presign(credentials, "eu-central-1", SystemTime::UNIX_EPOCH)
            .unwrap();

        let url = Url::parse(&format!("https://{token}")).unwrap();
        let value = |name: &str| {
            let mut pairs = url.query_pairs();
            let pair = pairs.find(|(key, _)| key == name);
            pair.map(|(_, value)| value.into_owned())
        };
        assert_eq!(url.host_str(), Some("db.example"));
        assert_eq!(url.port(), Some(5432));
        assert_eq!(value("Action").as_deref(), Some("connect"));
        assert_eq!(value("DBUser").as_deref(), Some("wenzhen"));
        assert_eq!(value("X-Amz-Expires").as_deref(), Some("900"));
        assert_eq!(value("X-Amz-Security-Token").as_deref(), Some("session"));
        assert_eq!(
            value("X-Amz-Credential").as_deref(),
            Some("AKIDEXAMPLE/19700101/eu-central-1/rds-db/aws4_request")
        );
        assert_eq!(value("X-Amz-Signature").unwrap().len(), 64);
    }
}
