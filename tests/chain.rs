//! The chain, fault by fault, against the scripted provider: a test for each row of the table of
//! faults in the docs. What an attempt's time is compared with comes from the settings and the
//! deadline, never from a guess.

mod between_tiers;
mod framing;
mod recovery;
mod refusals;
mod repair;
mod resume;
mod streams;
mod tools;
mod usage;

use std::sync::Arc;
use std::time::Duration;

use scripted_provider::{Attempt, Provider};
use serde_json::{Value, json};
use uuid::Uuid;
use wenzhen::ai::{
    Chain, ChainOutcome, ChainRequest, Chains, ChatRequest, Completion, Degraded, Fault,
};
use wenzhen::aws::Secrets;
use wenzhen::config::{Models, Tiers};
use wenzhen::deadline::Deadline;
use wenzhen::resilience::breaker::CircuitView;
use wenzhen::resilience::breaker::state::Phase;
use wenzhen::valkey::Valkey;

use crate::support::STACK;
use crate::support::valkey::{of_stack, prefix};

/// A chain of scripted models, and the provider behind it.
struct ScriptedChain {
    provider: Provider,
    chains: Chains,
    /// The models of the tiers, by the tiers' numbers.
    models: Vec<String>,
}

/// The usual time for an answer: longer than all but what is meant to be too long.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(15);

impl ScriptedChain {
    /// Tiers `t0`, `t1` … that play these scripts.
    async fn new(scripts: &[&str]) -> Self {
        Self::with_settings(scripts, &json!({})).await
    }

    /// The same with these further settings for each tier.
    async fn with_settings(scripts: &[&str], settings: &Value) -> Self {
        Self::with(scripts, |_| settings.clone(), None).await
    }

    /// The same with further settings for each tier, by its number.
    async fn with(
        scripts: &[&str],
        settings: impl Fn(usize) -> Value,
        valkey: Option<Arc<Valkey>>,
    ) -> Self {
        let provider = Provider::anywhere();
        let models: Vec<_> = scripts.iter().map(|script| model_of(script)).collect();

        Self {
            chains: chains_of(&provider, &models, settings, valkey).await,
            provider,
            models,
        }
    }

    fn chain(&self) -> &Chain {
        self.chains.get("default").unwrap()
    }

    async fn ask(&self) -> ChainOutcome<Completion> {
        self.ask_within(ANSWER_TIMEOUT).await
    }

    async fn ask_within(&self, time: Duration) -> ChainOutcome<Completion> {
        let chat = hello();
        let request = ChainRequest::new(&chat, Deadline::after(time));
        complete(self.chain(), &request).await
    }

    /// The calls that the tier of this number got.
    fn attempts(&self, tier: usize) -> Vec<Attempt> {
        self.provider.attempts(&self.models[tier])
    }

    /// The numbers of calls that the tiers got.
    fn counts(&self) -> Vec<usize> {
        (0..self.models.len())
            .map(|tier| self.attempts(tier).len())
            .collect()
    }

    fn circuit(&self, tier: &str) -> CircuitView {
        self.chains.breakers().circuit(tier).unwrap().view()
    }

    fn phase(&self, tier: &str) -> Phase {
        self.circuit(tier).phase
    }

    fn consecutive_faults(&self, tier: &str) -> u64 {
        self.circuit(tier).consecutive_faults
    }
}

/// A model of its own that plays the script.
fn model_of(script: &str) -> String {
    format!("{script}/{}", Uuid::new_v4().simple())
}

async fn chains_of(
    provider: &Provider,
    models: &[String],
    settings: impl Fn(usize) -> Value,
    valkey: Option<Arc<Valkey>>,
) -> Chains {
    let tier = |(at, model): (usize, &String)| {
        let mut tier = json!({
            "name": format!("t{at}"), "base_url": provider.url(), "model": model,
            "connect_timeout": 1, "first_token_timeout": 5, "idle_timeout": 5, "total_timeout": 10,
        });
        let further = settings(at).as_object().unwrap().clone();
        tier.as_object_mut().unwrap().extend(further);
        tier
    };
    let tiers: Vec<_> = models.iter().enumerate().map(tier).collect();
    let tiers = Tiers::parse(&json!(tiers).to_string()).unwrap();

    let names: Vec<_> = (0..models.len()).map(|at| format!("t{at}")).collect();
    let chains = json!({ "default": { "tiers": names, "hedge_budget": 1 } }).to_string();
    let models = Models::new(tiers, Some(&chains)).unwrap();

    let secrets = Arc::new(Secrets::new(&STACK.aws().await));
    Chains::new(&models, valkey, &secrets).unwrap()
}

