//! `GET /metrics`: what the whole fleet has counted, for Prometheus.

use std::sync::Arc;
use std::time::Duration;

use wenzhen::ai::{self, Purpose};
use wenzhen::aws::Secrets;
use wenzhen::config::{self, ConfigError};
use wenzhen::error::{BoxError, Error, ErrorKind, error_chain};
use wenzhen::fleet_metrics::{self, FleetMetrics, GaugeSources};
use wenzhen::http::{Endpoint, Public, PublicCall, Response, auth, reply};
use wenzhen::setup::Setup;

/// The longest that the scrapers' token is waited for.
const TOKEN_TIMEOUT: Duration = Duration::from_secs(2);

/// The route.
pub struct GetMetrics {
    scraper: Scraper,
    metrics: FleetMetrics,
}

/// Whoever may read the metrics: they are of all tenants, so an admin of one may not.
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
            scraper: Scraper {
                secrets: setup.secrets(),
                token: config::metrics_token_secret()?,
            },
            metrics: FleetMetrics::new(valkey, sources),
        })
    }

    /// 200 with Prometheus' text, for the scrapers' token.
    async fn handle(&self, call: PublicCall) -> Result<Response, Error> {
        if !self.scraper.is_caller(&call).await {
            let detail = "Metrics are for the token of those who scrape them.";
            return Err(Error::new(ErrorKind::Unauthenticated, detail));
        }

        let text = Box::pin(self.metrics.text(call.deadline)).await?;
        reply::text(fleet_metrics::CONTENT_TYPE, text)
    }
}

impl Scraper {
    async fn is_caller(&self, call: &PublicCall) -> bool {
        let has_token = call.request.headers().contains_key("authorization");
        let Some(secret) = self.token.as_ref().filter(|_| has_token) else {
            return false;
        };

        let deadline = call.deadline.at_most(TOKEN_TIMEOUT);
        let read = deadline.run(self.secrets.get(secret)).await;
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
