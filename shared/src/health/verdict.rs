//! The verdict on the database: one environment of the fleet checks, the others believe it.
//!
//! Any client may ask how the stack is, and each environment that is asked could open a connection
//! to find out: enough calls would take all that the database has. So the verdict stands in Valkey
//! for a few seconds, a lease lets one environment at a time make it, and no connection is kept.

use std::time::{Duration, SystemTime};

use tokio::sync::Mutex;

use super::COMPONENT_TIMEOUT;
use super::script::{ReadVerdict, VerdictAnswer, VerdictKeys, WriteVerdict};
use super::status::ComponentStatus;
use crate::deadline::Deadline;
use crate::error::{BoxError, error_chain};
use crate::postgres::Database;
use crate::valkey::{Valkey, ValkeyError};

/// How long a verdict of the environment's own serves it while there is no Valkey.
const OWN_VERDICT_TTL: Duration = Duration::from_secs(10);

/// Between two looks for a first verdict that another environment makes.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// How the database is, and Valkey, which was asked for that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct StoreVerdict {
    pub(super) database: ComponentStatus,
    pub(super) valkey: ComponentStatus,
}

/// Knows how the database is, from the fleet if it can.
pub(super) struct DatabaseCheck {
    database: Database,
    /// The environment's own verdict, and when it was made.
    own: Mutex<Option<(SystemTime, ComponentStatus)>>,
}

impl DatabaseCheck {
    pub(super) fn new(database: Database) -> Self {
        Self {
            database,
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
            };
        };

        match self.fleet_verdict(valkey, deadline).await {
            Ok(database) => StoreVerdict {
                database,
                valkey: ComponentStatus::Ok,
            },
            Err(error) => StoreVerdict {
                valkey: ComponentStatus::of("valkey", Err(error)),
                database: self.own_verdict(deadline).await,
            },
        }
    }

    async fn fleet_verdict(
        &self,
        valkey: &Valkey,
        deadline: Deadline,
    ) -> Result<ComponentStatus, BoxError> {
        loop {
            match read(valkey, deadline).await? {
                VerdictAnswer::Fresh(status) | VerdictAnswer::Wait(Some(status)) => {
                    return Ok(status);
                }
                VerdictAnswer::Check => return Ok(self.check_for_fleet(valkey, deadline).await),
                VerdictAnswer::Wait(None) if deadline.remaining() < POLL_INTERVAL * 2 => {
                    let late = "the first check of the database takes too long";
                    return Ok(ComponentStatus::of("database", Err(late.into())));
                }
                VerdictAnswer::Wait(None) => pause().await,
            }
        }
    }

    async fn check_for_fleet(&self, valkey: &Valkey, deadline: Deadline) -> ComponentStatus {
        let status = self.check(deadline).await;
        let keys = VerdictKeys::new(valkey.prefix());

        // What cannot be written is made anew by whoever is asked next, after the lease.
        let written = valkey
            .run(WriteVerdict { keys, status }, after_check())
            .await;
        if let Err(error) = written {
            tracing::warn!(causes = error_chain(&error), "the verdict is not shared");
        }
        status
    }

    /// The environment's own verdict. Callers that arrive together share it.
    async fn own_verdict(&self, deadline: Deadline) -> ComponentStatus {
        let mut own = self.own.lock().await;
        if let Some((made_at, status)) = *own
            && made_at.elapsed().is_ok_and(|age| age < OWN_VERDICT_TTL)
        {
            return status;
        }

        let status = self.check(deadline).await;
        *own = Some((SystemTime::now(), status));
        status
    }

    async fn check(&self, deadline: Deadline) -> ComponentStatus {
        let answered = match deadline.run(self.database.probe()).await {
            Ok(answered) => answered.map_err(BoxError::from),
            Err(elapsed) => Err(elapsed.into()),
        };

        ComponentStatus::of("database", answered)
    }
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
