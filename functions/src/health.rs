//! `GET /health`: whether the dependencies answer, and the state of the models' circuits.

use wenzhen::ai::Chains;
use wenzhen::config::ConfigError;
use wenzhen::deadline::Deadline;
use wenzhen::error::Error;
use wenzhen::health::HealthCheck;
use wenzhen::http::{Endpoint, Public, Response, reply};
use wenzhen::setup::Setup;

/// The route.
pub struct GetHealth {
    /// Knows how the database and Valkey are.
    pub check: HealthCheck,
    /// Their circuits are shown.
    pub chains: Chains,
}

impl Endpoint<Public> for GetHealth {
    const ROUTE: &'static str = "GET /health";

    async fn from_env(setup: &Setup) -> Result<Self, ConfigError> {
        let valkey = setup.valkey()?;
        let models = setup.models().await?;

        Ok(Self {
            check: HealthCheck::new(setup.database().await?, valkey.clone()),
            chains: Chains::new(&models, valkey, &setup.secrets())?,
        })
    }

    /// 200 while calls can be accepted, if need be degraded; else 503.
    async fn handle(&self, deadline: Deadline) -> Result<Response, Error> {
        let report = self.check.report(self.chains.breakers(), deadline).await;
        reply::health(report.is_serving(), &*report)
    }
}
