//! What the chain adds to a call of a provider, and what a dead provider costs a fleet. `cargo xtask bench` runs it.
//!
//! Direct calls and calls through the chain alternate, so that whatever else the machine does meets both alike. Only the
//! ratios and differences of one run mean anything.
#![expect(
    clippy::disallowed_methods,
    reason = "a benchmark reads where its server is"
)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::join_all;
use scripted_provider::Provider;
use serde_json::{Value, json};
use wenzhen::ai::{Ask, Chains, ChatRequest};
use wenzhen::aws::{self, Secrets};
use wenzhen::config::{Models, Tiers, ValkeySettings};
use wenzhen::deadline::Deadline;
use wenzhen::valkey::Valkey;

const CALLS: usize = 2_000;
const FLEET: usize = 50;

fn valkey(prefix: &str) -> Arc<Valkey> {
    let url = std::env::var("VALKEY_URL").expect("run `cargo xtask bench`");
    let settings = ValkeySettings {
        url: Some(url.parse().unwrap()),
        prefix: prefix.to_owned(),
    };
    Arc::new(Valkey::new(&settings).unwrap().unwrap())
}

async fn chains(tiers: &Value, valkey: Option<Arc<Valkey>>) -> Chains {
    let models = Models::new(Tiers::parse(&tiers.to_string()).unwrap(), None).unwrap();
    Chains::new(
        &models,
        valkey,
        &Arc::new(Secrets::new(&aws::sdk_config().await)),
    )
    .unwrap()
}

fn request() -> ChatRequest {
    let body = json!({ "messages": [{ "role": "user", "content": "hello" }] });
    ChatRequest::from_client(body.as_object().unwrap().clone()).unwrap()
}

async fn direct(client: &reqwest::Client, url: &str) {
    let body = json!({ "model": "good", "messages": [{ "role": "user", "content": "hello" }], "stream": true,
        "stream_options": { "include_usage": true } });
    let answer = client
        .post(format!("{url}/chat/completions"))
        .json(&body)
        .send()
        .await
        .unwrap();
    assert!(answer.bytes().await.unwrap().ends_with(b"data: [DONE]\n\n"));
}

async fn through(chains: &Chains, request: &ChatRequest) -> bool {
    let ask = Ask::new(request, Deadline::after(Duration::from_secs(10)));
    chains
        .get("default")
        .unwrap()
        .whole(&ask, |_| Ok(()))
        .await
        .answer
        .is_some()
}

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

async fn added_latency(provider: &Provider) {
    let tiers = json!([{ "name": "good", "base_url": provider.url(), "model": "good" }]);
    let valkey = valkey("bench-latency");
    let chains = chains(&tiers, Some(Arc::clone(&valkey))).await;
    let (client, request) = (reqwest::Client::builder().build().unwrap(), request());
    for _ in 0..200 {
        direct(&client, provider.url()).await;
        through(&chains, &request).await;
    }
    let (mut without, mut with) = (Vec::with_capacity(CALLS), Vec::with_capacity(CALLS));
    let (trips, began) = (valkey.round_trips(), Instant::now());
    for _ in 0..CALLS {
        let started = Instant::now();
        direct(&client, provider.url()).await;
        without.push(started.elapsed());
        let started = Instant::now();
        assert!(through(&chains, &request).await);
        with.push(started.elapsed());
    }
    let trips = valkey.round_trips() - trips;
    println!(
        "{CALLS} calls, direct and through the chain, in turn ({:.1} s)\n",
        began.elapsed().as_secs_f64()
    );
    println!("              direct    chain    added");
    for (name, part) in [("p50", 0.5), ("p90", 0.9), ("p99", 0.99)] {
        let (direct, chain) = (percentile(&mut without, part), percentile(&mut with, part));
        println!(
            "  {name}    {direct:7.3} ms {chain:5.3} ms {:5.3} ms",
            chain - direct
        );
    }
    #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
    let per_call = trips as f64 / CALLS as f64;
    println!(
        "\n  round trips to Valkey for each healthy call: {per_call:.4} ({trips} in all, one for each 250 ms)\n"
    );
}

/// Calls of a dead provider until nobody calls it any more, each environment one after the other.
async fn wasted(name: &str, provider: &Provider, shared: bool) {
    let model = format!("503/{name}");
    let tiers = json!([
        { "name": "dead", "base_url": provider.url(), "model": model },
        { "name": "good", "base_url": provider.url(), "model": "good" },
    ]);
    let prefix = format!("bench-{name}");
    let environments = (0..FLEET).map(|_| chains(&tiers, shared.then(|| valkey(&prefix))));
    let environments = join_all(environments).await;
    let (request, began) = (request(), Instant::now());
    join_all(environments.iter().map(|chains| async {
        for _ in 0..20 {
            assert!(through(chains, &request).await);
        }
    }))
    .await;
    let calls = provider.attempts(&model);
    let first = calls.first().map(|call| call.at).unwrap_or_default();
    let last = calls.last().map(|call| call.at).unwrap_or_default();
    println!(
        "  {name:<16} {:>5} calls of the dead provider, the last {:>5.0} ms after the first ({} answers in {:.1} s)",
        calls.len(),
        (last - first).as_secs_f64() * 1_000.0,
        FLEET * 20,
        began.elapsed().as_secs_f64()
    );
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let provider = Provider::anywhere();
    added_latency(&provider).await;
    println!("{FLEET} environments start at once, their first tier is dead\n");
    wasted("each for itself", &provider, false).await;
    wasted("as a fleet", &provider, true).await;
}
