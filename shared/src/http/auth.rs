//! The caller, from the bearer token.
//!
//! The gateway's authorizer has verified the token before. Every function verifies it again, so
//! that one that is reached by another way (`cargo lambda watch`, a direct
//! invocation) is protected too. It is the user pool's **ID** token: only that carries
//! `custom:tenant_id` and has the client's id as its audience.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, header};
use jsonwebtoken::{Algorithm, Validation, decode, decode_header};
use serde::Deserialize;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;

use super::jwks::Jwks;
use crate::config::{ConfigError, TokenSettings};
use crate::deadline::Deadline;
use crate::error::{Error, ErrorKind};
use crate::identity::{Caller, Role, TenantId, UserId};

/// How far the clocks of the issuer and this environment may differ, in seconds.
const MAX_CLOCK_SKEW: u64 = 60;

/// Verifies tokens of one user pool for one client.
pub struct Authenticator {
    jwks: Jwks,
    validation: Validation,
}

/// What a token that holds says.
pub struct VerifiedToken {
    /// Whose it is.
    pub caller: Caller,
    /// When its holder has signed in; a refreshed token tells of the first sign-in.
    pub signed_in_at: OffsetDateTime,
    /// From when on it holds no more.
    pub expires_at: OffsetDateTime,
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
    #[serde(rename = "exp")]
    expires_at: i64,
    #[serde(rename = "iat", default)]
    issued_at: i64,
    #[serde(rename = "auth_time")]
    signed_in_at: Option<i64>,
    /// One issuer. A list of them, which the library would take, is none.
    #[serde(rename = "iss")]
    _issuer: String,
    token_use: String,
    #[serde(rename = "custom:tenant_id")]
    tenant: Option<String>,
    #[serde(rename = "cognito:groups", default)]
    groups: Vec<String>,
}

impl Authenticator {
    /// For the issuer and audience of the settings. No key is fetched before a token needs one.
    pub fn new(settings: &TokenSettings) -> Result<Self, ConfigError> {
        let jwks = Jwks::new(settings.jwks_url.clone())
            .map_err(|error| ConfigError::new("TOKEN_JWKS_URL", error.to_string()))?;

        Ok(Self {
            jwks,
            validation: claim_rules(settings),
        })
    }

    /// What the token of the `Authorization` header says.
    pub async fn authenticate(
        &self,
        headers: &HeaderMap,
        deadline: Deadline,
    ) -> Result<VerifiedToken, Error> {
        self.verify(bearer_token(headers)?, deadline).await
    }

    /// What a token says, if it holds.
    pub async fn verify(&self, token: &str, deadline: Deadline) -> Result<VerifiedToken, Error> {
        let key_id = key_id(token)?;

        let key = self.jwks.find_key(&key_id, deadline).await?;
        let key = key.ok_or_else(|| refuse_token("The token's key is not the issuer's."))?;

        let token = decode::<Claims>(token, &key, &self.validation)
            .map_err(|error| explain_error(&error))?;
        let Claims {
            expires_at,
            issued_at,
            signed_in_at,
            ..
        } = token.claims;
        Ok(VerifiedToken {
            signed_in_at: time_of(signed_in_at.unwrap_or(issued_at))?,
            expires_at: time_of(expires_at)?,
            caller: caller_of(token.claims)?,
        })
    }
}

fn time_of(seconds: i64) -> Result<OffsetDateTime, Error> {
    OffsetDateTime::from_unix_timestamp(seconds)
        .map_err(|error| refuse_token("The token does not hold.").with_source(error))
}

fn claim_rules(settings: &TokenSettings) -> Validation {
    let mut validation = Validation::new(Algorithm::RS256);
    validation.leeway = MAX_CLOCK_SKEW;
    validation.validate_nbf = true;
    validation.set_issuer(&[&settings.issuer]);
    validation.set_audience(&[&settings.audience]);
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);

    validation
}

fn refuse_token(detail: &'static str) -> Error {
    Error::new(ErrorKind::Unauthenticated, detail)
}

/// Whether the bearer token is this fixed one. Digests are compared, so that the time that it takes
/// tells nothing of it.
pub fn has_token(headers: &HeaderMap, token: &str) -> bool {
    let token = token.trim();
    let sent = bearer_token(headers);
    !token.is_empty() && sent.is_ok_and(|sent| Sha256::digest(sent) == Sha256::digest(token))
}

