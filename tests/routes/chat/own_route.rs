//! A route with tiers and a limit of its own, so that a test sees what a call is charged.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use wenzhen::cache::Cache;
use wenzhen::chat::{Backend, Meter, TOKENS};
use wenzhen::config::LimitSettings;
use wenzhen::deadline::Deadline;
use wenzhen::http::openai::{ApiError, Reply};
use wenzhen::http::{Call, Endpoint, Origin};
use wenzhen::identity::{Caller, Role, TenantId, UserId};
use wenzhen::limits::{Client, Decision, LimitCost, Limiter};
use wenzhen::valkey::Valkey;
use wenzhen_functions::CreateChatCompletion;

use super::direct::chains_of;
use super::{ask, with};

/// A day's tokens: what comes back within a test is next to nothing.
const LIMITS: &str = r#"{"tokens":{"limit":100000,"burst":100000,"window":86400}}"#;

/// What a request reserves: this and its own length.
pub(super) const RESERVED_TOKENS: u64 = 40_000;

/// A request that reserves so many tokens for its answer.
pub(super) fn reserving(max_tokens: u64) -> Value {
    with(ask("x"), "max_tokens", json!(max_tokens))
}

pub(super) struct OwnRoute {
    endpoint: CreateChatCompletion,
    caller: Caller,
}

impl OwnRoute {
    /// Tiers that play these scripts, with these further settings; without Valkey the environment
    /// counts by itself.
    pub(super) async fn new(
        scripts: &[&str],
        settings: &Value,
        valkey: Option<Arc<Valkey>>,
    ) -> Self {
        let limits = LimitSettings::parse(LIMITS).unwrap();
        let limiter = Limiter::new(valkey, &[TOKENS], &limits).unwrap();
        let backend = Backend {
            chains: Arc::new(chains_of(scripts, settings).await),
            cache: Arc::new(Cache::new(None)),
            limiter: Arc::new(limiter),
        };

        Self {
            endpoint: CreateChatCompletion { backend },
            caller: Caller {
                tenant: TenantId::try_from("t".to_owned()).unwrap(),
                user: UserId::try_from("u".to_owned()).unwrap(),
                role: Role::Patient,
            },
        }
    }

    /// Charges the tenant, as the guard does before a call.
    async fn charge(&self, tokens: u64) -> Decision {
        let client = Client {
            address: None,
            caller: Some(&self.caller),
        };
        let cost = LimitCost {
            limit: Meter::CHARGE.limit,
            cost: tokens,
        };
        let deadline = Deadline::after(Duration::from_secs(5));
        let limiter = &self.endpoint.backend.limiter;
        limiter.decide(client, &[cost], deadline).await
    }

    /// The answer to a call through the REST API, which is charged its estimate.
    pub(super) async fn answer(&self, body: &Value) -> Result<Reply, ApiError> {
        let body = body.to_string();
        let estimate = (Meter::CHARGE.cost)(body.as_bytes());
        let decision = self.charge(estimate).await;
        assert!(decision.is_admitted());

        let deadline = Deadline::after(Duration::from_secs(25));
        let request = http::Request::new(body.into());
        let mut call = Call::new(self.caller.clone(), deadline, request);
        call.origin = Origin::RestApi;
        call.counted_by = decision.mode();
        self.endpoint.handle(call).await
    }

    /// The tokens that the tenant has left; looking costs one.
    pub(super) async fn tokens_left(&self) -> u64 {
        let status = self.charge(1).await.remaining();
        let mut parts = status.split("\"tokens\";r=");
        let rest = parts.nth(1).unwrap();
        rest.split(';').next().unwrap().parse().unwrap()
    }
}
