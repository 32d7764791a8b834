//! Forms that could be read in several ways or in none, and what the model is told of them.

use serde_json::{Value, json};

use super::{expected, good, outcome, read_message, read_text, with, without};

/// A text from which nothing is read.
struct Refused {
    text: String,
    reason: &'static str,
}

fn refused(text: impl Into<String>, reason: &'static str) -> Refused {
    let text = text.into();
    Refused { text, reason }
}

fn check_refusals(cases: &[Refused]) {
    for case in cases {
        let said = outcome(read_text(&case.text)).expect_err(&case.text);
        let reason = format!("{}: ", case.reason);
        assert!(said.starts_with(&reason), "{}: {said}", case.text);
    }
}

#[test]
fn what_is_no_answer_is_refused() {
    let answer = good("urgent");
    check_refusals(&[
        refused("", "no JSON object"),
        refused("I am sorry, I cannot help with that.", "no JSON object"),
        refused("{\"answer\": \"I cannot help.\"}", "no JSON object"),
        refused(format!("<think>{answer}"), "no JSON object"),
        refused(format!("<think>{answer}</think>Done."), "no JSON object"),
        refused(format!("{answer}</think>"), "no JSON object"),
        refused(
            json!({ "a": answer, "b": answer }).to_string(),
            "no JSON object",
        ),
    ]);
}

#[test]
fn an_answer_is_repeated_a_few_times_at_most() {
    let answer = format!("{} ", good("urgent"));
    assert!(read_text(&answer.repeat(16)).is_ok());
    check_refusals(&[refused(answer.repeat(17), "too many JSON objects")]);
}

/// Each of these would take long if what stands before or behind an object were read for each one.
#[test]
fn hostile_texts_are_read_to_their_end() {
    const LEN: usize = 1 << 17;
    let prefixes = ["", " ", "~~~ ", "\u{feff}", "words "];
    let pieces = [
        "{\"urgency\":1}",
        "{\"a\":1} ",
        "{a:1}[",
        "{ {a ",
        "{a ",
        "<think></think>{\"urgency\":1}",
        "<think>",
        "</",
        "{\"a\":[1,]}```",
    ];

    for prefix in prefixes {
        for piece in pieces {
            let text = prefix.repeat(LEN / prefix.len().max(1)) + &piece.repeat(LEN / piece.len());
            assert!(read_text(&text).is_err(), "{prefix:?} {piece:?}");
        }
    }
}

#[test]
fn answers_that_differ_are_no_answer() {
    let (one, other) = (good("urgent"), good("routine"));
    let reason = "several JSON objects";
    check_refusals(&[
        refused(format!("Draft: {one} Final: {other}"), reason),
        refused(json!([one, other]).to_string(), reason),
        refused(format!("{{\"urgency\": \"emergency\"}} {one}"), reason),
    ]);

    let function = json!({ "name": "a", "arguments": other.to_string() });
    let call = json!([{ "id": "a", "type": "function", "function": function }]);
    let message = json!({ "content": one.to_string(), "tool_calls": call });
    let said = outcome(read_message(&message)).unwrap_err();
    assert!(said.starts_with(reason), "{said}");
}

#[test]
fn what_is_cut_off_or_broken_is_not_completed() {
    let answer = good("urgent").to_string();
    let cut = |end: usize| answer.get(..end).unwrap();
    let cut_off = "JSON that is cut off";
    let broken = "JSON that is broken";

    check_refusals(&[
        refused(cut(answer.len() - 1), cut_off),
        refused(cut(20), cut_off),
        refused(format!("```json\n{}", cut(40)), cut_off),
        refused(format!("[{answer}"), cut_off),
        refused(format!("{{\"assessment\": {answer}"), cut_off),
        refused(format!("{} {answer}", cut(40)), broken),
        refused(answer.replace("may be", "may \"be\""), broken),
        refused(answer.replace("\"urgent\"", "urgent"), broken),
        refused(answer.replace('}', "]"), broken),
        refused("{\"a\":".repeat(100_000), "JSON that is nested too deeply"),
    ]);
}