fn chat_of(body: Value) -> ChatRequest {
    let Value::Object(fields) = body else {
        panic!("not an object")
    };
    ChatRequest::from_client(fields).unwrap()
}

fn hello() -> ChatRequest {
    chat_of(json!({ "messages": [{ "role": "user", "content": "hello" }] }))
}

/// A request with the usual time.
fn request_of(chat: &ChatRequest) -> ChainRequest<'_> {
    ChainRequest::new(chat, Deadline::after(ANSWER_TIMEOUT))
}

async fn complete(chain: &Chain, request: &ChainRequest<'_>) -> ChainOutcome<Completion> {
    let outcome = chain.complete(request, |_| Ok(())).await;
    outcome.map(|answer| answer.completion)
}

/// The tier that answered; its answer is complete.
fn served_by(outcome: &ChainOutcome<Completion>) -> &str {
    let Some(answer) = &outcome.answer else {
        panic!("no tier answered: {:?}", faults(outcome))
    };

    let text = answer.content.text().unwrap();
    assert!(text.starts_with("The scripted answer of "), "{text}");
    assert!(text.ends_with("from the first word to the last."), "{text}");
    &answer.tier
}

/// The tiers that failed, each with its fault's word.
fn faults<T>(outcome: &ChainOutcome<T>) -> Vec<String> {
    let failures = outcome.failures.iter();
    failures
        .map(|failure| format!("{} {}", failure.tier, failure.fault))
        .collect()
}

/// The number of tokens that the answer's body says were used.
fn used_tokens(outcome: ChainOutcome<Completion>) -> Value {
    outcome.answer.unwrap().content.body()["usage"]["total_tokens"].clone()
}

#[tokio::test]
async fn a_limit_with_retry_after_is_waited_out_if_it_fits() {
    for script in ["429-after-1", "429-date"] {
        let played = ScriptedChain::new(&[script, "good"]).await;
        let outcome = played.ask().await;
        assert_eq!(served_by(&outcome), "t0", "{script}");
        assert_eq!(outcome.attempts, 2, "{script}");
        assert_eq!(played.counts(), [2, 0], "{script}");

        let attempts = played.attempts(0);
        let pause = attempts[1].at - attempts[0].at;
        let is_long_enough = pause >= Duration::from_secs(1);
        assert!(is_long_enough, "{script}: never sooner than asked");

        assert_eq!(played.phase("t0"), Phase::Closed, "{script}");
        let faults = played.consecutive_faults("t0");
        assert_eq!(faults, 0, "{script}: a limit is no fault");
    }
}

#[tokio::test]
async fn a_limit_that_does_not_fit_is_left_to_the_next_tier() {
    let played = ScriptedChain::new(&["429-always-30", "good"]).await;
    let outcome = played.ask().await;
    assert_eq!(served_by(&outcome), "t1");
    assert_eq!(played.counts(), [1, 1]);

    // Nor is it asked sooner by the next call: the limit is remembered.
    let outcome = played.ask().await;
    assert_eq!(served_by(&outcome), "t1");
    assert_eq!(played.counts(), [1, 2]);
    assert_eq!(faults(&outcome), ["t0 cooling_down"]);
}

#[tokio::test]
async fn one_environments_limit_is_the_fleets() {
    let prefix = prefix();
    let scripts = ["429-always-30", "good"];
    let valkey = Some(of_stack(&prefix));
    let first = ScriptedChain::with(&scripts, |_| json!({}), valkey).await;

    let valkey = Some(of_stack(&prefix));
    let second = chains_of(&first.provider, &first.models, |_| json!({}), valkey).await;
    let second = second.get("default").unwrap();

    first.ask().await;
    let outcome = complete(second, &request_of(&hello())).await;
    assert_eq!(served_by(&outcome), "t1");
    assert_eq!(first.counts(), [1, 2]);
}

#[tokio::test]
async fn a_limit_without_a_time_is_tried_three_times_at_most() {
    let played = ScriptedChain::new(&["429", "good"]).await;
    let outcome = played.ask().await;
    assert_eq!(served_by(&outcome), "t1");
    assert_eq!(outcome.attempts, 4);
    assert_eq!(played.counts(), [3, 1]);
    assert_eq!(faults(&outcome), ["t0 rate_limited"]);
    assert_eq!(played.consecutive_faults("t0"), 0);
}

