//! `cargo xtask demo`: real complaints, each followed to its answer.
#![expect(
    clippy::indexing_slicing,
    reason = "a JSON value answers null to an index that it does not have"
)]

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};

use crate::report::say;
use crate::stack::{Stack, WATCH_URL};
use crate::up;
use crate::users::{self, Person, Role};

/// A cold start within a second or two, and the health check itself.
const HEALTH_TIMEOUT: Duration = Duration::from_secs(10);

/// A long poll, and a cold start before it.
const CALL_TIMEOUT: Duration = Duration::from_secs(35);

/// Seconds that a long poll waits for the assessment.
const LONG_POLL_SECONDS: u32 = 20;

/// What a patient says.
struct Complaint {
    symptoms: &'static str,
    /// Years.
    age: u8,
    /// Whether the patient confirms the first danger sign that is asked after.
    confirms: bool,
    /// What the patient writes after the answer.
    message: Option<&'static str>,
}

/// Complaints as patients write them.
const COMPLAINTS: &[Complaint] = &[
    Complaint {
        symptoms: "I have had crushing chest pain for 20 minutes, it goes into my left arm and \
                   I am sweating.",
        age: 61,
        confirms: false,
        message: None,
    },
    Complaint {
        symptoms: "没有胸痛，只是咳嗽三天，有点流鼻涕。",
        age: 29,
        confirms: false,
        message: None,
    },
    Complaint {
        symptoms: "My daughter has had a fever of 38.6 since last night. She drinks well and \
                   plays, no rash, no stiff neck.",
        age: 4,
        confirms: false,
        message: None,
    },
    Complaint {
        symptoms: "右边脸突然歪了，说话也说不清楚，大概半小时前开始的。",
        age: 67,
        confirms: false,
        message: None,
    },
    Complaint {
        symptoms: "I sprained my ankle yesterday. It is a little swollen but I can walk on it.",
        age: 34,
        confirms: false,
        message: None,
    },
    Complaint {
        symptoms: "最近两周总是反酸、烧心，吃完饭更明显。",
        age: 45,
        confirms: false,
        message: Some("昨天开始大便发黑，像柏油一样，站起来头晕。"),
    },
    Complaint {
        symptoms: "I am not sure whether it is chest pain or just heartburn, it comes and goes \
                   since this morning.",
        age: 52,
        confirms: false,
        message: None,
    },
    Complaint {
        symptoms: "I have felt strange since this morning. I cannot say what it is.",
        age: 58,
        confirms: true,
        message: None,
    },
];

/// Brings the stack up if it is not there, sends the complaints and prints what came back.
pub async fn run_demo(stack: &Stack) -> Result<()> {
    if let Some(reason) = find_missing(stack).await {
        say(format!("{reason} `cargo xtask down` stops it.\n"));
        up::bring_up(stack, &up::Options::default()).await?;
    }

    send_complaints(&stack.as_running()?).await
}

/// Why the checkout's stack cannot take complaints, and what is done about it; none if it can.
async fn find_missing(stack: &Stack) -> Option<&'static str> {
    let Ok(url) = stack.env("API_URL") else {
        return Some("There is no stack yet, so it is brought up first.");
    };

    // `cargo lambda watch` may serve the API there, but nothing takes the jobs from the queue.
    if url == WATCH_URL {
        return Some("The stack has no functions (`up --services`), so they are deployed first.");
    }

    let is_healthy = check_health(&url).await.unwrap_or(false);
    (!is_healthy).then_some("The stack does not answer, so it is brought up again first.")
}

/// Whether the functions answer, and say that they reach their database.
async fn check_health(url: &str) -> Result<bool> {
    let client = Client::builder().timeout(HEALTH_TIMEOUT).build()?;
    let answer = client.get(format!("{url}/health")).send().await?;
    Ok(answer.status().is_success())
}

