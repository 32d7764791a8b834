//! The function `migrate`, as `CloudFormation` calls it: what it does to a database, and what it
//! tells the deployment.

use std::collections::BTreeMap;
use std::process::Child;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::put;
use serde_json::{Value, json};
use sqlx::Connection;
use sqlx::postgres::PgConnection;
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use uuid::Uuid;
use wenzhen::migrations::newest_version;

use crate::support::STACK;
use crate::support::own_database::OwnDatabase;
use crate::support::runtime_api::RuntimeApi;
use crate::support::secret::StoredSecret;

/// The password of a functions' user.
const PASSWORD: &str = "functions-password";

/// A deployment of a test's own: the function, and who waits for its report.
struct Deployment {
    api: RuntimeApi,
    function: Child,
    reports: UnboundedReceiver<Value>,
    report_url: String,
}

/// The functions' user of a test's own: users belong to all databases of a server.
struct FunctionsUser {
    name: String,
    secret: StoredSecret,
}

impl FunctionsUser {
    async fn new() -> Self {
        let name = format!("functions_{}", Uuid::new_v4().simple());
        let secret = StoredSecret::create(&credentials(&name, PASSWORD)).await;
        Self { name, secret }
    }

    /// The URL of a database as this user.
    fn url(&self, database: &str, password: &str) -> String {
        let (_, address) = database.rsplit_once('@').unwrap();
        format!("postgres://{}{password}@{address}", self.name)
    }
}

/// As RDS keeps them in a secret.
fn credentials(username: &str, password: &str) -> String {
    json!({ "username": username, "password": password, "engine": "postgres" }).to_string()
}

/// The administrator of the stack's server, in a secret, whose name is returned.
async fn store_administrator() -> String {
    let url: url::Url = STACK.env("DATABASE_URL").unwrap().parse().unwrap();
    let credentials = credentials(url.username(), url.password().unwrap());
    StoredSecret::create(&credentials).await.name
}

impl Deployment {
    /// Of a stack whose functions go to `database` as `user`.
    async fn of(database: &str, user: &FunctionsUser) -> Self {
        Self::with_administrator(database, user, store_administrator().await).await
    }

    async fn with_administrator(database: &str, user: &FunctionsUser, secret: String) -> Self {
        let (_, address) = database.rsplit_once('@').unwrap();
        let mut environment = BTreeMap::from([
            ("DATABASE_URL", user.url(database, "")),
            ("MIGRATIONS_URL", format!("postgres://{address}")),
            ("MIGRATIONS_SECRET", secret),
            ("FUNCTIONS_USER_SECRET", user.secret.name.clone()),
        ]);
        let of_platform = [
            "AWS_REGION",
            "AWS_ACCESS_KEY_ID",
            "AWS_SECRET_ACCESS_KEY",
            "AWS_ENDPOINT_URL",
        ];
        environment.extend(of_platform.map(|name| (name, STACK.env(name).unwrap())));
        let environment = environment.into_iter();
        let environment = environment.map(|(name, value)| (name.to_owned(), value));

        let mut api = RuntimeApi::start().await;
        let binary = STACK.root.join("target/debug/wenzhen");
        let function = api.spawn_function(&binary, "migrate", &environment.collect());
        api.wait_for_poll().await;

        let (report_url, reports) = listen_for_reports().await;
        Self {
            api,
            function,
            reports,
            report_url,
        }
    }

    /// One request, and what the function reports.
    async fn request(&mut self, kind: &str, present: Option<&str>) -> Value {
        let properties = json!({ "Newest": newest_version().to_string() });
        let mut event = json!({
            "RequestType": kind,
            "ResponseURL": self.report_url,
            "StackId": "stack",
            "RequestId": "request",
            "LogicalResourceId": "Schema",
            "ResourceType": "Custom::Schema",
            "ResourceProperties": properties,
        });
        if let Some(present) = present {
            event["PhysicalResourceId"] = present.into();
            event["OldResourceProperties"] = properties;
        }

        self.api.invoke_function(&event.to_string()).await;
        let report = self.reports.recv().await.unwrap();
        for name in ["StackId", "RequestId", "LogicalResourceId"] {
            assert_eq!(report[name], event[name]);
        }
        // What stands in an answer has its type; a null has none.
        let mut values = report.as_object().unwrap().values();
        assert!(values.all(|value| !value.is_null()), "{report}");
        report
    }

