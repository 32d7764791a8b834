//! A database that grows, and what a function of ours reads there: rows and blocks as the server
//! counts them, never time.

use std::ops::{AddAssign, Sub};

use sqlx::FromRow;
use sqlx::postgres::PgConnection;

/// How many rows the tables have.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// Jobs of each of the tenants that have many.
    pub jobs: u32,
    /// Tenants that have one or two.
    pub tenants: u32,
    /// Consultations, people, keys and messages in quarantine.
    pub records: u32,
}

/// What was read.
#[derive(Debug, Clone, Copy, Default, FromRow)]
pub struct Reads {
    /// Index entries, and rows of sequential scans.
    pub rows: i64,
    /// Blocks of tables and indexes, wherever they were found.
    pub blocks: i64,
}

impl Sub for Reads {
    type Output = Self;

    fn sub(self, earlier: Self) -> Self {
        Self {
            rows: self.rows - earlier.rows,
            blocks: self.blocks - earlier.blocks,
        }
    }
}

impl AddAssign for Reads {
    fn add_assign(&mut self, more: Self) {
        self.rows += more.rows;
        self.blocks += more.blocks;
    }
}

/// Replaces the rows of the tables, and brings the planner's statistics up to date.
pub async fn fill(connection: &mut PgConnection, size: Size) {
    let script = include_str!("growth.sql")
        .replace(":jobs", &size.jobs.to_string())
        .replace(":tenants", &size.tenants.to_string())
        .replace(":records", &size.records.to_string());

    // VACUUM runs in no transaction, and statements that are sent together are one.
    for statement in script.split(";\n\n") {
        let statement = sqlx::AssertSqlSafe(statement.to_owned());
        sqlx::raw_sql(statement)
            .execute(&mut *connection)
            .await
            .unwrap();
    }
}

/// What `work` reads. Nothing of what it writes stays.
pub async fn reads_of(
    connection: &mut PgConnection,
    work: impl AsyncFnOnce(&mut PgConnection),
) -> Reads {
    sqlx::raw_sql("BEGIN")
        .execute(&mut *connection)
        .await
        .unwrap();
    let before = reads_so_far(connection).await;
    work(connection).await;
    let after = reads_so_far(connection).await;

    sqlx::raw_sql("ROLLBACK")
        .execute(&mut *connection)
        .await
        .unwrap();
    after - before
}

/// The counts of the transaction, which no other session sees or changes.
async fn reads_so_far(connection: &mut PgConnection) -> Reads {
    let sql = "SELECT sum(pg_stat_get_xact_tuples_returned(oid))::int8 AS rows,
                      sum(pg_stat_get_xact_blocks_fetched(oid))::int8 AS blocks
               FROM pg_class
               WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'i')";
    sqlx::query_as(sql).fetch_one(connection).await.unwrap()
}
