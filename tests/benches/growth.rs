//! What a sweep and a redrive read as the tables grow: rows and blocks, as the server counts them.
//! `cargo xtask bench growth` runs it.
#![expect(
    clippy::disallowed_methods,
    reason = "a benchmark reads where its stack is"
)]

#[path = "../support/growth.rs"]
mod growth;
#[expect(dead_code, reason = "the tests use more of it")]
#[path = "../support/own_database.rs"]
mod own_database;

use std::path::PathBuf;

use growth::{Reads, Size, fill, reads_of};
use own_database::OwnDatabase;
use sqlx::postgres::PgConnection;
use wenzhen::identity::TenantId;
use wenzhen::jobs::dead_letters::{RedriveRequest, redrive};
use wenzhen::jobs::outbox::take_due_rows;
use xtask::stack::Stack;

const JOBS: [u32; 3] = [10_000, 100_000, 1_000_000];
const TENANTS: [u32; 3] = [10, 1_000, 10_000];

/// Rows of the tables that neither a sweep nor a redrive reads.
const RECORDS: u32 = 1_000;

/// The most failed jobs that a redrive brings back here.
const REDRIVE_LIMIT: i64 = 50;

/// One statement of a sweep, which takes up to a hundred rows.
async fn sweep(connection: &mut PgConnection, after: &str) -> (usize, Reads) {
    let mut due = 0;
    let take = async |connection: &mut PgConnection| {
        due = take_due_rows(connection, after).await.unwrap().due;
    };
    let reads = reads_of(connection, take).await;
    (due, reads)
}

/// A redrive of what one tenant has.
async fn redrive_of(connection: &mut PgConnection, tenant: &str) -> (usize, Reads) {
    let tenant = TenantId::try_from(tenant.to_owned()).unwrap();
    let mut redriven = 0;
    let bring_back = async |connection: &mut PgConnection| {
        let request = RedriveRequest {
            tenant: &tenant,
            kind: None,
            limit: REDRIVE_LIMIT,
        };
        redriven = redrive(connection, request).await.unwrap().messages.len();
    };
    let reads = reads_of(connection, bring_back).await;
    (redriven, reads)
}

fn print_line(size: Size, what: &str, (returned, reads): (usize, Reads)) {
    let Size { jobs, tenants, .. } = size;
    let Reads { rows, blocks } = reads;
    println!("{jobs:>9}  {tenants:>7}  {what:<32}  {returned:>8}  {rows:>9}  {blocks:>6}");
}

async fn measure(connection: &mut PgConnection, size: Size) {
    fill(connection, size).await;

    let many = sweep(connection, "").await;
    print_line(size, "sweep, all tenants are due", many);
    let one = sweep(connection, "due-~").await;
    print_line(size, "sweep, one tenant has a flood", one);
    let none = sweep(connection, "flood").await;
    print_line(size, "sweep, all tenants wait", none);

    let few = redrive_of(connection, "big").await;
    print_line(size, "redrive, 50 of the jobs failed", few);
    let all = redrive_of(connection, "failed").await;
    print_line(size, "redrive, all of the jobs failed", all);
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let env_file = std::env::var("WENZHEN_STACK_ENV").expect("run `cargo xtask bench growth`");
    let stack = Stack::running(&PathBuf::from(env_file)).unwrap();
    let server_url = stack.env("DATABASE_URL").unwrap();
    let mut own = OwnDatabase::create(&server_url, &stack.root).await;

    println!("What one statement reads: index entries and rows, and blocks of 8 KiB\n");
    println!("     jobs  tenants  statement                         returned       rows  blocks");
    for jobs in JOBS {
        for tenants in TENANTS {
            let size = Size {
                jobs,
                tenants,
                records: RECORDS,
            };
            measure(&mut own.connection, size).await;
        }
    }
    own.remove().await;
}
