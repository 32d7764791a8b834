//! What the models say.

use serde_json::{Value, json};

use crate::wire::Request;
use crate::{agents, forms};

/// The message that a script answers.
pub(crate) fn message_of(script: &str, model: &str, request: &Request) -> Value {
    if script == "tool" {
        return tool_call_message(request);
    }

    if let Some(text) = continuation_of(script, request) {
        return json!({ "role": "assistant", "content": text, "refusal": null });
    }
    if let Some(message) = agents::message_of(script, request) {
        return message;
    }
    if let Some(message) = forms::message_of(script, request) {
        return message;
    }

    let is_assessment = request.is_assessment();
    let text = match script {
        "prose" => "I am sorry, but I cannot answer with JSON.".to_owned(),
        "filtered" | "blank" => String::new(),
        "echo" => request.body.to_string(),
        "fenced" => format!("```json\n{}\n```", assessment("routine")),
        "self_care" | "urgent" | "emergency" => assessment_for(request, script).to_string(),
        "paced" if is_assessment => ordered_assessment().to_string(),
        _ if is_assessment => assessment_for(request, "routine").to_string(),
        _ => format!("The scripted answer of {model}, from the first word to the last."),
    };
    json!({ "role": "assistant", "content": text, "refusal": null })
}

/// What a script that is asked to continue an assistant's text answers.
fn continuation_of(script: &str, request: &Request) -> Option<String> {
    let messages = request.body["messages"].as_array()?;
    let is_answer = |message: &&Value| message["role"] == "assistant";
    let begun = messages.iter().rev().find(is_answer)?["content"].as_str()?;

    let words: Vec<_> = begun.split_inclusive(' ').collect();
    let last_words = words.get(words.len().saturating_sub(3)..)?.concat();
    let rest = "and so it went on, from the first word to the last.";
    match script {
        "continues" | "continues-cut" => Some(format!(" {rest}")),
        "repeats" => Some(format!("{begun} {rest}")),
        "overlaps" => Some(format!("{last_words} {rest}")),
        _ => None,
    }
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
        let numbered = calls.iter().enumerate();
        let calls = numbered.flat_map(|(index, call)| deltas_of_call(index, call.clone()));
        let thoughts = message["reasoning_content"].as_str();
        let thoughts = thoughts.map(|text| json!({ "reasoning_content": text }));
        return thoughts.into_iter().chain(calls).collect();
    }

    let mut deltas = vec![json!({ "role": "assistant", "content": "" })];
    for field in ["reasoning_content", "content"] {
        let length = message[field].as_str().unwrap_or_default().chars().count();
        let size = length.div_ceil(8).max(1);
        let pieces = pieces_of(&message[field], size).into_iter();
        deltas.extend(pieces.map(|piece| json!({ field: piece })));
    }
    deltas
}

/// The text of a message in pieces of this many characters, the role first.
pub(crate) fn text_deltas(message: &Value, size: usize) -> Vec<Value> {
    let mut deltas = vec![json!({ "role": "assistant", "content": "" })];
    let pieces = pieces_of(&message["content"], size).into_iter();
    deltas.extend(pieces.map(|piece| json!({ "content": piece })));
    deltas
}

/// A call with its arguments in pieces of this many characters.
pub(crate) fn call_deltas(call: &Value, size: usize) -> Vec<Value> {
    let [begin, rest] = &deltas_of_call(0, call.clone())[..] else {
        return Vec::new();
    };
    let arguments = &rest["tool_calls"][0]["function"]["arguments"];
    let pieces = pieces_of(arguments, size).into_iter().map(|piece| {
        let function = json!({ "arguments": piece });
        json!({ "tool_calls": [{ "index": 0, "function": function }] })
    });
    [begin.clone()].into_iter().chain(pieces).collect()
}

/// A text in pieces of this many characters; a list of parts one by one.
fn pieces_of(value: &Value, size: usize) -> Vec<Value> {
    if let Some(parts) = value.as_array() {
        return parts.iter().map(|part| json!([part])).collect();
    }

    let text = value.as_str().unwrap_or_default();
    let text: Vec<char> = text.chars().collect();
    let pieces = text.chunks(size).map(String::from_iter);
    pieces.map(Value::String).collect()
}

fn deltas_of_call(index: usize, mut call: Value) -> [Value; 2] {
    call["index"] = json!(index);
    let arguments = call["function"]["arguments"].take();
    call["function"]["arguments"] = json!("");

    let rest = json!({ "index": index, "function": { "arguments": arguments } });
    [
        json!({ "role": "assistant", "content": null, "tool_calls": [call] }),
        json!({ "tool_calls": [rest] }),
    ]
}

pub(crate) fn usage() -> Value {
    json!({ "prompt_tokens": 11, "completion_tokens": 22, "total_tokens": 33 })
}

/// A good assessment as models write it that keep to the order of the fields.
pub(crate) fn ordered_assessment() -> Value {
    json!({
        "urgency": "urgent",
        "summary": "First sentence [p1]. Second sentence. Third sentence. Fourth sentence. Fifth \
                    sentence. Sixth sentence. Seventh sentence. The last sentence.",
        "possible_causes": ["a cause"],
        "red_flags": [],
        "recommended_actions": ["rest and drink"],
        "questions": ["Since when?"],
    })
}

/// A good assessment with this urgency, in the language that the request asks for.
fn assessment_for(request: &Request, urgency: &str) -> Value {
    if request.is_in_chinese() {
        chinese_assessment(urgency)
    } else {
        assessment(urgency)
    }
}

/// A good assessment in Chinese with this urgency, as fit for an emergency as for a cough.
pub(crate) fn chinese_assessment(urgency: &str) -> Value {
    json!({
        "summary": "您说的情况已经记下，需要由医生当面判断。",
        "possible_causes": ["原因有多种，检查后才能确定"],
        "urgency": urgency,
        "red_flags": [],
        "recommended_actions": ["记下不舒服从何时开始、怎样变化", "就诊时带上正在用的药"],
        "questions": ["是从什么时候开始的？"],
    })
}

/// A good assessment with this urgency.
pub(crate) fn assessment(urgency: &str) -> Value {
    json!({
        "summary": "The scripted summary.",
        "possible_causes": ["a cause"],
        "urgency": urgency,
        "red_flags": [],
        "recommended_actions": ["rest and drink"],
        "questions": ["Since when?"],
    })
}