async fn send_complaints(stack: &Stack) -> Result<()> {
    let api = Api {
        client: Client::builder().timeout(CALL_TIMEOUT).build()?,
        url: stack.env("API_URL")?,
        token: users::token(stack, &Person::demo(Role::Patient)).await?,
        clinicians_token: users::token(stack, &Person::demo(Role::Clinician)).await?,
    };

    let rule = "─".repeat(100);

    let mut answered = 0;
    for (index, complaint) in COMPLAINTS.iter().enumerate() {
        let Complaint { symptoms, age, .. } = complaint;
        say(format!("\n{rule}  ({age} years)\n{symptoms}"));
        let consultation = follow_complaint(&api, complaint)
            .await
            .with_context(|| format!("complaint {} was not answered", index + 1))?;
        answered += usize::from(!consultation["assessment"].is_null());
    }

    let sent = COMPLAINTS.len();
    say(format!(
        "\n{rule}\n{answered} of {sent} consultations answered."
    ));
    say("`cargo xtask logs` shows how; `cargo xtask down` stops the stack.");

    Ok(())
}

/// Sends one complaint, prints the verdict at once, the questions and the assessment later, and
/// returns the consultation.
async fn follow_complaint(api: &Api, complaint: &Complaint) -> Result<Value> {
    let body = json!({ "symptoms": complaint.symptoms, "age": complaint.age });
    let accepted = api.post("/v1/consultations", &body).await?;
    say("");
    print_verdict("at once", &accepted);
    print_questions(&accepted["questions"]);

    let id = accepted["id"].as_str().context("the answer has no id")?;
    if complaint.confirms {
        confirm_first_sign(api, id, &accepted["questions"]).await?;
    }

    let consultation = await_assessment(api, id).await?;
    match complaint.message {
        Some(message) => send_message(api, id, message).await,
        None => Ok(consultation),
    }
}

async fn await_assessment(api: &Api, id: &str) -> Result<Value> {
    let path = format!("/v1/consultations/{id}?wait={LONG_POLL_SECONDS}");
    let consultation = api.get(&path).await?;
    print_steps(&api.steps(id).await?);
    print_assessment(&consultation);
    Ok(consultation)
}

/// Sends a further message, and follows it to the new assessment.
async fn send_message(api: &Api, id: &str, message: &str) -> Result<Value> {
    say(format!("\n{message}\n"));
    let path = format!("/v1/consultations/{id}/messages");
    let accepted = api.post(&path, &json!({ "text": message })).await?;
    print_verdict("at once", &accepted);
    await_assessment(api, id).await
}

/// Answers "yes" to the first question, and prints what that decides at once.
async fn confirm_first_sign(api: &Api, id: &str, questions: &Value) -> Result<()> {
    let code = questions[0]["code"].as_str();
    let code = code.context("nothing is asked after a vague complaint")?;

    let path = format!("/v1/consultations/{id}/answers");
    let body = json!({ "answers": { code: "yes" } });
    let answered = api.post(&path, &body).await?;
    say("  answer     yes");
    print_verdict("now", &answered);
    Ok(())
}

/// The stack's API, as one patient calls it.
struct Api {
    client: Client,
    url: String,
    token: String,
    /// Of a clinician of the same tenant, who may see how an answer was made.
    clinicians_token: String,
}

impl Api {
    async fn post(&self, path: &str, body: &Value) -> Result<Value> {
        let url = format!("{}{path}", self.url);
        self.send(self.client.post(url).json(body)).await
    }

    async fn get(&self, path: &str) -> Result<Value> {
        let url = format!("{}{path}", self.url);
        self.send(self.client.get(url)).await
    }

    /// The steps of the last answer, as a clinician sees them.
    async fn steps(&self, id: &str) -> Result<Vec<Value>> {
        let url = format!("{}/v1/consultations/{id}/trace", self.url);
        let request = self.client.get(url).bearer_auth(&self.clinicians_token);
        let answer = request.send().await?.error_for_status()?;
        let traced: Value = answer.json().await?;
        let last = traced["items"].as_array().and_then(|items| items.last());
        let steps = last.and_then(|item| item["steps"].as_array());
        Ok(steps.cloned().unwrap_or_default())
    }

    async fn send(&self, request: RequestBuilder) -> Result<Value> {
        let request = request.bearer_auth(&self.token);
        let answer = request.send().await.context(
            "the API cannot be reached; run `cargo xtask down`, then `cargo xtask demo` again",
        )?;

        let status = answer.status();
        let body: Value = answer.json().await.with_context(|| {
            format!("the API answered {status} without JSON; see `cargo xtask logs`")
        })?;

        ensure!(
            status.is_success(),
            "the API answered {status}: {}; see `cargo xtask logs`",
            body["detail"]
        );

        Ok(body)
    }
}

