//! The AWS clients. Each function makes what its route needs, once, at start; nothing is made per call.
//!
//! `AWS_ENDPOINT_URL` points every client at an emulator; the SDK reads it itself.

use std::collections::HashMap;
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
use tokio::sync::Mutex;
use url::Url;

use crate::error::{BoxError, error_chain};

/// The region, credentials and limits that all clients share.
pub async fn sdk_config() -> SdkConfig {
    let limits = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(2))
        .operation_attempt_timeout(Duration::from_secs(3))
        .operation_timeout(Duration::from_secs(8))
        .build();
    aws_config::defaults(BehaviorVersion::latest())
        .timeout_config(limits)
        .load()
        .await
}

/// The client of S3. An emulator is asked by path, since a bucket's own host name does not lead to it.
pub fn s3(config: &SdkConfig) -> aws_sdk_s3::Client {
    let by_path = config.endpoint_url().is_some();
    let config = aws_sdk_s3::config::Builder::from(config)
        .force_path_style(by_path)
        .build();
    aws_sdk_s3::Client::from_conf(config)
}

/// Whether a call failed because the service could not be reached, or was too busy: then it may succeed later.
pub fn is_outage<E>(error: &SdkError<E>) -> bool {
    match error {
        SdkError::TimeoutError(_) | SdkError::DispatchFailure(_) | SdkError::ResponseError(_) => {
            true
        }
        SdkError::ServiceError(answer) => matches!(answer.raw().status().as_u16(), 429 | 500..),
        _ => false,
    }
}

/// Secrets of AWS Secrets Manager, each fetched when it is first needed and kept for 5 minutes, so that a rotated one is
/// taken up without a deployment.
pub struct Secrets {
    client: aws_sdk_secretsmanager::Client,
    known: Mutex<HashMap<String, (SystemTime, String)>>,
}

/// How long a secret is used before it is fetched again.
const SECRET_FRESH: Duration = Duration::from_mins(5);

/// How long it serves on while Secrets Manager is gone.
const SECRET_STALE: Duration = Duration::from_hours(1);

impl Secrets {
    /// For the region and credentials of `config`. Nothing is fetched yet.
    pub fn new(config: &SdkConfig) -> Self {
        Self {
            client: aws_sdk_secretsmanager::Client::new(config),
            known: Mutex::default(),
        }
    }

    /// The secret string called `id`, a name or an ARN. Callers that arrive together share one call.
    pub async fn get(&self, id: &str) -> Result<String, BoxError> {
        let mut known = self.known.lock().await;
        let held = known
            .get(id)
            .map(|(fetched, secret)| (fetched.elapsed().unwrap_or(Duration::MAX), secret.clone()));
        if let Some((age, secret)) = &held
            && *age < SECRET_FRESH
        {
            return Ok(secret.clone());
        }
        match (self.fetch(id).await, held) {
            (Ok(secret), _) => {
                known.insert(id.to_owned(), (SystemTime::now(), secret.clone()));
                Ok(secret)
            }
            (Err(error), Some((age, secret))) if age < SECRET_STALE => {
                tracing::warn!(
                    causes = error_chain(&*error),
                    "a secret cannot be fetched again; the known one serves on"
                );
                Ok(secret)
            }
            (Err(error), _) => Err(error),
        }
    }

    async fn fetch(&self, id: &str) -> Result<String, BoxError> {
        let value = self.client.get_secret_value().secret_id(id).send().await?;
        Ok(value
            .secret_string()
            .ok_or("the secret is not a string")?
            .to_owned())
    }
}

/// Makes the passwords with which IAM lets a database user in.
///
/// A password is a presigned request that is never sent, made from the environment's own credentials, so it costs no
/// call. Source: "Connecting to your DB instance using IAM authentication", Amazon RDS user guide.
pub struct DatabaseLogin {
    config: SdkConfig,
    host: String,
    user: String,
}

/// Why no token could be made.
#[derive(Debug, thiserror::Error)]
#[error("no database token: {0}")]
pub struct TokenError(String);

impl DatabaseLogin {
    /// For a user at a host.
    pub fn new(config: SdkConfig, host: &str, port: u16, user: &str) -> Self {
        Self {
            config,
            host: format!("{host}:{port}"),
            user: user.to_owned(),
        }
    }

    /// A password that opens connections for the next 15 minutes.
    pub async fn token(&self) -> Result<String, TokenError> {
        let because = |text: &str| TokenError(text.to_owned());
        let provider = self
            .config
            .credentials_provider()
            .ok_or_else(|| because("no credentials"))?;
        let credentials = provider
            .provide_credentials()
            .await
            .map_err(|error| because(&error.to_string()))?;
        let region = self.config.region().ok_or_else(|| because("no region"))?;
        self.presign(credentials, region.as_ref(), SystemTime::now())
            .map_err(|error| because(&error.to_string()))
    }

    fn presign(
        &self,
        credentials: Credentials,
        region: &str,
        now: SystemTime,
    ) -> Result<String, BoxError> {
        let mut settings = SigningSettings::default();
        settings.signature_location = SignatureLocation::QueryParams;
        settings.expires_in = Some(Duration::from_mins(15));
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
        let request = SignableRequest::new(
            "GET",
            url.as_str(),
            std::iter::empty(),
            SignableBody::Bytes(&[]),
        )?;
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
        let credentials = Credentials::new(
            "AKIDEXAMPLE",
            "secret",
            Some("session".to_owned()),
            None,
            "test",
        );
        let token = login
            .presign(credentials, "eu-central-1", SystemTime::UNIX_EPOCH)
            .unwrap();

        let url = Url::parse(&format!("https://{token}")).unwrap();
        let value = |name: &str| {
            url.query_pairs()
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.into_owned())
        };
        assert_eq!(
            (url.host_str(), url.port()),
            (Some("db.example"), Some(5432))
        );
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
