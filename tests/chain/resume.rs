//! A stream that breaks midway and is continued by another tier.

use serde_json::{Value, json};
use wenzhen::ai::{Fault, ResumedItem, ResumedStream, Seam};

use super::{ScriptedChain, chat_of, hello, request_of};

/// What the tiers `continues`, `repeats` and `overlaps` add.
const CONTINUATION: &str = " and so it went on, from the first word to the last.";

/// A resumed answer as its client sees it.
#[derive(Default)]
struct Received {
    chunks: Vec<Value>,
    seams: Vec<Seam>,
    fault: Option<Fault>,
}

impl Received {
    fn text(&self) -> String {
        let texts = self
            .chunks
            .iter()
            .filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str());
        texts.collect()
    }

    fn usage(&self) -> &Value {
        let mut usages = self.chunks.iter().rev().map(|chunk| &chunk["usage"]);
        usages.find(|usage| usage.is_object()).unwrap()
    }

    fn last_with_choice(&self) -> &Value {
        let mut chunks = self.chunks.iter().rev();
        chunks
            .find(|chunk| chunk["choices"][0].is_object())
            .unwrap()
    }
}

async fn receive(played: &ScriptedChain) -> Received {
    receive_request(played, &hello()).await
}

async fn receive_request(played: &ScriptedChain, chat: &wenzhen::ai::ChatRequest) -> Received {
    let request = request_of(chat);
    let outcome = played.chain().start_stream(&request).await;
    let live = outcome.answer.unwrap().content;
    let mut resumed = ResumedStream::new(live, &outcome.failures);

    let mut received = Received::default();
    loop {
        match resumed.next_item(played.chain(), &request).await {
            Ok(Some(ResumedItem::Chunk(chunk))) => received.chunks.push(chunk),
            Ok(Some(ResumedItem::Seam(seam))) => received.seams.push(seam),
            Ok(None) => return received,
            Err(fault) => {
                received.fault = Some(fault);
                return received;
            }
        }
    }
}

async fn played(scripts: &[&str]) -> ScriptedChain {
    // Long enough for a healthy tier on a machine under load.
    let settings = json!({ "idle_timeout": 1 });
    ScriptedChain::with_settings(scripts, &settings).await
}

/// Whole words of the first tier, the rest of the second one's, nothing twice.
#[tokio::test]
async fn a_broken_stream_is_continued_where_it_stopped() {
    let faults = [
        "cut",
        "stall",
        "pings",
        "error-midway",
        "malformed",
        "empty-reason",
    ];
    for fault in faults {
        for form in ["continues", "repeats", "overlaps"] {
            let played = played(&[fault, form]).await;
            let received = receive(&played).await;
            let case = format!("{fault}, {form}");
            assert!(received.fault.is_none(), "{case}: {:?}", received.fault);
            assert_eq!(played.counts()[1], 1, "{case}");

            let text = received.text();
            let [seam] = &received.seams[..] else {
                panic!("{case}: {:?}", received.seams)
            };
            let (before, after) = text.split_at(seam.offset);
            assert_eq!(after, CONTINUATION, "{case}: {before}");
            let whole = format!(
                "The scripted answer of {}, from the first word to the last.",
                played.models[0]
            );
            let rest = whole.strip_prefix(before).unwrap();
            assert!(
                !before.is_empty() && rest.starts_with([' ', ',']),
                "{case}: {before}"
            );
        }
    }
}

#[tokio::test]
async fn the_seam_is_declared_and_the_answer_keeps_its_id() {
    let played = played(&["cut", "continues"]).await;
    let received = receive(&played).await;

    let [seam] = &received.seams[..] else {
        panic!("{:?}", received.seams)
    };
    assert_eq!((seam.from.as_str(), seam.to.as_str()), ("t0", "t1"));
    assert_eq!(seam.fault, "cut");
    let last = received.last_with_choice();
    assert_eq!(last["seams"], json!([seam]));
    assert_eq!(last["choices"][0]["finish_reason"], "stop");

    let ids: Vec<_> = received.chunks.iter().map(|chunk| &chunk["id"]).collect();
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    assert_eq!(last["model"], format!("{}-2026", played.models[1]));
}

/// The part that broke is estimated by its text.
#[tokio::test]
async fn the_usage_is_that_of_both_parts() {
    let played = played(&["cut", "continues"]).await;
    let received = receive(&played).await;

    let usage = received.usage();
    let [prompt, completion, total] = ["prompt_tokens", "completion_tokens", "total_tokens"]
        .map(|name| usage[name].as_u64().unwrap());
    assert!(completion > 22, "{usage}: more than the last part's");
    assert!(prompt >= 11, "{usage}");
    assert_eq!(total, prompt + completion);
}

