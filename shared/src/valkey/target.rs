//! Which server is connected to: the one of the setting, or of the secret that the setting names.

use std::sync::Arc;
use std::time::Duration;

use redis::cluster::ClusterClient;
use redis::{Client, ConnectionInfo, IntoConnectionInfo, RedisError, TlsCertificates};
use url::Url;

use super::error::ValkeyError;
use crate::aws::{CacheLogin, Secrets, SharedConfig};
use crate::config::{
    CacheUser, ConfigError, ServiceUrl, UrlSource, VALKEY_URL, check_valkey_url, is_encrypted,
    url_parameter,
};
use crate::deadline::Deadline;

/// The parameter of the URL that names the file of the server's authority, as in PostgreSQL's.
const AUTHORITY_PARAMETER: &str = "sslrootcert";

/// The parameter of the URL that says that it leads to a cluster.
const CLUSTER_PARAMETER: &str = "cluster";

/// All parameters that a URL may have. One that is misspelt must not be passed over in silence.
const PARAMETERS: [&str; 5] = [
    AUTHORITY_PARAMETER,
    CLUSTER_PARAMETER,
    "auth",
    "cache",
    "serverless",
];

/// How often a command is sent again, to the node that has its keys by now. What takes longer is
/// for the caller to decide.
const CLUSTER_RETRIES: u32 = 2;

/// Between two of them, in milliseconds: short beside [`RESPONSE_TIMEOUT`].
const CLUSTER_RETRY_WAIT: std::ops::Range<u64> = 5..50;

/// Of the time to connect, the part that one node of a cluster may take: the others are connected
/// to as well, whatever it does.
const NODE_SHARE: u32 = 3;

/// Time for one round trip: a hundred times what it takes within a region.
pub(super) const RESPONSE_TIMEOUT: Duration = Duration::from_millis(250);

/// Time to connect without TLS.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(500);

/// Time to connect with TLS. With the seventh of a CPU that a function of 256 MB has, the first
/// handshake of a process took 200 to 250 ms of it, nearly all to seed the random generator of
/// aws-lc; each later one took less than 2 ms.
const TLS_CONNECT_TIMEOUT: Duration = Duration::from_millis(1_500);

/// Time to read the secret that holds the URL.
const SECRET_TIMEOUT: Duration = Duration::from_secs(2);

/// Where the server is, as it is configured.
pub(super) enum Target {
    /// The setting holds the URL.
    Given(Box<Endpoint>),
    /// A secret holds it.
    Secret(SecretTarget),
}

/// A secret that holds the URL. It is read for each new connection, so a rotated one is taken up.
pub(super) struct SecretTarget {
    id: String,
    clients: Clients,
    allows_plaintext: bool,
}

/// What of AWS a target may need.
#[derive(Clone, Default)]
pub(super) struct Clients {
    /// For the secret that holds the URL.
    pub(super) secrets: Arc<Secrets>,
    /// For the credentials with which IAM lets the user in.
    pub(super) aws: SharedConfig,
}

/// One server, or a cluster's nodes.
pub(super) enum Server {
    One(Box<Client>),
    Cluster(Box<ClusterClient>),
}

/// A server to connect to.
#[derive(Clone)]
pub(super) struct Endpoint {
    address: ConnectionInfo,
    certificates: Option<TlsCertificates>,
    is_cluster: bool,
    pub(super) connect_timeout: Duration,
    /// What makes the password, if it is none of the URL's.
    login: Option<CacheLogin>,
    /// The secret that the URL was read from.
    secret: Option<String>,
}

