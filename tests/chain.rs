//! The chain, fault by fault, against the scripted provider: a test for each row of the table in ARCHITECTURE.md. What an
//! attempt's time is compared with comes from the settings and the deadline, never from a guess.

mod between_tiers;

use std::sync::Arc;
use std::time::{Duration, Instant};

use scripted_provider::{Attempt, Provider};
use serde_json::{Value, json};
use uuid::Uuid;
use wenzhen::ai::{Ask, Chain, Chains, ChatRequest, Completion, Degraded, Fault, Outcome};
use wenzhen::aws::Secrets;
use wenzhen::config::{BreakerSettings, Models, Tiers};
use wenzhen::deadline::Deadline;
use wenzhen::resilience::breaker::machine::Phase;
use wenzhen::valkey::Valkey;

use crate::support::valkey::{of_stack, prefix};
use crate::support::{STACK, eventually};

/// A chain of scripted models, and the provider behind it.
struct Played {
    provider: Provider,
    chains: Chains,
    models: Vec<String>,
}

/// The usual deadline: longer than anything but what is meant to be too long.
const PATIENCE: Duration = Duration::from_secs(15);

impl Played {
    /// Tiers `t0`, `t1` … that play these scripts.
    async fn new(scripts: &[&str]) -> Self {
        Self::with(scripts, |_| json!({}), None).await
    }

    /// The same with further settings for each tier, by its number.
    async fn with(
        scripts: &[&str],
        more: impl Fn(usize) -> Value,
        valkey: Option<Arc<Valkey>>,
    ) -> Self {
        let provider = Provider::anywhere();
        let models: Vec<_> = scripts
            .iter()
            .map(|script| format!("{script}/{}", Uuid::new_v4().simple()))
            .collect();
        Self {
            chains: chains(&provider, &models, more, valkey).await,
            provider,
            models,
        }
    }

    fn chain(&self) -> &Chain {
        self.chains.get("default").unwrap()
    }

    async fn ask(&self) -> Outcome<Completion> {
        self.ask_within(PATIENCE).await
    }

    async fn ask_within(&self, patience: Duration) -> Outcome<Completion> {
        let request = hello();
        whole(self.chain(), &Ask::new(&request, Deadline::after(patience))).await
    }

    /// The calls that the tier of this number got.
    fn attempts(&self, tier: usize) -> Vec<Attempt> {
        self.provider.attempts(&self.models[tier])
    }

    fn counts(&self) -> Vec<usize> {
        (0..self.models.len())
            .map(|tier| self.attempts(tier).len())
            .collect()
    }

    fn phase(&self, tier: &str) -> Phase {
        self.chains.breakers().circuit(tier).unwrap().view().phase
    }

    fn faults(&self, tier: &str) -> u64 {
        self.chains
            .breakers()
            .circuit(tier)
            .unwrap()
            .view()
            .consecutive_faults
    }
}

async fn chains(
    provider: &Provider,
    models: &[String],
    more: impl Fn(usize) -> Value,
    valkey: Option<Arc<Valkey>>,
) -> Chains {
    let tier = |(at, model): (usize, &String)| {
        let mut tier = json!({ "name": format!("t{at}"), "base_url": provider.url(), "model": model,
            "connect_timeout": 1, "first_token_timeout": 5, "idle_timeout": 5, "total_timeout": 10 });
        tier.as_object_mut()
            .unwrap()
            .extend(more(at).as_object().unwrap().clone());
        tier
    };
    let tiers: Vec<_> = models.iter().enumerate().map(tier).collect();
    let names: Vec<_> = (0..models.len()).map(|at| format!("t{at}")).collect();
    let settings = json!({ "default": { "tiers": names, "hedge_budget": 1 } }).to_string();
    let models = Models::new(
        Tiers::parse(&json!(tiers).to_string()).unwrap(),
        Some(&settings),
    )
    .unwrap();
    Chains::new(&models, valkey, &Arc::new(Secrets::new(&STACK.aws().await))).unwrap()
}

fn request(body: Value) -> ChatRequest {
    let Value::Object(fields) = body else {
        panic!("not an object")
    };
    ChatRequest::from_client(fields).unwrap()
}

fn hello() -> ChatRequest {
    request(json!({ "messages": [{ "role": "user", "content": "hello" }] }))
}

