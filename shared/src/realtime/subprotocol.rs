//! How a client shows its token: as a subprotocol beside ours, since a browser can set no header of
//! a WebSocket's, and a URL is logged.
//!
//! ```js
//! new WebSocket(url, ["wenzhen", token])
//! ```

use http::{HeaderMap, header};

use crate::error::{Error, ErrorKind};

/// The subprotocol that is spoken. The answer names it, without which browsers hang up.
pub const SUBPROTOCOL: &str = "wenzhen";

/// The token that the client offers beside [`SUBPROTOCOL`].
pub fn offered_token(headers: &HeaderMap) -> Result<&str, Error> {
    let values = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter();
    let values = values.filter_map(|value| value.to_str().ok());
    let offered = values.flat_map(|value| value.split(',')).map(str::trim);
    let offered: Vec<_> = offered.filter(|name| !name.is_empty()).collect();

    match offered[..] {
        [SUBPROTOCOL, token] | [token, SUBPROTOCOL] => Ok(token),
        _ => {
            let detail = "Offer two subprotocols: `wenzhen`, and the ID token.";
            Err(Error::new(ErrorKind::Unauthenticated, detail))
        }
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn token_of(values: &[&'static str]) -> Option<String> {
        let values = values.iter().map(|value| {
            let value = HeaderValue::from_static(value);
            (header::SEC_WEBSOCKET_PROTOCOL, value)
        });
        let headers: HeaderMap = values.collect();
        offered_token(&headers).ok().map(str::to_owned)
    }

    #[test]
    fn one_token_stands_beside_the_protocol() {
        assert_eq!(token_of(&["wenzhen, a.b.c"]).unwrap(), "a.b.c");
        assert_eq!(token_of(&["a.b.c,wenzhen"]).unwrap(), "a.b.c");
        assert_eq!(token_of(&["wenzhen", "a.b.c"]).unwrap(), "a.b.c");

        for wrong in [&["wenzhen"][..], &["a.b.c"], &[], &["wenzhen, a, b"]] {
            assert_eq!(token_of(wrong), None, "{wrong:?}");
        }
    }
}
