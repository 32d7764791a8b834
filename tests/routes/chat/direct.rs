//! The handler itself, with tiers of its own.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::StreamExt;
use reqwest::StatusCode;
use scripted_provider::Provider;
use serde_json::{Value, json};
use wenzhen::ai::Chains;
use wenzhen::aws::Secrets;
use wenzhen::cache::Cache;
use wenzhen::chat::Backend;
use wenzhen::config::{LimitSettings, Models, Tiers};
use wenzhen::deadline::Deadline;
use wenzhen::http::openai::{ApiError, Reply};
use wenzhen::http::{Call, Endpoint, Origin};
use wenzhen::identity::{Caller, Role, TenantId, UserId};
use wenzhen::limits::Limiter;
use wenzhen_functions::CreateChatCompletion;

use super::{LAST_WORDS, ask, events_in, streamed, text_of, to_chain};
use crate::support::STACK;

/// Tiers `t0`, `t1` … that play these scripts, with these further settings.
pub(super) async fn chains_of(scripts: &[&str], settings: &Value) -> Chains {
    let provider = Provider::anywhere();
    let tier = |(at, script): (usize, &&str)| {
        let name = format!("t{at}");
        let mut tier = json!({ "name": name, "base_url": provider.url(), "model": script });
        let further = settings.as_object().unwrap().clone();
        tier.as_object_mut().unwrap().extend(further);
        tier
    };
    let tiers: Vec<_> = scripts.iter().enumerate().map(tier).collect();
    let tiers = Tiers::parse(&json!(tiers).to_string()).unwrap();

    let names: Vec<_> = (0..scripts.len()).map(|at| format!("t{at}")).collect();
    let chains = json!({
        "default": { "tiers": names },
        "live": { "tiers": names, "mode": "live" },
    });
    let models = Models::new(tiers, Some(&chains.to_string())).unwrap();
    let secrets = Arc::new(Secrets::new(&STACK.aws().await));
    Chains::new(&models, None, &secrets).unwrap()
}

/// The handler's answer to a call that came in this way.
pub(super) async fn handle(
    chains: Chains,
    body: &Value,
    origin: Origin,
) -> Result<Reply, ApiError> {
    let limiter = Limiter::new(None, &[], &LimitSettings::default()).unwrap();
    let backend = Backend {
        chains: Arc::new(chains),
        cache: Arc::new(Cache::new(None)),
        limiter: Arc::new(limiter),
    };

    let caller = Caller {
        tenant: TenantId::try_from("t".to_owned()).unwrap(),
        user: UserId::try_from("u".to_owned()).unwrap(),
        role: Role::Patient,
    };
    let deadline = Deadline::after(Duration::from_secs(25));
    let request = http::Request::new(body.to_string().into());
    let mut call = Call::new(caller, deadline, request);
    call.origin = origin;
    CreateChatCompletion { backend }.handle(call).await
}

/// A stream through the REST API.
async fn stream_of(chains: Chains, body: &Value) -> Reply {
    let answered = handle(chains, body, Origin::RestApi).await;
    answered.unwrap_or_else(|error| panic!("refused: {}", error.body()))
}

/// The whole body of a stream, or the part that is still to come.
async fn read_body(reply: Reply) -> String {
    let chunks: Vec<_> = reply.body.collect().await;
    String::from_utf8(chunks.concat()).unwrap()
}

#[tokio::test]
async fn limits_everywhere_are_a_limit_and_say_when_to_come_back() {
    let chains = chains_of(&["429-always-30", "429-always-40"], &json!({})).await;
    let answer = handle(chains, &ask("x"), Origin::HttpApi).await;
    let Err(error) = answer else {
        panic!("answered")
    };

    assert_eq!(error.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(error.error["code"], json!("rate_limit_exceeded"));
    assert_eq!(Reply::from(error).headers["retry-after"], "30");
}

/// The circuit leaves a provider alone for ten minutes at most, so no client is told more.
#[tokio::test]
async fn a_limit_of_a_day_is_told_as_ten_minutes() {
    let chains = chains_of(&["429-always-86400"], &json!({})).await;
    let answer = handle(chains, &ask("x"), Origin::HttpApi).await;
    let Err(error) = answer else {
        panic!("answered")
    };
    assert_eq!(Reply::from(error).headers["retry-after"], "600");
}

#[tokio::test]
async fn a_stream_that_takes_long_is_kept_alive() {
    for chain in ["default", "live"] {
        let settings = json!({ "first_token_timeout": 9 });
        let chains = chains_of(&["late-6000"], &settings).await;
        let body = to_chain(streamed(ask("x")), chain);
        let mut reply = stream_of(chains, &body).await;

        let is_tier_known = reply.headers.contains_key("x-served-by");
        assert!(!is_tier_known, "it is not known yet");
        assert_eq!(reply.body.next().await.unwrap(), ": still working\n\n");

        let rest = read_body(reply).await;
        let head = ": x-served-by=t0 x-attempts=1 x-degraded=false\n\n";
        assert!(rest.contains(head), "{rest}");
        let events = events_in(&rest);
        assert!(text_of(&events).ends_with(LAST_WORDS), "{rest}");
        assert_eq!(events.last().unwrap(), "[DONE]");
    }
}

#[tokio::test]
async fn a_stream_that_fails_after_its_head_ends_with_an_error() {
    let settings = json!({ "first_token_timeout": 5.5 });
    let chains = chains_of(&["silent"], &settings).await;
    let reply = stream_of(chains, &streamed(ask("x"))).await;

    let text = read_body(reply).await;
    let last = text.trim_end().rsplit("\n\n").next().unwrap();
    let last: Value = serde_json::from_str(last.strip_prefix("data: ").unwrap()).unwrap();
    assert_eq!(last["error"]["code"], "all_tiers_failed");
    assert!(!text.contains("[DONE]"), "{text}");
}

#[tokio::test]
async fn live_tokens_are_passed_on_as_they_come() {
    let chains = chains_of(&["slow-tokens"], &json!({})).await;
    let body = to_chain(streamed(ask("x")), "live");
    let mut reply = stream_of(chains, &body).await;
    assert_eq!(reply.headers["x-served-by"], "t0");

    let mut arrivals = Vec::new();
    while reply.body.next().await.is_some() {
        arrivals.push(Instant::now());
    }

    // The provider pauses between its tokens, so those that come together were held back.
    assert!(arrivals.len() > 5, "{}", arrivals.len());
    let first_to_last = *arrivals.last().unwrap() - arrivals[0];
    let pauses = Duration::from_millis(300);
    assert!(first_to_last > pauses, "{first_to_last:?}");
}