fn print_verdict(title: &str, verdict: &Value) {
    let urgency = plain_text(&verdict["urgency"]);
    let advice = plain_text(&verdict["advice"]);
    say(format!("  {title:<10} {urgency}  {advice}"));

    for flag in verdict["red_flags"].as_array().into_iter().flatten() {
        let (label, status) = (plain_text(&flag["label"]), plain_text(&flag["status"]));
        let source = plain_text(&flag["source"]["title"]);
        say(format!("             ! {label} ({status}; {source})"));
    }
}

/// The first danger sign that the patient is asked after, and how many more there are.
fn print_questions(questions: &Value) {
    let questions = questions.as_array().map_or(&[][..], Vec::as_slice);
    if let [first, others @ ..] = questions {
        let (text, more) = (plain_text(&first["text"]), others.len());
        say(format!("  asks       {text} (and {more} more)"));
    }
}

fn print_assessment(consultation: &Value) {
    let assessment = &consultation["assessment"];
    if assessment.is_null() {
        let (id, status) = (&consultation["id"], &consultation["status"]);
        let (id, status) = (plain_text(id), plain_text(status));
        say(format!(
            "  later      still {status}; ask again: GET /v1/consultations/{id}"
        ));
        return;
    }

    let urgency = plain_text(&assessment["urgency"]);
    let summary = plain_text(&assessment["summary"]);
    say(format!("  later      {urgency}  {summary}"));
    print_items("causes", &assessment["possible_causes"]);
    print_items("actions", &assessment["recommended_actions"]);
    print_items("questions", &assessment["questions"]);
    let department = plain_text(&assessment["recommended_department"]);
    say(format!("  see        {department}"));

    print_sources(&assessment["citations"]);
    print_origin(assessment);
}

/// One item a line, the first behind the title.
fn print_items(title: &str, items: &Value) {
    let mut title = title;
    for item in items.as_array().into_iter().flatten() {
        say(format!("  {title:<10} - {}", plain_text(item)));
        title = "";
    }
}

/// The documents that are cited or quoted. The rules' sources stand by their signs above.
fn print_sources(citations: &Value) {
    let citations = citations.as_array().into_iter().flatten();
    for citation in citations.filter(|citation| citation["document_id"].is_string()) {
        let number = citation["number"].as_u64();
        let number = number.map_or_else(String::new, |number| format!("[{number}] "));
        let title = plain_text(&citation["title"]);
        say(format!("  source     {number}{title}"));
    }
}

/// Which tier and model made the assessment, and why it is less than it could be.
fn print_origin(assessment: &Value) {
    let served_by = &assessment["served_by"];
    let mut origin = plain_text(&served_by["tier"]).to_owned();
    if let Some(model) = served_by["model"].as_str() {
        origin = format!("{origin} ({model})");
    }

    if let Some(reason) = assessment["degraded_reason"].as_str() {
        origin = format!("{origin}, degraded: {reason}");
    }

    say(format!("  served by  {origin}"));
}

fn plain_text(value: &Value) -> &str {
    value.as_str().unwrap_or("–")
}

/// What a model did that calls tools, a line for each step; nothing for one that was asked once.
fn print_steps(steps: &[Value]) {
    for step in steps {
        let milliseconds = &step["milliseconds"];
        let done = match step["step"].as_str().unwrap_or_default() {
            "model_step" => {
                let calls = step["calls"].as_array().into_iter().flatten();
                let calls: Vec<_> = calls.map(plain_text).collect();
                let tier = plain_text(&step["tier"]);
                format!("{tier}, step {}: {}", step["number"], calls.join(", "))
            }
            "tool_call" => {
                let passages = step["passages"].as_array().map_or(0, Vec::len);
                match plain_text(&step["tool"]) {
                    "search_knowledge" => format!("  {passages} further passages are found"),
                    tool => format!("  {tool} is answered"),
                }
            }
            _ => continue,
        };
        say(format!("  model      {done} ({milliseconds} ms)"));
    }
}
