//! Tokens: which the gateway refuses, and which each function refuses by itself.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use axum::Router;
use axum::routing::get;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderMap;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use reqwest::StatusCode;
use serde_json::{Value, json};
use time::OffsetDateTime;
use wenzhen::config::TokenSettings;
use wenzhen::deadline::Deadline;
use wenzhen::error::{Error, ErrorKind};
use wenzhen::http::auth::Authenticator;
use wenzhen::identity::{Caller, Role};

use crate::support::{STACK, User, eventually};

const ISSUER: &str = "https://issuer.example/pool";
const AUDIENCE: &str = "client-1";

/// The key of an HMAC, which must never verify a token.
const SYMMETRIC_KEY: &[u8] = b"a symmetric key that must never verify anything";

/// The time for one verification.
const VERIFY_TIMEOUT: Duration = Duration::from_secs(5);

/// An issuer with one key, which counts the requests for it.
struct Issuer {
    key: KeyPair,
    /// The id under which it is announced; none while the issuer is broken.
    key_id: Arc<Mutex<Option<&'static str>>>,
    url: String,
    requests: Arc<AtomicUsize>,
}

impl Issuer {
    async fn start() -> Self {
        let key = KeyPair::generate(KeySize::Rsa2048).unwrap();
        let set = key_set(&key);
        let key_id = Arc::new(Mutex::new(Some("k1")));

        let requests = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&requests);
        let announced = Arc::clone(&key_id);
        let answer = move || {
            count.fetch_add(1, Ordering::SeqCst);
            let mut set = set.clone();
            let key_id = *announced.lock().unwrap();
            set["keys"][0]["kid"] = json!(key_id);

            let broken = StatusCode::INTERNAL_SERVER_ERROR;
            let answer = key_id.map(|_| axum::Json(set)).ok_or(broken);
            async move { answer }
        };
        let router = Router::new().route("/jwks.json", get(answer));

        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/jwks.json", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self {
            key,
            key_id,
            url,
            requests,
        }
    }

    fn rotate(&self, key_id: &'static str) {
        *self.key_id.lock().unwrap() = Some(key_id);
    }

    fn break_down(&self) {
        *self.key_id.lock().unwrap() = None;
    }

    fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }

    fn authenticator(&self) -> Authenticator {
        authenticator(&self.url)
    }

    fn sign(&self, kid: &str, claims: &Value) -> String {
        let head = json!({ "alg": "RS256", "typ": "JWT", "kid": kid });
        self.sign_with_head(&head, claims)
    }

    fn sign_with_head(&self, head: &Value, claims: &Value) -> String {
        let signed = format!("{}.{}", encode_json(head), encode_json(claims));

        let mut signature = vec![0; self.key.public_modulus_len()];
        let random = SystemRandom::new();
        self.key
            .sign(
                &RSA_PKCS1_SHA256,
                &random,
                signed.as_bytes(),
                &mut signature,
            )
            .unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

/// The public key, and a symmetric one that must never verify a token.
fn key_set(key: &KeyPair) -> Value {
    let public = key.public_key();
    let modulus = public.modulus().big_endian_without_leading_zero();
    let exponent = public.exponent().big_endian_without_leading_zero();

    let rsa = json!({
        "kty": "RSA",
        "kid": "k1",
        "alg": "RS256",
        "use": "sig",
        "n": URL_SAFE_NO_PAD.encode(modulus),
        "e": URL_SAFE_NO_PAD.encode(exponent),
    });
    let symmetric = json!({
        "kty": "oct",
        "kid": "symmetric",
        "alg": "HS256",
        "k": URL_SAFE_NO_PAD.encode(SYMMETRIC_KEY),
    });
    json!({ "keys": [rsa, symmetric] })
}

fn encode_json(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

fn authenticator(jwks_url: &str) -> Authenticator {
    let settings = TokenSettings {
        issuer: ISSUER.to_owned(),
        audience: AUDIENCE.to_owned(),
        jwks_url: jwks_url.parse().unwrap(),
    };

    Authenticator::new(&settings).unwrap()
}

fn claims() -> Value {
    json!({
        "sub": "user-1",
        "iss": ISSUER,
        "aud": AUDIENCE,
        "token_use": "id",
        "exp": now() + 600,
        "iat": now(),
        "custom:tenant_id": "clinic",
        "cognito:groups": ["patient", "clinician", "something-else"],
    })
}

fn now() -> i64 {
    OffsetDateTime::now_utc().unix_timestamp()
}

fn claims_with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[name] = value;
    claims
}

async fn authenticate(authenticator: &Authenticator, token: &str) -> Result<Caller, Error> {
    let mut headers = HeaderMap::new();
    headers.insert("authorization", format!("Bearer {token}").parse().unwrap());
    let deadline = Deadline::after(VERIFY_TIMEOUT);
    let token = authenticator.authenticate(&headers, deadline).await?;
    Ok(token.caller)
}

#[tokio::test]
async fn a_good_token_names_its_tenant_user_and_greatest_role() {
    let issuer = Issuer::start().await;
    let token = issuer.sign("k1", &claims());

    let caller = authenticate(&issuer.authenticator(), &token).await.unwrap();
    assert_eq!(caller.tenant.as_str(), "clinic");
    assert_eq!(caller.user.as_str(), "user-1");
    assert_eq!(caller.role, Role::Clinician);
}

#[tokio::test]
async fn a_claim_that_does_not_hold_is_refused() {
    let issuer = Issuer::start().await;
    let authenticator = issuer.authenticator();
    let refusal = async |claims: &Value| {
        let token = issuer.sign("k1", claims);
        authenticate(&authenticator, &token).await.unwrap_err()
    };

    let unauthenticated = [
        claims_with("exp", json!(now() - 61)),
        claims_with("exp", Value::Null),
        claims_with("nbf", json!(now() + 120)),
        claims_with("iss", json!("https://issuer.example/other")),
        claims_with("iss", json!([ISSUER])),
        claims_with("iss", json!([ISSUER, "https://issuer.example/other"])),
        claims_with("iss", Value::Null),
        claims_with("aud", json!("client-2")),
        claims_with("aud", Value::Null),
        claims_with("token_use", json!("access")),
        claims_with("sub", json!("")),
    ];
    for claims in unauthenticated {
        let error = refusal(&claims).await;
        assert_eq!(
            error.kind(),
            ErrorKind::Unauthenticated,
            "{claims}: {error}"
        );
    }

    let forbidden = [
        claims_with("cognito:groups", json!(["visitor"])),
        claims_with("cognito:groups", json!([])),
        claims_with("custom:tenant_id", Value::Null),
        claims_with("custom:tenant_id", json!("a/../b")),
    ];
    for claims in forbidden {
        let error = refusal(&claims).await;
        assert_eq!(error.kind(), ErrorKind::Forbidden, "{claims}: {error}");
    }
}

#[tokio::test]
async fn clocks_may_differ_by_a_minute() {
    let issuer = Issuer::start().await;
    let authenticator = issuer.authenticator();

    let expired = claims_with("exp", json!(now() - 40));
    let not_yet_valid = claims_with("nbf", json!(now() + 40));
    for claims in [expired, not_yet_valid] {
        let token = issuer.sign("k1", &claims);
        let caller = authenticate(&authenticator, &token).await;
        assert!(caller.is_ok(), "{claims}");
    }
}

#[tokio::test]
async fn unsigned_and_symmetric_tokens_are_refused() {
    let issuer = Issuer::start().await;
    let authenticator = issuer.authenticator();
    let good = issuer.sign("k1", &claims());
    authenticate(&authenticator, &good).await.unwrap();

    let mut forged = unsigned_tokens();
    forged.extend(symmetric_tokens(&issuer));
    forged.push(tampered_token(&good));
    forged.extend(["garbage", "", "a.b.c"].map(str::to_owned));

    for token in forged {
        let error = authenticate(&authenticator, &token).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{token}");
    }
}

fn unsigned_tokens() -> Vec<String> {
    let unsigned = |alg: &str| {
        let head = json!({ "alg": alg, "kid": "k1" });
        format!("{}.{}.", encode_json(&head), encode_json(&claims()))
    };
    ["none", "None", "RS256"].map(unsigned).to_vec()
}

/// The confusion of RS256 with HMAC: the public key, which every client has, as the secret.
fn symmetric_tokens(issuer: &Issuer) -> Vec<String> {
    let public = issuer.key.public_key();
    let modulus = public.modulus().big_endian_without_leading_zero();
    let secrets = [public.as_ref(), modulus, SYMMETRIC_KEY];

    let mut tokens = Vec::new();
    for secret in secrets.map(EncodingKey::from_secret) {
        for kid in ["k1", "symmetric"] {
            let header = Header {
                kid: Some(kid.to_owned()),
                ..Header::new(Algorithm::HS256)
            };
            tokens.push(encode(&header, &claims(), &secret).unwrap());
        }
    }
    tokens
}

/// Another tenant under a good signature.
fn tampered_token(good: &str) -> String {
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let (head, _) = signed.split_once('.').unwrap();
    let claims = claims_with("custom:tenant_id", json!("other"));
    format!("{head}.{}.{signature}", encode_json(&claims))
}

#[tokio::test]
async fn another_scheme_or_no_header_is_refused() {
    let issuer = Issuer::start().await;
    let token = issuer.sign("k1", &claims());

    let values = [
        None,
        Some(token.clone()),
        Some(format!("Basic {token}")),
        Some("Bearer".to_owned()),
    ];
    for value in values {
        let mut headers = HeaderMap::new();
        if let Some(value) = value {
            headers.insert("authorization", value.parse().unwrap());
        }

        let authenticator = issuer.authenticator();
        let deadline = Deadline::after(VERIFY_TIMEOUT);
        let error = authenticator.authenticate(&headers, deadline).await;
        assert_eq!(
            error.err().map(|error| error.kind()),
            Some(ErrorKind::Unauthenticated)
        );
    }
}

/// Whatever it lists, and a list that is none: nothing that `crit` can name is understood here.
#[tokio::test]
async fn a_critical_extension_is_not_understood() {
    let issuer = Issuer::start().await;
    let authenticator = issuer.authenticator();

    let critical = [
        json!(["b64"]),
        json!(["exp"]),
        json!([]),
        json!("b64"),
        Value::Null,
    ];
    for crit in critical {
        let head = json!({ "alg": "RS256", "kid": "k1", "crit": crit, "b64": true });
        let token = issuer.sign_with_head(&head, &claims());
        let error = authenticate(&authenticator, &token).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{head}");
    }
    assert_eq!(issuer.requests(), 0);
}

/// A look-up tells that the first ones are no keys; the others' callers are to come back.
#[tokio::test]
async fn made_up_key_ids_cannot_be_turned_into_traffic() {
    let issuer = Issuer::start().await;
    let authenticator = issuer.authenticator();
    let good = issuer.sign("k1", &claims());
    authenticate(&authenticator, &good).await.unwrap();

    let mut kinds = Vec::new();
    for number in 0..50 {
        let token = issuer.sign(&format!("made-up-{number}"), &claims());
        let error = authenticate(&authenticator, &token).await.unwrap_err();
        if error.kind() == ErrorKind::Unavailable {
            let wait = error.retry_after().unwrap();
            assert!(wait <= Duration::from_secs(3), "{wait:?}");
        }
        kinds.push(error.kind());
    }

    let unauthenticated = kinds
        .iter()
        .filter(|kind| **kind == ErrorKind::Unauthenticated);
    assert_eq!(unauthenticated.count() + 1, issuer.requests());
    assert!(issuer.requests() < 10, "{} requests", issuer.requests());
    assert_eq!(kinds.last(), Some(&ErrorKind::Unavailable));

    authenticate(&authenticator, &good).await.unwrap();
}

/// One id costs one look-up for a while, and leaves the budget to others.
#[tokio::test]
async fn a_made_up_key_id_is_remembered_by_itself() {
    let issuer = Issuer::start().await;
    let authenticator = issuer.authenticator();
    let made_up = issuer.sign("made-up", &claims());
    let too_long = issuer.sign(&"k".repeat(300), &claims());

    for token in [&made_up, &too_long].repeat(20) {
        let error = authenticate(&authenticator, token).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unauthenticated);
    }
    assert_eq!(issuer.requests(), 1);

    issuer.rotate("k2");
    let new = issuer.sign("k2", &claims());
    authenticate(&authenticator, &new).await.unwrap();
}