    fn end(mut self) {
        self.function.kill().unwrap();
        self.function.wait().unwrap();
    }
}

/// Where `CloudFormation` would listen: an object of S3, signed for a body without a type.
async fn listen_for_reports() -> (String, UnboundedReceiver<Value>) {
    async fn take(
        State(reports): State<UnboundedSender<Value>>,
        headers: HeaderMap,
        body: Bytes,
    ) -> StatusCode {
        if headers.contains_key("content-type") {
            return StatusCode::FORBIDDEN;
        }
        reports
            .send(serde_json::from_slice(&body).unwrap())
            .unwrap();
        StatusCode::OK
    }

    let (sender, reports) = unbounded_channel();
    let router = Router::new().route("/report", put(take)).with_state(sender);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/report", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (url, reports)
}

async fn empty_database() -> OwnDatabase {
    OwnDatabase::create_empty(&STACK.env("DATABASE_URL").unwrap()).await
}

fn first_id() -> String {
    format!("schema-{0}-from-{0}", newest_version())
}

#[tokio::test]
async fn the_local_stack_was_migrated_by_its_deployment() {
    let client = aws_sdk_cloudformation::Client::new(&STACK.aws().await);
    let describe = client.describe_stack_resource().stack_name("wenzhen");
    let described = describe.logical_resource_id("Schema").send().await;
    let resource = described.unwrap().stack_resource_detail.unwrap();
    assert_eq!(resource.physical_resource_id.unwrap(), first_id());
}

#[tokio::test]
async fn an_empty_database_gets_its_schema_and_its_user() {
    let (database, user) = (empty_database().await, FunctionsUser::new().await);
    let mut deployment = Deployment::of(&database.url, &user).await;

    let report = deployment.request("Create", None).await;
    assert_eq!(report["Status"], "SUCCESS", "{report}");
    assert_eq!(report["PhysicalResourceId"], first_id());
    assert_eq!(report["Data"]["Version"], newest_version().to_string());

    // The functions' user changes rows, no tables, and no notes of migrations.
    let url = user.url(&database.url, &format!(":{PASSWORD}"));
    let mut functions = PgConnection::connect(&url).await.unwrap();
    let rows = sqlx::query("DELETE FROM idempotency_keys").execute(&mut functions);
    rows.await.unwrap();
    for refused in [
        "CREATE TABLE mine (id bigint)",
        "DROP TABLE consultations",
        "DELETE FROM _sqlx_migrations",
    ] {
        let outcome = sqlx::query(refused).execute(&mut functions).await;
        let code = outcome.unwrap_err().into_database_error().unwrap();
        assert_eq!(code.code().unwrap(), "42501", "{refused}");
    }
    functions.close().await.unwrap();

    // The next deployment without a migration finds nothing to do.
    let again = deployment.request("Update", Some(&first_id())).await;
    assert_eq!(again["Status"], "SUCCESS", "{again}");
    assert_eq!(again["PhysicalResourceId"], first_id());
    deployment.end();
    database.remove().await;
}

/// RDS makes the administrator's password, and another one every week.
#[tokio::test]
async fn an_administrator_may_have_any_password() {
    let (mut database, user) = (empty_database().await, FunctionsUser::new().await);
    let administrator = format!("administrator_{}", Uuid::new_v4().simple());
    let password = "a%41b%~?#[]:|<>{}^`%";
    let create = format!("CREATE ROLE {administrator} LOGIN SUPERUSER PASSWORD '{password}'");
    let created = sqlx::query(sqlx::AssertSqlSafe(create)).execute(&mut database.connection);
    created.await.unwrap();

    let secret = StoredSecret::create(&credentials(&administrator, password)).await;
    let name = secret.name.clone();
    let mut deployment = Deployment::with_administrator(&database.url, &user, name).await;
    let report = deployment.request("Create", None).await;
    assert_eq!(report["Status"], "SUCCESS", "{report}");
    deployment.end();
    database.remove().await;
}

#[tokio::test]
async fn two_deployments_at_once_apply_each_migration_once() {
    let (database, user) = (empty_database().await, FunctionsUser::new().await);
    let mut one = Deployment::of(&database.url, &user).await;
    let mut other = Deployment::of(&database.url, &user).await;

    let (first, second) = tokio::join!(one.request("Create", None), other.request("Create", None));
    for report in [first, second] {
        assert_eq!(report["Status"], "SUCCESS", "{report}");
    }

    one.end();
    other.end();
    database.remove().await;
}

