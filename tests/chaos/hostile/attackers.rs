//! The hostile tenant, and the ways in which it attacks. Each goes on until the end.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};
use uuid::Uuid;
use xtask::users::Role;

use super::super::{Instant, STACK, join_all, pause};
use super::client_without_token;
use crate::support::{User, database, new_tenant};

/// Patients whose words make the models fail.
const FAILING_PATIENTS: usize = 4;

/// Calls of one patient that wait at the same time.
const WAITING_CALLS: usize = 33;

/// Callers without a token, or with a forged one, at the same time.
const NAMELESS_CALLERS: usize = 4;

/// Milliseconds between two calls of one caller.
const CALL_PAUSE: u64 = 50;

/// The same of a caller who waits, and of one who redrives.
const SLOW_CALL_PAUSE: u64 = 1_000;

/// What the hostile tenant's words make both tiers do.
const FAILING_WORDS: [&str; 4] = [
    "[primary:500] [secondary:500]",
    "[primary:silent] [secondary:silent]",
    "[primary:cut] [secondary:cut]",
    "[primary:reset] [secondary:late-4000]",
];

/// What makes both tiers ask to be left alone for ten minutes.
const THROTTLING_WORDS: &str = "[primary:429-always-600] [secondary:429-always-600]";

/// The people of the hostile tenant.
pub struct Attackers {
    tenant: String,
    patients: Vec<User>,
    /// Is throttled by the models alone.
    throttled: User,
    asker: User,
    waiter: User,
    admin: User,
    /// The path of a consultation that is processed for ever.
    endless: String,
    /// Has no token of its own.
    nameless: Client,
}

/// What becomes of the calls of one way.
#[derive(Clone, Copy, Debug)]
pub enum Expected {
    /// Some are accepted.
    Accepted,
    /// All are refused.
    Refused,
    /// Circuits may leave the tenant out before its first call.
    Either,
}

/// One way of the attack, and the statuses of its answers; 0 for no answer.
#[derive(Debug)]
pub struct Way {
    pub name: &'static str,
    pub expected: Expected,
    pub statuses: Vec<u16>,
}

impl Way {
    /// Answers whose status begins with this digit.
    pub fn count(&self, class: u16) -> usize {
        let statuses = self.statuses.iter();
        statuses.filter(|status| **status / 100 == class).count()
    }
}

impl Attackers {
    pub async fn gather() -> Self {
        let tenant = new_tenant();
        let patients = (0..FAILING_PATIENTS).map(async |number: usize| {
            let name = format!("patient-{number}");
            User::of(&tenant, &name, Role::Patient).await
        });
        let patients = join_all(patients).await;
        let waiter = User::of(&tenant, "waiter", Role::Patient).await;
        let endless = seed(&waiter).await;

        Self {
            throttled: User::of(&tenant, "throttled", Role::Patient).await,
            asker: User::of(&tenant, "asker", Role::Patient).await,
            admin: User::of(&tenant, "chief", Role::Admin).await,
            nameless: client_without_token(),
            tenant,
            patients,
            waiter,
            endless,
        }
    }

    /// Attacks in all ways at once.
    pub async fn attack(&self, until: Instant) -> Vec<Way> {
        let failing = self.patients.iter().map(|user| fail_models(user, until));
        let waiting = (0..WAITING_CALLS).map(|_| self.wait(until));
        let forging = (0..NAMELESS_CALLERS).map(|_| self.forge(until));
        let asking = (0..NAMELESS_CALLERS).map(|_| self.ask_health(until));

        let (failing, throttled, demanding, waiting, redriving, forging, asking) = futures::join!(
            join_all(failing),
            throttle_models(&self.throttled, until),
            self.demand(until),
            join_all(waiting),
            self.redrive(until),
            join_all(forging),
            join_all(asking),
        );
        let way = |name, expected, statuses: Vec<Vec<u16>>| Way {
            name,
            expected,
            statuses: statuses.concat(),
        };
        let (both_fail, both_throttle) = (
            "chats and consultations that both models fail",
            "chats and consultations that both models throttle",
        );
        let (demands, waits) = (
            "chats that demand more than an answer",
            "`?wait=20`, 33 at once",
        );
        let (redrives, forges) = (
            "redrives of 200 jobs that fail again",
            "tokens with key ids that are made up",
        );
        vec![
            way(both_fail, Expected::Accepted, failing),
            way(both_throttle, Expected::Accepted, vec![throttled]),
            way(demands, Expected::Either, vec![demanding]),
            way(waits, Expected::Accepted, waiting),
            way(redrives, Expected::Accepted, vec![redriving]),
            way(forges, Expected::Refused, forging),
            way("`GET /health`", Expected::Accepted, asking),
        ]
    }

    /// Chats with fields that spend or reach more, or that take long by nature.
    async fn demand(&self, until: Instant) -> Vec<u16> {
        let chats = demanding_chats();
        repeat(until, CALL_PAUSE, async |number| {
            let chat = &chats[number % chats.len()];
            send(self.asker.post("/v1/chat/completions").json(chat)).await
        })
        .await
    }

    async fn wait(&self, until: Instant) -> Vec<u16> {
        let path = format!("{}?wait=20", self.endless);
        repeat(until, SLOW_CALL_PAUSE, async |_| {
            send(self.waiter.get(&path)).await
        })
        .await
    }

    async fn redrive(&self, until: Instant) -> Vec<u16> {
        repeat(until, SLOW_CALL_PAUSE, async |_| {
            send(self.admin.post("/v1/jobs/redrive?limit=1000")).await
        })
        .await
    }

