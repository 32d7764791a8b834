//! Where traces are sent.

use url::Url;

use super::{ConfigError, optional, plaintext};

/// The service that takes traces.
pub struct TracesSettings {
    /// Where it takes OTLP: `TRACES_ENDPOINT`. It is https, or on this machine.
    pub endpoint: Url,
    /// The name of a secret whose text is the header that it knows the sender by: `TRACES_SECRET`.
    pub header_secret: Option<String>,
}

impl TracesSettings {
    /// Reads `TRACES_ENDPOINT` and `TRACES_SECRET`. Without the first there is no such service.
    pub fn from_env() -> Result<Option<Self>, ConfigError> {
        let Some(endpoint) = optional::<Url>("TRACES_ENDPOINT")? else {
            return Ok(None);
        };
        if endpoint.scheme() != "https" && !plaintext::is_loopback(&endpoint) {
            return Err(ConfigError::new("TRACES_ENDPOINT", "must be https"));
        }
        Ok(Some(Self {
            endpoint,
            header_secret: optional("TRACES_SECRET")?,
        }))
    }
}
