//! Which forms of an answer are read, what is read from them, and which are refused.

mod doubts;
mod forms;
mod mutations;
mod refusals;

use serde_json::{Value, json};

use super::{ModelAnswer, ReadAnswer, Repair, read_completion};
use crate::ai::{Completion, InvalidAnswer};
use crate::triage::Urgency;

/// A good answer with this urgency.
fn good(urgency: &str) -> Value {
    json!({
        "summary": "It may be a cold.",
        "possible_causes": ["a cold"],
        "urgency": urgency,
        "red_flags": [],
        "recommended_actions": ["rest"],
        "questions": ["Since when?"],
    })
}

/// What is read from the good answer.
fn expected() -> ModelAnswer {
    serde_json::from_value(good("urgent")).unwrap()
}

/// The good answer with one field of another value.
fn with(field: &str, value: Value) -> String {
    let mut answer = good("urgent");
    answer[field] = value;
    answer.to_string()
}

/// The good answer without one of its fields.
fn without(field: &str) -> String {
    let mut answer = good("urgent");
    answer.as_object_mut().unwrap().remove(field);
    answer.to_string()
}

/// A completion with this message, which ended in this way.
fn completion(message: &Value, reason: &Value) -> Completion {
    let choice = json!({ "index": 0, "message": message, "finish_reason": reason });
    Completion::from_body(json!({ "model": "m", "choices": [choice] })).unwrap()
}

fn read_message(message: &Value) -> Result<ReadAnswer, InvalidAnswer> {
    read_completion(&completion(message, &json!("stop")))
}

fn read_text(text: &str) -> Result<ReadAnswer, InvalidAnswer> {
    read_message(&json!({ "content": text }))
}

/// What is read, and by which repairs; the reason, if nothing is.
fn outcome(read: Result<ReadAnswer, InvalidAnswer>) -> Result<(ModelAnswer, Vec<Repair>), String> {
    match read {
        Ok(read) => Ok((read.answer, read.repairs.into_iter().collect())),
        Err(invalid) => {
            let feedback = invalid.feedback.unwrap_or_default();
            Err(format!("{}: {feedback}", invalid.reason))
        }
    }
}

#[test]
fn a_good_answer_needs_no_repair() {
    let read = outcome(read_text(&good("urgent").to_string()));
    assert_eq!(read, Ok((expected(), Vec::new())));
}

#[test]
fn any_end_but_an_interruption_ends_an_answer() {
    let read = |reason: Value| {
        let message = json!({ "content": good("urgent").to_string() });
        outcome(read_completion(&completion(&message, &reason))).map(|(answer, _)| answer)
    };

    let ends = [
        "stop",
        "STOP",
        "eos",
        "eos_token",
        "stop_sequence",
        "end_turn",
        "tool_calls",
        "function_call",
        "from_the_future",
    ];
    for reason in ends {
        assert_eq!(read(json!(reason)), Ok(expected()), "{reason}");
    }
    assert_eq!(read(Value::Null), Ok(expected()));

    let interruptions = [
        "length",
        "max_tokens",
        "MAX_TOKENS",
        "model_length",
        "content_filter",
        "SAFETY",
        "sensitive",
        "refusal",
    ];
    for reason in interruptions {
        let refused = read(json!(reason)).unwrap_err();
        assert!(refused.starts_with("stopped early"), "{reason}: {refused}");
    }
}