fn bearer_token(headers: &HeaderMap) -> Result<&str, Error> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = values
        .next()
        .ok_or_else(|| refuse_token("Send a token: `Authorization: Bearer <ID token>`."))?
        .to_str()
        .map_err(|error| {
            refuse_token("The Authorization header is not ASCII.").with_source(error)
        })?;

    // Gateways join repeated headers with commas, which no token has.
    if values.next().is_some() || value.contains(',') {
        let detail = "There are two Authorization headers; send one.";
        return Err(refuse_token(detail));
    }
    match value.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(token.trim()),
        _ => {
            let detail = "Send the token as `Authorization: Bearer <ID token>`.";
            Err(refuse_token(detail))
        }
    }
}

/// The id of the key that has signed the token.
fn key_id(token: &str) -> Result<String, Error> {
    let head = decode_header(token)
        .map_err(|error| refuse_token("The token is not a JWT.").with_source(error))?;

    // Checked before a key is looked up: tokens with `none` or HMAC make no call to the issuer.
    if head.alg != Algorithm::RS256 {
        return Err(refuse_token("The token is not signed with RS256."));
    }
    if has_critical_parameters(token) {
        let detail = "The token demands an extension (`crit`) that is not known here.";
        return Err(refuse_token(detail));
    }
    head.kid
        .ok_or_else(|| refuse_token("The token does not name its key."))
}

/// Whether the head has `crit`. It lists extensions that must be understood (RFC 7515, 4.1.11), and
/// none is here.
fn has_critical_parameters(token: &str) -> bool {
    let head = token.split('.').next().unwrap_or_default();
    let head = URL_SAFE_NO_PAD.decode(head).unwrap_or_default();
    let head: Result<Map<String, Value>, _> = serde_json::from_slice(&head);

    head.map_or(true, |head| head.contains_key("crit"))
}

/// The claim that is not valid, and nothing of its value.
fn explain_error(error: &jsonwebtoken::errors::Error) -> Error {
    use jsonwebtoken::errors::ErrorKind;

    refuse_token(match error.kind() {
        ErrorKind::ExpiredSignature => "The token has expired. Sign in again, or refresh it.",
        ErrorKind::ImmatureSignature => "The token is not valid yet.",
        ErrorKind::InvalidIssuer => "The token is from another issuer.",
        ErrorKind::InvalidAudience => {
            "The token is for another application; send the ID token of this one's client."
        }
        ErrorKind::InvalidSignature => "The token's signature does not hold.",
        _ => "The token does not hold.",
    })
}

fn caller_of(claims: Claims) -> Result<Caller, Error> {
    if claims.token_use != "id" {
        return Err(refuse_token("This is not an ID token; send the ID token."));
    }

    let groups = claims.groups.iter();
    let role = groups.filter_map(|group| Role::from_group(group)).max();
    let role = role.ok_or_else(|| {
        let detail = "You have no role here; ask your administrator for one.";
        Error::new(ErrorKind::Forbidden, detail)
    })?;

    let tenant = claims.tenant.map(TenantId::try_from).and_then(Result::ok);
    let tenant = tenant.ok_or_else(|| {
        let detail = "You belong to no tenant; ask your administrator.";
        Error::new(ErrorKind::Forbidden, detail)
    })?;

    let user = UserId::try_from(claims.sub)
        .map_err(|error| refuse_token("The token names no user.").with_source(error))?;
    Ok(Caller { tenant, user, role })
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    struct Case {
        headers: &'static [&'static str],
        says: &'static str,
    }

    #[rustfmt::skip]
    const REFUSED: [Case; 7] = [
        Case { headers: &[], says: "Send a token" },
        Case { headers: &["Basic YTpi"], says: "Send the token as" },
        Case { headers: &["Bearer"], says: "Send the token as" },
        Case { headers: &["Bearer é"], says: "not ASCII" },
        Case { headers: &["Bearer a", "Bearer a"], says: "two Authorization headers" },
        Case { headers: &["Bearer a,Bearer b"], says: "two Authorization headers" },
        Case { headers: &["Bearer a, Basic YTpi"], says: "two Authorization headers" },
    ];

    fn authorized_by(values: &[&str]) -> HeaderMap {
        let values = values.iter().map(|value| {
            let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
            (header::AUTHORIZATION, value)
        });
        values.collect()
    }

    #[test]
    fn one_bearer_token_is_taken_and_two_are_refused() {
        for good in ["Bearer a.b.c", "bearer a.b.c", "BEARER  a.b.c "] {
            let headers = authorized_by(&[good]);
            assert_eq!(bearer_token(&headers).unwrap(), "a.b.c", "{good}");
        }

        for Case { headers, says } in REFUSED {
            let error = bearer_token(&authorized_by(headers)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unauthenticated);
            assert!(error.to_string().contains(says), "{headers:?}: {error}");
        }
    }
}
