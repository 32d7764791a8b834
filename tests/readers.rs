//! Servers that follow the database: what is read there, and what happens without them.

use std::time::Duration;

use sqlx::Connection;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use uuid::Uuid;
use wenzhen::cache::{Cache, CachePolicy, EntryKind, Key, LastChange, LoadRequest, Tag};
use wenzhen::config::{DatabaseAuth, DatabaseSettings};
use wenzhen::deadline::Deadline;
use wenzhen::error::{Error, ErrorKind};
use wenzhen::identity::TenantId;
use wenzhen::postgres::{Database, MAX_LAG, Readers};

use crate::support::own_database::OwnDatabase;
use crate::support::proxy::{Proxy, Transport};
use crate::support::valkey::{of_stack, prefix};
use crate::support::{STACK, eventually};

/// More than any read here takes.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The database of a test's own, and readers at another address.
struct Servers {
    own: OwnDatabase,
    database: Database,
    readers: Readers,
}

impl Servers {
    /// Readers at `host:port`; none for an empty text.
    async fn with_readers(address: &str) -> Self {
        let own = OwnDatabase::create(&STACK.env("DATABASE_URL").unwrap(), &STACK.root).await;
        let settings = DatabaseSettings {
            url: own.url.parse().unwrap(),
            auth: DatabaseAuth::Url,
        };
        let address = address.parse().ok();
        let readers = Readers::new(&settings, address, std::sync::Arc::default()).await;
        Self {
            database: Database::new(&settings).await.unwrap(),
            readers: readers.unwrap(),
            own,
        }
    }

    /// Once it has the test's own database, which it copies from the other server.
    async fn with_standby(port: u16) -> Self {
        let servers = Self::with_readers(&format!("127.0.0.1:{port}")).await;
        let options: PgConnectOptions = servers.own.url.parse().unwrap();
        let options = options.port(STACK.ports.standby);
        eventually("the standby has the database", async || {
            let connected = PgConnection::connect_with(&options).await;
            connected.ok().map(drop)
        })
        .await;
        servers
    }

    async fn read<T>(
        &self,
        work: impl AsyncFnOnce(&mut PgConnection) -> Result<T, Error> + Clone,
    ) -> Result<T, Error> {
        self.readers.read(&self.database, TIMEOUT, work).await
    }
}

async fn count_rows(connection: &mut PgConnection) -> Result<i32, Error> {
    let sql = "SELECT count(*)::int FROM consultations";
    Ok(sqlx::query_scalar(sql).fetch_one(connection).await?)
}

fn port() -> u16 {
    STACK.ports.standby
}

async fn is_standby(connection: &mut PgConnection) -> Result<bool, Error> {
    let sql = "SELECT pg_is_in_recovery()";
    Ok(sqlx::query_scalar(sql).fetch_one(connection).await?)
}

/// PostgreSQL's own replication, as between Aurora's writer and its readers.
#[tokio::test]
async fn what_is_written_to_the_database_is_read_from_the_server_that_follows_it() {
    let servers = Servers::with_standby(port()).await;
    assert!(servers.read(is_standby).await.unwrap());
    let written = async |connection: &mut PgConnection| {
        let sql = "INSERT INTO quarantine (message_id, reason, body) VALUES ('m', 'r', 'x')";
        sqlx::query(sql).execute(connection).await?;
        Ok(())
    };
    servers.database.run(written).await.unwrap();

    let count = async |connection: &mut PgConnection| {
        let sql = "SELECT count(*) FROM quarantine WHERE pg_is_in_recovery()";
        let count: i64 = sqlx::query_scalar(sql).fetch_one(connection).await?;
        Ok(count)
    };
    eventually("the standby has the row", async || {
        let count = servers.read(count).await.unwrap();
        (count == 1).then_some(())
    })
    .await;
    servers.own.remove().await;
}

/// A write that strays to a reader is refused there, and done by the database.
#[tokio::test]
async fn a_write_that_goes_to_a_reader_is_done_by_the_database() {
    let servers = Servers::with_standby(port()).await;
    let write = async |connection: &mut PgConnection| {
        let sql = "INSERT INTO quarantine (message_id, reason, body) VALUES ('m', 'r', 'x')
                   RETURNING pg_is_in_recovery()";
        let is_standby: bool = sqlx::query_scalar(sql).fetch_one(connection).await?;
        Ok(is_standby)
    };
    assert!(!servers.read(write).await.unwrap());
    servers.own.remove().await;
}

