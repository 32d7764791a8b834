//! Links of the CDN, `CloudFront`, signed with a key of ours, and the end of what it has cached.
//!
//! The SDK signs none (awslabs/aws-sdk-rust#255). "Create a signed URL using a canned policy" and
//! "Code examples for creating a signature", Amazon `CloudFront` developer guide: since April 2026
//! with SHA-256, which the link names.

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject;
use serde::Deserialize;
use serde_json::json;
use time::OffsetDateTime;
use url::Url;

use super::bucket::LINK_TTL;
use super::upload::Link;
use crate::aws::{self, Secrets};
use crate::config::CdnSettings;
use crate::error::{BoxError, Error};

/// The wait that a caller is told while the key cannot be had.
const RETRY_AFTER: Duration = Duration::from_secs(30);

/// Signs links of the CDN.
pub struct CdnSigner {
    url: Url,
    key_secret: String,
    secrets: Arc<Secrets>,
}

/// What the secret holds: the key, and the id by which `CloudFront` knows its public half. They
/// change together, so a key is replaced by writing the secret anew.
#[derive(Deserialize)]
struct KeySecret {
    key_id: String,
    private_key: String,
}

impl CdnSigner {
    /// For the CDN and the key of these settings. The key is read when it is first needed.
    pub fn new(settings: CdnSettings, secrets: Arc<Secrets>) -> Self {
        Self {
            url: settings.url,
            key_secret: settings.key_secret,
            secrets,
        }
    }

    /// A link to an object. All links of five minutes are the same, so that browsers keep what they
    /// have.
    pub async fn sign_link(&self, object: &str) -> Result<Link, Error> {
        let secret = self.secrets.get(&self.key_secret).await;
        let secret = secret.map_err(|error| Error::unavailable("cdn", RETRY_AFTER, error))?;
        // The errors' texts could repeat the secret.
        let secret: KeySecret = serde_json::from_str(&secret)
            .map_err(|_| Error::internal("the CDN's key is no JSON with key_id and private_key"))?;
        let start = aws::period_start().map_err(Error::internal)?;
        let expires_at = OffsetDateTime::from(start + LINK_TTL + aws::LINK_PERIOD);

        let url = address(&self.url, object)?;
        let signed = sign(&url, expires_at.unix_timestamp(), &secret);
        let url = signed.map_err(|_| Error::internal("the CDN's key cannot sign"))?;
        Ok(Link { url, expires_at })
    }
}

/// The object's address, in which every character that is no plain one is escaped.
fn address(base: &Url, object: &str) -> Result<Url, Error> {
    let mut url = base.clone();
    let mut path = url
        .path_segments_mut()
        .map_err(|()| Error::internal("the CDN's address takes no path"))?;
    path.pop_if_empty().extend(object.split('/'));
    drop(path);
    Ok(url)
}

/// The address with the policy's parts behind it.
fn sign(url: &Url, expires: i64, secret: &KeySecret) -> Result<String, BoxError> {
    let policy = json!({
        "Statement": [{
            "Resource": url.as_str(),
            "Condition": { "DateLessThan": { "AWS:EpochTime": expires } },
        }],
    });
    let signature = sign_bytes(policy.to_string().as_bytes(), &secret.private_key)?;
    // Base64 with CloudFront's own characters for what means something in an address.
    let signature = STANDARD.encode(signature);
    let signature = signature
        .replace('+', "-")
        .replace('=', "_")
        .replace('/', "~");

    let key_id = &secret.key_id;
    Ok(format!(
        "{url}?Expires={expires}&Signature={signature}&Key-Pair-Id={key_id}&Hash-Algorithm=SHA256"
    ))
}

/// With an ECDSA key on P-256, or an RSA key; in PEM, of any of its forms.
fn sign_bytes(message: &[u8], private_key: &str) -> Result<Vec<u8>, BoxError> {
    let key = PrivateKeyDer::from_pem_slice(private_key.as_bytes())
        .map_err(|_| "the private key is no PEM")?;
    let der = key.secret_der();
    let random = SystemRandom::new();

    let elliptic = EcdsaKeyPair::from_private_key_der(&ECDSA_P256_SHA256_ASN1_SIGNING, der);
    if let Ok(pair) = elliptic {
        return Ok(pair.sign(&random, message)?.as_ref().to_vec());
    }
    let pair = match &key {
        PrivateKeyDer::Pkcs1(_) => RsaKeyPair::from_der(der),
        _ => RsaKeyPair::from_pkcs8(der),
    };
    let pair = pair.map_err(|_| "the private key is neither ECDSA on P-256 nor RSA")?;
    let mut signature = vec![0; pair.public_modulus_len()];
    pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature)?;
    Ok(signature)
}