    /// To both gateways, whose authorizers refuse it.
    async fn forge(&self, until: Instant) -> Vec<u16> {
        let api_url = format!("{}/v1/consultations", STACK.env("API_URL").unwrap());
        let chat_url = format!("{}/v1/chat/completions", STACK.env("CHAT_URL").unwrap());
        let chat = ask("hello");
        repeat(until, CALL_PAUSE, async |number| {
            let call = match number % 2 {
                0 => self.nameless.get(&api_url),
                _ => self.nameless.post(&chat_url).json(&chat),
            };
            send(call.bearer_auth(self.forged_token())).await
        })
        .await
    }

    async fn ask_health(&self, until: Instant) -> Vec<u16> {
        let url = format!("{}/health", STACK.env("API_URL").unwrap());
        repeat(until, CALL_PAUSE, async |_| {
            send(self.nameless.get(&url)).await
        })
        .await
    }

    /// A token that is right but for its key, which the issuer has never announced.
    fn forged_token(&self) -> String {
        let key_id = Uuid::new_v4().to_string();
        let head = json!({ "alg": "RS256", "typ": "JWT", "kid": key_id });
        let claims = json!({
            "sub": key_id,
            "iss": STACK.env("TOKEN_ISSUER").unwrap(),
            "aud": STACK.env("TOKEN_AUDIENCE").unwrap(),
            "token_use": "id",
            "custom:tenant_id": self.tenant,
            "cognito:groups": ["admin"],
            "exp": 4_000_000_000_u64,
        });

        let [head, claims] = [head, claims].map(|part| encode(part.to_string().as_bytes()));
        format!("{head}.{claims}.{}", encode(&[7; 256]))
    }

    /// How often the jobs that can be redriven were run.
    pub async fn count_redriven_runs(&self) -> i64 {
        let sql = "SELECT sum(runs)
                   FROM jobs
                   WHERE tenant_id = $1 AND kind = 'generate_report'";
        let count = sqlx::query_scalar(sql).bind(&self.tenant);
        count.fetch_one(&mut database().await).await.unwrap()
    }
}

/// What a redrive and a long poll need. Returns the path of the consultation that never ends.
async fn seed(user: &User) -> String {
    let payload = user.token.split('.').nth(1).unwrap();
    let claims = URL_SAFE_NO_PAD.decode(payload).unwrap();
    let claims: Value = serde_json::from_slice(&claims).unwrap();

    let id = Uuid::now_v7();
    let seeding = sqlx::query(include_str!("seed.sql"))
        .bind(&user.tenant)
        .bind(claims["sub"].as_str().unwrap())
        .bind(id);
    seeding.execute(&mut database().await).await.unwrap();
    format!("/v1/consultations/{id}")
}

/// Chats and consultations that fail, as many as the patient's limits allow.
pub async fn fail_models(user: &User, until: Instant) -> Vec<u16> {
    let words = |number: usize| FAILING_WORDS[number / 2 % FAILING_WORDS.len()];
    trouble_models(user, until, words).await
}

/// The same of those that both models refuse for ten minutes; at least one pair.
pub async fn throttle_models(user: &User, until: Instant) -> Vec<u16> {
    let first = trouble_once(user, THROTTLING_WORDS).await;
    let more = trouble_models(user, until, |_| THROTTLING_WORDS).await;
    [first.to_vec(), more].concat()
}

async fn trouble_models(
    user: &User,
    until: Instant,
    words: impl Fn(usize) -> &'static str,
) -> Vec<u16> {
    let statuses = repeat(until, CALL_PAUSE, async |number| {
        trouble_once(user, words(number)).await
    });
    statuses.await.concat()
}

async fn trouble_once(user: &User, words: &str) -> [u16; 2] {
    let complaint = json!({ "symptoms": format!("a cough {words}") });
    let chat = user.post("/v1/chat/completions").json(&ask(words));
    let complain = user.post("/v1/consultations").json(&complaint);
    let (chat, complain) = futures::join!(send(chat), send(complain));
    [chat, complain]
}

fn ask(words: &str) -> Value {
    json!({ "model": "default", "messages": [{ "role": "user", "content": words }] })
}

fn demanding_chats() -> [Value; 6] {
    let with = |name: &str, value: Value| {
        let mut chat = ask("hello [primary:late-1500]");
        chat[name] = value;
        chat
    };
    let image = json!([{
        "type": "image_url",
        "image_url": { "url": "http://169.254.169.254/latest/meta-data/" },
    }]);

    [
        with("reasoning_effort", json!("high")),
        with("service_tier", json!("priority")),
        with("web_search_options", json!({})),
        with("models", json!(["a", "b"])),
        with("max_tokens", json!(900_000_000)),
        with("messages", json!([{ "role": "user", "content": image }])),
    ]
}

/// Calls again and again until the end. Returns what came of the calls.
async fn repeat<T>(until: Instant, delay: u64, call: impl AsyncFn(usize) -> T) -> Vec<T> {
    let mut outcomes = Vec::new();
    while Instant::now() < until {
        outcomes.push(call(outcomes.len()).await);
        pause(delay).await;
    }
    outcomes
}

/// The status of the answer; 0 for none.
async fn send(call: RequestBuilder) -> u16 {
    let answer = call.send().await;
    answer.map_or(0, |answer| answer.status().as_u16())
}

fn encode(part: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(part)
}
