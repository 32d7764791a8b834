//! `GET /health`: whether the dependencies answer, and the state of the models' circuits.

use wenzhen::ai::{self, Purpose};
use wenzhen::config::ConfigError;
use wenzhen::error::Error;
use wenzhen::health::{Circuits, HealthCheck};
use wenzhen::http::{Endpoint, Public, PublicCall, Response, reply};
use wenzhen::resilience::breaker::Breakers;
use wenzhen::setup::Setup;

/// The route.
pub struct GetHealth {
    /// Knows how the database and Valkey are.
    pub check: HealthCheck,
    /// The circuits of all tiers, which are shown.
    pub circuits: Circuits,
}

impl Endpoint<Public> for GetHealth {
    const ROUTE: &'static str = "GET /health";

    async fn from_env(setup: &Setup) -> Result<Self, ConfigError> {
        let valkey = setup.valkey()?;
        let models = setup.models().await?;
        let purposes = [Purpose::Consultations, Purpose::Chat];
        let embeddings = match setup.embeddings().await? {
            Some(settings) => ai::embedding_circuits(&settings, valkey.clone()),
            None => Breakers::new(None, []),
        };

        Ok(Self {
            check: HealthCheck::new(setup.database().await?, valkey.clone()),
            circuits: Circuits {
                embeddings,
                models: ai::circuits(&models, valkey, &purposes),
            },
        })
    }

    /// 200 while calls can be accepted, if need be degraded; else 503.
    async fn handle(&self, call: PublicCall) -> Result<Response, Error> {
        let report = self.check.report(&self.circuits, call.deadline).await;
        reply::health(report.is_serving(), &*report)
    }
}