async fn whole(chain: &Chain, ask: &Ask<'_>) -> Outcome<Completion> {
    let outcome = chain.whole(ask, |_| Ok(())).await;
    let answer = outcome.answer.map(|answer| wenzhen::ai::Answer {
        value: answer.value.1,
        tier: answer.tier,
        degraded: answer.degraded,
    });
    Outcome {
        answer,
        failed: outcome.failed,
        attempts: outcome.attempts,
        retry_in: outcome.retry_in,
    }
}

/// Which tier answered; its answer is whole.
fn served_by(outcome: &Outcome<Completion>) -> &str {
    let Some(answer) = &outcome.answer else {
        panic!("nobody answered: {:?}", faults(outcome))
    };
    let text = answer.value.text().unwrap();
    assert!(
        text.starts_with("The scripted answer of ")
            && text.ends_with("from the first word to the last."),
        "{text}"
    );
    &answer.tier
}

fn faults<T>(outcome: &Outcome<T>) -> Vec<String> {
    outcome
        .failed
        .iter()
        .map(|failed| format!("{} {}", failed.tier, failed.fault))
        .collect()
}

fn gap(attempts: &[Attempt]) -> Duration {
    attempts[1].at - attempts[0].at
}

#[tokio::test]
async fn a_limit_with_retry_after_is_waited_out_if_it_fits() {
    for script in ["429-after-1", "429-date"] {
        let played = Played::new(&[script, "good"]).await;
        let outcome = played.ask().await;
        assert_eq!(
            (served_by(&outcome), outcome.attempts, played.counts()),
            ("t0", 2, vec![2, 0]),
            "{script}"
        );
        assert!(
            gap(&played.attempts(0)) >= Duration::from_secs(1),
            "{script}: never sooner than asked"
        );
        assert_eq!(
            (played.phase("t0"), played.faults("t0")),
            (Phase::Closed, 0),
            "{script}: a limit is no fault"
        );
    }
}

#[tokio::test]
async fn a_limit_that_does_not_fit_is_left_to_the_next_tier() {
    let played = Played::new(&["429-always-30", "good"]).await;
    let outcome = played.ask().await;
    assert_eq!((served_by(&outcome), played.counts()), ("t1", vec![1, 1]));
    // Nor is it asked sooner by the next call: the limit is remembered.
    let outcome = played.ask().await;
    assert_eq!((served_by(&outcome), played.counts()), ("t1", vec![1, 2]));
    assert_eq!(faults(&outcome), ["t0 cooling_down"]);
}

#[tokio::test]
async fn one_environments_limit_is_the_fleets() {
    let prefix = prefix();
    let first = Played::with(
        &["429-always-30", "good"],
        |_| json!({}),
        Some(of_stack(&prefix)),
    )
    .await;
    let second = chains(
        &first.provider,
        &first.models,
        |_| json!({}),
        Some(of_stack(&prefix)),
    )
    .await;
    first.ask().await;
    let request = hello();
    let outcome = whole(
        second.get("default").unwrap(),
        &Ask::new(&request, Deadline::after(PATIENCE)),
    )
    .await;
    assert_eq!((served_by(&outcome), first.counts()), ("t1", vec![1, 2]));
}

#[tokio::test]
async fn a_limit_without_a_time_is_tried_three_times_at_most() {
    let played = Played::new(&["429", "good"]).await;
    let outcome = played.ask().await;
    assert_eq!(
        (served_by(&outcome), outcome.attempts, played.counts()),
        ("t1", 4, vec![3, 1])
    );
    assert_eq!(faults(&outcome), ["t0 rate_limited"]);
    assert_eq!(played.faults("t0"), 0);
}

#[tokio::test]
async fn one_500_is_tried_again_on_the_same_tier() {
    let played = Played::new(&["500-once", "good"]).await;
    let outcome = played.ask().await;
    assert_eq!((served_by(&outcome), played.counts()), ("t0", vec![2, 0]));
    assert_eq!(outcome.answer.unwrap().degraded, None);
}