#[tokio::test]
async fn a_tier_is_asked_to_go_on_in_the_way_it_declares() {
    for prefill in [Value::Null, json!("message"), json!("prefix")] {
        let settings = |_| json!({ "prefill": prefill });
        let played = ScriptedChain::with(&["cut", "continues"], settings, None).await;
        let received = receive(&played).await;
        assert!(received.fault.is_none(), "{prefill}");

        let sent = &played.attempts(1)[0].body["messages"];
        let roles: Vec<_> = sent.as_array().unwrap().iter().collect();
        let roles: Vec<_> = roles.iter().map(|message| &message["role"]).collect();
        let given: String = received
            .text()
            .chars()
            .take(received.seams[0].offset)
            .collect();
        assert_eq!(sent[1]["content"], given, "{prefill}");
        if prefill.is_null() {
            assert_eq!(roles, ["user", "assistant", "user"]);
        } else {
            assert_eq!(roles, ["user", "assistant"]);
        }
    }
}

/// Whatever the tier declares.
#[tokio::test]
async fn a_tier_that_refuses_a_prefill_is_instructed() {
    let settings = |_| json!({ "prefill": "message" });
    let played = ScriptedChain::with(&["cut", "no-prefill"], settings, None).await;
    let received = receive(&played).await;
    assert!(received.fault.is_none(), "{:?}", received.fault);
    assert_eq!(played.counts(), [1, 2]);
}

#[tokio::test]
async fn half_of_a_tool_call_is_never_given() {
    let played = played(&["tool-cut", "one-index"]).await;
    let received = receive(&played).await;
    assert!(received.fault.is_none());

    assert!(
        received.text().ends_with("to the last."),
        "{}",
        received.text()
    );
    let calls = received.chunks.iter();
    let calls = calls.filter_map(|chunk| chunk["choices"][0]["delta"]["tool_calls"].as_array());
    let arguments: String = calls
        .flatten()
        .filter_map(|call| call["function"]["arguments"].as_str())
        .collect();
    // Those of the second tier, and of the first one nothing.
    assert_eq!(arguments, "{\"city\":\"Wuhan\"}{}");
}

/// A tier that goes on may break too.
#[tokio::test]
async fn a_continuation_that_breaks_is_continued() {
    let played = played(&["cut", "continues-cut", "continues"]).await;
    let received = receive(&played).await;
    assert!(received.fault.is_none());

    let pairs = received.seams.iter();
    let pairs: Vec<_> = pairs
        .map(|seam| (seam.from.as_str(), seam.to.as_str()))
        .collect();
    assert_eq!(pairs, [("t0", "t1"), ("t1", "t2")]);
    assert!(received.text().ends_with(CONTINUATION));
}

#[tokio::test]
async fn a_single_tier_may_continue_itself_once() {
    let played = played(&["cut"]).await;
    let received = receive(&played).await;
    assert_eq!(received.fault.unwrap().to_string(), "cut");
    assert_eq!(played.counts(), [2]);
}

#[tokio::test]
async fn without_a_tier_that_goes_on_the_fault_is_the_end() {
    let played = played(&["cut", "503"]).await;
    let received = receive(&played).await;
    assert!(received.fault.is_some());
    assert!(!received.text().is_empty());
}

/// The client asked for its refusal, and no tier goes on in its place.
#[tokio::test]
async fn a_content_filter_midway_is_the_end_if_asked_to() {
    let played = played(&["inspected-midway", "continues"]).await;
    let chat = hello();
    let request = request_of(&chat).stop_at_content_filter();
    let outcome = played.chain().start_stream(&request).await;
    let live = outcome.answer.unwrap().content;
    let mut resumed = ResumedStream::new(live, &outcome.failures);

    let fault = loop {
        match resumed.next_item(played.chain(), &request).await {
            Ok(Some(_)) => {}
            Ok(None) => panic!("presented as complete"),
            Err(fault) => break fault,
        }
    };
    assert_eq!(fault.to_string(), "content_filter");
    assert_eq!(played.counts(), [1, 0]);

    let received = receive(&played).await;
    assert!(received.fault.is_none(), "others are continued");
    assert_eq!(received.seams[0].fault, "content_filter");
}

/// Text alone can be continued.
#[test]
fn what_cannot_be_joined_waits_until_it_is_whole() {
    let is_resumable = |field: &str, value: Value| {
        let messages = json!([{ "role": "user", "content": "hello" }]);
        let mut body = json!({ "messages": messages });
        body[field] = value;
        chat_of(body).is_resumable()
    };
    assert!(is_resumable("temperature", json!(0)));
    assert!(is_resumable("response_format", json!({ "type": "text" })));
    assert!(is_resumable("logprobs", json!(false)));
    assert!(!is_resumable(
        "response_format",
        json!({ "type": "json_object" })
    ));
    assert!(!is_resumable("n", json!(2)));
    assert!(!is_resumable("logprobs", json!(true)));
}
