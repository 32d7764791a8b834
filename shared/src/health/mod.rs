//! Whether the components answer.

mod script;
mod status;
mod verdict;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde::Serialize;
use tokio::sync::Mutex;

use crate::deadline::Deadline;
use crate::postgres::Database;
use crate::resilience::breaker::state::Phase;
use crate::resilience::breaker::{Breakers, CircuitView};
use crate::valkey::Valkey;
use status::ComponentStatus;
use verdict::{DatabaseCheck, StoreVerdict};

/// The longest that a component is waited for.
const COMPONENT_TIMEOUT: Duration = Duration::from_secs(3);

/// How long one report answers further calls of one environment: any client may call, and often.
const REPORT_TTL: Duration = Duration::from_secs(1);

/// Makes the reports of one environment, and keeps the last one for a second.
pub struct HealthCheck {
    database: DatabaseCheck,
    valkey: Option<Arc<Valkey>>,
    last: Mutex<Option<LastReport>>,
}

struct LastReport {
    made_at: SystemTime,
    report: Arc<HealthReport>,
}

/// What `GET /health` answers.
#[derive(Serialize, schemars::JsonSchema)]
pub struct HealthReport {
    status: OverallStatus,
    checks: ComponentChecks,
}

/// How the whole is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
enum OverallStatus {
    /// All components answer.
    Ok,
    /// Calls are accepted, but something is missing.
    Degraded,
    /// Calls cannot be accepted.
    Down,
}

#[derive(Serialize, schemars::JsonSchema)]
struct ComponentChecks {
    database: ComponentStatus,
    valkey: ComponentStatus,
    ai: ModelsHealth,
    embeddings: ModelsHealth,
}

/// The circuits that a report shows.
pub struct Circuits {
    /// Those of the models that answer.
    pub models: Breakers,
    /// Those of the endpoints that make vectors; without any, documents are found by their words.
    pub embeddings: Breakers,
}

/// How some models are.
#[derive(Serialize, schemars::JsonSchema)]
struct ModelsHealth {
    status: ComponentStatus,
    circuits: Vec<CircuitHealth>,
}

/// One model's circuit, as every caller may see it: no addresses, no counts.
#[derive(Serialize, schemars::JsonSchema)]
struct CircuitHealth {
    name: String,
    phase: Phase,
    reason: String,
    for_seconds: u64,
    next_in_seconds: u64,
    /// The number of tenants that are left out, since calls of several of their users fail.
    barred_tenants: usize,
    /// The number of users that are left out by themselves, since their own calls fail.
    barred_users: usize,
    /// The number of tenants of which the provider asked any user to leave it alone.
    throttled_tenants: usize,
    /// Seconds for which all leave the provider alone.
    cooldown_seconds: u64,
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
            barred_tenants: view.barred_tenants,
            barred_users: view.barred_users,
            throttled_tenants: view.throttled_tenants,
            cooldown_seconds: view.cooldown_seconds,
            is_shared: view.is_shared,
        }
    }
}

impl HealthCheck {
    /// Asks this database and, if one is configured, this Valkey.
    pub fn new(database: Database, valkey: Option<Arc<Valkey>>) -> Self {
        Self {
            database: DatabaseCheck::new(database),
            valkey,
            last: Mutex::default(),
        }
    }

    /// The last report while it is fresh, else a new one. Calls that arrive together share it.
    pub async fn report(&self, circuits: &Circuits, deadline: Deadline) -> Arc<HealthReport> {
        let mut last = self.last.lock().await;
        if let Some(LastReport { made_at, report }) = &*last
            && made_at.elapsed().is_ok_and(|age| age < REPORT_TTL)
        {
            return Arc::clone(report);
        }

        let report = Arc::new(self.make_report(circuits, deadline).await);
        *last = Some(LastReport {
            made_at: SystemTime::now(),
            report: Arc::clone(&report),
        });
        report
    }

    /// Asks every component at the same time.
    async fn make_report(&self, circuits: &Circuits, deadline: Deadline) -> HealthReport {
        let deadline = deadline.at_most(COMPONENT_TIMEOUT);
        let (stores, (), ()) = futures::join!(
            self.database.verdict(self.valkey.as_deref(), deadline),
            Box::pin(circuits.models.refresh(deadline)),
            Box::pin(circuits.embeddings.refresh(deadline))
        );

        let models = check_models(circuits.models.views());
        HealthReport::new(stores, models, check_models(circuits.embeddings.views()))
    }
}

impl HealthReport {
    fn new(stores: StoreVerdict, ai: ModelsHealth, embeddings: ModelsHealth) -> Self {
        let StoreVerdict { database, valkey } = stores;
        // What is not configured is not missing.
        let is_well =
            |status| matches!(status, ComponentStatus::Ok | ComponentStatus::NotConfigured);
        let are_models_well = is_well(ai.status) && is_well(embeddings.status);
        let status = match database {
            ComponentStatus::Ok if valkey != ComponentStatus::Down && are_models_well => {
                OverallStatus::Ok
            }
            ComponentStatus::Ok => OverallStatus::Degraded,
            _ => OverallStatus::Down,
        };

        Self {
            status,
            checks: ComponentChecks {
                database,
                valkey,
                ai,
                embeddings,
            },
        }
    }

    /// Whether calls can be accepted.
    pub fn is_serving(&self) -> bool {
        self.status != OverallStatus::Down
    }
}

fn check_models(circuits: Vec<CircuitView>) -> ModelsHealth {
    // A tier that is on its way back answers already; one that all leave alone, or that leaves out
    // all whom it knows, as in a stack of one tenant, may be gone.
    let answers = |circuit: &&CircuitView| {
        circuit.serves_any && matches!(circuit.phase, Phase::Closed | Phase::Ramp)
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
