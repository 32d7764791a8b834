//! Misspelt words are read as those of the lexicon, and only raise.

use super::super::Urgency::{Emergency, Routine, Urgent};
use super::super::assess;
use super::{Case, assess_text, case, check_cases, symptoms_alone};

const CASES: &[Case] = &[
    case("swapped letters", "chset pain", Urgent, &["chest_pain"]),
    case("short swap", "chest pian", Urgent, &["chest_pain"]),
    case(
        "missing letter",
        "a siezure just now",
        Emergency,
        &["seizure"],
    ),
    case(
        "beginning of a word",
        "chest pain and sweeting",
        Emergency,
        &["cardiac_chest_pain"],
    ),
    case(
        "two in a long word",
        "he is uncoscius",
        Emergency,
        &["unresponsive"],
    ),
    case("denied", "no chset pain", Routine, &["!"]),
    case(
        "same sound",
        "胸口通，出冷汗",
        Emergency,
        &["cardiac_chest_pain"],
    ),
    case("same sound, first", "忽吸困难", Urgent, &["breathlessness"]),
    case("denied, same sound", "没有胸口通", Routine, &["!"]),
    case("common words", "我头同意你的看法", Routine, &["!"]),
    case(
        "pinyin",
        "xiong kou tong, chu leng han",
        Emergency,
        &["cardiac_chest_pain"],
    ),
    case(
        "another illness",
        "malignant hyperthermia in the family",
        Routine,
        &["!"],
    ),
    case(
        "a tumour",
        "a small meningioma, seen by chance",
        Routine,
        &["!"],
    ),
    case("a verb of its own", "看了新闻有点担心", Routine, &["!"]),
    case("a measure word", "换个手指再测", Routine, &["!"]),
    case("pinyin in words", "xiongkoutong", Routine, &["!"]),
    case("denied in pinyin", "mei you xiong tong", Routine, &["!"]),
    case("english is no pinyin", "he can run long", Routine, &["!"]),
    case(
        "script variants",
        "說話不清楚",
        Emergency,
        &["stroke_signs"],
    ),
    case(
        "script variants, Hong Kong",
        "說話不清，手臂冇力",
        Emergency,
        &["stroke_signs"],
    ),
];

#[test]
fn misspelt_words_are_read_as_the_nearest() {
    check_cases(CASES);
}

#[test]
fn what_was_read_otherwise_is_named() {
    let triage = assess_text("severe chset pain, 出冷汗");

    let named: Vec<_> = triage
        .read_as
        .iter()
        .map(|read_as| (read_as.written.as_str(), read_as.read.as_str()))
        .collect();
    assert_eq!(named, [("chset", "chest")]);
    assert!(assess_text("severe chest pain").read_as.is_empty());
}

#[test]
fn a_misspelt_denial_denies_nothing() {
    for text in ["withuot chest pain", "没由胸痛"] {
        let triage = assess(&symptoms_alone(text));
        assert!(triage.urgency >= Urgent, "{text}: {triage:?}");
    }
}
