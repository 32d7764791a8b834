//! `GET /health`: whether the dependencies answer, and the state of the models' circuits.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::Mutex;
use wenzhen::ai::{self, Purpose};
use wenzhen::config::{self, ConfigError};
use wenzhen::deadline::Deadline;
use wenzhen::error::Error;
use wenzhen::health;
use wenzhen::http::{Endpoint, Public, Response, reply};
use wenzhen::postgres::Database;
use wenzhen::resilience::breaker::Breakers;
use wenzhen::setup::Setup;
use wenzhen::valkey::Valkey;

/// How long one report answers further calls: any client may call, and often.
const REPORT_TTL: Duration = Duration::from_secs(1);

/// The route.
pub struct GetHealth {
    /// Is asked whether it answers.
    pub database: Database,
    /// Is asked whether it answers, if one is configured.
    pub valkey: Option<Arc<Valkey>>,
    /// The circuits of all tiers, which are shown.
    pub breakers: Breakers,
    /// The last report and when it was made.
    pub last: Mutex<Option<(SystemTime, Arc<health::HealthReport>)>>,
}

impl Endpoint<Public> for GetHealth {
    const ROUTE: &'static str = "GET /health";

    async fn from_env(setup: &Setup) -> Result<Self, ConfigError> {
        let valkey = setup.valkey()?;
        let purposes = [Purpose::Consultations, Purpose::Chat];

        Ok(Self {
            database: setup.database().await?,
            breakers: ai::circuits(&config::models()?, valkey.clone(), &purposes),
            valkey,
            last: Mutex::default(),
        })
    }

    /// 200 while calls can be accepted, if need be degraded; else 503.
    async fn handle(&self, deadline: Deadline) -> Result<Response, Error> {
        let report = self.recent_report(deadline).await;
        reply::health(report.is_serving(), &*report)
    }
}

impl GetHealth {
    /// The last report while it is fresh, else a new one. Calls that arrive together share it.
    async fn recent_report(&self, deadline: Deadline) -> Arc<health::HealthReport> {
        let mut last = self.last.lock().await;
        if let Some((made, report)) = &*last
            && made.elapsed().is_ok_and(|age| age < REPORT_TTL)
        {
            return Arc::clone(report);
        }

        let (database, valkey) = (&self.database, self.valkey.as_deref());
        let report = health::check_components(database, valkey, &self.breakers, deadline).await;
        let report = Arc::new(report);
        *last = Some((SystemTime::now(), Arc::clone(&report)));
        report
    }
}
