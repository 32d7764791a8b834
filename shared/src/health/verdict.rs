//! The verdict on the database and its readers: one environment of the fleet checks, the others
//! believe it.
//!
//! Any client may ask how the stack is, and each environment that is asked could open a connection
//! to find out: enough calls would take all that the database has. So the verdict stands in Valkey
//! for a few seconds, a lease lets one environment at a time make it, and no connection is kept.

use std::time::{Duration, Instant, SystemTime};

use sqlx::postgres::PgConnection;
use tokio::sync::Mutex;

use super::COMPONENT_TIMEOUT;
use super::script::{ReadVerdict, VerdictAnswer, VerdictKeys, WriteVerdict};
use super::status::{ComponentStatus, DatabaseVerdict, JobsView, Latency};
use crate::deadline::Deadline;
use crate::error::{BoxError, error_chain};
use crate::postgres::{Database, Readers};
use crate::valkey::{Valkey, ValkeyError};

/// How long a verdict of the environment's own serves it while there is no Valkey.
const OWN_VERDICT_TTL: Duration = Duration::from_secs(10);

/// Between two looks for a first verdict that another environment makes.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// From here on a statement of the database is slow.
const SLOW_DATABASE: Duration = Duration::from_millis(100);

/// From here on a round trip to Valkey is slow.
const SLOW_VALKEY: Duration = Duration::from_millis(50);

/// How the database and its readers are, and Valkey, which was asked for that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct StoreVerdict {
    pub(super) database: DatabaseVerdict,
    pub(super) valkey: ComponentStatus,
    pub(super) valkey_latency: Option<Latency>,
}

/// Knows how the database is, from the fleet if it can.
pub(super) struct DatabaseCheck {
    database: Database,
    readers: Readers,
    /// The environment's own verdict, and when it was made.
    own: Mutex<Option<(SystemTime, DatabaseVerdict)>>,
}

impl DatabaseCheck {
    pub(super) fn new(database: Database, readers: Readers) -> Self {
        Self {
            database,
            readers,
            own: Mutex::default(),
        }
    }

    /// How the database is by the fleet's verdict; without Valkey, by the environment's own.
    pub(super) async fn verdict(
        &self,
        valkey: Option<&Valkey>,
        deadline: Deadline,
    ) -> StoreVerdict {
        let Some(valkey) = valkey else {
            return StoreVerdict {
                database: self.own_verdict(deadline).await,
                valkey: ComponentStatus::NotConfigured,
                valkey_latency: None,
            };
        };

        match self.fleet_verdict(valkey, deadline).await {
            Ok((database, took)) => StoreVerdict {
                database,
                valkey: ComponentStatus::Ok,
                valkey_latency: Some(Latency::of(took, SLOW_VALKEY)),
            },
            Err(error) => StoreVerdict {
                valkey: ComponentStatus::of("valkey", Err(error)),
                valkey_latency: None,
                database: self.own_verdict(deadline).await,
            },
        }
    }

    /// With the time that Valkey took to answer.
    async fn fleet_verdict(
        &self,
        valkey: &Valkey,
        deadline: Deadline,
    ) -> Result<(DatabaseVerdict, Duration), BoxError> {
        loop {
            let asked_at = Instant::now();
            let answer = read(valkey, deadline).await?;
            let took = asked_at.elapsed();
            match answer {
                VerdictAnswer::Fresh(verdict) | VerdictAnswer::Wait(Some(verdict)) => {
                    return Ok((verdict, took));
                }
                VerdictAnswer::Check => {
                    return Ok((self.check_for_fleet(valkey, deadline).await, took));
                }
                VerdictAnswer::Wait(None) if deadline.remaining() < POLL_INTERVAL * 2 => {
                    let late = "the first check of the database takes too long";
                    return Ok((DatabaseVerdict::without_answer(late.into()), took));
                }
                VerdictAnswer::Wait(None) => pause().await,
            }
        }
    }

