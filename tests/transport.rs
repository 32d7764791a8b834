//! Connections with TLS, and logins that come from a secret and are rotated there.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use sqlx::Executor;
use sqlx::postgres::PgConnection;
use uuid::Uuid;
use wenzhen::aws::{Secrets, SharedConfig};
use wenzhen::config::{DatabaseAuth, DatabaseSettings, ValkeySettings};
use wenzhen::deadline::Deadline;
use wenzhen::error::{Error, ErrorKind};
use wenzhen::postgres::Database;
use wenzhen::valkey::{Reply, Script, ScriptCall, ScriptRequest, Valkey, ValkeyError};

use crate::support::iam::{IamEnvironment, end_connections, set_user};
use crate::support::proxy::{Proxy, Transport, authority_file};
use crate::support::secret::StoredSecret;
use crate::support::valkey::{OwnServer, connect, prefix, raw};
use crate::support::{STACK, database, eventually};

static ONE: LazyLock<Script> = LazyLock::new(|| Script::new("return 1".to_owned()));

/// A script that answers one.
struct AskOne;

impl ScriptRequest for AskOne {
    type Answer = u64;

    fn into_call(self) -> ScriptCall {
        ScriptCall {
            script: &ONE,
            keys: Vec::new(),
            arguments: Vec::new(),
        }
    }

    fn read_reply(reply: Reply) -> Option<u64> {
        redis::from_redis_value(reply).ok()
    }
}

async fn ask(valkey: &Valkey) -> Result<Option<u64>, ValkeyError> {
    let deadline = Deadline::after(Duration::from_secs(5));
    valkey.run(AskOne, deadline).await
}

/// Of the proxy, by the name that its certificate is good for.
fn valkey_url(proxy: &Proxy) -> String {
    let (port, authority) = (proxy.port, authority_file());
    format!("rediss://localhost:{port}?sslrootcert={authority}")
}

#[tokio::test]
async fn valkey_is_reached_through_tls() {
    let server = OwnServer::start().await;
    for transport in [Transport::Tls, Transport::SlowTls] {
        let proxy = Proxy::start(server.port(), transport).await;
        let valkey = connect(&valkey_url(&proxy), &prefix());
        assert_eq!(ask(&valkey).await.unwrap(), Some(1));
        assert_eq!(proxy.accepted(), 1);
    }
}

/// A server that cannot prove its name is asked nothing, and counts as gone.
#[tokio::test]
async fn valkey_that_does_not_prove_its_name_is_gone() {
    let server = OwnServer::start().await;
    let tls = Proxy::start(server.port(), Transport::Tls).await;
    let plain = Proxy::start(server.port(), Transport::Plain).await;
    let authority = authority_file();

    let urls = [
        // No public authority has signed its certificate.
        format!("rediss://localhost:{}", tls.port),
        // The certificate is not for this name.
        format!("rediss://127.0.0.1:{}?sslrootcert={authority}", tls.port),
        // The server does not speak TLS.
        format!("rediss://localhost:{}?sslrootcert={authority}", plain.port),
    ];

    for url in urls {
        let refused = ask(&connect(&url, &prefix())).await.unwrap_err();
        let is_gone = matches!(refused, ValkeyError::Unreachable(_) | ValkeyError::Timeout);
        assert!(is_gone, "{url}: {refused}");
    }
}

async fn probe_database(port: u16, host: &str, parameters: &str) -> Result<(), Error> {
    let mut url: url::Url = STACK.env("DATABASE_URL").unwrap().parse().unwrap();
    url.set_host(Some(host)).unwrap();
    url.set_port(Some(port)).unwrap();
    url.set_query(Some(parameters));

    let settings = DatabaseSettings {
        url: url.as_str().parse().unwrap(),
        auth: DatabaseAuth::Url,
    };
    Database::new(&settings).await.unwrap().probe(nothing).await
}

#[tokio::test]
async fn the_database_is_reached_through_tls() {
    let proxy = Proxy::start(STACK.ports.postgres, Transport::PostgresTls).await;
    let verified = format!("sslmode=verify-full&sslrootcert={}", authority_file());

    probe_database(proxy.port, "localhost", &verified)
        .await
        .unwrap();
    // Encrypted, by whoever answers.
    probe_database(proxy.port, "127.0.0.1", "sslmode=require")
        .await
        .unwrap();
}

#[tokio::test]
async fn a_database_that_does_not_prove_its_name_is_gone() {
    let proxy = Proxy::start(STACK.ports.postgres, Transport::PostgresTls).await;
    let verified = format!("sslmode=verify-full&sslrootcert={}", authority_file());
    let without_tls = STACK.ports.postgres;

    let attempts = [
        (proxy.port, "localhost", "sslmode=verify-full"),
        (proxy.port, "127.0.0.1", verified.as_str()),
        (without_tls, "localhost", verified.as_str()),
        (without_tls, "localhost", "sslmode=require"),
    ];
    for (port, host, parameters) in attempts {
        let refused = probe_database(port, host, parameters).await.unwrap_err();
        assert_eq!(
            refused.kind(),
            ErrorKind::Unavailable,
            "{host} {parameters}"
        );
    }
}

