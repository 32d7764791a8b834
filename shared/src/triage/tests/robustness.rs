//! Spelling, width, case, script; and texts that are no texts.

use std::borrow::Cow;

use super::super::Urgency::{Emergency, Routine, Urgent};
use super::super::{Complaint, RedFlag, Triage, advice, assess, disclaimer};
use super::{Case, assess_text, case, check_cases};
use crate::locale::Locale;

const CASES: &[Case] = &[
    case(
        "example en",
        "crushing chest pain radiating to my left arm, sweating",
        Emergency,
        &["cardiac_chest_pain"],
    ),
    case(
        "example zh",
        "胸痛，放射到左臂，出冷汗",
        Emergency,
        &["cardiac_chest_pain"],
    ),
    case(
        "rash",
        "an itchy rash on my elbow for a week",
        Routine,
        &["!"],
    ),
    case("头痛三天", "头痛三天", Routine, &["!"]),
    case(
        "upper case",
        "CHEST PAIN AND SWEATING",
        Emergency,
        &["cardiac_chest_pain"],
    ),
    case(
        "full width",
        "ｃｈｅｓｔ　ｐａｉｎ",
        Urgent,
        &["chest_pain"],
    ),
    case("spaces", "chest    pain", Urgent, &["chest_pain"]),
    case("traditional", "頭暈，呼吸困難", Urgent, &["breathlessness"]),
    case(
        "traditional vomiting",
        "嘔血",
        Emergency,
        &["vomiting_blood"],
    ),
    case("spaced Han", "胸 痛", Urgent, &["chest_pain"]),
    case("stroked", "I stroked the cat", Routine, &["!"]),
    case(
        "heat stroke",
        "heat stroke",
        Emergency,
        &["heat_stroke", "!stroke_signs"],
    ),
    case(
        "a stroke",
        "I think I'm having a stroke",
        Emergency,
        &["stroke_signs"],
    ),
    case("side by side", "挺胸抬头痛快", Routine, &["!"]),
    case("empty", "", Routine, &["!"]),
];

#[test]
fn spelling_does_not_matter() {
    check_cases(CASES);
}

/// A linear congruential generator: enough chaos, and the same on each run.
pub(super) fn next_noise(seed: &mut u64) -> usize {
    *seed = seed
        .wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(1_442_695_040_888_963_407);

    usize::try_from(*seed >> 40).unwrap_or(0)
}

/// Up to 39 pieces in a row.
fn garbage_text(seed: &mut u64) -> String {
    let length = next_noise(seed) % 40;

    (0..length)
        .filter_map(|_| PIECES.get(next_noise(seed) % PIECES.len()).copied())
        .collect()
}

/// What the generated texts are made of: words that the rules look for, and characters that break
/// scanners.
const PIECES: &[&str] = &[
    "no ",
    "not ",
    "没有",
    "不",
    "chest ",
    "pain",
    "胸",
    "痛",
    "，",
    ",",
    "、",
    "or ",
    "?",
    "39",
    "度",
    ".5",
    "℃",
    "月",
    "两",
    "个",
    "\u{200b}",
    "\u{301}",
    "😀",
    "\0",
    "\n",
    "'",
    "’s",
    "-",
    "(",
    "：",
    "ﬁ",
    "İ",
    "ß",
    "\u{10ffff}",
    "99999999999",
    "十十十",
    "半",
    "in 2010",
    "ago",
    "my ",
    "father ",
    "史",
    "有没有",
    "but ",
    "可能",
    "頭",
    "breathe ",
    "can't ",
    "呼吸",
];

#[test]
fn garbage_does_not_panic() {
    let mut seed = 7;

    for _ in 0..3_000 {
        let text = garbage_text(&mut seed);
        let age = u8::try_from(next_noise(&mut seed) % 120).ok();

        let found = assess(&Complaint {
            symptoms: &text,
            history: Some(&text),
            age,
            sex: None,
        });

        let most = found.red_flags.iter().map(|flag| flag.urgency).max();
        assert!(most.is_none_or(|most| most == found.urgency), "{text:?}");
    }
}

/// Texts that say no more when they are repeated.
const REPEATED_PIECES: &[&str] = &[
    "胸",
    "胸痛",
    "没有胸痛、",
    "no chest pain, ",
    "pain ",
    "突然头痛",
    "a ",
    ",a",
    "39度",
    "my chest ",
    "不",
    "两个月",
    "今天早上起床后胸口有点痛，没有发烧，昨晚没睡好。",
    "I woke up with a tight chest, no fever, and did not sleep well. ",
];

#[test]
fn long_texts_are_read_to_their_end() {
    for piece in REPEATED_PIECES {
        let long_text: String = piece.repeat(16_000).chars().take(16_000).collect();
        let short_text = piece.repeat(3);

        assert_eq!(flag_codes(&long_text), flag_codes(&short_text), "{piece:?}");
    }
}

fn flag_codes(text: &str) -> Vec<Cow<'static, str>> {
    let flags = assess_text(text).red_flags.into_iter();
    flags.map(|flag| flag.code).collect()
}

#[test]
fn debug_hides_the_texts() {
    let complaint = Complaint {
        symptoms: "秘密 secret",
        history: Some("secret"),
        age: Some(3),
        sex: None,
    };

    let shown = format!("{complaint:?}");
    assert!(
        !shown.contains("secret") && !shown.contains("秘密"),
        "{shown}"
    );
}

#[test]
fn serialised_forms_are_stable() {
    let json = serde_json::to_value(assess_text("胸痛")).unwrap_or_default();
    let at = |path| json.pointer(path).and_then(serde_json::Value::as_str);

    assert_eq!(at("/urgency"), Some("urgent"));
    assert_eq!(at("/red_flags/0/code"), Some("chest_pain"));
    assert_eq!(at("/red_flags/0/status"), Some("present"));

    let old: Triage = serde_json::from_str(r#"{"urgency":"self_care","red_flags":[]}"#)
        .expect("old records load");
    assert_eq!(old.rules_version, 0);
}

#[test]
fn unknown_codes_have_no_label() {
    let json = r#"{"code":"gone","urgency":"urgent","status":"uncertain"}"#;
    let flag: RedFlag = serde_json::from_str(json).expect("flags load");

    assert_eq!(flag.label(Locale::En), None);
    assert_eq!(flag.source(), None);
}

#[test]
fn emergency_advice_names_the_number() {
    assert!(advice(Emergency, Locale::Zh).contains("120"));
    assert!(
        advice(Emergency, Locale::En)
            .contains("your local emergency number (120, 112, 911 or 999)")
    );
    assert!(disclaimer(Locale::En).contains("not a diagnosis"));
}