    async fn check_for_fleet(&self, valkey: &Valkey, deadline: Deadline) -> DatabaseVerdict {
        let verdict = self.check(deadline).await;
        let keys = VerdictKeys::new(valkey.prefix());

        // What cannot be written is made anew by whoever is asked next, after the lease.
        let written = valkey
            .run(WriteVerdict { keys, verdict }, after_check())
            .await;
        if let Err(error) = written {
            tracing::warn!(causes = error_chain(&error), "the verdict is not shared");
        }
        verdict
    }

    /// The environment's own verdict. Callers that arrive together share it.
    async fn own_verdict(&self, deadline: Deadline) -> DatabaseVerdict {
        let mut own = self.own.lock().await;
        if let Some((made_at, verdict)) = *own
            && made_at.elapsed().is_ok_and(|age| age < OWN_VERDICT_TTL)
        {
            return verdict;
        }

        let verdict = self.check(deadline).await;
        *own = Some((SystemTime::now(), verdict));
        verdict
    }

    async fn check(&self, deadline: Deadline) -> DatabaseVerdict {
        let ask_readers = async {
            match self.readers.database() {
                Some(readers) => Some(probe(readers, deadline, async |_| ()).await),
                None => None,
            }
        };
        let (database, readers) =
            futures::join!(probe(&self.database, deadline, ask_for_jobs), ask_readers);

        let database = database.map_err(DatabaseVerdict::without_answer);
        let mut verdict = match database {
            Ok((jobs, latency)) => DatabaseVerdict {
                database: ComponentStatus::Ok,
                database_latency: Some(latency),
                readers: ComponentStatus::NotConfigured,
                readers_latency: None,
                jobs,
            },
            Err(verdict) => verdict,
        };
        if let Some(readers) = readers {
            verdict.readers_latency = readers.as_ref().ok().map(|((), latency)| *latency);
            verdict.readers = ComponentStatus::of("readers", readers.map(|_| ()));
        }
        verdict
    }
}

/// How long a statement takes on a connection of its own, and what `then` finds on it.
async fn probe<T>(
    database: &Database,
    deadline: Deadline,
    then: impl AsyncFnOnce(&mut PgConnection) -> T,
) -> Result<(T, Latency), BoxError> {
    let probing = database.probe(async |connection| {
        let asked_at = Instant::now();
        sqlx::query("SELECT now()")
            .execute(&mut *connection)
            .await?;
        let latency = Latency::of(asked_at.elapsed(), SLOW_DATABASE);
        Ok((then(connection).await, latency))
    });
    Ok(deadline.run(probing).await??)
}

/// None if that fails or takes longer than a second: then calls can be accepted all the same. The
/// server ends the statement, since one that is broken off here holds up the connection's end.
async fn ask_for_jobs(connection: &mut PgConnection) -> Option<JobsView> {
    let read = async {
        let bound = sqlx::query("SET statement_timeout = '1s'");
        bound.execute(&mut *connection).await?;
        let jobs = sqlx::query_as(include_str!("sql/jobs.sql"));
        jobs.fetch_one(&mut *connection).await
    };
    let jobs: Result<_, sqlx::Error> = read.await;
    let jobs = jobs.inspect_err(|error| {
        let causes = error_chain(error);
        tracing::warn!(causes, "how the jobs are cannot be found out");
    });
    jobs.ok()
}

/// Each question has half of the time that is left, so that a slow Valkey leaves the other half to
/// the database, which would be blamed for it otherwise.
async fn read(valkey: &Valkey, deadline: Deadline) -> Result<VerdictAnswer, BoxError> {
    let keys = VerdictKeys::new(valkey.prefix());
    let deadline = deadline.at_most(deadline.remaining() / 2);
    let answer: Result<_, ValkeyError> = valkey.run(ReadVerdict { keys }, deadline).await;
    answer?.ok_or_else(|| "Valkey's verdict cannot be read".into())
}

/// A verdict is written also when making it took all the time of the components.
fn after_check() -> Deadline {
    Deadline::after(COMPONENT_TIMEOUT)
}

#[expect(clippy::disallowed_methods, reason = "a poll that the deadline bounds")]
async fn pause() {
    tokio::time::sleep(POLL_INTERVAL).await;
}
