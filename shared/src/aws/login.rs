//! The passwords with which IAM lets a user of the database or of the cache in.
//!
//! A password is a presigned request that is never sent, made from the environment's own
//! credentials, so it costs no call.

use std::time::{Duration, SystemTime};

use aws_config::SdkConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials;
use aws_sigv4::http_request::{
    SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign,
};
use aws_sigv4::sign::v4;
use url::Url;

use super::SharedConfig;
use crate::config::CacheUser;
use crate::error::BoxError;

/// How long IAM accepts a login token.
const LOGIN_TOKEN_TTL: Duration = Duration::from_mins(15);

/// Why no token could be made.
#[derive(Debug, thiserror::Error)]
#[error("no login token: {0}")]
pub struct TokenError(String);

impl TokenError {
    fn new(reason: impl std::fmt::Display) -> Self {
        Self(reason.to_string())
    }
}

/// Logs a user of a database in. Source: "Connecting to your DB instance using IAM
/// authentication", Amazon RDS user guide.
pub struct DatabaseLogin {
    config: SdkConfig,
    host: String,
    user: String,
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
        self.request().sign_now(&self.config).await
    }

    fn request(&self) -> LoginRequest<'_> {
        LoginRequest {
            service: "rds-db",
            host: &self.host,
            query: vec![("Action", "connect"), ("DBUser", &self.user)],
        }
    }
}

/// Logs a user of ElastiCache in. Source: "Authenticating with IAM", Amazon ElastiCache user guide.
#[derive(Clone)]
pub struct CacheLogin {
    config: SharedConfig,
    user: CacheUser,
}

impl CacheLogin {
    /// For a user of a cache.
    pub fn new(config: SharedConfig, user: CacheUser) -> Self {
        Self { config, user }
    }

    /// A password that opens connections for the next 15 minutes.
    pub async fn token(&self) -> Result<String, TokenError> {
        // On the heap: it is made once, and would make every future that asks Valkey large.
        let config = Box::pin(self.config.get()).await;
        self.request().sign_now(config).await
    }

    fn request(&self) -> LoginRequest<'_> {
        let CacheUser {
            user,
            cache,
            is_serverless,
        } = &self.user;

        let mut query = vec![("Action", "connect"), ("User", user)];
        if *is_serverless {
            query.push(("ResourceType", "ServerlessCache"));
        }
        LoginRequest {
            service: "elasticache",
            host: cache, // its name: the server's address is no part of the token
            query,
        }
    }
}

/// The request that would log a user in.
struct LoginRequest<'r> {
    service: &'static str,
    host: &'r str,
    query: Vec<(&'static str, &'r str)>,
}

impl LoginRequest<'_> {
    async fn sign_now(&self, config: &SdkConfig) -> Result<String, TokenError> {
        let provider = config.credentials_provider();
        let provider = provider.ok_or_else(|| TokenError::new("no credentials"))?;
        let credentials = provider
            .provide_credentials()
            .await
            .map_err(TokenError::new)?;

        let region = config.region();
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
            .name(self.service)
            .time(now)
            .settings(settings)
            .build()?
            .into();

        let mut url = Url::parse(&format!("https://{}/", self.host))?;
        url.query_pairs_mut().extend_pairs(&self.query);

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

    /// What a server reads of a token.
    struct Token(Url);

    impl Token {
        fn of(request: &LoginRequest<'_>) -> Self {
            let session = Some("session".to_owned());
            let credentials = Credentials::new("AKIDEXAMPLE", "secret", session, None, "test");
            let token = request.presign(credentials, "eu-central-1", SystemTime::UNIX_EPOCH);
            let token = token.unwrap();
            assert!(!token.contains("://"), "{token}");
            Self(Url::parse(&format!("https://{token}")).unwrap())
        }

        fn value(&self, name: &str) -> Option<String> {
            let mut pairs = self.0.query_pairs();
            let pair = pairs.find(|(key, _)| key == name);
            pair.map(|(_, value)| value.into_owned())
        }

        fn assert_is_signed_for(&self, service: &str) {
            assert_eq!(self.0.path(), "/");
            assert_eq!(self.value("Action").as_deref(), Some("connect"));
            assert_eq!(self.value("X-Amz-Expires").as_deref(), Some("900"));
            assert_eq!(self.value("X-Amz-SignedHeaders").as_deref(), Some("host"));
            let session = self.value("X-Amz-Security-Token");
            assert_eq!(session.as_deref(), Some("session"));
            assert_eq!(
                self.value("X-Amz-Credential"),
                Some(format!(
                    "AKIDEXAMPLE/19700101/eu-central-1/{service}/aws4_request"
                ))
            );
            assert_eq!(self.value("X-Amz-Signature").unwrap().len(), 64);
        }

        /// As another signer made it, one of thirty lines that knows Signature Version 4 alone.
        fn assert_signature(&self, signature: &str) {
            let signed = self.value("X-Amz-Signature");
            assert_eq!(signed.as_deref(), Some(signature));
        }
    }

    #[test]
    fn a_database_token_is_a_presigned_connect_request() {
        let login = DatabaseLogin::new(SdkConfig::builder().build(), "db.example", 5432, "wenzhen");
        let token = Token::of(&login.request());

        token.assert_is_signed_for("rds-db");
        assert_eq!(token.0.host_str(), Some("db.example"));
        assert_eq!(token.0.port(), Some(5432));
        assert_eq!(token.value("DBUser").as_deref(), Some("wenzhen"));
    }

    fn cache_token(is_serverless: bool) -> Token {
        let user = CacheUser {
            user: "functions".to_owned(),
            cache: "wenzhen-prod".to_owned(),
            is_serverless,
        };
        Token::of(&CacheLogin::new(SharedConfig::default(), user).request())
    }

    #[test]
    fn a_cache_token_is_a_presigned_connect_request() {
        let token = cache_token(false);
        token.assert_is_signed_for("elasticache");
        assert_eq!(token.0.host_str(), Some("wenzhen-prod"));
        assert_eq!(token.0.port(), None);
        assert_eq!(token.value("User").as_deref(), Some("functions"));
        assert_eq!(token.value("ResourceType"), None);
        token.assert_signature("158984adb84e98304258a62a439353c4a518cb4eb4deb4dc1eb80d89f42b97f3");
    }

    #[test]
    fn a_token_for_a_serverless_cache_says_so() {
        let token = cache_token(true);
        token.assert_is_signed_for("elasticache");
        let kind = token.value("ResourceType");
        assert_eq!(kind.as_deref(), Some("ServerlessCache"));
        token.assert_signature("e6401c13e4c319c23128ab502060bb424eeb850c427f56429d96415ccf20d68e");
    }
}
