//! With which settings a function starts, and with which it does not.

use super::{does_start, environment_of};
use crate::support::STACK;
use crate::support::secret::StoredSecret;

/// A setting that is changed.
type Change<'a> = (&'a str, &'a str);

async fn starts_with(name: &str, changes: &[Change<'_>]) -> bool {
    let mut environment = environment_of(name);
    environment.insert("AWS_ENDPOINT_URL".to_owned(), STACK.aws_endpoint());
    for (setting, value) in changes {
        environment.insert((*setting).to_owned(), (*value).to_owned());
    }

    does_start(name, &environment).await
}

const TIERS: &str = r#"[{"name":"t","base_url":"https://h.example/v1","model":"m"}]"#;

#[tokio::test]
async fn settings_may_be_a_secret() {
    let chains = r#"{"default":{"tiers":["t"]}}"#;
    let limits = r#"{"user":{"limit":7}}"#;
    let settings = format!(r#"{{"AI_TIERS":{TIERS},"AI_CHAINS":{chains},"LIMITS":{limits}}}"#);
    let secret = StoredSecret::create(&settings).await;

    for name in ["get-job", "list-models", "create-chat-completion", "worker"] {
        let changes = [("SETTINGS_SECRET", secret.name.as_str())];
        assert!(starts_with(name, &changes).await, "{name}");
    }

    // Chains of the secret need its tiers; a variable comes first.
    let other = TIERS.replace(r#""t""#, r#""other""#);
    let changes = [
        ("SETTINGS_SECRET", secret.name.as_str()),
        ("AI_TIERS", &other),
    ];
    assert!(!starts_with("list-models", &changes).await);
}

#[tokio::test]
async fn a_function_without_its_settings_does_not_start() {
    let wrong = StoredSecret::create(r#"{"LIMITS":{"usr":{"limit":7}}}"#).await;
    for name in [wrong.name.as_str(), "test-no-such-secret"] {
        let changes = [("SETTINGS_SECRET", name)];
        assert!(!starts_with("get-job", &changes).await, "{name}");

        // All that it needs is a variable.
        let changes = [("SETTINGS_SECRET", name), ("LIMITS", "{}")];
        assert!(starts_with("get-job", &changes).await, "{name}");
    }
}

/// What a function makes of its settings.
struct StartCase {
    function: &'static str,
    changes: &'static [Change<'static>],
    does_start: bool,
}

const PLAINTEXT: [StartCase; 12] = [
    StartCase {
        function: "get-job",
        changes: &[("VALKEY_URL", "redis://cache.internal:6379")],
        does_start: false,
    },
    StartCase {
        function: "get-job",
        changes: &[
            ("VALKEY_URL", "redis://cache.internal:6379"),
            ("ALLOW_PLAINTEXT", "cache"),
        ],
        does_start: true,
    },
    StartCase {
        function: "get-job",
        changes: &[("VALKEY_URL", "rediss://cache.internal:6379")],
        does_start: true,
    },
    StartCase {
        function: "get-job",
        changes: &[("DATABASE_URL", "postgres://u:p@db.internal/w")],
        does_start: false,
    },
    StartCase {
        function: "get-job",
        changes: &[
            ("DATABASE_URL", "postgres://u:p@db.internal/w"),
            ("ALLOW_PLAINTEXT", "database,models"),
        ],
        does_start: true,
    },
    StartCase {
        function: "get-job",
        changes: &[(
            "DATABASE_URL",
            "postgres://u:p@db.internal/w?sslmode=verify-full",
        )],
        does_start: true,
    },
    // A secret is read when a connection is made, not at start.
    StartCase {
        function: "get-job",
        changes: &[
            ("DATABASE_URL", "secret:test-no-such-secret"),
            ("VALKEY_URL", "secret:test-no-such-secret"),
        ],
        does_start: true,
    },
    StartCase {
        function: "get-job",
        changes: &[("TOKEN_JWKS_URL", "http://issuer.internal/jwks.json")],
        does_start: false,
    },
    StartCase {
        function: "get-job",
        changes: &[
            ("TOKEN_JWKS_URL", "http://issuer.internal/jwks.json"),
            ("ALLOW_PLAINTEXT", "identity"),
        ],
        does_start: true,
    },
    StartCase {
        function: "list-models",
        changes: &[(
            "AI_TIERS",
            r#"[{"name":"t","base_url":"http://gpu.internal/v1","model":"m"}]"#,
        )],
        does_start: false,
    },
    StartCase {
        function: "list-models",
        changes: &[
            (
                "AI_TIERS",
                r#"[{"name":"t","base_url":"http://gpu.internal/v1","model":"m"}]"#,
            ),
            ("ALLOW_PLAINTEXT", "models"),
        ],
        does_start: true,
    },
    // A key is never sent without TLS.
    StartCase {
        function: "list-models",
        changes: &[
            (
                "AI_TIERS",
                r#"[{"name":"t","base_url":"http://gpu.internal/v1","model":"m","key":"env:K"}]"#,
            ),
            ("ALLOW_PLAINTEXT", "models"),
        ],
        does_start: false,
    },
];

#[tokio::test]
async fn a_connection_without_tls_needs_leave() {
    for case in PLAINTEXT {
        let started = starts_with(case.function, case.changes).await;
        assert_eq!(started, case.does_start, "{:?}", case.changes);
    }
}
