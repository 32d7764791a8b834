//! Forms of which one reading is left.

use serde_json::{Value, json};

use super::{expected, good, outcome, read_message, read_text, with, without};
use crate::agent::answer::text::MAX_ITEMS;
use crate::agent::answer::{ModelAnswer, Repair};
use crate::triage::Urgency;

/// A text from which the good answer is read.
struct Form {
    text: String,
    repairs: &'static [Repair],
}

fn form(text: impl Into<String>, repairs: &'static [Repair]) -> Form {
    let text = text.into();
    Form { text, repairs }
}

fn check_forms(forms: &[Form]) {
    for form in forms {
        let (answer, repairs) = outcome(read_text(&form.text)).expect(&form.text);
        assert_eq!(answer, expected(), "{}", form.text);
        assert_eq!(repairs, form.repairs, "{}", form.text);
    }
}

#[test]
fn an_answer_is_found_among_thoughts() {
    let (answer, draft) = (good("urgent"), good("routine"));

    check_forms(&[
        form(
            format!("<think>Hm: {draft}</think>\n{answer}"),
            &[Repair::Thoughts],
        ),
        form(
            format!("<think>\n\n</think>\n\n{answer}"),
            &[Repair::Thoughts],
        ),
        form(
            format!("<THINKING>{draft}</Thinking>{answer}"),
            &[Repair::Thoughts],
        ),
        form(
            format!("<reasoning>{draft}</reasoning>{answer}"),
            &[Repair::Thoughts],
        ),
        form(
            format!("{answer}<think>{draft}</think>"),
            &[Repair::Thoughts],
        ),
        form(format!("{answer}<think>{draft}"), &[Repair::Thoughts]),
        form(
            format!("Hm: {draft}\n</think>{answer}"),
            &[Repair::Thoughts],
        ),
        form(
            format!("<think>a {draft} </think> b {draft} </think>{answer}"),
            &[Repair::Thoughts],
        ),
        form(
            format!("[THINK]{draft}[/THINK]{answer}"),
            &[Repair::Thoughts],
        ),
        form(
            format!(
                "<|channel|>analysis<|message|>{draft}<|end|><|start|>assistant<|channel|>final \
                 <|constrain|>json<|message|>{answer}<|return|>"
            ),
            &[Repair::Thoughts, Repair::Prose],
        ),
        form(
            format!("<think>{draft}</think>\n```JSON\n{answer}\n```"),
            &[Repair::Thoughts, Repair::Fence],
        ),
    ]);
}

#[test]
fn an_answer_is_found_in_fences_and_prose() {
    let answer = good("urgent");

    check_forms(&[
        form(format!("```json\n{answer}\n```"), &[Repair::Fence]),
        form(format!("```\n{answer}\n```"), &[Repair::Fence]),
        form(format!("```JSON\n{answer}\n```\n"), &[Repair::Fence]),
        form(format!("~~~json5\n{answer}\n~~~"), &[Repair::Fence]),
        form(format!("```json {answer}"), &[Repair::Fence]),
        form(format!("Here it is:\n{answer}"), &[Repair::Prose]),
        form(
            format!("{answer}\nGet well soon {{really}}!"),
            &[Repair::Prose],
        ),
        form(
            format!("Here it is:\n```json\n{answer}\n```\nGet well soon!"),
            &[Repair::Fence, Repair::Prose],
        ),
        form(format!("{{\"plan\": [1]}} {answer}"), &[Repair::Prose]),
        form(format!("{{{answer}}}"), &[Repair::Prose]),
        form(format!("\u{feff}{answer}"), &[Repair::Invisible]),
        form(format!("\u{200b}\n{answer}\u{200b}"), &[Repair::Invisible]),
        form(
            format!("{answer}\n{answer}"),
            &[Repair::Prose, Repair::Repeated],
        ),
    ]);
}

#[test]
fn an_answer_is_unwrapped() {
    let answer = good("urgent");
    let encoded = Value::String(answer.to_string());

    check_forms(&[
        form(
            json!({ "assessment": answer }).to_string(),
            &[Repair::Wrapped],
        ),
        form(
            json!({ "model": "m", "answer": [answer] }).to_string(),
            &[Repair::Wrapped],
        ),
        form(
            json!({ "a": { "b": answer } }).to_string(),
            &[Repair::Wrapped],
        ),
        form(json!([answer]).to_string(), &[Repair::Wrapped]),
        form(
            format!("```json\n[{answer},]\n```"),
            &[Repair::Fence, Repair::Wrapped],
        ),
        form(
            format!("<tool_call>{{\"name\": \"x\", \"arguments\": {answer}}}</tool_call>"),
            &[Repair::Prose, Repair::Wrapped],
        ),
        form(encoded.to_string(), &[Repair::Encoded]),
    ]);
}

