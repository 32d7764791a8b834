//! What the models say.

use serde_json::{Value, json};

use crate::wire::Request;

/// The message that a script answers.
pub(crate) fn message_of(script: &str, model: &str, request: &Request) -> Value {
    if script == "tool" {
        return tool_call_message(request);
    }

    let prompt = request.body["messages"].to_string();
    let is_assessment = prompt.contains("recommended_actions");
    let text = match script {
        "prose" => "I am sorry, but I cannot answer with JSON.".to_owned(),
        "filtered" | "blank" => String::new(),
        "echo" => request.body.to_string(),
        "fenced" => format!("```json\n{}\n```", assessment("routine")),
        "self_care" | "urgent" | "emergency" => assessment(script).to_string(),
        _ if is_assessment => assessment("routine").to_string(),
        _ => format!("The scripted answer of {model}, from the first word to the last."),
    };
    json!({ "role": "assistant", "content": text, "refusal": null })
}

fn tool_call_message(request: &Request) -> Value {
    let name = &request.body["tools"][0]["function"]["name"];
    let function = json!({ "name": name, "arguments": "{\"city\": \"Wuhan\"}" });
    let call = json!({ "id": "call_1", "type": "function", "function": function });
    json!({ "role": "assistant", "content": null, "tool_calls": [call] })
}

/// A chunk of a stream, or, with another `object`, a body.
pub(crate) fn chunk_of(model: &str, choices: &Value) -> Value {
    // As providers do, it names the version that answered.
    let model = format!("{model}-2026");
    json!({
        "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1_790_000_000,
        "model": model, "choices": choices,
    })
}

/// The message in pieces: the role, then a few words at a time.
pub(crate) fn deltas_of(message: &Value) -> Vec<Value> {
    if let Some(calls) = message["tool_calls"].as_array() {
        return deltas_of_call(calls[0].clone());
    }

    let text = message["content"].as_str().unwrap_or_default();
    let text: Vec<char> = text.chars().collect();
    let size = text.len().div_ceil(8).max(1);

    let mut deltas = vec![json!({ "role": "assistant", "content": "" })];
    for piece in text.chunks(size) {
        let content: String = piece.iter().collect();
        deltas.push(json!({ "content": content }));
    }
    deltas
}

fn deltas_of_call(mut call: Value) -> Vec<Value> {
    call["index"] = json!(0);
    let arguments = call["function"]["arguments"].take();
    call["function"]["arguments"] = json!("");

    let rest = json!({ "index": 0, "function": { "arguments": arguments } });
    vec![
        json!({ "role": "assistant", "content": null, "tool_calls": [call] }),
        json!({ "tool_calls": [rest] }),
    ]
}

pub(crate) fn usage() -> Value {
    json!({ "prompt_tokens": 11, "completion_tokens": 22, "total_tokens": 33 })
}

fn assessment(urgency: &str) -> Value {
    json!({
        "summary": "The scripted summary.",
        "possible_causes": ["a cause"],
        "urgency": urgency,
        "red_flags": [],
        "recommended_actions": ["rest and drink"],
        "questions": ["Since when?"],
    })
}