#[tokio::test]
async fn one_500_is_tried_again_on_the_same_tier() {
    let played = ScriptedChain::new(&["500-once", "good"]).await;
    let outcome = played.ask().await;
    assert_eq!(served_by(&outcome), "t0");
    assert_eq!(played.counts(), [2, 0]);
    assert_eq!(outcome.answer.unwrap().degraded, None);
}

#[tokio::test]
async fn a_503_for_good_is_tried_twice_and_its_error_is_kept() {
    let played = ScriptedChain::new(&["503", "good"]).await;
    let outcome = played.ask().await;
    assert_eq!(served_by(&outcome), "t1");
    assert_eq!(played.counts(), [2, 1]);
    assert_eq!(faults(&outcome), ["t0 status_503"]);
    assert_eq!(played.consecutive_faults("t0"), 2);
}

#[tokio::test]
async fn a_connection_that_is_reset_is_made_once_more() {
    let played = ScriptedChain::new(&["reset-once", "good"]).await;
    let outcome = played.ask().await;
    assert_eq!(served_by(&outcome), "t0");
    assert_eq!(played.counts(), [2, 0]);

    let played = ScriptedChain::new(&["reset", "good"]).await;
    let outcome = played.ask().await;
    assert_eq!(served_by(&outcome), "t1");
    assert_eq!(played.counts(), [2, 1]);
    assert_eq!(faults(&outcome), ["t0 connection_failed"]);
}

#[tokio::test]
async fn a_silent_tier_times_out_once_and_is_not_tried_again() {
    for script in ["silent", "headers-only"] {
        let settings = json!({ "first_token_timeout": 0.3 });
        let played = ScriptedChain::with_settings(&[script, "good"], &settings).await;
        let outcome = played.ask().await;
        assert_eq!(served_by(&outcome), "t1", "{script}");
        assert_eq!(played.counts(), [1, 1], "{script}");
        assert_eq!(faults(&outcome), ["t0 silent"], "{script}");
        assert_eq!(played.consecutive_faults("t0"), 1, "{script}");

        let waited = played.attempts(1)[0].at - played.attempts(0)[0].at;
        let expected = Duration::from_millis(250)..Duration::from_secs(5);
        assert!(expected.contains(&waited), "{script}: {waited:?}");
    }
}

#[tokio::test]
async fn a_first_token_that_is_late_is_not_waited_for() {
    let settings = json!({ "first_token_timeout": 0.3 });
    let played = ScriptedChain::with_settings(&["late-4000", "good"], &settings).await;
    let outcome = played.ask().await;
    assert_eq!(served_by(&outcome), "t1");
    assert_eq!(played.counts(), [1, 1]);
    assert_eq!(faults(&outcome), ["t0 silent"]);
}

/// A tier whose context was too small is not tried again, and only a larger one is asked.
#[tokio::test]
async fn a_context_that_is_too_small_leads_to_a_larger_one() {
    let windows = [8_192, 4_096, 131_072];
    let settings = |at: usize| json!({ "context_window": windows[at] });
    let scripts = ["context", "good", "good"];

    let played = ScriptedChain::with(&scripts, settings, None).await;
    let outcome = played.ask().await;
    assert_eq!(served_by(&outcome), "t2");
    assert_eq!(played.counts(), [1, 0, 1]);
    assert_eq!(played.consecutive_faults("t0"), 0);

    let played = ScriptedChain::with(&scripts[..2], settings, None).await;
    let outcome = played.ask().await;
    assert!(outcome.answer.is_none());
    let Fault::ContextLengthExceeded(error) = &outcome.failures[0].fault else {
        panic!("{:?}", faults(&outcome))
    };
    assert_eq!(error.status, 400);
    assert_eq!(played.counts(), [1, 0]);
}

