//! What the chain adds to a call of a provider, and what a dead provider costs a fleet.
//! `cargo xtask bench` runs it.
//!
//! Direct calls and calls through the chain alternate, so that other work of the machine meets both
//! alike. Only the ratios and differences of one run mean anything.
#![expect(
    clippy::disallowed_methods,
    reason = "a benchmark reads where its server is"
)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::join_all;
use scripted_provider::Provider;
use serde_json::{Value, json};
use wenzhen::ai::{ChainRequest, Chains, ChatRequest};
use wenzhen::aws::{self, Secrets};
use wenzhen::config::{Models, Tiers, ValkeySettings};
use wenzhen::deadline::Deadline;
use wenzhen::valkey::Valkey;

const CALLS: usize = 2_000;
const WARM_UP_CALLS: usize = 200;
const FLEET_SIZE: usize = 50;
const CALLS_PER_ENVIRONMENT: usize = 20;

fn connect_valkey(prefix: &str) -> Arc<Valkey> {
    let url = std::env::var("VALKEY_URL").expect("run `cargo xtask bench`");
    let settings = ValkeySettings {
        url: Some(url.parse().unwrap()),
        prefix: prefix.to_owned(),
    };
    Arc::new(Valkey::new(&settings).unwrap().unwrap())
}

async fn chains_of(tiers: &Value, valkey: Option<Arc<Valkey>>) -> Chains {
    let tiers = Tiers::parse(&tiers.to_string()).unwrap();
    let models = Models::new(tiers, None).unwrap();
    let secrets = Arc::new(Secrets::new(&aws::sdk_config().await));
    Chains::new(&models, valkey, &secrets).unwrap()
}

fn hello() -> ChatRequest {
    let body = json!({ "messages": [{ "role": "user", "content": "hello" }] });
    ChatRequest::from_client(body.as_object().unwrap().clone()).unwrap()
}

async fn call_directly(client: &reqwest::Client, url: &str) {
    let body = json!({
        "model": "good", "messages": [{ "role": "user", "content": "hello" }],
        "stream": true, "stream_options": { "include_usage": true },
    });
    let request = client.post(format!("{url}/chat/completions")).json(&body);
    let answer = request.send().await.unwrap();
    assert!(answer.bytes().await.unwrap().ends_with(b"data: [DONE]\n\n"));
}

/// A call through the chain; whether it was answered.
async fn call_through(chains: &Chains, chat: &ChatRequest) -> bool {
    let deadline = Deadline::after(Duration::from_secs(10));
    let request = ChainRequest::new(chat, deadline);
    let chain = chains.get("default").unwrap();
    let outcome = chain.complete(&request, |_| Ok(())).await;
    outcome.answer.is_some()
}

/// Milliseconds below which this part of the times lies.
fn percentile(times: &mut [Duration], part: f64) -> f64 {
    times.sort_unstable();
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an index"
    )]
    let at = ((times.len() - 1) as f64 * part) as usize;
    times[at].as_secs_f64() * 1_000.0
}

async fn measure_added_latency(provider: &Provider) {
    let tiers = json!([{ "name": "good", "base_url": provider.url(), "model": "good" }]);
    let valkey = connect_valkey("bench-latency");
    let chains = chains_of(&tiers, Some(Arc::clone(&valkey))).await;
    let client = reqwest::Client::builder().build().unwrap();
    let chat = hello();
    for _ in 0..WARM_UP_CALLS {
        call_directly(&client, provider.url()).await;
        call_through(&chains, &chat).await;
    }

    let mut without = Vec::with_capacity(CALLS);
    let mut with = Vec::with_capacity(CALLS);
    let (trips_before, began) = (valkey.round_trips(), Instant::now());
    for _ in 0..CALLS {
        let started = Instant::now();
        call_directly(&client, provider.url()).await;
        without.push(started.elapsed());

        let started = Instant::now();
        assert!(call_through(&chains, &chat).await);
        with.push(started.elapsed());
    }
    let trips = valkey.round_trips() - trips_before;

    let seconds = began.elapsed().as_secs_f64();
    println!("{CALLS} calls, direct and through the chain, in turn ({seconds:.1} s)\n");
    println!("              direct    chain    added");
    for (name, part) in [("p50", 0.5), ("p90", 0.9), ("p99", 0.99)] {
        let direct = percentile(&mut without, part);
        let chain = percentile(&mut with, part);
        let added = chain - direct;
        println!("  {name}    {direct:7.3} ms {chain:5.3} ms {added:5.3} ms");
    }

    #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
    let per_call = trips as f64 / CALLS as f64;
    println!("\n  round trips to Valkey for each healthy call: {per_call:.4}");
    println!("  ({trips} in all, one for each 250 ms)\n");
}

/// Calls of a dead provider until no environment calls it any more, each environment one after the
/// other.
async fn measure_wasted_calls(name: &str, provider: &Provider, is_shared: bool) {
    let model = format!("503/{name}");
    let tiers = json!([
        { "name": "dead", "base_url": provider.url(), "model": model },
        { "name": "good", "base_url": provider.url(), "model": "good" },
    ]);
    let prefix = format!("bench-{name}");
    let environments = (0..FLEET_SIZE).map(|_| {
        let valkey = is_shared.then(|| connect_valkey(&prefix));
        chains_of(&tiers, valkey)
    });
    let environments = join_all(environments).await;

    let (chat, began) = (hello(), Instant::now());
    join_all(environments.iter().map(|chains| async {
        for _ in 0..CALLS_PER_ENVIRONMENT {
            assert!(call_through(chains, &chat).await);
        }
    }))
    .await;

    let calls = provider.attempts(&model);
    let first = calls.first().map(|call| call.at).unwrap_or_default();
    let last = calls.last().map(|call| call.at).unwrap_or_default();
    let millis = (last - first).as_secs_f64() * 1_000.0;
    let count = calls.len();
    println!("  {name:<16} {count:>5} calls of the dead provider, the last {millis:>5.0} ms after");

    let answers = FLEET_SIZE * CALLS_PER_ENVIRONMENT;
    let seconds = began.elapsed().as_secs_f64();
    println!(
        "  {:<16} the first ({answers} answers in {seconds:.1} s)",
        ""
    );
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let provider = Provider::anywhere();
    measure_added_latency(&provider).await;

    println!("{FLEET_SIZE} environments start at once, their first tier is dead\n");
    measure_wasted_calls("each for itself", &provider, false).await;
    measure_wasted_calls("as a fleet", &provider, true).await;
}