#[tokio::test]
async fn a_read_goes_to_the_reader_and_keeps_its_connection() {
    let proxy = Proxy::start(port(), Transport::Plain).await;
    let servers = Servers::with_standby(proxy.port).await;
    for _ in 0..3 {
        servers.read(count_rows).await.unwrap();
    }

    assert_eq!(proxy.accepted(), 1);
    servers.own.remove().await;
}

#[tokio::test]
async fn without_readers_the_database_is_read() {
    let servers = Servers::with_readers("").await;
    assert!(servers.read(count_rows).await.is_ok());
    servers.own.remove().await;
}

#[tokio::test]
async fn a_reader_that_is_gone_is_replaced_and_left_alone_for_a_while() {
    let servers = Servers::with_readers("127.0.0.1:9").await;
    assert!(servers.read(count_rows).await.is_ok());

    // What the reader would be asked now, it could not answer either.
    let calls = std::cell::Cell::new(0);
    let counted = async |connection: &mut PgConnection| {
        calls.set(calls.get() + 1);
        count_rows(connection).await
    };
    assert!(servers.read(counted).await.is_ok());
    assert_eq!(calls.get(), 1);
    servers.own.remove().await;
}

/// A reader that is behind with the schema, or that ends a statement which stands in its way.
#[tokio::test]
async fn what_a_reader_cannot_do_the_database_does() {
    let servers = Servers::with_standby(port()).await;
    let calls = std::cell::Cell::new(0);
    let fails_first = async |connection: &mut PgConnection| {
        calls.set(calls.get() + 1);
        if calls.get() == 1 {
            sqlx::query("SELECT no_such_column")
                .execute(connection)
                .await?;
        }
        Ok(calls.get())
    };
    assert_eq!(servers.read(fails_first).await.unwrap(), 2);
    servers.own.remove().await;
}

#[tokio::test]
async fn an_answer_that_is_an_error_is_an_answer() {
    let servers = Servers::with_standby(port()).await;
    let calls = std::cell::Cell::new(0);
    let finds_nothing = async |_: &mut PgConnection| -> Result<(), Error> {
        calls.set(calls.get() + 1);
        Err(Error::not_found("document"))
    };
    let error = servers.read(finds_nothing).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(calls.get(), 1);
    servers.own.remove().await;
}

/// What a loader is told decides where it reads: after a change not from a copy that lags behind.
#[tokio::test]
async fn a_loader_is_told_of_a_change() {
    const NUMBERS: EntryKind<u8> = EntryKind::new("numbers", 1);
    const POLICY: CachePolicy = CachePolicy::new(Duration::from_mins(5));
    let cache = Cache::new(Some(of_stack(&prefix())));
    let tenant = TenantId::try_from(Uuid::new_v4().to_string()).unwrap();
    let tag = Tag::of_tenant(&tenant, "numbers", "all");
    let deadline = Deadline::after(Duration::from_secs(10));

    let told = async |cache: &Cache, id: &str| {
        let key = Key::of_tenant(&tenant, &NUMBERS, id).tagged(&tag);
        let request = LoadRequest {
            key: &key,
            policy: &POLICY,
            deadline,
        };
        let mut told = None;
        let load = async |change: LastChange| {
            told = Some(change.is_before(MAX_LAG));
            Ok(Some(1))
        };
        cache.get_or_load_since(None, request, load).await.unwrap();
        told
    };

    assert_eq!(told(&cache, "a").await, Some(true), "nothing has changed");
    assert_eq!(told(&cache, "a").await, None, "it is cached");
    cache
        .invalidate(std::slice::from_ref(&tag), deadline)
        .await
        .unwrap();
    assert_eq!(told(&cache, "a").await, Some(false));
    assert_eq!(told(&cache, "b").await, Some(false));
    assert_eq!(told(&Cache::new(None), "c").await, Some(false), "unknown");
}