#[test]
fn slips_of_syntax_are_forgiven() {
    let answer = good("urgent").to_string();
    let pretty = serde_json::to_string_pretty(&good("urgent")).unwrap();
    let repr = answer.replace('"', "'");

    check_forms(&[
        form(answer.replace("?\"]}", "?\",],}"), &[Repair::TrailingComma]),
        form(repr, &[Repair::LooseSyntax]),
        form(
            pretty.replace("\"summary\"", "summary"),
            &[Repair::LooseSyntax],
        ),
        form(
            pretty.replace("\"urgent\",", "\"urgent\", // today"),
            &[Repair::LooseSyntax],
        ),
        form(answer.replace("\":", "\"："), &[Repair::LooseSyntax]),
        form(answer.replace("red_", "red\\_"), &[Repair::LooseSyntax]),
    ]);

    let torn = answer.replace("be a cold", "be\na\tcold");
    let (answer, repairs) = outcome(read_text(&torn)).unwrap();
    assert_eq!(answer.summary, "It may be\na cold.");
    assert_eq!(repairs, [Repair::RawControl]);
}

#[test]
fn fields_are_found_by_other_names() {
    let answer = good("urgent").to_string();
    let chinese = answer
        .replace("summary", "摘要")
        .replace("possible_causes", "可能原因")
        .replace("urgency", "紧急程度")
        .replace("red_flags", "危险信号")
        .replace("recommended_actions", "建议")
        .replace("questions", "问题");

    check_forms(&[
        form(answer.replace("summary", "Summary"), &[Repair::KeyName]),
        form(
            answer.replace("possible_causes", "possibleCauses"),
            &[Repair::KeyName],
        ),
        form(answer.replace("red_flags", "Red-Flags"), &[Repair::KeyName]),
        form(chinese, &[Repair::KeyName]),
        form(
            answer.replacen('{', "{\"confidence\": {\"high\": 1},", 1),
            &[],
        ),
        form(
            answer.replacen('{', "{\"summary\": \"It may be a cold.\",", 1),
            &[Repair::RepeatedKey],
        ),
    ]);
}

/// One field, in another form.
struct FieldForm {
    text: String,
    read: fn(&ModelAnswer) -> String,
    is: &'static str,
    repairs: &'static [Repair],
}

fn causes(answer: &ModelAnswer) -> String {
    answer.possible_causes.join("|")
}

fn actions(answer: &ModelAnswer) -> String {
    answer.recommended_actions.join("|")
}

fn flags(answer: &ModelAnswer) -> String {
    answer.red_flags.join("|")
}

fn questions(answer: &ModelAnswer) -> String {
    answer.questions.join("|")
}

fn summary(answer: &ModelAnswer) -> String {
    answer.summary.clone()
}

fn field_form(
    text: String,
    read: fn(&ModelAnswer) -> String,
    is: &'static str,
    repairs: &'static [Repair],
) -> FieldForm {
    FieldForm {
        text,
        read,
        is,
        repairs,
    }
}

fn field_forms() -> Vec<FieldForm> {
    let causes_of = |value: Value| with("possible_causes", value);
    let flags_of = |value: Value| with("red_flags", value);
    let actions_of = |value: Value| with("recommended_actions", value);
    let likely = json!([{ "cause": "flu", "likelihood": "high", "rank": 1 }, "a cold"]);

    vec![
        field_form(causes_of(Value::Null), causes, "", &[Repair::MissingList]),
        field_form(
            without("possible_causes"),
            causes,
            "",
            &[Repair::MissingList],
        ),
        field_form(without("red_flags"), flags, "", &[Repair::MissingList]),
        field_form(without("questions"), questions, "", &[Repair::MissingList]),
        field_form(
            causes_of(json!("flu")),
            causes,
            "flu",
            &[Repair::SingleText],
        ),
        field_form(
            actions_of(json!("- rest\n- drink")),
            actions,
            "rest|drink",
            &[Repair::SingleText],
        ),
        field_form(
            actions_of(json!("休息；喝水")),
            actions,
            "休息；喝水",
            &[Repair::SingleText],
        ),
        field_form(
            flags_of(json!("无")),
            flags,
            "",
            &[Repair::SingleText, Repair::DroppedItem],
        ),
        field_form(flags_of(json!(["None"])), flags, "", &[Repair::DroppedItem]),
        field_form(
            causes_of(json!(["a", " ", "a"])),
            causes,
            "a",
            &[Repair::DroppedItem],
        ),
        field_form(
            causes_of(json!([null, "a"])),
            causes,
            "a",
            &[Repair::DroppedItem],
        ),
        field_form(
            causes_of(likely),
            causes,
            "flu – high|a cold",
            &[Repair::ObjectItem],
        ),
        field_form(
            with("summary", json!(["a", "b"])),
            summary,
            "a\nb",
            &[Repair::JoinedText],
        ),
        field_form(with("summary", json!(" a\u{feff} ")), summary, "a", &[]),
    ]
}