/// A content filter's refusal is the answer if the request says so.
#[tokio::test]
async fn a_content_filter_has_the_last_word_if_asked_to() {
    let played = ScriptedChain::new(&["filter", "good"]).await;
    let chat = hello();
    let request = request_of(&chat).stop_at_content_filter();
    let outcome = complete(played.chain(), &request).await;

    assert!(outcome.answer.is_none());
    let Fault::ContentFiltered(error) = &outcome.failures[0].fault else {
        panic!("{:?}", faults(&outcome))
    };
    assert_eq!(error.error["message"], "The prompt was filtered.");
    assert_eq!(played.counts(), [1, 0]);

    // A patient who describes an injury is better served by another model than by none.
    let outcome = played.ask().await;
    assert_eq!(served_by(&outcome), "t1");
    assert_eq!(played.counts(), [2, 1]);
}

/// The words of the first tier are not put into the second one's mouth.
#[tokio::test]
async fn a_fallback_starts_anew() {
    let played = ScriptedChain::new(&["cut", "no-prefill"]).await;
    let outcome = played.ask().await;
    assert_eq!(served_by(&outcome), "t1");

    let sent = |tier: usize| played.attempts(tier)[0].body["messages"].clone();
    assert_eq!(sent(1), sent(0));
}

#[tokio::test]
async fn a_fallbacks_refusal_does_not_mask_the_first_error() {
    let played = ScriptedChain::new(&["503", "refuses"]).await;
    let outcome = played.ask().await;
    assert_eq!(faults(&outcome), ["t0 status_503", "t1 refused_400"]);
}

#[tokio::test]
async fn one_answer_where_several_were_asked_for_is_an_answer() {
    let played = ScriptedChain::new(&["good"]).await;
    let messages = json!([{ "role": "user", "content": "hello" }]);
    let chat = chat_of(json!({ "messages": messages, "n": 2 }));

    let outcome = complete(played.chain(), &request_of(&chat)).await;
    assert_eq!(served_by(&outcome), "t0");
    assert_eq!(played.consecutive_faults("t0"), 0);
}

#[tokio::test]
async fn fields_reach_the_provider_in_the_order_in_which_they_came() {
    let listed = json!({ "pass_fields": ["zeta", "alpha"] });
    let played = ScriptedChain::with_settings(&["good"], &listed).await;
    let messages = r#""messages":[{"role":"user","content":"x"}]"#;
    let body = format!(r#"{{{messages},"zeta":{{"reasoning":1,"answer":2}},"alpha":1}}"#);
    let chat = ChatRequest::from_client(serde_json::from_str(&body).unwrap()).unwrap();

    complete(played.chain(), &request_of(&chat)).await;
    let sent = played.attempts(0)[0].body.to_string();
    assert!(sent.starts_with(&body[..body.len() - 1]), "{sent}");
}

#[tokio::test]
async fn an_error_behind_a_200_is_the_error_it_is() {
    for script in ["error-in-200", "error-first"] {
        let played = ScriptedChain::new(&[script, "good"]).await;
        let outcome = played.ask().await;
        assert_eq!(served_by(&outcome), "t1", "{script}");
        assert_eq!(played.counts(), [2, 1], "{script}");
        assert_eq!(faults(&outcome), ["t0 status_503"], "{script}");
    }

    for script in ["html", "empty"] {
        let played = ScriptedChain::new(&[script, "good"]).await;
        let outcome = played.ask().await;
        assert_eq!(served_by(&outcome), "t1", "{script}");
        assert_eq!(faults(&outcome), ["t0 not_a_completion"], "{script}");
    }
}

/// A tier that is configured wrongly is left at once, and its provider is not ill.
#[tokio::test]
async fn a_misconfigured_tier_is_left_at_once_and_is_not_ill() {
    for script in ["401", "402", "403", "404", "301", "quota"] {
        let played = ScriptedChain::new(&[script, "good"]).await;
        let outcome = played.ask().await;
        assert_eq!(served_by(&outcome), "t1", "{script}");
        assert_eq!(played.counts(), [1, 1], "{script}");
        assert_eq!(played.phase("t0"), Phase::Closed, "{script}");
        assert_eq!(played.consecutive_faults("t0"), 0, "{script}");
    }
}

#[tokio::test]
async fn an_answer_of_a_fallback_is_called_what_it_is() {
    let played = ScriptedChain::new(&["503", "json"]).await;
    let outcome = played.ask().await;
    assert_eq!(served_by(&outcome), "t1");
    assert_eq!(outcome.attempts, 3);

    let answer = outcome.answer.unwrap();
    assert_eq!(answer.degraded, Some(Degraded::ServedByFallbackTier));
    let model = format!("{}-2026", played.models[1]);
    assert_eq!(answer.content.model(), Some(model.as_str()));
}
