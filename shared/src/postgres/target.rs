//! Which server is connected to: the one of the setting, or of the secret that the setting names.

use std::sync::Arc;

use sqlx::ConnectOptions;
use sqlx::postgres::PgConnectOptions;
use url::Url;

use super::tls::check_transport;
use super::unavailable;
use crate::aws::Secrets;
use crate::config::{
    ConfigError, DATABASE_URL, ReaderAddress, ServiceUrl, UrlSource, check_database_scheme,
};
use crate::error::Error;

/// Where the server is, as it is configured.
pub(super) enum Target {
    /// The setting holds the URL.
    Given(Box<PgConnectOptions>),
    /// A secret holds it.
    Secret(SecretTarget),
}

/// The server of the setting, or, of the same database, its readers.
#[derive(Clone)]
struct Place {
    reader: Option<ReaderAddress>,
    allows_plaintext: bool,
}

/// A secret that holds the URL. It is read for each new connection, so a rotated one is taken up.
pub(super) struct SecretTarget {
    id: String,
    secrets: Arc<Secrets>,
    place: Place,
}

/// A server to connect to.
pub(super) struct Endpoint {
    pub(super) options: PgConnectOptions,
    /// The secret that the URL was read from.
    secret: Option<String>,
}

impl Target {
    pub(super) fn new(
        url: &ServiceUrl,
        secrets: Arc<Secrets>,
        reader: Option<ReaderAddress>,
    ) -> Result<Self, ConfigError> {
        let place = Place {
            reader,
            allows_plaintext: url.allows_plaintext,
        };
        match &url.source {
            UrlSource::Given(given) => {
                let options = read_options(given, &place)?;
                Ok(Self::Given(Box::new(options)))
            }
            UrlSource::Secret(id) => Ok(Self::Secret(SecretTarget {
                id: id.clone(),
                secrets,
                place,
            })),
        }
    }

    /// The server to connect to now.
    pub(super) async fn endpoint(&self) -> Result<Endpoint, Error> {
        match self {
            Self::Given(options) => Ok(Endpoint {
                options: PgConnectOptions::clone(options),
                secret: None,
            }),
            Self::Secret(target) => {
                let secret = target.secrets.get(&target.id).await;
                target.parse(secret.map_err(unavailable)?)
            }
        }
    }

    /// The server to connect to after `refused` has refused the login; `None` if there is no other
    /// login to try.
    pub(super) async fn rotated(&self, refused: &Endpoint) -> Option<Endpoint> {
        let (Self::Secret(target), Some(secret)) = (self, &refused.secret) else {
            return None;
        };

        let rotated = target.secrets.get_rotated(&target.id, secret).await?;
        target.parse(rotated).ok()
    }
}

impl SecretTarget {
    fn parse(&self, secret: String) -> Result<Endpoint, Error> {
        let no_url = |_| ConfigError::new(DATABASE_URL, "its secret must be a URL");
        let url: Result<Url, ConfigError> = secret.trim().parse().map_err(no_url);

        let options = url.and_then(|url| read_options(&url, &self.place));
        Ok(Endpoint {
            options: options.map_err(unavailable)?,
            secret: Some(secret),
        })
    }
}

fn read_options(url: &Url, place: &Place) -> Result<PgConnectOptions, ConfigError> {
    check_database_scheme(url)?;
    let parsed: Result<PgConnectOptions, sqlx::Error> = url.as_str().parse();
    let mut options = parsed.map_err(|error| ConfigError::new(DATABASE_URL, error.to_string()))?;
    if let Some(reader) = &place.reader {
        let port = reader.port.unwrap_or(options.get_port());
        options = options.host(&reader.host).port(port);
    }

    check_transport(&options, place.allows_plaintext)?;
    Ok(options
        .application_name("wenzhen")
        .disable_statement_logging())
}
