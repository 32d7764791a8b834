//! A model whose answer is not accepted is told why, and answers once more.

use std::time::Duration;

use serde_json::json;
use wenzhen::ai::{ChainRequest, ChatRequest, Completion, InvalidAnswer};
use wenzhen::deadline::Deadline;

use super::{ScriptedChain, faults, request_of};

const FEEDBACK: &str = "There is no JSON object.";

/// A request whose answer has to be JSON, as an assessment's has to.
fn structured() -> ChatRequest {
    let instructions = "Answer with JSON that has recommended_actions.";
    ChatRequest::structured(instructions, "{}", "assessment", &json!({}))
}

fn check_json(completion: &Completion) -> Result<(), InvalidAnswer> {
    let text = completion.text().unwrap_or_default();
    if text.starts_with('{') {
        Ok(())
    } else {
        Err(InvalidAnswer::mendable("not JSON", FEEDBACK.to_owned()))
    }
}

/// What came of a request: the tier that answered, and the faults.
struct Outcome {
    tier: Option<String>,
    faults: Vec<String>,
}

async fn ask(played: &ScriptedChain, request: &ChainRequest<'_>) -> Outcome {
    let outcome = played.chain().complete(request, check_json).await;
    Outcome {
        faults: faults(&outcome),
        tier: outcome.answer.map(|answer| answer.tier),
    }
}

#[tokio::test]
async fn a_model_that_is_told_why_answers_once_more() {
    let played = ScriptedChain::new(&["unreadable-once", "good"]).await;
    let chat = structured();
    let outcome = ask(&played, &request_of(&chat).with_repair_turn()).await;
    assert_eq!(outcome.tier.as_deref(), Some("t0"));
    assert_eq!(played.counts(), [2, 0]);

    let attempts = played.attempts(0);
    let first = attempts[0].body["messages"].as_array().unwrap();
    let second = attempts[1].body["messages"].as_array().unwrap();
    assert_eq!(second[..2], first[..]);
    assert_eq!(second[2]["role"], "assistant");
    assert_eq!(second[3]["role"], "user");
    let instruction = second[3]["content"].as_str().unwrap();
    assert!(instruction.contains(FEEDBACK), "{instruction}");
}

/// One repair turn on each tier, then the next one; no circuit counts it.
#[tokio::test]
async fn a_model_that_cannot_do_better_is_left_to_the_next() {
    let played = ScriptedChain::new(&["prose", "good"]).await;
    let chat = structured();
    let outcome = ask(&played, &request_of(&chat).with_repair_turn()).await;
    assert_eq!(outcome.tier.as_deref(), Some("t1"));
    assert_eq!(outcome.faults, ["t0 invalid: not JSON"]);
    assert_eq!(played.counts(), [2, 1]);
    assert_eq!(played.consecutive_faults("t0"), 0);
}

/// A turn that does not fit into the time is not begun, and does not mask the answer before.
#[tokio::test]
async fn a_repair_turn_without_time_is_not_begun() {
    let played = ScriptedChain::new(&["late-prose-700"]).await;
    let chat = structured();
    let deadline = Deadline::after(Duration::from_millis(1_300));
    let request = ChainRequest::new(&chat, deadline).with_repair_turn();
    let outcome = ask(&played, &request).await;
    assert_eq!(outcome.faults, ["t0 invalid: not JSON"]);
    assert_eq!(played.counts(), [1]);
}

/// The tier answered: a fault of the second call says less.
#[tokio::test]
async fn a_repair_turn_that_fails_masks_no_answer() {
    let played = ScriptedChain::new(&["prose-then-400", "good"]).await;
    let chat = structured();
    let outcome = ask(&played, &request_of(&chat).with_repair_turn()).await;
    assert_eq!(outcome.tier.as_deref(), Some("t1"));
    assert_eq!(outcome.faults, ["t0 invalid: not JSON"]);
    assert_eq!(played.counts(), [2, 1]);
}

#[tokio::test]
async fn without_a_repair_turn_the_next_tier_is_asked() {
    let played = ScriptedChain::new(&["prose", "good"]).await;
    let chat = structured();
    let outcome = ask(&played, &request_of(&chat)).await;
    assert_eq!(outcome.tier.as_deref(), Some("t1"));
    assert_eq!(played.counts(), [1, 1]);
}