#[tokio::test]
async fn a_503_for_good_is_tried_twice_and_its_error_is_kept() {
    let played = Played::new(&["503", "good"]).await;
    let outcome = played.ask().await;
    assert_eq!((served_by(&outcome), played.counts()), ("t1", vec![2, 1]));
    assert_eq!(faults(&outcome), ["t0 status_503"]);
    assert_eq!(played.faults("t0"), 2);
}

#[tokio::test]
async fn a_connection_that_is_reset_is_made_again_or_the_next_tier_asked() {
    let played = Played::new(&["reset-once", "good"]).await;
    assert_eq!(
        (served_by(&played.ask().await), played.counts()),
        ("t0", vec![2, 0])
    );
    let played = Played::new(&["reset", "good"]).await;
    let outcome = played.ask().await;
    assert_eq!((served_by(&outcome), played.counts()), ("t1", vec![2, 1]));
    assert_eq!(faults(&outcome), ["t0 connection_failed"]);
}

#[tokio::test]
async fn a_silent_tier_times_out_once_and_is_not_tried_again() {
    for script in ["silent", "headers-only"] {
        let played = Played::with(
            &[script, "good"],
            |_| json!({ "first_token_timeout": 0.3 }),
            None,
        )
        .await;
        let outcome = played.ask().await;
        assert_eq!(
            (served_by(&outcome), played.counts()),
            ("t1", vec![1, 1]),
            "{script}"
        );
        assert_eq!(faults(&outcome), ["t0 silent"], "{script}");
        assert_eq!(played.faults("t0"), 1, "{script}");
        let waited = played.attempts(1)[0].at - played.attempts(0)[0].at;
        assert!(
            waited >= Duration::from_millis(250) && waited < Duration::from_secs(5),
            "{script}: {waited:?}"
        );
    }
}

#[tokio::test]
async fn a_first_token_that_is_late_is_not_waited_for() {
    let played = Played::with(
        &["late-4000", "good"],
        |_| json!({ "first_token_timeout": 0.3 }),
        None,
    )
    .await;
    let outcome = played.ask().await;
    assert_eq!(
        (served_by(&outcome), played.counts(), faults(&outcome)),
        ("t1", vec![1, 1], vec!["t0 silent".to_owned()])
    );
}

#[tokio::test]
async fn a_stream_that_breaks_or_stops_midway_is_replaced_as_a_whole() {
    let scripts = [
        ("cut", "cut"),
        ("stall", "stalled"),
        ("pings", "stalled"),
        ("error-midway", "status_503"),
        ("empty-reason", "cut"),
        ("interrupted", "interrupted"),
    ];
    for (script, fault) in scripts {
        let played =
            Played::with(&[script, "good"], |_| json!({ "idle_timeout": 0.3 }), None).await;
        let outcome = played.ask().await;
        assert_eq!(
            (served_by(&outcome), played.counts()[1]),
            ("t1", 1),
            "{script}"
        );
        assert_eq!(faults(&outcome), [format!("t0 {fault}")], "{script}");
        assert!(played.faults("t0") >= 1, "{script}");
        let body = outcome.answer.unwrap().value.body();
        assert_eq!(
            body["model"],
            format!("{}-2026", played.models[1]),
            "{script}: model and usage are the fallback's"
        );
        assert_eq!(body["usage"]["total_tokens"], 33, "{script}");
    }
}

#[tokio::test]
async fn a_live_stream_that_breaks_midway_says_so() {
    for script in ["cut", "stall", "error-midway", "malformed"] {
        let played =
            Played::with(&[script, "good"], |_| json!({ "idle_timeout": 0.3 }), None).await;
        let request = hello();
        let outcome = played
            .chain()
            .live(&Ask::new(&request, Deadline::after(PATIENCE)))
            .await;
        let mut live = outcome.answer.unwrap().value;
        let mut pieces = 0;
        let fault = loop {
            match live.next().await {
                Ok(Some(_)) => pieces += 1,
                Ok(None) => panic!("{script}: presented as whole"),
                Err(fault) => break fault,
            }
        };
        assert!(pieces > 1, "{script}: {fault}");
        assert_eq!(played.counts(), [1, 0], "{script}");
    }
}

