use super::*;

fn merged(chunks: &[Value]) -> Completion {
    let mut completion = Completion::expecting(1);
    let mut chunks = chunks.to_vec();
    assert!(chunks.iter_mut().all(|chunk| completion.add_chunk(chunk)));
    completion
}

fn chunk_of(delta: &Value) -> Value {
    let choice = json!({ "index": 0, "delta": delta, "finish_reason": null });
    json!({ "id": "c", "model": "m", "choices": [choice] })
}

fn end_of(index: u64, reason: &Value) -> Value {
    let choice = json!({ "index": index, "delta": {}, "finish_reason": reason });
    json!({ "id": "c", "model": "m", "choices": [choice] })
}

fn end(reason: &str) -> Value {
    end_of(0, &json!(reason))
}

#[test]
fn texts_are_joined_and_the_usage_is_kept() {
    let completion = merged(&[
        chunk_of(&json!({ "role": "assistant", "content": "" })),
        chunk_of(&json!({ "content": "发" })),
        chunk_of(&json!({ "content": "热", "reasoning": "r" })),
        end("stop"),
        json!({ "choices": [], "usage": { "total_tokens": 7 } }),
    ]);
    assert_eq!(completion.text(), Some("发热".into()));
    assert!(completion.is_finished() && completion.has_usage());

    let body = completion.body();
    let message = json!({ "role": "assistant", "content": "发热", "reasoning": "r" });
    assert_eq!(body["choices"][0]["message"], message);
    assert_eq!(body["object"], json!("chat.completion"));
    assert_eq!(body["usage"]["total_tokens"], json!(7));
}

#[test]
fn the_arguments_of_a_tool_call_are_joined_by_its_number() {
    let call = |index: u64, id: Value, arguments: &str| {
        let name = if id.is_null() {
            Value::Null
        } else {
            json!("f")
        };
        let function = json!({ "name": name, "arguments": arguments });
        let call = json!({
            "index": index, "id": id, "type": "function", "function": function,
        });
        chunk_of(&json!({ "tool_calls": [call] }))
    };
    let completion = merged(&[
        call(0, json!("a"), "{\"x\""),
        call(1, json!("b"), "{}"),
        call(0, Value::Null, ":1}"),
        end("tool_calls"),
    ]);

    let body = completion.body();
    let calls = &body["choices"][0]["message"]["tool_calls"];
    let function = json!({ "name": "f", "arguments": "{\"x\":1}" });
    let first = json!({ "id": "a", "type": "function", "function": function });
    assert_eq!(calls[0], first);
    assert_eq!(calls[1]["function"]["arguments"], "{}");
}

#[test]
fn an_end_must_be_named_and_be_one() {
    let ended = |reason: Value| {
        let mut completion = Completion::expecting(1);
        completion.add_chunk(&mut end_of(0, &reason));
        completion
    };
    let reasons = [
        "stop",
        "length",
        "tool_calls",
        "content_filter",
        "eos_token",
    ];
    for reason in reasons {
        let completion = ended(json!(reason));
        assert!(completion.is_finished(), "{reason}");
        assert!(!completion.is_interrupted(), "{reason}");
    }

    let interrupted = ended(json!("insufficient_system_resource"));
    assert!(interrupted.is_finished() && interrupted.is_interrupted());

    for none in [Value::Null, json!(""), json!("null")] {
        let completion = ended(none.clone());
        assert!(!completion.is_finished(), "{none}");
        assert!(!completion.is_interrupted(), "{none}");
    }
}

#[test]
fn what_each_chunk_repeats_is_not_joined() {
    let results = json!({ "hate": { "severity": "safe" } });
    let choice = json!({
        "index": 0, "delta": { "content": "a" }, "content_filter_results": results,
    });
    let chunk = json!({ "choices": [choice] });

    let body = merged(&[chunk.clone(), chunk]).body();
    let choice = &body["choices"][0];
    assert_eq!(choice["content_filter_results"], results);
    assert_eq!(choice["message"]["content"], "aa");
}

