//! An assessment in the forms in which local and odd models give it.

use serde_json::{Value, json};

use crate::messages::assessment;
use crate::wire::Request;

/// The message of a script that gives a form; `None` for any other script.
pub(crate) fn message_of(script: &str, request: &Request) -> Option<Value> {
    let message = match script {
        "tool-answer" => tool_message(),
        "reasoning-only" => {
            let thoughts = assessment("urgent").to_string();
            json!({ "role": "assistant", "content": null, "reasoning_content": thoughts })
        }
        "content-parts" => json!({ "role": "assistant", "content": parts() }),
        _ => json!({ "role": "assistant", "content": text_of(script, request)? }),
    };
    Some(message)
}

/// How a form's answer ends.
pub(crate) fn reason_of(script: &str) -> Option<&'static str> {
    match script {
        "eos" => Some("eos"),
        "stop-sequence" => Some("stop_sequence"),
        _ => None,
    }
}

fn text_of(script: &str, request: &Request) -> Option<String> {
    let answer = assessment("urgent");
    let draft = assessment("self_care");

    let text = match script {
        "think" => format!("<think>Perhaps {draft}? No.</think>\n\n{answer}"),
        "think-unopened" => format!("Perhaps {draft}? No.\n</think>\n\n{answer}"),
        "caps-fence" => format!("Here it is:\n```JSON\n{answer}\n```\nGet well soon!"),
        "wrapped" => json!({ "assessment": [answer] }).to_string(),
        "trailing-comma" => answer.to_string().replace("\"]", "\",]"),
        "raw-newline" => answer.to_string().replace("scripted ", "scripted\n"),
        "bom" => format!("\u{feff}{answer}"),
        "chinese-urgency" => with(&[("urgency", json!("尽快就医"))]),
        "caps-urgency" => with(&[("urgency", json!("URGENT"))]),
        "null-lists" => with(&[("possible_causes", Value::Null), ("questions", Value::Null)]),
        "single-texts" => with(&[("recommended_actions", json!("rest and drink"))]),
        "cites" => with(&[
            ("summary", json!("It may be a cold [p1].")),
            (
                "recommended_actions",
                json!(["Rest [p1, p77]", "Drink [3]"]),
            ),
        ]),
        "many-items" => with(&[("questions", many_questions())]),
        "long-summary" => with(&[("summary", json!("A sentence. ".repeat(400)))]),
        "two-answers" => format!("{draft}\n{answer}"),
        "unknown-urgency" => with(&[("urgency", json!("not urgent"))]),
        "unreadable-once" if !is_asked_again(request) => "I think that you should rest.".to_owned(),
        "unreadable-once" | "eos" | "stop-sequence" => answer.to_string(),
        _ => return None,
    };
    Some(text)
}

/// The assessment with other values of some fields.
fn with(fields: &[(&str, Value)]) -> String {
    let mut answer = assessment("urgent");
    for (name, value) in fields {
        answer[*name] = value.clone();
    }
    answer.to_string()
}

fn many_questions() -> Value {
    let questions = (1..=13).map(|number| json!(format!("Question {number}?")));
    questions.collect()
}

/// The text in two parts, and a reference between them.
fn parts() -> Value {
    let text = assessment("urgent").to_string();
    let (first, second) = text.split_at(text.len() / 2);
    json!([
        { "type": "text", "text": first },
        { "type": "reference", "reference_ids": [1] },
        { "type": "text", "text": second },
    ])
}

fn tool_message() -> Value {
    let arguments = assessment("urgent").to_string();
    let function = json!({ "name": "assessment", "arguments": arguments });
    let call = json!({ "id": "call_1", "type": "function", "function": function });
    json!({ "role": "assistant", "content": null, "tool_calls": [call] })
}

/// Whether the request has more than the instructions and the question.
fn is_asked_again(request: &Request) -> bool {
    let messages = request.body["messages"].as_array();
    messages.is_some_and(|messages| messages.len() > 2)
}