async fn secrets() -> Arc<Secrets> {
    Arc::new(Secrets::new(&STACK.aws().await))
}

/// The new password is known to the secret alone, and taken from there when the old one is refused.
#[tokio::test]
async fn a_rotated_password_of_valkey_is_taken_up() {
    let server = OwnServer::start().await;
    let mut operator = raw(&server.url()).await;
    let url = |password: &str| format!("redis://:{password}@127.0.0.1:{}", server.port());
    let mut set_password = async |password: &str| {
        let mut command = redis::cmd("CONFIG");
        let command = command.arg("SET").arg("requirepass").arg(password);
        command.exec_async(&mut operator).await.unwrap();
    };

    set_password("first").await;
    let secret = StoredSecret::create(&url("first")).await;
    let settings = ValkeySettings {
        url: Some(secret.reference().parse().unwrap()),
        prefix: prefix(),
    };
    let secrets = secrets().await;
    let environment =
        || Valkey::with_aws(&settings, Arc::clone(&secrets), SharedConfig::default()).unwrap();
    assert_eq!(ask(&environment().unwrap()).await.unwrap(), Some(1));

    set_password("second").await;
    let refused = ask(&environment().unwrap()).await.unwrap_err();
    assert!(matches!(refused, ValkeyError::LoginRefused(_)), "{refused}");

    secret.rotate(&url("second")).await;
    eventually("the new password is used", async || {
        ask(&environment().unwrap()).await.ok()
    })
    .await;
}

/// The server takes any token of the user, and lets nobody in without a name.
#[tokio::test]
async fn valkey_is_logged_in_to_by_iam_with_a_token_for_each_connection() {
    let server = OwnServer::start().await;
    let mut operator = raw(&server.url()).await;
    set_user(&mut operator, "nopass").await;
    let mut command = redis::cmd("ACL");
    let command = command.arg("SETUSER").arg("default").arg("off");
    command.exec_async(&mut operator).await.unwrap();

    let refused = ask(&connect(&server.url(), &prefix())).await.unwrap_err();
    assert!(!matches!(refused, ValkeyError::BackingOff), "{refused}");

    let environment = IamEnvironment::new(&server.url(), &prefix());
    for _ in 0..3 {
        assert_eq!(ask(&environment.valkey).await.unwrap(), Some(1));
    }
    assert_eq!(environment.tokens(), 1);

    assert_eq!(end_connections(&mut operator).await, 1);
    assert_eq!(ask(&environment.valkey).await.unwrap(), Some(1));
    assert_eq!(environment.tokens(), 2);
}

#[tokio::test]
async fn a_token_that_is_refused_is_a_refused_login() {
    let server = OwnServer::start().await;
    let mut operator = raw(&server.url()).await;
    set_user(&mut operator, "resetpass").await;

    let environment = IamEnvironment::new(&server.url(), &prefix());
    let refused = ask(&environment.valkey).await.unwrap_err();
    assert!(matches!(refused, ValkeyError::LoginRefused(_)), "{refused}");

    set_user(&mut operator, "nopass").await;
    eventually("the next token is taken", async || {
        ask(&environment.valkey).await.ok()
    })
    .await;
    assert!(environment.tokens() > 1);
}

#[tokio::test]
async fn a_rotated_password_of_the_database_is_taken_up() {
    let role = format!("test_{}", Uuid::new_v4().simple());
    let mut operator = database().await;
    let url = |password: &str| {
        let port = STACK.ports.postgres;
        format!("postgres://{role}:{password}@127.0.0.1:{port}/wenzhen")
    };

    let create = format!("CREATE ROLE {role} LOGIN PASSWORD 'first'");
    operator.execute(sqlx::AssertSqlSafe(create)).await.unwrap();
    let secret = StoredSecret::create(&url("first")).await;
    let settings = DatabaseSettings {
        url: secret.reference().parse().unwrap(),
        auth: DatabaseAuth::Url,
    };
    let secrets = secrets().await;
    let environment = Database::with_secrets(&settings, secrets).await.unwrap();
    environment.probe(nothing).await.unwrap();

    let alter = format!("ALTER ROLE {role} PASSWORD 'second'");
    operator.execute(sqlx::AssertSqlSafe(alter)).await.unwrap();
    let refused = environment.probe(nothing).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Unavailable);

    secret.rotate(&url("second")).await;
    eventually("the new password is used", async || {
        environment.probe(nothing).await.ok()
    })
    .await;

    let drop = format!("DROP ROLE {role}");
    operator.execute(sqlx::AssertSqlSafe(drop)).await.unwrap();
}

/// To find out whether a connection is let in.
async fn nothing(_: &mut PgConnection) -> Result<(), Error> {
    Ok(())
}
