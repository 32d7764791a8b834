//! Good answers in odd forms: each is read as what it plainly is, whole and live.

use serde_json::{Value, json};
use wenzhen::ai::Completion;

use super::{ScriptedChain, complete, faults, hello, request_of, served_by};

/// Scripts whose text is the usual one.
const ODD_SCRIPTS: [&str; 11] = [
    "text-label",
    "json-label",
    "no-label",
    "lines",
    "noisy-lines",
    "array",
    "noisy-array",
    "dense",
    "named",
    "noise",
    "messages",
];

#[tokio::test]
async fn a_stream_is_read_whatever_its_label_and_its_framing() {
    for script in ODD_SCRIPTS {
        let played = ScriptedChain::new(&[script, "good"]).await;
        let outcome = played.ask().await;
        assert_eq!(served_by(&outcome), "t0", "{script}");
        assert_eq!(played.counts(), [1, 0], "{script}");

        let model = format!("{}-2026", played.models[0]);
        let answer = outcome.answer.unwrap().content;
        assert_eq!(answer.model(), Some(model.as_str()), "{script}");
    }
}

#[tokio::test]
async fn such_a_stream_is_passed_on_as_it_comes() {
    for script in ODD_SCRIPTS {
        let played = ScriptedChain::new(&[script]).await;
        let chunks = live_chunks(&played).await;
        let text = text_of(&chunks);
        assert!(
            text.ends_with("from the first word to the last."),
            "{script}: {text}"
        );
    }
}

#[tokio::test]
async fn halves_of_a_character_are_brought_together() {
    let played = ScriptedChain::new(&["split-pair", "good"]).await;
    let outcome = complete(played.chain(), &request_of(&hello())).await;
    assert_eq!(faults(&outcome), [""; 0]);

    let answer = outcome.answer.unwrap();
    let text = answer.content.text().unwrap().into_owned();
    assert!(text.starts_with("\u{1f600}The scripted answer"), "{text}");
    let chunks = live_chunks(&ScriptedChain::new(&["split-pair"]).await).await;
    assert_eq!(text_of(&chunks).chars().next(), Some('\u{1f600}'));
}

/// The text is whole, and the reference keeps its place.
#[tokio::test]
async fn content_in_parts_is_not_shortened() {
    let played = ScriptedChain::new(&["parts", "good"]).await;
    let outcome = played.ask().await;
    assert_eq!(served_by(&outcome), "t0");

    let body = outcome.answer.unwrap().content.body();
    let parts = body["choices"][0]["message"]["content"].as_array().unwrap();
    let kinds: Vec<_> = parts.iter().map(|part| &part["type"]).collect();
    assert_eq!(kinds, ["text", "reference", "text"]);
}

#[tokio::test]
async fn two_calls_with_one_index_stay_two() {
    let expected = json!([
        { "id": "a", "type": "function",
          "function": { "name": "weather", "arguments": "{\"city\":\"Wuhan\"}" } },
        { "id": "b", "type": "function", "function": { "name": "time", "arguments": "{}" } },
    ]);
    let played = ScriptedChain::new(&["one-index", "good"]).await;
    let outcome = complete(played.chain(), &request_of(&hello())).await;
    assert_eq!(calls_of(&outcome.answer.unwrap().content), expected);

    // A client that joins the chunks by their indexes gets the same.
    let chunks = live_chunks(&ScriptedChain::new(&["one-index"]).await).await;
    assert_eq!(joined_by_index(&chunks), expected);
}

/// Only a stream that goes on and ends well may have a gap, and only where no other tier will be
/// asked.
#[tokio::test]
async fn a_live_stream_goes_on_behind_an_unreadable_chunk() {
    let played = ScriptedChain::new(&["malformed"]).await;
    let chat = hello();
    let outcome = played.chain().start_stream(&request_of(&chat)).await;

    let mut live = outcome.answer.unwrap().content;
    live.tolerate_gaps();
    let mut chunks = Vec::new();
    while let Some(chunk) = live.next_chunk().await.unwrap() {
        chunks.push(chunk);
    }
    assert_eq!(live.gaps(), 1);
    assert!(text_of(&chunks).ends_with(" to the last."), "{chunks:?}");
}

async fn live_chunks(played: &ScriptedChain) -> Vec<Value> {
    let chat = hello();
    let outcome = played.chain().start_stream(&request_of(&chat)).await;
    let mut live = outcome.answer.unwrap().content;

    let mut chunks = Vec::new();
    while let Some(chunk) = live.next_chunk().await.unwrap() {
        chunks.push(chunk);
    }
    chunks
}

fn text_of(chunks: &[Value]) -> String {
    let texts = chunks
        .iter()
        .filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str());
    texts.collect()
}

fn calls_of(completion: &Completion) -> Value {
    completion.body()["choices"][0]["message"]["tool_calls"].clone()
}

/// Joins fragments as `OpenAI`'s own clients do: by their index, text by text.
fn joined_by_index(chunks: &[Value]) -> Value {
    let mut calls: Vec<Value> = Vec::new();
    let fragments = chunks
        .iter()
        .filter_map(|chunk| chunk["choices"][0]["delta"]["tool_calls"].as_array());

    for fragment in fragments.flatten() {
        let index = usize::try_from(fragment["index"].as_u64().unwrap()).unwrap();
        if calls.len() <= index {
            calls.push(json!({ "function": { "name": "", "arguments": "" } }));
        }
        let call = &mut calls[index];
        for pointer in ["/function/name", "/function/arguments"] {
            let more = fragment.pointer(pointer).and_then(Value::as_str);
            let known = call.pointer(pointer).and_then(Value::as_str).unwrap();
            let joined = format!("{known}{}", more.unwrap_or_default());
            *call.pointer_mut(pointer).unwrap() = json!(joined);
        }
        for field in ["id", "type"] {
            if let Some(value) = fragment.get(field) {
                call[field] = value.clone();
            }
        }
    }
    json!(calls)
}
