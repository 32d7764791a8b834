//! The WebSocket API and its connections.

use url::Url;

use super::plaintext::is_loopback;
use super::{ConfigError, optional, required};

const WEBSOCKET_URL: &str = "WEBSOCKET_URL";

/// The table of the connections: `CONNECTIONS_TABLE`.
pub fn connections_table() -> Result<String, ConfigError> {
    required("CONNECTIONS_TABLE")
}

/// Where the server speaks to its connections: below `WEBSOCKET_URL`, by HTTP. None where there is
/// no WebSocket API, as under `cargo lambda watch`.
pub fn websocket_endpoint() -> Result<Option<Url>, ConfigError> {
    let url: Option<Url> = optional(WEBSOCKET_URL)?;
    url.map(as_endpoint).transpose()
}

fn as_endpoint(mut url: Url) -> Result<Url, ConfigError> {
    let scheme = match url.scheme() {
        "wss" | "https" => "https",
        "ws" | "http" if is_loopback(&url) => "http",
        _ => return Err(ConfigError::new(WEBSOCKET_URL, "must start with wss://")),
    };

    let changed = url.set_scheme(scheme);
    changed.map_err(|()| ConfigError::new(WEBSOCKET_URL, "must start with wss://"))?;
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_endpoint_is_the_api_by_http() {
        let endpoint = |url: &str| as_endpoint(url.parse().unwrap()).map(String::from).ok();
        let url = "wss://a.execute-api.eu-west-1.amazonaws.com/live";
        let expected = "https://a.execute-api.eu-west-1.amazonaws.com/live";
        assert_eq!(endpoint(url).as_deref(), Some(expected));

        let local = "ws://127.0.0.1:4566/_aws/execute-api/a/live";
        let expected = "http://127.0.0.1:4566/_aws/execute-api/a/live";
        assert_eq!(endpoint(local).as_deref(), Some(expected));
        for wrong in ["ws://a.example.com/live", "ftp://127.0.0.1/live"] {
            assert_eq!(endpoint(wrong), None, "{wrong}");
        }
    }
}