/// Its callers are told to come back, and are let in with the next look-up.
#[tokio::test]
async fn a_rotated_key_is_not_refused_after_an_attack() {
    let issuer = Issuer::start().await;
    let authenticator = issuer.authenticator();
    for number in 0..50 {
        let token = issuer.sign(&format!("made-up-{number}"), &claims());
        authenticate(&authenticator, &token).await.unwrap_err();
    }

    issuer.rotate("k2");
    let new = issuer.sign("k2", &claims());
    eventually("the new key is known", async || {
        match authenticate(&authenticator, &new).await {
            Ok(_) => Some(()),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
                assert!(error.retry_after().is_some());
                None
            }
        }
    })
    .await;
}

#[tokio::test]
async fn callers_that_arrive_together_share_one_request() {
    let issuer = Issuer::start().await;
    let authenticator = issuer.authenticator();
    let token = issuer.sign("k1", &claims());

    let calls = (0..20).map(|_| authenticate(&authenticator, &token));
    let answers = futures::future::join_all(calls).await;
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!(issuer.requests(), 1);
}

#[tokio::test]
async fn an_issuer_that_is_gone_is_no_reason_to_call_a_token_wrong() {
    let issuer = Issuer::start().await;
    let token = issuer.sign("k1", &claims());

    let authenticator = authenticator("http://127.0.0.1:9/jwks.json");
    let error = authenticate(&authenticator, &token).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.retry_after().is_some());
}

