//! Who is calling, from the bearer token.
//!
//! The gateway's authorizer has verified the token before; every function verifies it again, so that one that is reached
//! by another way (`cargo lambda watch`, a function URL, a direct invocation) is protected too. It is the user pool's
//! **ID** token: only that carries `custom:tenant_id` and has the client's id as its audience.

use http::{HeaderMap, header};
use jsonwebtoken::{Algorithm, Validation, decode, decode_header};
use serde::Deserialize;

use super::jwks::Jwks;
use crate::config::{ConfigError, TokenSettings};
use crate::deadline::Deadline;
use crate::error::{Error, ErrorKind};
use crate::identity::{Caller, Role, TenantId, UserId};

/// How far the clocks of the issuer and this environment may differ, in seconds.
const CLOCK_SKEW: u64 = 60;

/// Verifies tokens of one user pool for one client.
pub struct Authenticator {
    jwks: Jwks,
    validation: Validation,
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
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
            validation: validation(settings),
        })
    }

    /// The caller whom the `Authorization` header names.
    pub async fn authenticate(
        &self,
        headers: &HeaderMap,
        deadline: Deadline,
    ) -> Result<Caller, Error> {
        let token = bearer(headers)?;
        let head = decode_header(token)
            .map_err(|error| refused("The token is not a JWT.").with_source(error))?;
        // Checked before a key is looked up: `none` and HMAC can then not even ask for one.
        if head.alg != Algorithm::RS256 {
            return Err(refused("The token is not signed with RS256."));
        }
        let id = head
            .kid
            .ok_or_else(|| refused("The token does not name its key."))?;
        let key = self
            .jwks
            .key(&id, deadline)
            .await?
            .ok_or_else(|| refused("The token's key is not the issuer's."))?;
        let claims = decode::<Claims>(token, &key, &self.validation)
            .map_err(|error| explain(&error))?
            .claims;
        caller(claims)
    }
}

fn validation(settings: &TokenSettings) -> Validation {
    let mut validation = Validation::new(Algorithm::RS256);
    validation.leeway = CLOCK_SKEW;
    validation.validate_nbf = true;
    validation.set_issuer(&[&settings.issuer]);
    validation.set_audience(&[&settings.audience]);
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    validation
}

fn refused(detail: &'static str) -> Error {
    Error::new(ErrorKind::Unauthenticated, detail)
}

fn bearer(headers: &HeaderMap) -> Result<&str, Error> {
    let value = headers
        .get(header::AUTHORIZATION)
        .ok_or_else(|| refused("Send a token: `Authorization: Bearer <ID token>`."))?
        .to_str()
        .map_err(|error| refused("The Authorization header is not ASCII.").with_source(error))?;
    match value.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(token.trim()),
        _ => Err(refused(
            "Send the token as `Authorization: Bearer <ID token>`.",
        )),
    }
}

/// The claim that does not hold, and nothing of its value.
fn explain(error: &jsonwebtoken::errors::Error) -> Error {
    use jsonwebtoken::errors::ErrorKind;
    refused(match error.kind() {
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

fn caller(claims: Claims) -> Result<Caller, Error> {
    if claims.token_use != "id" {
        return Err(refused("This is not an ID token; send the ID token."));
    }
    let role = claims
        .groups
        .iter()
        .filter_map(|group| Role::from_group(group))
        .max();
    let role = role.ok_or_else(|| {
        Error::new(
            ErrorKind::Forbidden,
            "You have no role here; ask your administrator for one.",
        )
    })?;
    let tenant = claims.tenant.map(TenantId::try_from).and_then(Result::ok);
    let tenant = tenant.ok_or_else(|| {
        Error::new(
            ErrorKind::Forbidden,
            "You belong to no tenant; ask your administrator.",
        )
    })?;
    let user = UserId::try_from(claims.sub)
        .map_err(|error| refused("The token names no user.").with_source(error))?;
    Ok(Caller { tenant, user, role })
}