#[test]
fn an_urgency_that_is_not_known_is_not_replaced() {
    let values = [
        json!("soon"),
        json!("not urgent"),
        json!("不紧急"),
        json!("无需急诊"),
        json!(""),
        json!(3),
        json!(true),
        json!([]),
        json!(["routine", "soon"]),
        json!({ "level": "urgent" }),
    ];
    for value in values {
        check_refusals(&[refused(with("urgency", value), "an unknown urgency")]);
    }

    let twice = good("urgent").to_string();
    let twice = twice.replacen('{', "{\"Urgency\":\"soon\",", 1);
    check_refusals(&[
        refused(with("urgency", Value::Null), "no urgency"),
        refused(without("urgency"), "no urgency"),
        refused(twice, "an unknown urgency"),
    ]);
}

#[test]
fn fields_without_their_content_are_refused() {
    let answer = good("urgent").to_string();
    let no_action = "no recommended action";
    let no_list = "a field that is no list of texts";
    let denied = json!([{ "sign": "chest pain", "present": false }]);

    check_refusals(&[
        refused(with("summary", json!("")), "no summary"),
        refused(with("summary", json!("\u{200b}\u{feff}")), "no summary"),
        refused(with("summary", Value::Null), "no summary"),
        refused(without("summary"), "no summary"),
        refused(with("summary", json!(1)), "a field that is no text"),
        refused(with("recommended_actions", json!([])), no_action),
        refused(with("recommended_actions", json!([" ", "无"])), no_action),
        refused(with("recommended_actions", Value::Null), no_action),
        refused(without("recommended_actions"), no_action),
        refused(with("red_flags", json!(false)), no_list),
        refused(with("red_flags", json!([true])), no_list),
        refused(with("red_flags", denied), no_list),
        refused(with("possible_causes", json!({ "flu": 1 })), no_list),
        refused(with("questions", json!([1])), no_list),
        refused(
            answer.replacen('{', "{\"Summary\":\"Another.\",", 1),
            "a field that stands there twice",
        ),
    ]);
}

/// What a model goes on to think about is a draft, and so is each of two.
#[test]
fn a_draft_among_the_thoughts_is_no_answer() {
    let (one, other) = (good("urgent"), good("routine"));
    let thoughts = [
        format!("{other} But the pain is new."),
        format!("{one} or rather {other}"),
        format!("<think>{one}"),
        "It is nothing.".to_owned(),
    ];
    for thoughts in thoughts {
        let message = json!({ "content": null, "reasoning_content": thoughts });
        assert!(outcome(read_message(&message)).is_err(), "{message}");
    }

    let message = json!({ "content": "Sorry.", "reasoning_content": one.to_string() });
    let said = outcome(read_message(&message)).unwrap_err();
    assert!(
        said.starts_with("no JSON object"),
        "what it says comes first"
    );
}

/// It is asked once more only.
#[test]
fn the_model_is_told_all_that_is_wrong() {
    let text = json!({ "summary": " ", "urgency": "soon", "red_flags": 1 }).to_string();
    let said = outcome(read_text(&text)).unwrap_err();

    for wrong in [
        "urgency is \"soon\": it must be self_care, routine, urgent or emergency.",
        "red_flags must be a list of texts.",
        "summary is missing or empty",
        "recommended_actions is missing or empty",
    ] {
        assert!(said.contains(wrong), "{said}");
    }

    let broken = expected().summary.replace("may", "\"may\"");
    let broken = good("urgent")
        .to_string()
        .replace(&expected().summary, &broken);
    let said = outcome(read_text(&broken)).unwrap_err();
    assert!(
        said.contains("cannot be read from here on: may\" be"),
        "{said}"
    );
}
