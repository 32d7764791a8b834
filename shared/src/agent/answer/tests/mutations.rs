//! Answers that are changed at random: nothing panics, and no urgency is read lower than it was
//! written.

use serde_json::json;

use super::{Urgency, good, outcome, read_message, read_text};
use crate::agent::answer::ModelAnswer;
use crate::agent::answer::shape::{MAX_ITEM_CHARS, MAX_SUMMARY_CHARS};
use crate::agent::answer::text::MAX_ITEMS;

const URGENCIES: [Urgency; 4] = [
    Urgency::SelfCare,
    Urgency::Routine,
    Urgency::Urgent,
    Urgency::Emergency,
];

/// A change that alters the form of an answer and not what it says. `draft` is another answer,
/// which the model discarded.
type Dress = fn(answer: String, draft: &str) -> String;

const DRESSES: [Dress; 20] = [
    |answer, draft| format!("<think>I first thought {draft}</think>{answer}"),
    |answer, draft| format!("{answer}\n<think>Not {draft}</think>"),
    |answer, draft| format!("{draft}</think>{answer}"),
    |answer, draft| format!("[THINK]{draft}[/THINK]{answer}"),
    |answer, _| format!("```json\n{answer}\n```"),
    |answer, _| format!("~~~JSON\n{answer}\n~~~"),
    |answer, _| format!("Here is [1] the {{answer}}:\n{answer}"),
    |answer, _| format!("{answer}\nI hope that it's of help."),
    |answer, _| format!("\u{feff}{answer}\u{200b}"),
    |answer, _| format!("{answer}\n{answer}"),
    |answer, _| format!("[{answer}]"),
    |answer, _| format!("{{\"assessment\": {answer}}}"),
    |answer, _| answer.replace("\"]", "\",]"),
    |answer, _| answer.replace(" may ", "\nmay\t"),
    |answer, _| answer.replace("urgency", "紧急程度"),
    |answer, _| answer.replace("possible_causes", "possibleCauses"),
    |answer, _| answer.replace("\"red_flags\":[],", ""),
    |answer, _| answer.replace("[\"rest\"]", "\"rest\""),
    |answer, _| answer.replace('"', "'"),
    |answer, _| {
        answer
            .replace("\":", "\"：")
            .replace("self_care", "Self-Care")
    },
];

fn check_bounds(answer: &ModelAnswer) {
    let lists = [
        &answer.possible_causes,
        &answer.red_flags,
        &answer.recommended_actions,
        &answer.questions,
    ];
    for list in lists {
        assert!(list.len() <= MAX_ITEMS);
        assert!(
            list.iter()
                .all(|item| item.chars().count() <= MAX_ITEM_CHARS)
        );
    }
    assert!(answer.summary.chars().count() <= MAX_SUMMARY_CHARS);
    assert!(!answer.summary.is_empty() && !answer.recommended_actions.is_empty());
}

#[test]
fn what_changes_the_form_alone_lowers_no_urgency() {
    let mut random = fastrand::Rng::with_seed(12);
    let mut read_count = 0;

    for round in 0..2_000 {
        let urgency = *random.choice(URGENCIES.iter()).unwrap();
        let draft = random.choice(URGENCIES.iter()).unwrap();
        let draft = good(draft.as_str()).to_string();

        let mut text = good(urgency.as_str()).to_string();
        for _ in 0..random.usize(0..4) {
            let dress = random.choice(DRESSES).unwrap();
            text = dress(text, &draft);
        }

        let Ok((answer, _)) = outcome(read_text(&text)) else {
            continue;
        };
        read_count += 1;
        check_bounds(&answer);
        assert_eq!(answer.urgency, urgency, "round {round}: {text}");
    }
    assert!(read_count > 1_500, "most forms are read: {read_count}");
}

#[test]
fn a_cut_answer_lowers_no_urgency() {
    let draft = good("self_care");
    let answer = good("urgent");
    let text = format!("<think>Perhaps {draft}</think>\n```json\n{answer}\n```\n再见");

    for (start, _) in text.char_indices() {
        for message in [
            json!({ "content": &text[start..] }),
            json!({ "content": &text[..start] }),
        ] {
            if let Ok((answer, _)) = outcome(read_message(&message)) {
                assert_eq!(answer.urgency, Urgency::Urgent, "{message}");
            }
        }
    }
}

/// Pieces that mean something to one of the readers.
const PIECES: [&str; 27] = [
    "{",
    "}",
    "[",
    "]",
    "\"",
    "'",
    ",",
    ":",
    "\\",
    "\\u",
    "\\ud83d",
    "/*",
    "//",
    "```",
    "<think>",
    "</think>",
    "<think></think>",
    "{}</think><think>",
    "{/*",
    "<",
    "\u{0}",
    "\n",
    "\u{feff}",
    "：",
    "null",
    "\"urgency\":\"urgent\"",
    "😀",
];

#[test]
fn no_text_makes_a_reader_panic() {
    let mut random = fastrand::Rng::with_seed(2_026);

    for _ in 0..4_000 {
        let mut text: Vec<char> = good("routine").to_string().chars().collect();
        for _ in 0..random.usize(1..6) {
            let place = random.usize(0..=text.len());
            let end = (place + random.usize(0..8)).min(text.len());
            let piece = random.choice(PIECES).unwrap();
            let count = random.usize(0..3);
            text.splice(place..end, piece.repeat(count).chars());
        }

        let text: String = text.into_iter().collect();
        let function = json!({ "name": "a", "arguments": text });
        let call = json!([{ "id": "a", "type": "function", "function": function }]);
        let messages = [
            json!({ "content": text }),
            json!({ "content": null, "reasoning_content": text }),
            json!({ "content": null, "tool_calls": call }),
        ];
        for message in messages {
            if let Ok((answer, _)) = outcome(read_message(&message)) {
                check_bounds(&answer);
            }
        }
    }
}

/// Neither the stack nor the time grows beyond bounds: each reader passes once over a text.
#[test]
fn long_texts_of_one_piece_are_refused() {
    for piece in PIECES {
        for prefix in ["", "{", "{\"a\":", "{a:", "<think>", "{\"summary\":\""] {
            let text = format!("{prefix}{}", piece.repeat(30_000));
            assert!(outcome(read_text(&text)).is_err(), "{prefix}{piece}…");
        }
    }

    let items = format!("[{}\"z\"]", "\"a\",".repeat(30_000));
    let text = good("urgent").to_string().replace("[\"rest\"]", &items);
    let (answer, _) = outcome(read_text(&text)).unwrap();
    assert_eq!(answer.recommended_actions, ["a", "z"]);
}
