//! Tokens: what the gateway refuses, and what each function refuses by itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
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

use crate::support::{STACK, User};

const ISSUER: &str = "https://issuer.example/pool";
const AUDIENCE: &str = "client-1";

/// An issuer with one key, which counts how often it is asked for it.
struct Issuer {
    key: KeyPair,
    url: String,
    asked: Arc<AtomicUsize>,
}

impl Issuer {
    async fn start() -> Self {
        let key = KeyPair::generate(KeySize::Rsa2048).unwrap();
        let part = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let public = key.public_key();
        let modulus = part(public.modulus().big_endian_without_leading_zero());
        let exponent = part(public.exponent().big_endian_without_leading_zero());
        let symmetric = part(b"a symmetric key that must never verify anything");
        let set = json!({ "keys": [
            { "kty": "RSA", "kid": "k1", "alg": "RS256", "use": "sig", "n": modulus, "e": exponent },
            { "kty": "oct", "kid": "symmetric", "alg": "HS256", "k": symmetric },
        ] });
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        let answer = move || {
            count.fetch_add(1, Ordering::SeqCst);
            let set = set.to_string();
            async move { ([("content-type", "application/json")], set) }
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/jwks.json", listener.local_addr().unwrap());
        tokio::spawn(async move {
            axum::serve(listener, Router::new().route("/jwks.json", get(answer))).await
        });
        Self { key, url, asked }
    }

    fn authenticator(&self) -> Authenticator {
        authenticator(&self.url)
    }

    fn sign(&self, kid: &str, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!(
            "{}.{}",
            part(&json!({ "alg": "RS256", "typ": "JWT", "kid": kid })),
            part(claims)
        );
        let mut signature = vec![0; self.key.public_modulus_len()];
        self.key
            .sign(
                &RSA_PKCS1_SHA256,
                &SystemRandom::new(),
                signed.as_bytes(),
                &mut signature,
            )
            .unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
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
        "sub": "user-1", "iss": ISSUER, "aud": AUDIENCE, "token_use": "id", "exp": now() + 600, "iat": now(),
        "custom:tenant_id": "clinic", "cognito:groups": ["patient", "clinician", "something-else"],
    })
}

fn now() -> i64 {
    OffsetDateTime::now_utc().unix_timestamp()
}

fn with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[name] = value;
    claims
}

async fn check(authenticator: &Authenticator, token: &str) -> Result<Caller, Error> {
    let mut headers = HeaderMap::new();
    headers.insert("authorization", format!("Bearer {token}").parse().unwrap());
    authenticator
        .authenticate(&headers, Deadline::after(Duration::from_secs(5)))
        .await
}

#[tokio::test]
async fn a_good_token_names_its_tenant_user_and_greatest_role() {
    let issuer = Issuer::start().await;
    let caller = check(&issuer.authenticator(), &issuer.sign("k1", &claims()))
        .await
        .unwrap();
    assert_eq!(
        (caller.tenant.as_str(), caller.user.as_str(), caller.role),
        ("clinic", "user-1", Role::Clinician)
    );
}

#[tokio::test]
async fn a_claim_that_does_not_hold_is_refused() {
    let issuer = Issuer::start().await;
    let authenticator = issuer.authenticator();
    let refused = [
        with("exp", json!(now() - 61)),
        with("exp", Value::Null),
        with("nbf", json!(now() + 120)),
        with("iss", json!("https://issuer.example/other")),
        with("aud", json!("client-2")),
        with("aud", Value::Null),
        with("token_use", json!("access")),
        with("sub", json!("")),
    ];
    for claims in refused {
        let error = check(&authenticator, &issuer.sign("k1", &claims))
            .await
            .unwrap_err();
        assert_eq!(
            error.kind(),
            ErrorKind::Unauthenticated,
            "{claims}: {error}"
        );
    }
    for claims in [
        with("cognito:groups", json!(["visitor"])),
        with("cognito:groups", json!([])),
        with("custom:tenant_id", Value::Null),
        with("custom:tenant_id", json!("a/../b")),
    ] {
        let error = check(&authenticator, &issuer.sign("k1", &claims))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Forbidden, "{claims}: {error}");
    }
}

#[tokio::test]
async fn clocks_may_differ_by_a_minute() {
    let issuer = Issuer::start().await;
    let authenticator = issuer.authenticator();
    for claims in [
        with("exp", json!(now() - 40)),
        with("nbf", json!(now() + 40)),
    ] {
        assert!(
            check(&authenticator, &issuer.sign("k1", &claims))
                .await
                .is_ok(),
            "{claims}"
        );
    }
}

