//! `cargo xtask demo`: real complaints, each followed to its answer.
#![expect(
    clippy::indexing_slicing,
    reason = "a JSON value answers null to an index that it does not have"
)]

use std::time::Duration;

use anyhow::{Context, Result};
use reqwest::Client;
use serde_json::{Value, json};

use crate::report::say;
use crate::stack::Stack;
use crate::up;
use crate::users::{self, Person, Role};

/// A cold start within a second or two, and the health check itself.
const HEALTH_TIMEOUT: Duration = Duration::from_secs(10);

/// Complaints as patients write them; age in years.
const COMPLAINTS: &[(&str, u8)] = &[
    (
        "I have had crushing chest pain for 20 minutes, it goes into my left arm and I am sweating.",
        61,
    ),
    ("没有胸痛，只是咳嗽三天，有点流鼻涕。", 29),
    (
        "My daughter has had a fever of 38.6 since last night. She drinks well and plays, no rash, no stiff neck.",
        4,
    ),
    ("右边脸突然歪了，说话也说不清楚，大概半小时前开始的。", 67),
    (
        "I sprained my ankle yesterday. It is a little swollen but I can walk on it.",
        34,
    ),
    ("最近两周总是反酸、烧心，吃完饭更明显。", 45),
    (
        "I am not sure whether it is chest pain or just heartburn, it comes and goes since this morning.",
        52,
    ),
];

/// Brings the stack up if it is not there, sends the complaints and prints what came back.
pub async fn run(stack: &Stack) -> Result<()> {
    if !is_up(stack).await {
        say("There is no running stack, so it is brought up first; `cargo xtask down` stops it.\n");
        up::bring_up(stack, &up::Options::default()).await?;
    }
    send_complaints(&stack.as_running()?).await
}

/// Whether the functions of the checkout's stack answer.
async fn is_up(stack: &Stack) -> bool {
    let Ok(url) = stack.env("API_URL") else {
        return false;
    };
    let client = Client::builder().timeout(HEALTH_TIMEOUT).build();
    let Ok(client) = client else {
        return false;
    };
    let answer = client.get(format!("{url}/health")).send().await;
    answer.is_ok_and(|answer| answer.status().is_success())
}

async fn send_complaints(stack: &Stack) -> Result<()> {
    let url = stack.env("API_URL")?;
    let token = users::token(stack, &Person::demo(Role::Patient)).await?;
    let client = Client::builder().timeout(Duration::from_secs(35)).build()?;
    for (index, (symptoms, age)) in COMPLAINTS.iter().enumerate() {
        say(format!("\n{}  ({age} years)\n{symptoms}", "─".repeat(100)));
        let body = json!({ "symptoms": symptoms, "age": age });
        let accepted = call(
            client.post(format!("{url}/v1/consultations")).json(&body),
            &token,
        )
        .await?;
        print_verdict(&accepted);
        let id = accepted["id"].as_str().context("the answer has no id")?;
        let waiting = client.get(format!("{url}/v1/consultations/{id}?wait=20"));
        let consultation = call(waiting, &token)
            .await
            .with_context(|| format!("complaint {}", index + 1))?;
        print_answer(&consultation);
    }
    say(format!(
        "\n{}\n{} consultations answered.",
        "─".repeat(100),
        COMPLAINTS.len()
    ));
    Ok(())
}

async fn call(request: reqwest::RequestBuilder, token: &str) -> Result<Value> {
    let answer = request
        .bearer_auth(token)
        .send()
        .await
        .context("the API cannot be reached; is the stack up?")?;
    let status = answer.status();
    let body: Value = answer
        .json()
        .await
        .context("the API answered something that is not JSON")?;
    anyhow::ensure!(
        status.is_success(),
        "the API answered {status}: {}",
        body["detail"]
    );
    Ok(body)
}

fn print_verdict(accepted: &Value) {
    say(format!(
        "\n  at once    {}  {}",
        plain(&accepted["urgency"]),
        plain(&accepted["advice"])
    ));
    for flag in accepted["red_flags"].as_array().into_iter().flatten() {
        say(format!(
            "             ! {} ({}; {})",
            plain(&flag["label"]),
            plain(&flag["status"]),
            plain(&flag["source"]["title"])
        ));
    }
}

fn print_answer(consultation: &Value) {
    let answer = &consultation["assessment"];
    if answer.is_null() {
        say(format!(
            "  later      still {}; ask again",
            plain(&consultation["status"])
        ));
        return;
    }
    say(format!(
        "  later      {}  {}",
        plain(&answer["urgency"]),
        plain(&answer["summary"])
    ));
    for (title, field) in [
        ("causes", "possible_causes"),
        ("actions", "recommended_actions"),
        ("questions", "questions"),
    ] {
        for (index, item) in answer[field].as_array().into_iter().flatten().enumerate() {
            say(format!(
                "  {:<10} - {}",
                if index == 0 { title } else { "" },
                plain(item)
            ));
        }
    }
    let by = &answer["served_by"];
    let model = by["model"]
        .as_str()
        .map(|model| format!(" ({model})"))
        .unwrap_or_default();
    let degraded = answer["degraded_reason"]
        .as_str()
        .map(|reason| format!(", degraded: {reason}"))
        .unwrap_or_default();
    say(format!(
        "  served by  {}{model}{degraded}",
        plain(&by["tier"])
    ));
}

fn plain(value: &Value) -> &str {
    value.as_str().unwrap_or("–")
}