impl Endpoint {
    fn new(url: &Url, allows_plaintext: bool, aws: &SharedConfig) -> Result<Self, ConfigError> {
        check_valkey_url(url, allows_plaintext)?;
        let wrong = |error: RedisError| ConfigError::new(VALKEY_URL, error.to_string());

        let mut names = url.query_pairs().map(|(name, _)| name);
        if !names.all(|name| PARAMETERS.contains(&&*name)) {
            let known = PARAMETERS.join(", ");
            let problem = format!("has a parameter that is none of {known}");
            return Err(ConfigError::new(VALKEY_URL, problem));
        }

        let mut address = url.clone();
        address.set_query(None);
        let authority = match url_parameter(url, AUTHORITY_PARAMETER) {
            Some(path) => Some(read_authority(&path)?),
            None => None,
        };
        let is_cluster = match url_parameter(url, CLUSTER_PARAMETER).as_deref() {
            Some("true") => true,
            Some(_) => {
                let problem = format!("has a parameter {CLUSTER_PARAMETER}, which must be true");
                return Err(ConfigError::new(VALKEY_URL, problem));
            }
            None => false,
        };

        let endpoint = Self {
            address: address.as_str().into_connection_info().map_err(wrong)?,
            certificates: authority.map(|root_cert| TlsCertificates {
                client_tls: None,
                root_cert: Some(root_cert),
            }),
            is_cluster,
            connect_timeout: if is_encrypted(url) {
                TLS_CONNECT_TIMEOUT
            } else {
                CONNECT_TIMEOUT
            },
            login: CacheUser::of_url(url)?.map(|user| CacheLogin::new(aws.clone(), user)),
            secret: None,
        };
        // A wrong authority or address is an error of the setting, and not of the first connection.
        endpoint
            .server_at(endpoint.address.clone())
            .map_err(wrong)?;
        Ok(endpoint)
    }

    /// The server, with a login that is good for the next connection. Each connection has a token
    /// of its own, since IAM takes one for 15 minutes only.
    pub(super) async fn server(&self) -> Result<Server, ValkeyError> {
        let mut address = self.address.clone();
        if let Some(login) = &self.login {
            let token = login.token().await;
            let token = token.map_err(|error| ValkeyError::Unreachable(error.into()))?;
            let settings = address.redis_settings().clone().set_password(token);
            address = address.set_redis_settings(settings);
        }

        let server = self.server_at(address);
        server.map_err(|error| ValkeyError::Unreachable(error.into()))
    }

    fn server_at(&self, address: ConnectionInfo) -> Result<Server, RedisError> {
        if self.is_cluster {
            let client = self.cluster_at(address)?;
            return Ok(Server::Cluster(Box::new(client)));
        }

        let client = match self.certificates.clone() {
            Some(certificates) => Client::build_with_tls(address, certificates),
            None => Client::open(address),
        };
        Ok(Server::One(Box::new(client?)))
    }

    /// Of a cluster, of which the address names one node, or all.
    fn cluster_at(&self, address: ConnectionInfo) -> Result<ClusterClient, RedisError> {
        let builder = ClusterClient::builder([address])
            .connection_timeout(self.connect_timeout / NODE_SHARE)
            .response_timeout(RESPONSE_TIMEOUT)
            .retries(CLUSTER_RETRIES)
            .min_retry_wait(CLUSTER_RETRY_WAIT.start)
            .max_retry_wait(CLUSTER_RETRY_WAIT.end);
        match self.certificates.clone() {
            Some(certificates) => builder.certs(certificates).build(),
            None => builder.build(),
        }
    }
}

fn read_authority(path: &str) -> Result<Vec<u8>, ConfigError> {
    std::fs::read(path).map_err(|error| {
        let problem =
            format!("names a file with {AUTHORITY_PARAMETER} that cannot be read: {error}");
        ConfigError::new(VALKEY_URL, problem)
    })
}

impl Target {
    pub(super) fn new(url: &ServiceUrl, clients: Clients) -> Result<Self, ConfigError> {
        match &url.source {
            UrlSource::Given(given) => {
                let endpoint = Endpoint::new(given, url.allows_plaintext, &clients.aws)?;
                Ok(Self::Given(Box::new(endpoint)))
            }
            UrlSource::Secret(id) => Ok(Self::Secret(SecretTarget {
                id: id.clone(),
                clients,
                allows_plaintext: url.allows_plaintext,
            })),
        }
    }

    /// The server to connect to now.
    pub(super) async fn endpoint(&self, deadline: Deadline) -> Result<Endpoint, ValkeyError> {
        match self {
            Self::Given(endpoint) => Ok(Endpoint::clone(endpoint)),
            Self::Secret(target) => target.read(deadline).await,
        }
    }

    /// The server to connect to after `refused` has refused the login; `None` if there is no other
    /// login to try.
    pub(super) async fn rotated(&self, refused: &Endpoint, deadline: Deadline) -> Option<Endpoint> {
        let (Self::Secret(target), Some(secret)) = (self, &refused.secret) else {
            return None;
        };

        let read = target.clients.secrets.get_rotated(&target.id, secret);
        let rotated = deadline.at_most(SECRET_TIMEOUT).run(read).await.ok()??;
        target.parse(rotated).ok()
    }
}

