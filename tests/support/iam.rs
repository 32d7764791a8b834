//! Logins of Valkey by IAM, which AWS alone can judge: here the user needs no password, and what is
//! held is that it is this user, with a token for each connection.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws_config::{Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::{
    ProvideCredentials, SharedCredentialsProvider, future::ProvideCredentials as Provided,
};
use redis::aio::MultiplexedConnection;
use wenzhen::config::ValkeySettings;
use wenzhen::valkey::Valkey;

/// The user who logs in.
pub const USER: &str = "functions";

/// Credentials that count how often they are asked for: once for each token.
#[derive(Debug, Default, Clone)]
struct CountedCredentials(Arc<AtomicUsize>);

impl ProvideCredentials for CountedCredentials {
    fn provide_credentials<'a>(&'a self) -> Provided<'a>
    where
        Self: 'a,
    {
        self.0.fetch_add(1, Ordering::Relaxed);
        let credentials = Credentials::new("AKIDEXAMPLE", "secret", None, None, "test");
        Provided::ready(Ok(credentials))
    }
}

/// An environment whose URL says `auth=iam`.
pub struct IamEnvironment {
    pub valkey: Arc<Valkey>,
    credentials: CountedCredentials,
}

impl IamEnvironment {
    /// For a server or a cluster, by its URL without a user.
    pub fn new(url: &str, prefix: &str) -> Self {
        let mut url: url::Url = url.parse().unwrap();
        url.set_username(USER).unwrap();
        url.query_pairs_mut()
            .append_pair("auth", "iam")
            .append_pair("cache", "wenzhen");

        let credentials = CountedCredentials::default();
        let aws = SdkConfig::builder()
            .region(Region::new("eu-central-1"))
            .credentials_provider(SharedCredentialsProvider::new(credentials.clone()))
            .build();
        let settings = ValkeySettings {
            url: Some(url.as_str().parse().unwrap()),
            prefix: prefix.to_owned(),
        };
        let valkey = Valkey::with_aws(&settings, Arc::default(), aws.into());
        Self {
            valkey: Arc::new(valkey.unwrap().unwrap()),
            credentials,
        }
    }

    /// How many tokens were made.
    pub fn tokens(&self) -> usize {
        self.credentials.0.load(Ordering::Relaxed)
    }
}

/// Changes what the server asks of the user: `nopass`, or `resetpass` which refuses every token.
pub async fn set_user(operator: &mut MultiplexedConnection, rule: &str) {
    let mut command = redis::cmd("ACL");
    let command = command.arg("SETUSER").arg(USER);
    let command = command.arg(&["on", rule, "~*", "+@all"]);
    command.exec_async(operator).await.unwrap();
}

/// Ends the user's connections, as ElastiCache does after twelve hours. Answers how many there
/// were.
pub async fn end_connections(operator: &mut MultiplexedConnection) -> usize {
    let mut command = redis::cmd("CLIENT");
    let command = command.arg("KILL").arg("USER").arg(USER);
    command.query_async(operator).await.unwrap()
}
