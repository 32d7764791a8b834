//! Servers that follow the database: what is read there, and what happens without them.

use std::time::Duration;

use sqlx::postgres::PgConnection;
use uuid::Uuid;
use wenzhen::cache::{Cache, CachePolicy, EntryKind, Key, LastChange, LoadRequest, Tag};
use wenzhen::config::{DatabaseAuth, DatabaseSettings};
use wenzhen::deadline::Deadline;
use wenzhen::error::{Error, ErrorKind};
use wenzhen::identity::TenantId;
use wenzhen::postgres::{Database, MAX_LAG, Readers};

use crate::support::STACK;
use crate::support::own_database::OwnDatabase;
use crate::support::proxy::{Proxy, Transport};
use crate::support::valkey::{of_stack, prefix};

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
    STACK.ports.postgres
}

#[tokio::test]
async fn a_read_goes_to_the_reader_and_keeps_its_connection() {
    let proxy = Proxy::start(port(), Transport::Plain).await;
    let servers = Servers::with_readers(&format!("127.0.0.1:{}", proxy.port)).await;
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
    let servers = Servers::with_readers(&format!("127.0.0.1:{}", port())).await;
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
    let servers = Servers::with_readers(&format!("127.0.0.1:{}", port())).await;
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