impl SecretTarget {
    async fn read(&self, deadline: Deadline) -> Result<Endpoint, ValkeyError> {
        let has_time = deadline.remaining() >= SECRET_TIMEOUT;
        let read = self.clients.secrets.get(&self.id);

        match deadline.at_most(SECRET_TIMEOUT).run(read).await {
            Ok(Ok(secret)) => self.parse(secret),
            Ok(Err(error)) => Err(ValkeyError::Unreachable(error)),
            Err(_elapsed) if has_time => Err(ValkeyError::Timeout),
            Err(_elapsed) => Err(ValkeyError::DeadlinePassed),
        }
    }

    fn parse(&self, secret: String) -> Result<Endpoint, ValkeyError> {
        let wrong = |problem: ConfigError| ValkeyError::Unreachable(problem.into());
        let url = secret.trim().parse();
        let url: Url =
            url.map_err(|_| wrong(ConfigError::new(VALKEY_URL, "its secret must be a URL")))?;

        let endpoint = Endpoint::new(&url, self.allows_plaintext, &self.clients.aws);
        let endpoint = endpoint.map_err(wrong)?;
        Ok(Endpoint {
            secret: Some(secret),
            ..endpoint
        })
    }
}

#[cfg(test)]
mod tests {
    use aws_config::{Region, SdkConfig};
    use aws_credential_types::Credentials;
    use aws_credential_types::provider::SharedCredentialsProvider;

    use super::*;

    fn aws() -> SharedConfig {
        let credentials = Credentials::new("AKIDEXAMPLE", "secret", None, None, "test");
        let config = SdkConfig::builder()
            .region(Region::new("eu-central-1"))
            .credentials_provider(SharedCredentialsProvider::new(credentials));
        config.build().into()
    }

    /// The user and the password with which one server would be asked.
    async fn login(url: &str) -> (Option<String>, Option<String>) {
        let endpoint = Endpoint::new(&url.parse().unwrap(), false, &aws()).unwrap();
        let Server::One(client) = endpoint.server().await.unwrap() else {
            panic!("{url} is no cluster");
        };
        let settings = client.get_connection_info().redis_settings();
        let owned = |text: Option<&str>| text.map(str::to_owned);
        (owned(settings.username()), owned(settings.password()))
    }

    #[tokio::test]
    async fn a_user_of_elasticache_logs_in_with_a_token() {
        let url = "rediss://functions@cache.example:6379?auth=iam&cache=Wenzhen";
        let (user, password) = login(url).await;
        assert_eq!(user.as_deref(), Some("functions"));
        let token = "wenzhen/?Action=connect&User=functions&X-Amz-";
        assert!(password.unwrap().starts_with(token));
    }

    #[tokio::test]
    async fn without_iam_the_login_is_that_of_the_url() {
        let (user, password) = login("rediss://functions:a%2Fb@cache.example").await;
        assert_eq!(user.as_deref(), Some("functions"));
        assert_eq!(password.as_deref(), Some("a/b"));
        assert_eq!(login("rediss://cache.example").await, (None, None));
    }

    #[tokio::test]
    async fn without_credentials_there_is_no_connection() {
        let url = "rediss://functions@cache.example?auth=iam&cache=wenzhen";
        let nobody = SdkConfig::builder().build().into();
        let endpoint = Endpoint::new(&url.parse().unwrap(), false, &nobody).unwrap();
        let refused = endpoint.server().await.err().unwrap();
        assert!(matches!(refused, ValkeyError::Unreachable(_)), "{refused}");
    }

    #[tokio::test]
    async fn a_secret_may_say_that_the_user_logs_in_by_iam() {
        let target = SecretTarget {
            id: "unused".to_owned(),
            clients: Clients {
                secrets: Arc::default(),
                aws: aws(),
            },
            allows_plaintext: true,
        };
        let url = "rediss://functions@cache.example?auth=iam&cache=wenzhen&cluster=true";
        let endpoint = target.parse(url.to_owned()).unwrap();
        let server = endpoint.server().await.unwrap();
        assert!(matches!(server, Server::Cluster(_)));

        let in_clear = url.replace("rediss", "redis");
        assert!(target.parse(in_clear).is_err());
    }
}
