//! What the server does with a session that we no longer wait for.
//!
//! A call that is broken off closes its connection, but a server that is busy with a statement does
//! not notice: it would go on and commit. A function whose environment was killed or frozen cannot
//! even close it. So the server ends such statements and sessions by itself.
//!
//! | setting | value | why |
//! |---|---|---|
//! | `client_connection_check_interval` | 1 s | a statement whose client has left is cancelled |
//! | `statement_timeout` | 30 s | no call waits longer: one through the HTTP API has 28 s |
//! | `idle_in_transaction_session_timeout` | 10 s | our transactions wait for nothing else |
//! | `idle_session_timeout` | 2 min | a frozen environment holds no connection for longer |
//!
//! The last is longer than the minute between two sweeps. A call that finds its connection closed
//! makes a new one, which takes some milliseconds.
//!
//! They are set after connecting, since RDS Proxy refuses options in the start-up message. What the
//! server, the database or the role has set by itself stays as it is. If all four are, nothing is
//! set here: RDS Proxy would pin the session to one connection. A 0, which is no bound, counts as
//! not set, also where a role has it on purpose: it cannot be told from the server's default. A
//! role that shall have no bound needs a long time instead, such as `1d`.
//!
//! There is no `lock_timeout`: a wait for a lock is part of its statement's time. TCP's keep-alive
//! would find a client that vanished without a word later than these do.

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions, Row};

/// The settings with our values, as a table.
macro_rules! wanted_settings {
    () => {
        "(VALUES
            ('client_connection_check_interval', '1s'),
            ('statement_timeout', '30s'),
            ('idle_in_transaction_session_timeout', '10s'),
            ('idle_session_timeout', '2min')
        ) AS wanted (name, value)"
    };
}

const ARE_ALL_SET: &str = concat!(
    "SELECT bool_and(current_setting(name) <> '0') FROM ",
    wanted_settings!()
);

const SET_MISSING: &str = concat!(
    "SELECT set_config(name, value, false) FROM ",
    wanted_settings!(),
    " WHERE current_setting(name) = '0'"
);

/// Connects, and sees to it that the session has the settings: two round trips after connecting, or
/// one if it has them already.
pub(super) async fn connect(options: &PgConnectOptions) -> Result<PgConnection, sqlx::Error> {
    let mut connection = options.connect().await?;

    // Statements without parameters, in the simple protocol: one round trip each.
    let answer = sqlx::raw_sql(ARE_ALL_SET)
        .fetch_one(&mut connection)
        .await?;
    if !answer.try_get::<bool, _>(0)? {
        sqlx::raw_sql(SET_MISSING).execute(&mut connection).await?;
    }

    Ok(connection)
}
