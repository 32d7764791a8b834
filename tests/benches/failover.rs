//! Sixteen faults of providers in the three modes of a stream: what the client gets, and when its
//! first token comes. `cargo xtask bench failover` runs it.
//!
//! Each fault has a chain of its own: a tier that plays it, and a healthy one. An answer comes at
//! the pace of a model, so that it shows who waits for its end. Only the ratios within one run mean
//! anything.
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::StreamExt;
use futures::stream::BoxStream;
use scripted_provider::Provider;
use serde_json::{Value, json};
use uuid::Uuid;
use wenzhen::ai::Chains;
use wenzhen::aws::{self, Secrets};
use wenzhen::cache::Cache;
use wenzhen::chat::{self, Backend, ChatCall, ClientRequest, Meter};
use wenzhen::config::{LimitSettings, Models, Tiers};
use wenzhen::deadline::Deadline;
use wenzhen::http::Origin;
use wenzhen::identity::{Caller, Role, TenantId, UserId};
use wenzhen::limits::{DecisionMode, Limiter};

const MODES: [&str; 3] = ["whole", "live", "resume"];
const LAST_WORDS: &str = "from the first word to the last.";

/// The backend of one case, and the models of its tiers.
struct Setup {
    backend: Backend,
    models: Vec<String>,
}

/// A fault, and what the tier after it plays.
struct Case {
    name: &'static str,
    scripts: [&'static str; 2],
    /// The code of the error that is the right answer; none if an answer is.
    refusal: Option<&'static str>,
}

const fn case(name: &'static str, first: &'static str, second: &'static str) -> Case {
    Case {
        name,
        scripts: [first, second],
        refusal: None,
    }
}

const HEALTHY: Case = case("no fault", "paced", "good");

const CASES: [Case; 16] = [
    case("one 500", "500-once", "paced"),
    case("503 for good", "503", "paced"),
    case("429, Retry-After 1", "429-after-1", "paced"),
    case("429, Retry-After 30", "429-always-30", "paced"),
    case("no credit", "quota", "paced"),
    case("a bad key", "401", "paced"),
    case("connection reset", "reset", "paced"),
    case("never answers", "silent", "paced"),
    case("first token late", "late-4000", "paced"),
    case("stream cut", "paced-cut", "continues"),
    case("stream stalled", "paced-stall", "continues"),
    case("malformed chunk", "paced-malformed", "continues"),
    case("cut, no prefill", "paced-cut", "no-prefill"),
    case("error behind a 200", "error-in-200", "paced"),
    case("context too long", "context", "paced"),
    Case {
        name: "content filter",
        scripts: ["filter", "paced"],
        refusal: Some("content_filter"),
    },
];

/// What a client got.
struct Received {
    text: String,
    error: Option<String>,
    is_done: bool,
    seams: usize,
    first_token: Option<Duration>,
}

async fn setup_of(provider: &Provider, case: &Case, mode: &str) -> Setup {
    let models = case
        .scripts
        .map(|script| format!("{script}/{}", Uuid::new_v4().simple()));
    let tier = |(at, model): (usize, &String)| {
        json!({
            "name": format!("t{at}"), "base_url": provider.url(), "model": model,
            "connect_timeout": 1, "first_token_timeout": 1, "idle_timeout": 1,
            "total_timeout": 10, "prefill": "message",
        })
    };
    let tiers: Vec<_> = models.iter().enumerate().map(tier).collect();
    let tiers = Tiers::parse(&json!(tiers).to_string()).unwrap();
    let chains = json!({ "default": { "tiers": ["t0", "t1"], "mode": mode } });
    let settings = Models::new(tiers, Some(&chains.to_string())).unwrap();

    let secrets = Arc::new(Secrets::new(&aws::sdk_config().await));
    let backend = Backend {
        chains: Arc::new(Chains::new(&settings, None, &secrets).unwrap()),
        cache: Arc::new(Cache::new(None)),
        limiter: Arc::new(Limiter::new(None, &[chat::TOKENS], &LimitSettings::default()).unwrap()),
    };
    Setup {
        backend,
        models: models.to_vec(),
    }
}

/// One call, as a client sees it.
async fn call(setup: Setup) -> Received {
    let backend = setup.backend;
    let messages = json!([{ "role": "user", "content": "hello" }]);
    let body = json!({ "model": "default", "stream": true, "messages": messages });
    let body = body.to_string().into_bytes();

    let caller = Caller {
        tenant: TenantId::try_from("t".to_owned()).unwrap(),
        user: UserId::try_from("u".to_owned()).unwrap(),
        role: Role::Patient,
    };
    let limiter = Arc::clone(&backend.limiter);
    let chat_call = ChatCall {
        request: ClientRequest::parse(&body, &backend.chains).ok().unwrap(),
        meter: Meter::new(limiter, caller, &body, DecisionMode::Open),
        deadline: Deadline::after(Duration::from_secs(28)),
        backend,
    };

    let started = Instant::now();
    match chat::complete(chat_call, Origin::RestApi).await {
        Ok(reply) => read_events(reply.body, started).await,
        Err(error) => Received {
            text: String::new(),
            error: Some(code_of(&error.body())),
            is_done: false,
            seams: 0,
            first_token: None,
        },
    }
}

fn code_of(body: &Value) -> String {
    let code = body["error"]["code"].as_str();
    code.unwrap_or("another error").to_owned()
}

async fn read_events(mut body: BoxStream<'static, Bytes>, started: Instant) -> Received {
    let mut received = Received {
        text: String::new(),
        error: None,
        is_done: false,
        seams: 0,
        first_token: None,
    };

    while let Some(event) = body.next().await {
        let event = String::from_utf8(event.to_vec()).unwrap();
        received.seams += usize::from(event.starts_with(": seam"));
        for data in event.lines().filter_map(|line| line.strip_prefix("data: ")) {
            received.take(data, started.elapsed());
        }
    }
    received
}

impl Received {
    fn take(&mut self, data: &str, at: Duration) {
        if data == "[DONE]" {
            self.is_done = true;
            return;
        }

        let chunk: Value = serde_json::from_str(data).unwrap();
        if chunk["error"].is_object() {
            self.error = Some(code_of(&chunk));
        }
        let text = chunk["choices"][0]["delta"]["content"].as_str();
        let text = text.unwrap_or_default();
        if !text.is_empty() {
            self.first_token.get_or_insert(at);
        }
        self.text += text;
    }

