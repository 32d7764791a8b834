//! Whether the components answer.

use std::time::Duration;

use serde::Serialize;

use crate::deadline::Deadline;
use crate::error::{BoxError, error_chain};
use crate::postgres::Database;
use crate::resilience::breaker::state::Phase;
use crate::resilience::breaker::{Breakers, CircuitView};
use crate::valkey::Valkey;

/// The longest that a component is waited for.
const COMPONENT_TIMEOUT: Duration = Duration::from_secs(3);

/// What `GET /health` answers.
#[derive(Serialize)]
pub struct HealthReport {
    status: OverallStatus,
    checks: ComponentChecks,
}

/// How the whole is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum OverallStatus {
    /// All components answer.
    Ok,
    /// Calls are accepted, but something is missing.
    Degraded,
    /// Calls cannot be accepted.
    Down,
}

#[derive(Serialize)]
struct ComponentChecks {
    database: ComponentStatus,
    valkey: ComponentStatus,
    ai: ModelsHealth,
}

/// How one component is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum ComponentStatus {
    /// It answers.
    Ok,
    /// Some of it does.
    Degraded,
    /// It does not answer.
    Down,
    /// There is none.
    NotConfigured,
}

/// How the models are.
#[derive(Serialize)]
struct ModelsHealth {
    status: ComponentStatus,
    circuits: Vec<CircuitHealth>,
}

/// One model's circuit, as every caller may see it: no addresses, no counts.
#[derive(Serialize)]
struct CircuitHealth {
    name: String,
    phase: Phase,
    reason: String,
    for_seconds: u64,
    next_in_seconds: u64,
    /// The number of clients that the phase is about; 0 if it is about all.
    suspects: usize,
    is_shared: bool,
}

impl From<CircuitView> for CircuitHealth {
    fn from(view: CircuitView) -> Self {
        Self {
            name: view.name,
            phase: view.phase,
            reason: view.reason,
            for_seconds: view.for_seconds,
            next_in_seconds: view.next_in_seconds,
            suspects: view.suspects,
            is_shared: view.is_shared,
        }
    }
}

impl HealthReport {
    /// Whether calls can be accepted.
    pub fn is_serving(&self) -> bool {
        self.status != OverallStatus::Down
    }
}

/// Asks every component at the same time.
pub async fn check_components(
    database: &Database,
    valkey: Option<&Valkey>,
    breakers: &Breakers,
    deadline: Deadline,
) -> HealthReport {
    let deadline = deadline.at_most(COMPONENT_TIMEOUT);
    let (database, valkey, ()) = futures::join!(
        check_database(database, deadline),
        check_valkey(valkey, deadline),
        breakers.refresh(deadline)
    );

    let ai = check_models(breakers.views());
    // What is not configured is not missing.
    let are_models_well = matches!(
        ai.status,
        ComponentStatus::Ok | ComponentStatus::NotConfigured
    );
    let status = match database {
        ComponentStatus::Ok if valkey != ComponentStatus::Down && are_models_well => {
            OverallStatus::Ok
        }
        ComponentStatus::Ok => OverallStatus::Degraded,
        _ => OverallStatus::Down,
    };

    HealthReport {
        status,
        checks: ComponentChecks {
            database,
            valkey,
            ai,
        },
    }
}

fn check_models(circuits: Vec<CircuitView>) -> ModelsHealth {
    // A tier that is on its way back answers already.
    let answers = |circuit: &&CircuitView| {
        circuit.suspects > 0 || matches!(circuit.phase, Phase::Closed | Phase::Ramp)
    };
    let answering = circuits.iter().filter(answers).count();

    let status = match circuits.len() {
        0 => ComponentStatus::NotConfigured,
        _ if answering == 0 => ComponentStatus::Down,
        all if answering < all => ComponentStatus::Degraded,
        _ => ComponentStatus::Ok,
    };

    ModelsHealth {
        status,
        circuits: circuits.into_iter().map(CircuitHealth::from).collect(),
    }
}

async fn check_database(database: &Database, deadline: Deadline) -> ComponentStatus {
    let answered = match deadline.run(database.ping()).await {
        Ok(answered) => answered.map_err(BoxError::from),
        Err(elapsed) => Err(elapsed.into()),
    };

    component_status("database", answered)
}

async fn check_valkey(valkey: Option<&Valkey>, deadline: Deadline) -> ComponentStatus {
    let Some(valkey) = valkey else {
        return ComponentStatus::NotConfigured;
    };

    let answered = valkey.ping(deadline).await;
    component_status("valkey", answered.map_err(BoxError::from))
}

fn component_status(component: &'static str, answered: Result<(), BoxError>) -> ComponentStatus {
    let Err(error) = answered else {
        return ComponentStatus::Ok;
    };

    let causes = error_chain(&*error);
    tracing::warn!(component, error = %error, causes, "a component does not answer");

    ComponentStatus::Down
}
