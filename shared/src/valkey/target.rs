//! Which server is connected to: the one of the setting, or of the secret that the setting names.

use std::sync::Arc;
use std::time::Duration;

use redis::cluster::ClusterClient;
use redis::{Client, RedisError, TlsCertificates};
use url::Url;

use super::error::ValkeyError;
use crate::aws::Secrets;
use crate::config::{ConfigError, ServiceUrl, UrlSource, VALKEY_URL, check_valkey_url};
use crate::deadline::Deadline;

/// The parameter of the URL that names the file of the server's authority, as in PostgreSQL's.
const AUTHORITY_PARAMETER: &str = "sslrootcert";

/// The parameter of the URL that says that it leads to a cluster.
const CLUSTER_PARAMETER: &str = "cluster";

/// How often a command is sent again, to the node that has its keys by now. What takes longer is for
/// the caller to decide.
const CLUSTER_RETRIES: u32 = 2;

/// Between two of them at most, in milliseconds.
const CLUSTER_RETRY_WAIT: u64 = 50;

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
    secrets: Arc<Secrets>,
    allows_plaintext: bool,
}

/// One server, or a cluster's nodes.
#[derive(Clone)]
pub(super) enum Server {
    One(Arc<Client>),
    Cluster(Arc<ClusterClient>),
}

/// A server to connect to.
#[derive(Clone)]
pub(super) struct Endpoint {
    pub(super) server: Server,
    pub(super) connect_timeout: Duration,
    /// The secret that the URL was read from.
    secret: Option<String>,
}

impl Endpoint {
    fn new(url: &Url, allows_plaintext: bool) -> Result<Self, ConfigError> {
        check_valkey_url(url, allows_plaintext)?;
        let wrong = |error: RedisError| ConfigError::new(VALKEY_URL, error.to_string());

        let mut address = url.clone();
        address.set_query(None);
        let authority = match parameter(url, AUTHORITY_PARAMETER) {
            Some(path) => Some(read_authority(&path)?),
            None => None,
        };
        let has_tls = matches!(url.scheme(), "rediss" | "valkeys");
        let connect_timeout = if has_tls {
            TLS_CONNECT_TIMEOUT
        } else {
            CONNECT_TIMEOUT
        };

        let certificates = authority.map(|root_cert| TlsCertificates {
            client_tls: None,
            root_cert: Some(root_cert),
        });
        let server = match parameter(url, CLUSTER_PARAMETER).as_deref() {
            Some("true") => cluster(&address, certificates, connect_timeout)
                .map(|client| Server::Cluster(Arc::new(client))),
            Some(_) => {
                let problem = format!("has a parameter {CLUSTER_PARAMETER}, which must be true");
                return Err(ConfigError::new(VALKEY_URL, problem));
            }
            None => match certificates {
                Some(certificates) => Client::build_with_tls(address.as_str(), certificates),
                None => Client::open(address.as_str()),
            }
            .map(|client| Server::One(Arc::new(client))),
        };

        Ok(Self {
            server: server.map_err(wrong)?,
            connect_timeout,
            secret: None,
        })
    }
}

fn parameter(url: &Url, name: &str) -> Option<String> {
    let mut parameters = url.query_pairs();
    let found = parameters.find(|(known, _)| known == name);
    found.map(|(_, value)| value.into_owned())
}

/// Of a cluster, of which the address names one node, or all.
fn cluster(
    address: &Url,
    certificates: Option<TlsCertificates>,
    connect_timeout: Duration,
) -> Result<ClusterClient, RedisError> {
    let builder = ClusterClient::builder([address.as_str()])
        .connection_timeout(connect_timeout)
        .response_timeout(RESPONSE_TIMEOUT)
        .retries(CLUSTER_RETRIES)
        .max_retry_wait(CLUSTER_RETRY_WAIT);
    match certificates {
        Some(certificates) => builder.certs(certificates).build(),
        None => builder.build(),
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
    pub(super) fn new(url: &ServiceUrl, secrets: Arc<Secrets>) -> Result<Self, ConfigError> {
        match &url.source {
            UrlSource::Given(given) => {
                let endpoint = Endpoint::new(given, url.allows_plaintext)?;
                Ok(Self::Given(Box::new(endpoint)))
            }
            UrlSource::Secret(id) => Ok(Self::Secret(SecretTarget {
                id: id.clone(),
                secrets,
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

        let read = target.secrets.get_rotated(&target.id, secret);
        let rotated = deadline.at_most(SECRET_TIMEOUT).run(read).await.ok()??;
        target.parse(rotated).ok()
    }
}

impl SecretTarget {
    async fn read(&self, deadline: Deadline) -> Result<Endpoint, ValkeyError> {
        let has_time = deadline.remaining() >= SECRET_TIMEOUT;
        let read = self.secrets.get(&self.id);

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

        let endpoint = Endpoint::new(&url, self.allows_plaintext).map_err(wrong)?;
        Ok(Endpoint {
            secret: Some(secret),
            ..endpoint
        })
    }
}
