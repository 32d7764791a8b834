//! `GET /health`: whether the dependencies answer; for admins, how fast, and the state of the
//! models' circuits.

use std::time::Duration;

use wenzhen::ai::{self, Purpose};
use wenzhen::chat;
use wenzhen::config::ConfigError;
use wenzhen::error::Error;
use wenzhen::health::{Circuits, HealthCheck};
use wenzhen::http::{Endpoint, Public, PublicCall, RequestGuard, Response, reply};
use wenzhen::identity::Role;
use wenzhen::limits::{
    ADDRESS, CONNECTS, GLOBAL, Limit, MESSAGES, TENANT, TENANT_WAIT, USER, WAIT,
};
use wenzhen::resilience::breaker::Breakers;
use wenzhen::setup::Setup;

/// The longest that a caller's token is looked at: the report waits no longer for its parts.
const TOKEN_TIMEOUT: Duration = Duration::from_secs(2);

/// All limits that any route declares, in the order in which a call meets them.
const SHOWN_LIMITS: [Limit; 9] = [
    GLOBAL,
    ADDRESS,
    TENANT,
    USER,
    chat::TOKENS,
    WAIT,
    TENANT_WAIT,
    CONNECTS,
    MESSAGES,
];

/// The route.
pub struct GetHealth {
    check: HealthCheck,
    circuits: Circuits,
    guard: RequestGuard,
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

        let (database, readers) = (setup.database().await?, setup.readers().await?);
        Ok(Self {
            check: HealthCheck::new(database, readers, valkey.clone())
                .with_limits(setup.limit_views(&SHOWN_LIMITS).await?),
            circuits: Circuits {
                embeddings,
                models: ai::circuits(&models, valkey, &purposes),
            },
            guard: RequestGuard::from_env(setup, None).await?,
        })
    }

    /// 200 while calls can be accepted, if need be degraded; else 503. A monitor that sends a token
    /// which does not hold is told so by the missing details, and not by a refusal.
    async fn handle(&self, call: PublicCall) -> Result<Response, Error> {
        let (reports, caller) = futures::join!(
            self.check.report(&self.circuits, call.deadline),
            self.guard
                .identify(&call.request, call.deadline.at_most(TOKEN_TIMEOUT))
        );

        let caller = caller.ok().flatten();
        let is_admin = caller.is_some_and(|caller| caller.role == Role::Admin);
        let report = if is_admin {
            reports.whole
        } else {
            reports.public
        };
        reply::health(report.is_serving(), &*report)
    }
}
