//! Sessions with the real server: what ends when we no longer wait for it.

use std::time::Duration;

use futures::future::join_all;
use sqlx::Connection;
use sqlx::postgres::PgConnection;
use wenzhen::config::{DatabaseAuth, DatabaseSettings};
use wenzhen::deadline::Deadline;
use wenzhen::error::{Error, ErrorKind};
use wenzhen::postgres::Database;

use crate::support::own_database::OwnDatabase;
use crate::support::{eventually, own_database};

/// Environments of a small fleet, each with a connection of its own.
const FLEET: usize = 12;

async fn database_of(own: &OwnDatabase) -> Database {
    let settings = DatabaseSettings {
        url: own.url.parse().unwrap(),
        auth: DatabaseAuth::Url,
    };
    Database::new(&settings).await.unwrap()
}

async fn text(connection: &mut PgConnection, sql: &'static str) -> Result<String, Error> {
    let text = sqlx::query_scalar(sql).fetch_one(connection).await?;
    Ok(text)
}

/// Our sessions in the test's own database, besides the test's.
async fn count_sessions(own: &mut OwnDatabase, condition: &str) -> i64 {
    let sql = format!(
        "SELECT count(*) FROM pg_stat_activity
         WHERE datname = current_database() AND pid <> pg_backend_pid() AND {condition}"
    );
    sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
        .fetch_one(&mut own.connection)
        .await
        .unwrap()
}

/// A setting of a session, and its value there.
struct Shown {
    show: &'static str,
    value: &'static str,
}

const SHOWN: [Shown; 4] = [
    Shown {
        show: "SHOW client_connection_check_interval",
        value: "1s",
    },
    Shown {
        show: "SHOW statement_timeout",
        value: "30s",
    },
    Shown {
        show: "SHOW idle_in_transaction_session_timeout",
        value: "10s",
    },
    Shown {
        show: "SHOW idle_session_timeout",
        value: "2min",
    },
];

#[tokio::test]
async fn a_session_has_bounds_of_its_own() {
    let own = own_database().await;
    let database = database_of(&own).await;

    for Shown { show, value } in SHOWN {
        let shown = database.run(async |connection| text(connection, show).await);
        assert_eq!(shown.await.unwrap(), value, "{show}");
    }
    own.remove().await;
}

/// What an operator has set stays, and what is missing is set beside it.
#[tokio::test]
async fn what_the_operator_has_set_stays() {
    let own = own_database().await;
    own.alter("ALTER DATABASE {} SET statement_timeout = '5s'")
        .await;
    let database = database_of(&own).await;

    for (show, value) in [
        ("SHOW statement_timeout", "5s"),
        ("SHOW idle_session_timeout", "2min"),
    ] {
        let shown = database.run(async |connection| text(connection, show).await);
        assert_eq!(shown.await.unwrap(), value, "{show}");
    }
    own.remove().await;
}

/// A call that is broken off takes its statement with it: the server neither goes on nor commits.
#[tokio::test]
async fn an_abandoned_statement_ends_and_writes_nothing() {
    let mut own = own_database().await;
    let database = database_of(&own).await;

    let abandoned = database.run(async |connection| {
        // So that only the check of the connection can end it.
        let unbounded = sqlx::raw_sql("SET statement_timeout = 0");
        unbounded.execute(&mut *connection).await?;
        let sql = "INSERT INTO quarantine (message_id, reason, body)
                   SELECT 'abandoned', 'not_a_job', pg_sleep(300)::text";
        sqlx::query(sql).execute(connection).await?;
        Ok(())
    });
    let is_running = "query LIKE 'INSERT INTO quarantine%' AND state = 'active'";
    let wait_for_start = eventually("the statement runs", async || {
        (count_sessions(&mut own, is_running).await == 1).then_some(())
    });
    tokio::select! {
        ended = abandoned => panic!("it sleeps: {ended:?}"),
        () = wait_for_start => {}
    }

    eventually("the server has ended it", async || {
        (count_sessions(&mut own, "true").await == 0).then_some(())
    })
    .await;
    let written: i64 = sqlx::query_scalar("SELECT count(*) FROM quarantine")
        .fetch_one(&mut own.connection)
        .await
        .unwrap();
    assert_eq!(written, 0);
    own.remove().await;
}

/// A statement that takes too long ends for its caller as a database that is gone, for a while.
#[tokio::test]
async fn a_statement_over_its_time_can_be_tried_again() {
    let own = own_database().await;
    own.alter("ALTER DATABASE {} SET statement_timeout = '10ms'")
        .await;
    let database = database_of(&own).await;

    let slow =
        database.run(async |connection| text(connection, "SELECT pg_sleep(300)::text").await);
    let error = slow.await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);

    let next = database.run(async |connection| text(connection, "SELECT 'again'").await);
    assert_eq!(next.await.unwrap(), "again");
    own.remove().await;
}

/// The connections of environments that no call comes to are closed by the server, and the next
/// call of each makes a new one.
#[tokio::test]
async fn idle_connections_end_and_the_next_call_works() {
    let mut own = own_database().await;
    // Longer than a connection is idle before it is checked.
    own.alter("ALTER DATABASE {} SET idle_session_timeout = '11s'")
        .await;
    let fleet = join_all((0..FLEET).map(|_| database_of(&own))).await;
    assert_eq!(count_sessions(&mut own, "true").await, 0);

    for database in &fleet {
        let called = database.run(async |connection| text(connection, "SELECT 'here'").await);
        assert_eq!(called.await.unwrap(), "here");
    }
    let during = count_sessions(&mut own, "true").await;
    assert_eq!(usize::try_from(during).unwrap(), FLEET);

    eventually("all connections are closed", async || {
        (count_sessions(&mut own, "true").await == 0).then_some(())
    })
    .await;
    let deadline = Deadline::after(Duration::from_secs(20));
    let calls = fleet.iter().map(|database| {
        deadline.run(database.run(async |connection| text(connection, "SELECT 'back'").await))
    });
    for called in join_all(calls).await {
        assert_eq!(called.unwrap().unwrap(), "back");
    }
    own.remove().await;
}

/// On Lambda the environment may be frozen right behind the answer, with the lock still held.
#[tokio::test]
async fn a_transaction_that_ends_with_an_error_leaves_no_lock_behind() {
    let mut own = own_database().await;
    sqlx::raw_sql("CREATE TABLE shelf (id int); INSERT INTO shelf VALUES (1)")
        .execute(&mut own.connection)
        .await
        .unwrap();
    let database = database_of(&own).await;

    let refused: Result<(), Error> = database
        .run(async |connection| {
            let mut transaction = connection.begin().await?;
            text(&mut transaction, "SELECT id::text FROM shelf FOR UPDATE").await?;
            Err(Error::new(ErrorKind::Conflict, "not now"))
        })
        .await;
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::Conflict);

    let locked = "SELECT id::text FROM shelf FOR UPDATE NOWAIT";
    assert_eq!(text(&mut own.connection, locked).await.unwrap(), "1");
    own.remove().await;
}