    /// What became of it, in a word or two; and whether that is right.
    fn verdict(&self, case: &Case, models: &[String]) -> (String, bool) {
        if let Some(error) = &self.error {
            let is_right = case.refusal == Some(error.as_str());
            return (error.clone(), is_right);
        }

        let mut texts = models
            .iter()
            .map(|model| format!("The scripted answer of {model}, {LAST_WORDS}"));
        let is_one_answer = texts.any(|text| text == self.text);
        let is_continued = self.seams > 0
            && self.text.starts_with("The scripted answer of")
            && self.text.ends_with(LAST_WORDS);

        let word = match (self.is_done, is_one_answer, is_continued) {
            (true, true, _) => "whole",
            (true, false, true) => "whole, seam",
            (true, false, false) => "a gap",
            (false, ..) => "INCOMPLETE",
        };
        (word.to_owned(), word.starts_with("whole"))
    }
}

/// Prints one row; for each mode, whether the outcome is right.
async fn measure(provider: &Provider, case: &Case) -> [bool; 3] {
    let mut right = [false; 3];
    let mut row = format!("  {:<20}", case.name);
    for (at, mode) in MODES.into_iter().enumerate() {
        let setup = setup_of(provider, case, mode).await;
        let models = setup.models.clone();
        let received = call(setup).await;
        let (verdict, is_right) = received.verdict(case, &models);
        right[at] = is_right;

        let first_token = received.first_token.map(|time| {
            let millis = time.as_secs_f64() * 1_000.0;
            format!("{millis:.0} ms")
        });
        let first_token = first_token.unwrap_or_default();
        row = format!("{row}  {verdict:<14} {first_token:>8}");
    }
    println!("{row}");
    right
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let provider = Provider::anywhere();
    println!("What a client gets of a stream, and when its first token comes\n");
    let [whole, live, resume] = MODES.map(|mode| format!("  {mode:<23}"));
    println!("  {:<20}{whole}{live}{resume}", "fault");

    measure(&provider, &HEALTHY).await;
    let mut passed = [0; 3];
    for case in &CASES {
        let right = measure(&provider, case).await;
        for (count, is_right) in passed.iter_mut().zip(right) {
            *count += u32::from(is_right);
        }
    }

    let [whole, live, resume] = passed.map(|count| format!("  {count} of 16{:<15}", ""));
    println!("\n  {:<20}{whole}{live}{resume}", "right");
}