#[tokio::test]
async fn a_live_stream_falls_back_until_its_first_token() {
    let played = Played::with(
        &["503", "late-4000", "slow-tokens"],
        |_| json!({ "first_token_timeout": 0.4 }),
        None,
    )
    .await;
    let request = hello();
    let outcome = played
        .chain()
        .live(&Ask::new(&request, Deadline::after(PATIENCE)))
        .await;
    let answer = outcome.answer.unwrap();
    assert_eq!(
        (answer.tier.as_str(), answer.degraded),
        ("t2", Some(Degraded::ServedByFallbackTier))
    );
    let mut live = answer.value;
    let mut text = String::new();
    while let Some(piece) = live.next().await.unwrap() {
        text += piece["choices"][0]["delta"]["content"]
            .as_str()
            .unwrap_or_default();
    }
    assert!(text.ends_with("from the first word to the last."), "{text}");
}

#[tokio::test]
async fn a_chunk_that_cannot_be_read_spoils_the_answer_unless_it_was_whole_before() {
    let played = Played::new(&["malformed", "good"]).await;
    let outcome = played.ask().await;
    assert_eq!(
        (served_by(&outcome), faults(&outcome)),
        ("t1", vec!["t0 malformed_chunk".to_owned()])
    );
    assert_eq!(played.faults("t0"), 0, "the provider is healthy");

    let played = Played::new(&["malformed-end", "good"]).await;
    let outcome = played.ask().await;
    assert_eq!((served_by(&outcome), played.counts()), ("t0", vec![1, 0]));
    assert_eq!(
        outcome.answer.unwrap().value.body()["usage"]["total_tokens"],
        33
    );
}

#[tokio::test]
async fn a_finished_answer_is_not_waited_for_any_longer() {
    for (script, tokens) in [("no-done", json!(33)), ("no-done-no-usage", Value::Null)] {
        let played = Played::new(&[script, "good"]).await;
        let outcome = played.ask().await;
        assert_eq!(
            (served_by(&outcome), played.counts()),
            ("t0", vec![1, 0]),
            "{script}"
        );
        assert_eq!(
            outcome.answer.unwrap().value.body()["usage"]["total_tokens"],
            tokens,
            "{script}"
        );
        let attempt = eventually("we hang up", async || {
            played
                .attempts(0)
                .into_iter()
                .find(|attempt| attempt.ended.is_some())
        })
        .await;
        let (how, at) = attempt.ended.unwrap();
        // The stream stays open for ever: an end before the idle time-out is ours.
        assert!(
            how == "hung up" && at - attempt.at < Duration::from_secs(5),
            "{script}: {how} {at:?}"
        );
    }
}

#[tokio::test]
async fn a_context_that_is_too_small_is_not_tried_again_and_a_larger_one_is() {
    let windows = [8_192, 4_096, 131_072];
    let played = Played::with(
        &["context", "good", "good"],
        |at| json!({ "context_window": windows[at] }),
        None,
    )
    .await;
    let outcome = played.ask().await;
    assert_eq!(
        (served_by(&outcome), played.counts()),
        ("t2", vec![1, 0, 1])
    );
    assert_eq!(played.faults("t0"), 0);

    let played = Played::with(
        &["context", "good"],
        |at| json!({ "context_window": windows[at] }),
        None,
    )
    .await;
    let outcome = played.ask().await;
    assert!(outcome.answer.is_none());
    assert!(matches!(&outcome.failed[0].fault, Fault::TooLong(error) if error.status == 400));
    assert_eq!(played.counts(), [1, 0]);
}

#[tokio::test]
async fn a_content_filter_has_the_last_word_if_it_is_to_be_passed_on() {
    let played = Played::new(&["filter", "good"]).await;
    let request = hello();
    let ask = Ask::new(&request, Deadline::after(PATIENCE)).passing_filter_on();
    let outcome = whole(played.chain(), &ask).await;
    assert!(outcome.answer.is_none());
    assert!(
        matches!(&outcome.failed[0].fault, Fault::Filtered(error) if error.error["message"] == "The prompt was filtered.")
    );
    assert_eq!(played.counts(), [1, 0]);
    // A patient who describes an injury is better served by another model than by none.
    assert_eq!(
        (served_by(&played.ask().await), played.counts()),
        ("t1", vec![2, 1])
    );
}

