//! Whose address a limit counts.

use std::net::IpAddr;

use http::HeaderMap;
use lambda_http::request::RequestContext;
use lambda_http::{Request, RequestExt};
use sha2::{Digest, Sha256};

use crate::config::{self, ConfigError};

/// By which our own edge shows that it passed a call on: it overwrites what a client sends.
const EDGE_SECRET: &str = "x-origin-verify";

/// To which each hop appends the address that it saw; the first ones are the client's to write.
const FORWARDED_FOR: &str = "x-forwarded-for";

/// Finds out where calls come from.
///
/// Behind a CDN the gateway sees one of the CDN's servers, which it shares with many clients. Whom
/// that server saw is believed of our own edge alone.
pub(super) struct ClientAddress {
    /// The hash of our edge's secret, if there is an edge.
    edge: Option<[u8; 32]>,
}

impl ClientAddress {
    /// From the environment.
    pub(super) fn from_env() -> Result<Self, ConfigError> {
        Ok(Self::behind(config::edge_secret()?.as_deref()))
    }

    fn behind(secret: Option<&str>) -> Self {
        Self {
            edge: secret.map(|secret| Sha256::digest(secret).into()),
        }
    }

    /// The client's address; none if the gateway did not tell any.
    pub(super) fn of(&self, request: &Request) -> Option<IpAddr> {
        let peer = peer_of(request)?;
        let headers = request.headers();
        if !self.is_from_edge(headers) {
            return Some(peer);
        }
        Some(last_hop_before(peer, headers).unwrap_or(peer))
    }

    /// Hashes are compared, so that the time tells nothing about the secret.
    fn is_from_edge(&self, headers: &HeaderMap) -> bool {
        let Some((expected, secret)) = self.edge.zip(headers.get(EDGE_SECRET)) else {
            return false;
        };
        let given: [u8; 32] = Sha256::digest(secret.as_bytes()).into();
        given == expected
    }
}

/// Who spoke to the gateway.
fn peer_of(request: &Request) -> Option<IpAddr> {
    let address = match request.request_context_ref()? {
        RequestContext::ApiGatewayV1(context) => &context.identity.source_ip,
        RequestContext::ApiGatewayV2(context) => &context.http.source_ip,
        _ => return None,
    };
    address.as_deref()?.parse().ok()
}

/// Whom the peer saw: the last address, or the one before if the gateway has appended the peer.
fn last_hop_before(peer: IpAddr, headers: &HeaderMap) -> Option<IpAddr> {
    let hops = headers.get_all(FORWARDED_FOR).iter().next_back()?;
    let mut hops = hops.to_str().ok()?.rsplit(',').map(str::trim);
    let last: IpAddr = hops.next()?.parse().ok()?;
    if last == peer {
        return hops.next()?.parse().ok();
    }
    Some(last)
}

#[cfg(test)]
mod tests {
    use lambda_http::request::LambdaRequest;
    use serde_json::{Value, json};

    use super::*;

    const PEER: &str = "192.0.2.1";

    fn request_of(event: Value) -> Request {
        Request::from(serde_json::from_value::<LambdaRequest>(event).unwrap())
    }

    /// A call through the HTTP API.
    fn http_call(forwarded_for: &str, secret: &str) -> Request {
        request_of(json!({
            "version": "2.0",
            "routeKey": "GET /v1/x",
            "rawPath": "/v1/x",
            "rawQueryString": "",
            "headers": { FORWARDED_FOR: forwarded_for, EDGE_SECRET: secret },
            "isBase64Encoded": false,
            "requestContext": {
                "accountId": "1",
                "apiId": "a",
                "domainName": "d",
                "domainPrefix": "a",
                "requestId": "r",
                "routeKey": "GET /v1/x",
                "stage": "$default",
                "time": "",
                "timeEpoch": 0,
                "http": {
                    "method": "GET",
                    "path": "/v1/x",
                    "protocol": "HTTP/1.1",
                    "sourceIp": PEER,
                    "userAgent": "",
                },
            },
        }))
    }

    /// A call through the REST API.
    fn rest_call(forwarded_for: &str, secret: &str) -> Request {
        request_of(json!({
            "path": "/v1/x",
            "httpMethod": "POST",
            "headers": { FORWARDED_FOR: forwarded_for, EDGE_SECRET: secret },
            "requestContext": {
                "httpMethod": "POST",
                "identity": { "sourceIp": PEER },
            },
        }))
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn without_an_edge_the_gateways_word_counts_and_not_the_clients() {
        let client_address = ClientAddress::behind(None);
        for make_call in [http_call, rest_call] {
            let call = make_call("198.51.100.7, 203.0.113.9", "guessed");
            assert_eq!(client_address.of(&call), Some(address(PEER)));
        }
        assert_eq!(client_address.of(&Request::default()), None);
    }

    #[test]
    fn our_edges_word_counts_with_its_secret_alone() {
        let client_address = ClientAddress::behind(Some("secret"));
        for make_call in [http_call, rest_call] {
            // What the client wrote stands first, the gateway may have appended its peer.
            for (forwarded_for, expected) in [
                ("203.0.113.9", "203.0.113.9"),
                ("198.51.100.7, 203.0.113.9", "203.0.113.9"),
                ("198.51.100.7, 203.0.113.9, 192.0.2.1", "203.0.113.9"),
                ("198.51.100.7,2001:db8::9", "2001:db8::9"),
                ("192.0.2.1", PEER),
                ("unknown", PEER),
                ("", PEER),
            ] {
                let call = make_call(forwarded_for, "secret");
                let found = client_address.of(&call);
                assert_eq!(found, Some(address(expected)), "{forwarded_for}");
            }

            for wrong in ["", "secre", "secrets", "Secret"] {
                let call = make_call("203.0.113.9", wrong);
                assert_eq!(client_address.of(&call), Some(address(PEER)), "{wrong}");
            }
        }
    }
}