#[test]
fn lists_and_texts_are_read_in_other_forms() {
    for form in field_forms() {
        let (answer, repairs) = outcome(read_text(&form.text)).expect(&form.text);
        assert_eq!((form.read)(&answer), form.is, "{}", form.text);
        assert_eq!(repairs, form.repairs, "{}", form.text);
    }
}

#[test]
fn what_is_too_much_is_clamped() {
    let many: Vec<_> = (0..=MAX_ITEMS)
        .map(|number| format!("{number} h"))
        .collect();
    let (answer, repairs) = outcome(read_text(&with("questions", json!(many)))).unwrap();
    assert_eq!(answer.questions, many[..MAX_ITEMS]);
    assert_eq!(repairs, [Repair::ClampedList]);

    let long = "一句话。".repeat(1_001);
    let (answer, repairs) = outcome(read_text(&with("summary", json!(long)))).unwrap();
    assert!(answer.summary.ends_with("一句话。…"), "{}", answer.summary);
    assert!(answer.summary.chars().count() <= 4_000);
    assert_eq!(repairs, [Repair::ClampedText]);
}

struct UrgencyForm {
    value: Value,
    urgency: Urgency,
}

#[test]
fn an_urgency_is_never_read_lower_than_it_stands() {
    let form = |value, urgency| UrgencyForm { value, urgency };
    let forms = [
        form(json!("URGENT"), Urgency::Urgent),
        form(json!("Self-Care"), Urgency::SelfCare),
        form(json!("紧急"), Urgency::Emergency),
        form(json!("尽快就医"), Urgency::Urgent),
        form(json!("urgent/emergency"), Urgency::Emergency),
        form(json!(["routine", "urgent"]), Urgency::Urgent),
    ];

    for form in forms {
        let text = with("urgency", form.value);
        let (answer, repairs) = outcome(read_text(&text)).expect(&text);
        assert_eq!(answer.urgency, form.urgency, "{text}");
        assert_eq!(repairs, [Repair::UrgencyName], "{text}");
    }
}

/// Also when one of the two keys has another name, in either order.
#[test]
fn of_two_urgencies_the_higher_one_counts() {
    let answer = good("routine").to_string();
    let second = "\"urgency\":\"routine\",\"Urgency\":\"emergency\"";
    let texts = [
        answer.replacen('{', "{\"urgency\":\"emergency\",", 1),
        answer.replace("\"urgency\":\"routine\"", second),
        answer.replacen('{', "{\"紧急程度\":\"急诊\",", 1),
    ];

    for text in texts {
        let (answer, repairs) = outcome(read_text(&text)).expect(&text);
        assert_eq!(answer.urgency, Urgency::Emergency, "{text}");
        assert!(repairs.contains(&Repair::RepeatedKey), "{text}");
    }
}

#[test]
fn an_answer_may_stand_in_other_places_of_the_message() {
    let answer = good("urgent").to_string();
    let (first, second) = answer.split_at(20);
    let call = |arguments: &str| {
        let function = json!({ "name": "assessment", "arguments": arguments });
        json!([{ "id": "a", "type": "function", "function": function }])
    };
    let parts = json!([
        { "type": "text", "text": first },
        { "type": "reference", "reference_ids": [1] },
        { "type": "text", "text": second },
    ]);
    let thoughts = format!("Let me think. It is this:\n```json\n{answer}\n```\n");

    let places = [
        (
            json!({ "content": parts }),
            [Repair::ContentParts].as_slice(),
        ),
        (
            json!({ "content": null, "tool_calls": call(&answer) }),
            &[Repair::ToolArguments],
        ),
        (
            json!({ "content": "I note it.", "tool_calls": call(&answer) }),
            &[Repair::ToolArguments],
        ),
        (
            json!({ "content": answer, "tool_calls": call("{\"city\": \"Wuhan\"}") }),
            &[],
        ),
        (
            json!({ "content": null, "reasoning_content": answer }),
            &[Repair::Reasoning],
        ),
        (
            json!({ "content": "\n\n", "reasoning": answer }),
            &[Repair::Reasoning],
        ),
        (
            json!({ "content": "", "reasoning_content": thoughts }),
            &[Repair::Reasoning, Repair::Fence, Repair::Prose],
        ),
        (
            json!({ "content": answer, "reasoning_content": good("routine").to_string() }),
            &[],
        ),
    ];
    for (message, repairs) in places {
        let read = outcome(read_message(&message));
        assert_eq!(read, Ok((expected(), repairs.to_vec())), "{message}");
    }
}
