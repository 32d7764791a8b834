//! Clients that leave in the middle of a stream: what their tenant is charged, and what the next
//! call finds.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use serde_json::{Value, json};
use wenzhen::cache::Cache;
use wenzhen::chat::{Backend, Meter, TOKENS};
use wenzhen::config::LimitSettings;
use wenzhen::deadline::Deadline;
use wenzhen::http::openai::Reply;
use wenzhen::http::{Call, Endpoint, Origin};
use wenzhen::identity::{Caller, Role, TenantId, UserId};
use wenzhen::limits::{Client, Decision, LimitCost, Limiter};
use wenzhen_functions::CreateChatCompletion;

use super::direct::chains_of;
use super::{ask, streamed, to_chain, with};
use crate::support::valkey::{of_stack, prefix};

/// A day's tokens: what comes back within a test is next to nothing.
const LIMITS: &str = r#"{"tokens":{"limit":100000,"burst":100000,"window":86400}}"#;

/// What a request reserves: this and its own length.
const RESERVED_TOKENS: u64 = 40_000;

/// A route with one tier and a limit of its own.
struct OwnRoute {
    endpoint: CreateChatCompletion,
    caller: Caller,
}

impl OwnRoute {
    async fn playing(script: &str) -> Self {
        let settings = LimitSettings::parse(LIMITS).unwrap();
        let limiter = Limiter::new(Some(of_stack(&prefix())), &[TOKENS], &settings).unwrap();
        let backend = Backend {
            chains: Arc::new(chains_of(&[script], &json!({})).await),
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

    /// The stream of a call that reserves [`RESERVED_TOKENS`].
    async fn stream(&self) -> Reply {
        let body = to_chain(streamed(ask("x")), "live");
        let body = with(body, "max_tokens", json!(RESERVED_TOKENS)).to_string();
        let estimate = (Meter::CHARGE.cost)(body.as_bytes());
        let decision = self.charge(estimate).await;
        assert!(decision.is_admitted());

        let deadline = Deadline::after(Duration::from_secs(25));
        let mut call = Call::new(
            self.caller.clone(),
            deadline,
            http::Request::new(body.into()),
        );
        call.origin = Origin::FunctionUrl;
        call.counted_by = decision.mode();
        let answered = self.endpoint.handle(call).await;
        answered.unwrap_or_else(|error| panic!("refused: {}", error.body()))
    }

    /// The tokens that the tenant has left.
    async fn tokens_left(&self) -> u64 {
        let status = self.charge(1).await.remaining();
        let mut parts = status.split("\"tokens\";r=");
        let rest = parts.nth(1).unwrap();
        rest.split(';').next().unwrap().parse().unwrap()
    }
}

/// The data of the next event.
async fn next_event(reply: &mut Reply) -> Value {
    let event = reply.body.next().await.unwrap();
    let data = event.strip_prefix(b"data: ").unwrap();
    serde_json::from_slice(data).unwrap()
}

/// What was reserved is what is charged: nothing can be awaited once the client has gone.
#[tokio::test]
async fn a_client_that_leaves_is_charged_what_was_reserved() {
    let route = OwnRoute::playing("slow-tokens").await;
    let mut reply = route.stream().await;
    assert!(next_event(&mut reply).await["choices"].is_array());
    drop(reply);

    let left = route.tokens_left().await;
    assert!((59_000..60_001).contains(&left), "{left}");

    // The tier is as well as before, and the next call is served and settled.
    let reply = route.stream().await;
    let rest: Vec<_> = reply.body.collect().await;
    assert_eq!(rest.last().unwrap(), "data: [DONE]\n\n");
    let after = route.tokens_left().await;
    assert!(left - after < 1_000, "{left} {after}");
}

#[tokio::test]
async fn a_client_that_stays_is_charged_what_was_used() {
    let route = OwnRoute::playing("slow-tokens").await;
    let reply = route.stream().await;
    assert_eq!(reply.headers["x-served-by"], "t0");
    let events: Vec<_> = reply.body.collect().await;
    assert_eq!(events.last().unwrap(), "data: [DONE]\n\n");

    let left = route.tokens_left().await;
    assert!((99_000..100_001).contains(&left), "{left}");
}
