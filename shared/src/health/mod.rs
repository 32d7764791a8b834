//! Whether the components answer.

mod environment;
mod script;
mod status;
mod verdict;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde::Serialize;
use tokio::sync::Mutex;

use crate::deadline::Deadline;
use crate::limits::LimitView;
use crate::postgres::{Database, Readers};
use crate::resilience::breaker::state::Phase;
use crate::resilience::breaker::{Breakers, CircuitView};
use crate::valkey::Valkey;
use status::{ComponentStatus, JobsView, Latency, Space};
use verdict::{DatabaseCheck, StoreVerdict};

/// The longest that a component is waited for.
const COMPONENT_TIMEOUT: Duration = Duration::from_secs(2);

/// Jobs that wait for longer are late: runs end within two minutes, and a deferred job is looked at
/// every few minutes.
const LATE_JOB: i64 = 15 * 60;

/// How long one report answers further calls of one environment: any client may call, and often.
const REPORT_TTL: Duration = Duration::from_secs(1);

/// Makes the reports of one environment, and keeps the last one for a second.
pub struct HealthCheck {
    database: DatabaseCheck,
    valkey: Option<Arc<Valkey>>,
    limits: Vec<LimitView>,
    last: Mutex<Option<LastReport>>,
}

struct LastReport {
    made_at: SystemTime,
    reports: Reports,
}

/// A report as anybody may see it, and the whole of it.
#[derive(Clone)]
pub struct Reports {
    /// Without details.
    pub public: Arc<HealthReport>,
    /// For admins.
    pub whole: Arc<HealthReport>,
}

/// What `GET /health` answers.
#[derive(Clone, Serialize, schemars::JsonSchema)]
pub struct HealthReport {
    status: OverallStatus,
    checks: ComponentChecks,
    /// For admins.
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<HealthDetails>,
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

#[derive(Clone, Serialize, schemars::JsonSchema)]
struct ComponentChecks {
    database: ComponentStatus,
    /// The readers of the database.
    readers: ComponentStatus,
    valkey: ComponentStatus,
    ai: ComponentStatus,
    embeddings: ComponentStatus,
    /// `degraded` while a job waits for more than a quarter of an hour.
    jobs: ComponentStatus,
    /// `degraded` while there are failed jobs to redrive, or messages in quarantine.
    dead_letters: ComponentStatus,
    /// Of the environment that answers.
    disk: ComponentStatus,
    /// Of the environment that answers.
    memory: ComponentStatus,
}

/// What admins are told besides.
#[derive(Clone, Serialize, schemars::JsonSchema)]
struct HealthDetails {
    /// Slow from 100 ms on.
    database: Option<Latency>,
    /// Slow from 100 ms on.
    readers: Option<Latency>,
    /// Slow from 50 ms on.
    valkey: Option<Latency>,
    ai: Vec<CircuitHealth>,
    embeddings: Vec<CircuitHealth>,
    jobs: Option<JobsView>,
    /// The rate limits that have a rate.
    limits: Vec<LimitView>,
    disk: Option<Space>,
    memory: Option<Space>,
}

/// The circuits that a report shows.
pub struct Circuits {
    /// Those of the models that answer.
    pub models: Breakers,
    /// Those of the endpoints that make vectors; without any, documents are found by their words.
    pub embeddings: Breakers,
}

/// How some models are.
struct ModelsHealth {
    status: ComponentStatus,
    circuits: Vec<CircuitHealth>,
}

/// One model's circuit: no addresses, no counts.
#[derive(Clone, Serialize, schemars::JsonSchema)]
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
    /// Asks this database, its readers if there are any, and, if one is configured, this Valkey.
    pub fn new(database: Database, readers: Readers, valkey: Option<Arc<Valkey>>) -> Self {
        Self {
            database: DatabaseCheck::new(database, readers),
            valkey,
            limits: Vec::new(),
            last: Mutex::default(),
        }
    }

    /// Shows admins these limits, too.
    #[must_use]
    pub fn with_limits(mut self, limits: Vec<LimitView>) -> Self {
        self.limits = limits;
        self
    }

    /// The last report while it is fresh, else a new one. Calls that arrive together share it.
    pub async fn report(&self, circuits: &Circuits, deadline: Deadline) -> Reports {
        let mut last = self.last.lock().await;
        if let Some(LastReport { made_at, reports }) = &*last
            && made_at.elapsed().is_ok_and(|age| age < REPORT_TTL)
        {
            return reports.clone();
        }

        let whole = self.make_report(circuits, deadline).await;
        let public = HealthReport {
            details: None,
            ..whole.clone()
        };
        let reports = Reports {
            public: Arc::new(public),
            whole: Arc::new(whole),
        };
        *last = Some(LastReport {
            made_at: SystemTime::now(),
            reports: reports.clone(),
        });
        reports
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
        let embeddings = check_models(circuits.embeddings.views());
        let mut report = HealthReport::new(stores, models, embeddings);
        if let Some(details) = &mut report.details {
            details.limits.clone_from(&self.limits);
        }
        report
    }
}

impl HealthReport {
    fn new(stores: StoreVerdict, ai: ModelsHealth, embeddings: ModelsHealth) -> Self {
        let StoreVerdict {
            database,
            valkey,
            valkey_latency,
        } = stores;
        let (disk, memory) = (environment::disk(), environment::memory());
        let checks = ComponentChecks {
            database: database.database,
            readers: database.readers,
            valkey,
            ai: ai.status,
            embeddings: embeddings.status,
            jobs: unless(database.jobs.map(|jobs| jobs.oldest_age_seconds > LATE_JOB)),
            dead_letters: unless(
                database
                    .jobs
                    .map(|jobs| jobs.failed > 0 || jobs.in_quarantine > 0),
            ),
            disk: disk.map_or(ComponentStatus::NotConfigured, Space::status),
            memory: memory.map_or(ComponentStatus::NotConfigured, Space::status),
        };

        Self {
            status: checks.overall(),
            checks,
            details: Some(HealthDetails {
                database: database.database_latency,
                readers: database.readers_latency,
                valkey: valkey_latency,
                ai: ai.circuits,
                embeddings: embeddings.circuits,
                jobs: database.jobs,
                limits: Vec::new(),
                disk,
                memory,
            }),
        }
    }

    /// Whether calls can be accepted.
    pub fn is_serving(&self) -> bool {
        self.status != OverallStatus::Down
    }
}

impl ComponentChecks {
    /// Failed jobs wait for a person, and an environment's memory for nobody: neither says that the
    /// system is degraded. What is not configured is not missing.
    fn overall(&self) -> OverallStatus {
        let needed = [
            self.readers,
            self.valkey,
            self.ai,
            self.embeddings,
            self.jobs,
        ];
        let is_well = |status: &ComponentStatus| {
            matches!(status, ComponentStatus::Ok | ComponentStatus::NotConfigured)
        };
        match self.database {
            ComponentStatus::Ok if needed.iter().all(is_well) => OverallStatus::Ok,
            ComponentStatus::Ok => OverallStatus::Degraded,
            _ => OverallStatus::Down,
        }
    }
}

/// `Ok` unless it is so.
fn unless(is_degraded: Option<bool>) -> ComponentStatus {
    match is_degraded {
        Some(false) => ComponentStatus::Ok,
        Some(true) => ComponentStatus::Degraded,
        None => ComponentStatus::Unknown,
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