/// A key that the issuer could not be asked about may be good; one that is known is.
#[tokio::test]
async fn an_unknown_key_of_an_issuer_that_breaks_is_not_refused() {
    let issuer = Issuer::start().await;
    let authenticator = issuer.authenticator();
    let known = issuer.sign("k1", &claims());
    let unknown = issuer.sign("k2", &claims());
    authenticate(&authenticator, &known).await.unwrap();

    issuer.break_down();
    let error = authenticate(&authenticator, &unknown).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    authenticate(&authenticator, &known).await.unwrap();
}

#[tokio::test]
async fn a_token_of_the_real_user_pool_is_accepted() {
    let user = User::new().await;
    let settings = TokenSettings {
        issuer: STACK.env("TOKEN_ISSUER").unwrap(),
        audience: STACK.env("TOKEN_AUDIENCE").unwrap(),
        jwks_url: STACK.env("TOKEN_JWKS_URL").unwrap().parse().unwrap(),
    };

    let authenticator = Authenticator::new(&settings).unwrap();
    let caller = authenticate(&authenticator, &user.token).await.unwrap();
    assert_eq!(caller.tenant.as_str(), user.tenant);
    assert_eq!(caller.role, Role::Patient);
}

#[tokio::test]
async fn the_gateway_refuses_what_is_no_token_of_the_pool() {
    let issuer = Issuer::start().await;
    let mut user = User::new().await;

    let (signed, _) = user.token.rsplit_once('.').unwrap();
    let forged = format!("{signed}.{}", URL_SAFE_NO_PAD.encode([0; 256]));
    let foreign = issuer.sign("k1", &claims());
    for token in [String::new(), "garbage".to_owned(), forged, foreign] {
        user.token = token;
        let answer = user.get("/v1/consultations").send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    }
}
