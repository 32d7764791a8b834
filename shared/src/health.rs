//! Whether the parts answer.

use std::time::Duration;

use serde::Serialize;

use crate::deadline::Deadline;
use crate::error::{BoxError, error_chain};
use crate::postgres::Database;
use crate::resilience::breaker::machine::Phase;
use crate::resilience::breaker::{Breakers, View};
use crate::valkey::Valkey;

/// The longest a part is waited for.
const ANSWER: Duration = Duration::from_secs(3);

/// What `GET /health` answers.
#[derive(Serialize)]
pub struct Report {
    status: Status,
    checks: Checks,
}

/// How the whole is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Status {
    /// All parts answer.
    Ok,
    /// Calls are accepted, but something is missing.
    Degraded,
    /// Calls cannot be accepted.
    Down,
}

#[derive(Serialize)]
struct Checks {
    database: Part,
    valkey: Part,
    ai: Ai,
}

/// One part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Part {
    /// It answers.
    Ok,
    /// Some of it does.
    Degraded,
    /// It does not.
    Down,
    /// There is none.
    NotConfigured,
}

#[derive(Serialize)]
struct Ai {
    status: Part,
    circuits: Vec<Circuit>,
}

/// One model's circuit, as anybody may see it: no addresses, no counts.
#[derive(Serialize)]
struct Circuit {
    name: String,
    phase: Phase,
    reason: String,
    for_seconds: u64,
    next_in_seconds: u64,
    is_shared: bool,
}

impl From<View> for Circuit {
    fn from(view: View) -> Self {
        let View {
            name,
            phase,
            reason,
            for_seconds,
            next_in_seconds,
            is_shared,
            ..
        } = view;
        Self {
            name,
            phase,
            reason,
            for_seconds,
            next_in_seconds,
            is_shared,
        }
    }
}

impl Report {
    /// Whether calls can be accepted.
    pub fn is_serving(&self) -> bool {
        self.status != Status::Down
    }
}

/// Asks every part at the same time.
pub async fn check(
    database: &Database,
    valkey: Option<&Valkey>,
    breakers: &Breakers,
    deadline: Deadline,
) -> Report {
    let deadline = deadline.at_most(ANSWER);
    let (database, valkey, ()) = futures::join!(
        database_part(database, deadline),
        valkey_part(valkey, deadline),
        breakers.refresh(deadline)
    );
    let circuits = breakers.views();
    // A tier that is on its way back answers already.
    let answering = circuits
        .iter()
        .filter(|circuit| matches!(circuit.phase, Phase::Closed | Phase::Ramp))
        .count();
    let ai = match circuits.len() {
        0 => Part::NotConfigured,
        _ if answering == 0 => Part::Down,
        all if answering < all => Part::Degraded,
        _ => Part::Ok,
    };
    // What is not configured is not missing.
    let all_well = valkey != Part::Down && matches!(ai, Part::Ok | Part::NotConfigured);
    let circuits = circuits.into_iter().map(Circuit::from).collect();
    let status = match database {
        Part::Ok if all_well => Status::Ok,
        Part::Ok => Status::Degraded,
        _ => Status::Down,
    };
    Report {
        status,
        checks: Checks {
            database,
            valkey,
            ai: Ai {
                status: ai,
                circuits,
            },
        },
    }
}

async fn database_part(database: &Database, deadline: Deadline) -> Part {
    part(
        "database",
        deadline
            .run(database.ping())
            .await
            .map_err(BoxError::from)
            .and_then(|done| done.map_err(BoxError::from)),
    )
}

async fn valkey_part(valkey: Option<&Valkey>, deadline: Deadline) -> Part {
    match valkey {
        Some(valkey) => part(
            "valkey",
            valkey.ping(deadline).await.map_err(BoxError::from),
        ),
        None => Part::NotConfigured,
    }
}

fn part(name: &'static str, answered: Result<(), BoxError>) -> Part {
    match answered {
        Ok(()) => Part::Ok,
        Err(error) => {
            tracing::warn!(part = name, error = %error, causes = error_chain(&*error), "a part does not answer");
            Part::Down
        }
    }
}