/// A newer version of the functions was here, whose migrations this one does not know.
#[tokio::test]
async fn a_newer_database_is_refused_but_by_the_version_right_before() {
    let (mut database, user) = (empty_database().await, FunctionsUser::new().await);
    let mut deployment = Deployment::of(&database.url, &user).await;
    deployment.request("Create", None).await;
    let newer = "INSERT INTO _sqlx_migrations
        SELECT version + 1, 'newer', now(), true, 'x', 0
        FROM _sqlx_migrations ORDER BY version DESC LIMIT 1";
    let inserted = sqlx::query(newer).execute(&mut database.connection).await;
    inserted.unwrap();

    let (newest, newer) = (newest_version(), newest_version() + 1);
    let older_id = format!("schema-{newer}-from-{}", newest - 1);
    let refused = deployment.request("Update", Some(&older_id)).await;
    assert_eq!(refused["Status"], "FAILED");
    assert_eq!(refused["PhysicalResourceId"], older_id, "no other resource");
    let reason = refused["Reason"].as_str().unwrap();
    assert!(reason.contains("no way back"), "{reason}");

    // A deployment that is taken back after all of its migrations, or after some of them.
    let after_all = format!("schema-{newer}-from-{newest}");
    let after_some = format!("schema-{newest}-from-{}", newest - 1);
    for (present, expected) in [(&after_all, &first_id()), (&after_some, &after_some)] {
        let let_through = deployment.request("Update", Some(present)).await;
        assert_eq!(let_through["Status"], "SUCCESS", "{let_through}");
        assert_eq!(&let_through["PhysicalResourceId"], expected);
        assert_eq!(let_through["Data"]["Version"], newer.to_string());
    }
    deployment.end();
    database.remove().await;
}

/// The operator reads which migration it is, and nothing that a row might hold.
#[tokio::test]
async fn a_migration_that_fails_is_taken_back_and_named() {
    let (mut database, user) = (empty_database().await, FunctionsUser::new().await);
    let conflict = "CREATE TABLE outbox (text text)";
    let created = sqlx::query(conflict)
        .execute(&mut database.connection)
        .await;
    created.unwrap();

    let mut deployment = Deployment::of(&database.url, &user).await;
    let report = deployment.request("Create", None).await;
    assert_eq!(report["Status"], "FAILED");
    let reason = report["Reason"].as_str().unwrap();
    assert!(reason.contains("Migration 1 failed"), "{reason}");
    assert!(reason.contains("SQLSTATE 42P07"), "{reason}");

    let tables = "SELECT count(*) FROM pg_tables WHERE tablename = 'consultations'";
    let tables: i64 = sqlx::query_scalar(tables)
        .fetch_one(&mut database.connection)
        .await
        .unwrap();
    assert_eq!(tables, 0, "the whole migration was taken back");
    deployment.end();
    database.remove().await;
}

/// Else the deployment would wait for its time-out.
#[tokio::test]
async fn what_is_gone_is_reported() {
    let user = FunctionsUser::new().await;
    let nowhere = "postgres://x@127.0.0.1:9/wenzhen";
    let mut deployment = Deployment::of(nowhere, &user).await;
    let report = deployment.request("Create", None).await;
    assert_eq!(report["Status"], "FAILED");
    deployment.end();

    let database = empty_database().await;
    let no_secret = "wenzhen/no-such-secret".to_owned();
    let mut deployment = Deployment::with_administrator(&database.url, &user, no_secret).await;
    let report = deployment.request("Create", None).await;
    assert_eq!(report["Status"], "FAILED");
    let reason = report["Reason"].as_str().unwrap();
    assert!(reason.contains("secret"), "{reason}");
    deployment.end();
    database.remove().await;
}

#[tokio::test]
async fn a_deleted_stack_keeps_its_schema() {
    let (mut database, user) = (empty_database().await, FunctionsUser::new().await);
    let mut deployment = Deployment::of(&database.url, &user).await;
    deployment.request("Create", None).await;

    let report = deployment.request("Delete", Some(&first_id())).await;
    assert_eq!(report["Status"], "SUCCESS");
    assert_eq!(report["PhysicalResourceId"], first_id());
    let rows = sqlx::query("SELECT FROM consultations").fetch_all(&mut database.connection);
    assert!(rows.await.unwrap().is_empty(), "the table is there");
    deployment.end();
    database.remove().await;
}