#[tokio::test]
async fn unsigned_and_symmetric_tokens_are_refused() {
    let issuer = Issuer::start().await;
    let authenticator = issuer.authenticator();
    check(&authenticator, &issuer.sign("k1", &claims()))
        .await
        .unwrap();
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let unsigned = |alg: &str| {
        format!(
            "{}.{}.",
            part(&json!({ "alg": alg, "kid": "k1" })),
            part(&claims())
        )
    };
    // The confusion of RS256 with HMAC: the public key, which anybody has, as the secret.
    let public = issuer.key.public_key();
    let secrets = [
        public.as_ref().to_vec(),
        public.modulus().big_endian_without_leading_zero().to_vec(),
        b"a symmetric key that must never verify anything".to_vec(),
    ];
    let mut forged = vec![unsigned("none"), unsigned("None"), unsigned("RS256")];
    for secret in &secrets {
        for kid in ["k1", "symmetric"] {
            let header = Header {
                kid: Some(kid.to_owned()),
                ..Header::new(Algorithm::HS256)
            };
            forged.push(encode(&header, &claims(), &EncodingKey::from_secret(secret)).unwrap());
        }
    }
    let good = issuer.sign("k1", &claims());
    let (head, signature) = good.rsplit_once('.').unwrap();
    let tampered = format!(
        "{}.{}",
        head.split('.').next().unwrap(),
        part(&with("custom:tenant_id", json!("other")))
    );
    forged.extend([
        format!("{tampered}.{signature}"),
        "garbage".to_owned(),
        String::new(),
        "a.b.c".to_owned(),
    ]);
    for token in forged {
        let error = check(&authenticator, &token).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{token}");
    }
}

#[tokio::test]
async fn another_scheme_or_no_header_is_refused() {
    let issuer = Issuer::start().await;
    let token = issuer.sign("k1", &claims());
    for value in [
        None,
        Some(token.clone()),
        Some(format!("Basic {token}")),
        Some("Bearer".to_owned()),
    ] {
        let mut headers = HeaderMap::new();
        if let Some(value) = value {
            headers.insert("authorization", value.parse().unwrap());
        }
        let answer = issuer
            .authenticator()
            .authenticate(&headers, Deadline::after(Duration::from_secs(5)))
            .await;
        assert_eq!(answer.unwrap_err().kind(), ErrorKind::Unauthenticated);
    }
}

#[tokio::test]
async fn made_up_key_ids_cannot_be_turned_into_traffic() {
    let issuer = Issuer::start().await;
    let authenticator = issuer.authenticator();
    check(&authenticator, &issuer.sign("k1", &claims()))
        .await
        .unwrap();
    for number in 0..50 {
        let error = check(
            &authenticator,
            &issuer.sign(&format!("made-up-{number}"), &claims()),
        )
        .await
        .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unauthenticated);
    }
    assert_eq!(issuer.asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn callers_that_arrive_together_share_one_question_to_the_issuer() {
    let issuer = Issuer::start().await;
    let authenticator = issuer.authenticator();
    let token = issuer.sign("k1", &claims());
    let answers = futures::future::join_all((0..20).map(|_| check(&authenticator, &token))).await;
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!(issuer.asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn an_issuer_that_is_gone_is_no_reason_to_call_a_token_wrong() {
    let issuer = Issuer::start().await;
    let error = check(
        &authenticator("http://127.0.0.1:9/jwks.json"),
        &issuer.sign("k1", &claims()),
    )
    .await
    .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.retry_after().is_some());
}

#[tokio::test]
async fn a_token_of_the_real_user_pool_is_accepted() {
    let user = User::new().await;
    let settings = TokenSettings {
        issuer: STACK.env("TOKEN_ISSUER").unwrap(),
        audience: STACK.env("TOKEN_AUDIENCE").unwrap(),
        jwks_url: STACK.env("TOKEN_JWKS_URL").unwrap().parse().unwrap(),
    };
    let caller = check(&Authenticator::new(&settings).unwrap(), &user.token)
        .await
        .unwrap();
    assert_eq!(
        (caller.tenant.as_str(), caller.role),
        (user.tenant.as_str(), Role::Patient)
    );
}

#[tokio::test]
async fn the_gateway_refuses_what_is_no_token_of_the_pool() {
    let issuer = Issuer::start().await;
    let mut user = User::new().await;
    let (head, _) = user.token.rsplit_once('.').unwrap();
    let forged = format!("{head}.{}", URL_SAFE_NO_PAD.encode([0; 256]));
    for token in [
        String::new(),
        "garbage".to_owned(),
        forged,
        issuer.sign("k1", &claims()),
    ] {
        user.token = token;
        let answer = user.get("/v1/consultations").send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    }
}
