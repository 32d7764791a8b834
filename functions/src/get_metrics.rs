//! `GET /metrics`: what the whole fleet has counted, for Prometheus.

use std::sync::Arc;

use wenzhen::ai::{self, Purpose};
use wenzhen::aws::Secrets;
use wenzhen::config::{self, ConfigError};
use wenzhen::error::{BoxError, Error, ErrorKind, error_chain};
use wenzhen::fleet_metrics::{self, FleetMetrics, GaugeSources};
use wenzhen::http::{Endpoint, Public, PublicCall, RequestGuard, Response, auth, reply};
use wenzhen::identity::Role;
use wenzhen::setup::Setup;

/// The route.
pub struct GetMetrics {
    guard: RequestGuard,
    scraper: Scraper,
    metrics: FleetMetrics,
}

/// Whoever may read the metrics besides admins.
struct Scraper {
    secrets: Arc<Secrets>,
    /// The secret that holds their token, if there is one.
    token: Option<String>,
}

impl Endpoint<Public> for GetMetrics {
    const ROUTE: &'static str = "GET /metrics";

    async fn from_env(setup: &Setup) -> Result<Self, ConfigError> {
        let valkey = setup.valkey()?;
        let models = setup.models().await?;
        let purposes = [Purpose::Consultations, Purpose::Chat];
        let mut circuits = vec![ai::circuits(&models, valkey.clone(), &purposes)];
        if let Some(settings) = setup.embeddings().await? {
            circuits.push(ai::embedding_circuits(&settings, valkey.clone()));
        }

        let sources = GaugeSources {
            database: setup.database().await?,
            jobs_queue: setup.jobs_queue().await?,
            dead_letters: setup.dead_letter_queue().await?,
            circuits,
        };
        Ok(Self {
            guard: RequestGuard::from_env(setup, None).await?,
            scraper: Scraper {
                secrets: setup.secrets(),
                token: config::metrics_token_secret()?,
            },
            metrics: FleetMetrics::new(valkey, sources),
        })
    }

    /// 200 with Prometheus' text, for admins and for the scrapers' token.
    async fn handle(&self, call: PublicCall) -> Result<Response, Error> {
        if !self.scraper.is_caller(&call).await {
            let caller = self.guard.identify(&call.request, call.deadline).await?;
            let caller = caller.ok_or_else(|| refuse(ErrorKind::Unauthenticated))?;
            if caller.role != Role::Admin {
                return Err(refuse(ErrorKind::Forbidden));
            }
        }

        let text = Box::pin(self.metrics.text(call.deadline)).await?;
        reply::text(fleet_metrics::CONTENT_TYPE, text)
    }
}

fn refuse(kind: ErrorKind) -> Error {
    Error::new(kind, "Metrics are for admins, and for the scrapers' token.")
}

impl Scraper {
    async fn is_caller(&self, call: &PublicCall) -> bool {
        let Some(secret) = &self.token else {
            return false;
        };
        let read = call.deadline.run(self.secrets.get(secret)).await;
        match read.map_err(BoxError::from).flatten() {
            Ok(token) => auth::has_token(call.request.headers(), &token),
            Err(error) => {
                let causes = error_chain(&*error);
                tracing::warn!(causes, "the scrapers' token cannot be read");
                false
            }
        }
    }
}
