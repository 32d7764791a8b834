//! A tenant beside the hostile one: what it gets, and what it is charged.

use reqwest::{Client, RequestBuilder, Response};
use serde_json::{Value, json};
use uuid::Uuid;
use xtask::users::Role;

use super::super::{Duration, Instant, STACK, pause, provider};
use super::client_without_token;
use crate::support::{User, new_tenant};

/// Milliseconds between two consultations.
const COMPLAINT_PAUSE: u64 = 4_000;

/// Milliseconds between two chats.
const CHAT_PAUSE: u64 = 2_000;

/// From one read to the next: almost as many as one person may make.
const READ_INTERVAL: Duration = Duration::from_millis(640);

/// Calls that one person may make within [`READ_WINDOW`].
const READ_LIMIT: u64 = 100;

const READ_WINDOW: Duration = Duration::from_mins(1);

/// The people of the tenant.
pub struct Neighbour {
    patient: User,
    /// Chats.
    app: User,
    /// Reads the patient's records.
    clinician: User,
    /// For the REST API, which is another than the one of all routes.
    client: Client,
    /// Stands in every complaint.
    marker: String,
}

/// What became of the consultations.
#[derive(Debug)]
pub struct Consultations {
    /// The tier that served each.
    pub served_by: Vec<String>,
    /// Calls that the models got for them.
    pub model_calls: usize,
}

/// One chat or read.
#[derive(Debug)]
pub struct Answered {
    /// The status, and what the error says.
    pub said: String,
    sent_at: Instant,
    received_at: Instant,
    /// The calls, or tokens, that its limit has left.
    left: u64,
    /// The tokens that a chat says it used.
    used: u64,
}

impl Neighbour {
    pub async fn gather() -> Self {
        Self::of(&new_tenant()).await
    }

    /// People of this tenant.
    pub async fn of(tenant: &str) -> Self {
        Self {
            patient: User::of(tenant, "patient", Role::Patient).await,
            app: User::of(tenant, "app", Role::Patient).await,
            clinician: User::of(tenant, "doctor", Role::Clinician).await,
            client: client_without_token(),
            marker: Uuid::new_v4().to_string(),
        }
    }

    /// Complains until the end, and waits for each outcome.
    pub async fn consult(&self, until: Instant) -> Consultations {
        let mut served_by = Vec::new();
        while Instant::now() < until {
            let words = format!("a cough since yesterday {}", self.marker);
            let accepted = self.patient.complain(&words).await;
            let outcome = self.patient.outcome(&accepted).await;
            let tier = outcome["assessment"]["served_by"]["tier"].as_str();
            served_by.push(tier.unwrap_or("none").to_owned());
            pause(COMPLAINT_PAUSE).await;
        }

        Consultations {
            model_calls: provider::calls(&self.marker).len(),
            served_by,
        }
    }

    /// Chats until the end.
    pub async fn chat(&self, until: Instant) -> Vec<Answered> {
        let mut chats = Vec::new();
        while Instant::now() < until {
            chats.push(self.chat_once(chats.len()).await);
            pause(CHAT_PAUSE).await;
        }
        chats
    }

    /// So many chats, one after another.
    pub async fn chat_times(&self, count: usize) -> Vec<Answered> {
        let mut chats = Vec::new();
        while chats.len() < count {
            chats.push(self.chat_once(chats.len()).await);
        }
        chats
    }

    async fn chat_once(&self, number: usize) -> Answered {
        let body = json!({
            "model": "default", "messages": [{ "role": "user", "content": "hello" }],
        });
        let sent_at = Instant::now();
        let call = self.chat_call(number).json(&body);
        let answer = call.send().await.unwrap();
        Answered::read(answer, "tokens", sent_at).await
    }

    /// By the HTTP API and by the REST API in turn.
    fn chat_call(&self, number: usize) -> RequestBuilder {
        let path = "/v1/chat/completions";
        if number.is_multiple_of(2) {
            return self.app.post(path);
        }

        let url = format!("{}{path}", STACK.env("CHAT_URL").unwrap());
        self.client.post(url).bearer_auth(&self.app.token)
    }

    /// Reads one consultation and the list, in turn, until the end.
    pub async fn read(&self, until: Instant) -> Vec<Answered> {
        let record = self.patient.complain("a cough").await["id"].clone();
        let record = format!("/v1/consultations/{}", record.as_str().unwrap());
        let paths = [record.as_str(), "/v1/consultations?limit=10"];

        let mut reads = Vec::new();
        while Instant::now() < until {
            let path = paths[reads.len() % paths.len()];
            let sent_at = Instant::now();
            let answer = self.clinician.get(path).send().await.unwrap();
            reads.push(Answered::read(answer, "user", sent_at).await);
            tokio::time::sleep(READ_INTERVAL.saturating_sub(sent_at.elapsed())).await;
        }
        reads
    }
}

impl Answered {
    async fn read(answer: Response, limit: &str, sent_at: Instant) -> Self {
        let status = answer.status().as_u16();
        let left = left_of(&answer, limit);
        let body: Value = answer.json().await.unwrap_or_default();
        let says = body["error"]["message"].as_str();
        let says = says.or(body["detail"].as_str()).unwrap_or_default();

        Self {
            said: format!("{status} {says}"),
            sent_at,
            received_at: Instant::now(),
            left: left.unwrap_or_default(),
            used: body["usage"]["total_tokens"].as_u64().unwrap_or_default(),
        }
    }
}

/// What a limit has left, by the header.
fn left_of(answer: &Response, limit: &str) -> Option<u64> {
    let header = answer.headers().get("ratelimit")?.to_str().ok()?;
    let (_, status) = header.split_once(&format!("\"{limit}\";r="))?;
    status.split(';').next()?.parse().ok()
}

/// How many were served.
pub fn count_served(answered: &[Answered]) -> usize {
    let served = answered.iter().filter(|one| one.said == "200 ");
    served.count()
}

/// The tokens that chats, all but the last, were charged. Each is estimated alike, so the limit has
/// less left for a later one by what those before it have used. No token comes back meanwhile.
pub fn tokens_charged(chats: &[Answered]) -> u64 {
    chats[0].left - chats[chats.len() - 1].left
}

/// The tokens that the same chats say they used.
pub fn tokens_used(chats: &[Answered]) -> u64 {
    let settled = &chats[..chats.len() - 1];
    settled.iter().map(|chat| chat.used).sum()
}

/// Whether the limit of a person, who has made no other calls, counts these and none else. A call
/// is counted at some time between its sending and its answer.
pub fn are_counted_alone(reads: &[Answered]) -> bool {
    reads.iter().enumerate().all(|(number, read)| {
        let so_far = &reads[..=number];
        let surely = so_far
            .iter()
            .filter(|one| read.received_at - one.sent_at < READ_WINDOW);
        let perhaps = so_far
            .iter()
            .filter(|one| read.sent_at - one.received_at.min(read.sent_at) <= READ_WINDOW);
        let counted = usize::try_from(READ_LIMIT - read.left).unwrap();
        (surely.count()..=perhaps.count()).contains(&counted)
    })
}