#[test]
fn every_choice_must_have_ended() {
    let mut completion = Completion::expecting(2);
    completion.add_chunk(&mut end("stop"));
    assert!(!completion.is_finished());

    completion.add_chunk(&mut end_of(1, &json!("length")));
    assert!(completion.is_finished());
}

#[test]
fn a_complete_answer_and_its_chunks_say_the_same() {
    let function = json!({ "name": "f", "arguments": "{}" });
    let call = json!({ "id": "a", "type": "function", "function": function });
    let message = json!({ "role": "assistant", "content": null, "tool_calls": [call] });
    let choice = json!({
        "index": 0, "finish_reason": "tool_calls", "logprobs": null, "message": message,
    });
    let body = json!({
        "id": "c", "object": "chat.completion", "model": "m",
        "usage": { "total_tokens": 3 }, "choices": [choice],
    });

    let completion = Completion::from_body(body.clone()).unwrap();
    assert_eq!(completion.body(), body);
    assert_eq!(merged(&completion.chunks()).body(), body);
}

#[test]
fn what_is_no_completion_is_none() {
    let bodies = [
        json!([]),
        json!({}),
        json!({ "choices": [] }),
        json!({ "choices": [{}] }),
        json!({ "choices": [1] }),
    ];
    for body in bodies {
        assert!(Completion::from_body(body.clone()).is_none(), "{body}");
    }

    assert!(!Completion::default().add_chunk(&mut json!("text")));
    assert!(!Completion::default().add_chunk(&mut json!({ "hello": 1 })));
}

#[test]
fn a_text_in_parts_is_one_text_in_chunks_and_in_the_body() {
    let part = |text: &str| json!({ "content": [{ "type": "text", "text": text }] });
    let mut chunks = [
        chunk_of(&json!({ "role": "assistant", "content": "" })),
        chunk_of(&part("Rest")),
        chunk_of(&part(" well.")),
        end("stop"),
    ];
    let mut completion = Completion::expecting(1);
    assert!(chunks.iter_mut().all(|chunk| completion.add_chunk(chunk)));
    assert_eq!(completion.text(), Some("Rest well.".into()));
    assert_eq!(chunks[2]["choices"][0]["delta"]["content"], " well.");

    let message = json!({ "content": [{ "type": "text", "text": "Rest." }] });
    let body = json!({ "choices": [{ "message": message }] });
    let body = Completion::from_body(body).unwrap().body();
    assert_eq!(body["choices"][0]["message"]["content"], "Rest.");
}

/// In the place of all deltas, or once more after them.
#[test]
fn a_message_in_a_chunk_is_a_delta_unless_it_repeats() {
    let whole = |reason: &str| {
        let message = json!({ "role": "assistant", "content": "Rest." });
        json!({ "choices": [{ "index": 0, "message": message, "finish_reason": reason }] })
    };
    let alone = merged(&[whole("stop")]);
    assert_eq!(alone.text(), Some("Rest.".into()));
    assert!(alone.is_finished());

    let repeated = merged(&[chunk_of(&json!({ "content": "Rest." })), whole("stop")]);
    assert_eq!(repeated.text(), Some("Rest.".into()));
    assert!(repeated.is_finished());
}

#[test]
fn arguments_are_texts_however_they_came() {
    let function = json!({ "name": "f", "arguments": { "x": 1 } });
    let calls = json!([{ "id": "a", "type": "function", "function": function }]);
    let forms = [
        json!({ "role": "assistant", "tool_calls": calls }),
        json!({ "role": "assistant", "function_call": function }),
    ];

    for message in forms {
        let body = json!({ "choices": [{ "message": message }] });
        let whole = Completion::from_body(body).unwrap();
        let streamed = merged(&[chunk_of(&message), end("tool_calls")]);
        for completion in [whole, streamed] {
            let arguments: Vec<_> = completion.tool_arguments().collect();
            assert_eq!(arguments, ["{\"x\":1}"], "{message}");
        }
    }
}