#[tokio::test]
async fn a_fallback_starts_anew_and_its_refusal_does_not_mask_the_first_error() {
    let played = Played::new(&["cut", "no-prefill"]).await;
    let outcome = played.ask().await;
    assert_eq!(served_by(&outcome), "t1");
    let sent = |tier: usize| played.attempts(tier)[0].body["messages"].clone();
    assert_eq!(
        sent(1),
        sent(0),
        "what the first one said is not put into the second one's mouth"
    );

    let played = Played::new(&["503", "refuses"]).await;
    let outcome = played.ask().await;
    assert_eq!(faults(&outcome), ["t0 status_503", "t1 refused_400"]);
}

#[tokio::test]
async fn a_tier_that_was_down_serves_again_soon_after_its_recovery() {
    let breaker = json!({ "breaker": { "open": 0.5, "reopen": 0.2, "ramp": 0.3 } });
    let played = Played::with(&["down-1500", "good"], |_| breaker.clone(), None).await;
    let mut served = Vec::new();
    let request = hello();
    let end = Instant::now() + Duration::from_secs(20);
    // Until the first tier serves ten times in a row, though the fallback serves well all the time.
    while !served.ends_with(&["t0"; 10]) {
        assert!(Instant::now() < end, "not back: {served:?}");
        let outcome = whole(
            played.chain(),
            &Ask::new(&request, Deadline::after(PATIENCE)),
        )
        .await;
        served.push(if served_by(&outcome) == "t0" {
            "t0"
        } else {
            "t1"
        });
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(served.contains(&"t1"));
    let attempts = played.attempts(0);
    let down = Duration::from_millis(1_500);
    let while_down = attempts
        .iter()
        .filter(|attempt| attempt.at - attempts[0].at < down)
        .count();
    // Five to open it, then a probe each `reopen`: 0.5 s, 0.7 s, 0.9 s …
    assert!(
        (5..=5 + 7).contains(&while_down),
        "{while_down} calls while it was down"
    );
    let back = attempts
        .iter()
        .map(|attempt| attempt.at - attempts[0].at)
        .find(|at| *at >= down)
        .unwrap();
    assert!(
        back - down < Duration::from_secs(5),
        "asked again {:?} after its recovery",
        back - down
    );
}

#[test]
fn by_default_a_recovery_is_used_within_30_seconds() {
    let settings: Value = serde_json::to_value(BreakerSettings::default()).unwrap();
    let seconds = |name: &str| settings[name].as_f64().unwrap();
    let tiers = Tiers::parse(r#"[{"name":"a","base_url":"http://h/v1","model":"m"}]"#).unwrap();
    let probe = tiers
        .iter()
        .next()
        .unwrap()
        .first_token_timeout()
        .as_secs_f64();
    // At worst a probe was sent just before, and has to time out first.
    assert!(probe + seconds("reopen") + seconds("ramp") < 30.0);
    assert!((seconds("open") - 60.0).abs() < f64::EPSILON);
}

#[tokio::test]
async fn one_answer_where_several_were_asked_for_is_an_answer() {
    let played = Played::new(&["good"]).await;
    let request = request(json!({ "messages": [{ "role": "user", "content": "hello" }], "n": 2 }));
    let outcome = whole(
        played.chain(),
        &Ask::new(&request, Deadline::after(PATIENCE)),
    )
    .await;
    assert_eq!((served_by(&outcome), played.faults("t0")), ("t0", 0));
}

#[tokio::test]
async fn a_second_try_that_is_not_let_in_does_not_hide_what_went_wrong() {
    let played = Played::with(
        &["503", "good"],
        |_| json!({ "breaker": { "failures": 1 } }),
        None,
    )
    .await;
    assert_eq!(faults(&played.ask().await), ["t0 status_503"]);
    assert_eq!(faults(&played.ask().await), ["t0 circuit_open"]);
}

#[tokio::test]
async fn when_nobody_else_can_serve_an_opening_is_probed_before_its_time() {
    let breaker = json!({ "breaker": { "open": 60, "reopen": 0.3, "ramp": 0.01 } });
    let played = Played::with(&["down-1000"], |_| breaker.clone(), None).await;
    eventually(
        "it serves again, long before the opening is over",
        async || {
            let outcome = played.ask().await;
            assert!(
                outcome.answer.is_some()
                    || outcome
                        .retry_in
                        .is_none_or(|wait| wait <= Duration::from_millis(300))
            );
            outcome.answer.map(drop)
        },
    )
    .await;
    // Five to open it, then one for each `reopen`, not for each call.
    assert!(played.counts()[0] <= 5 + 5, "{:?}", played.counts());
}

#[tokio::test]
async fn what_cannot_be_asked_of_a_tier_takes_no_probe() {
    let settings =
        json!({ "structured_output": "json_object", "breaker": { "failures": 1, "open": 0.05 } });
    let played = Played::with(&["503"], |_| settings.clone(), None).await;
    played.ask().await;
    let format = json!({ "type": "json_schema", "json_schema": { "name": "a", "schema": {} } });
    let schema = request(
        json!({ "messages": [{ "role": "user", "content": "x" }], "response_format": format }),
    );
    tokio::time::sleep(Duration::from_millis(60)).await;
    let outcome = whole(
        played.chain(),
        &Ask::new(&schema, Deadline::after(PATIENCE)),
    )
    .await;
    assert_eq!(
        (faults(&outcome), outcome.attempts),
        (vec!["t0 unsupported_response_format".to_owned()], 0)
    );
    assert_eq!(played.phase("t0"), Phase::Open);
}

#[tokio::test]
async fn a_silent_tier_opens_its_circuit_though_hedging_cancels_its_calls() {
    let breaker = json!({ "slow_after": 0.1, "minimum_calls": 3 });
    let more = |at| {
        if at == 0 {
            json!({ "hedge_after": 0.15, "breaker": breaker })
        } else {
            json!({})
        }
    };
    let played = Played::with(&["silent", "good"], more, None).await;
    for _ in 0..3 {
        assert_eq!(served_by(&played.ask().await), "t1");
    }
    assert_eq!(played.phase("t0"), Phase::Open);
}

#[tokio::test]
async fn fields_reach_the_provider_in_the_order_in_which_they_came() {
    let played = Played::new(&["good"]).await;
    let body = r#"{"messages":[{"role":"user","content":"x"}],"zeta":{"reasoning":1,"answer":2},"alpha":1}"#;
    let request = ChatRequest::from_client(serde_json::from_str(body).unwrap()).unwrap();
    whole(
        played.chain(),
        &Ask::new(&request, Deadline::after(PATIENCE)),
    )
    .await;
    let sent = played.attempts(0)[0].body.to_string();
    assert!(sent.starts_with(&body[..body.len() - 1]), "{sent}");
}

#[tokio::test]
async fn an_error_behind_a_200_is_the_error_it_is() {
    for script in ["error-in-200", "error-first"] {
        let played = Played::new(&[script, "good"]).await;
        let outcome = played.ask().await;
        assert_eq!(
            (served_by(&outcome), played.counts()),
            ("t1", vec![2, 1]),
            "{script}"
        );
        assert_eq!(faults(&outcome), ["t0 status_503"], "{script}");
    }
    for script in ["html", "empty"] {
        let played = Played::new(&[script, "good"]).await;
        let outcome = played.ask().await;
        assert_eq!(
            (served_by(&outcome), faults(&outcome)),
            ("t1", vec!["t0 not_a_completion".to_owned()]),
            "{script}"
        );
    }
}

#[tokio::test]
async fn a_tier_that_is_configured_wrongly_is_left_at_once_and_is_not_ill() {
    for script in ["401", "402", "403", "404", "301", "quota"] {
        let played = Played::new(&[script, "good"]).await;
        let outcome = played.ask().await;
        assert_eq!(
            (served_by(&outcome), played.counts()),
            ("t1", vec![1, 1]),
            "{script}"
        );
        assert_eq!(
            (played.phase("t0"), played.faults("t0")),
            (Phase::Closed, 0),
            "{script}"
        );
    }
}

#[tokio::test]
async fn an_answer_of_a_fallback_is_called_what_it_is() {
    let played = Played::new(&["503", "json"]).await;
    let outcome = played.ask().await;
    assert_eq!((served_by(&outcome), outcome.attempts), ("t1", 3));
    let answer = outcome.answer.unwrap();
    assert_eq!(answer.degraded, Some(Degraded::ServedByFallbackTier));
    assert_eq!(
        answer.value.model(),
        Some(format!("{}-2026", played.models[1]).as_str())
    );
}
