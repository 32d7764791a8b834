//! The urgency that a model's word means.
//!
//! Only whole words of one table are known, in any width. A word that may mean two degrees means
//! the higher one: 紧急 is what the emergency department writes above its door, and also "urgent".
//! A word that denies a degree ("not urgent", 不紧急) names none, and what is in no table is never
//! guessed: the model is asked again.

use std::collections::BTreeSet;

use unicode_normalization::UnicodeNormalization;

use super::text::fold_name;
use crate::triage::Urgency;

/// The words, folded, for each degree.
pub(super) const NAMES: [(Urgency, &[&str]); 4] = [
    (
        Urgency::Emergency,
        &[
            "emergency",
            "emergent",
            "immediate",
            "critical",
            "lifethreatening",
            "紧急",
            "緊急",
            "非常紧急",
            "急诊",
            "急診",
            "急症",
            "急救",
            "危急",
            "危重",
            "立即就医",
            "立即就診",
            "立即就诊",
            "立刻就医",
            "马上就医",
            "立即急诊",
            "急诊就医",
            "立即拨打120",
        ],
    ),
    (
        Urgency::Urgent,
        &[
            "urgent",
            "尽快就医",
            "尽快就诊",
            "盡快就醫",
            "尽早就医",
            "当日就医",
            "当天就医",
            "今日就医",
            "今天就医",
            "24小时内就医",
        ],
    ),
    (
        Urgency::Routine,
        &[
            "routine",
            "常规",
            "常規",
            "普通",
            "常规就诊",
            "常规就医",
            "常规门诊",
            "普通门诊",
        ],
    ),
    (
        Urgency::SelfCare,
        &[
            "selfcare",
            "自我护理",
            "自我護理",
            "自我照护",
            "自我照顾",
            "居家护理",
            "居家观察",
            "居家自我护理",
            "在家观察",
        ],
    ),
];

/// What stands between two degrees, as in "urgent/emergency" or 紧急（urgent）.
const SEPARATORS: [char; 20] = [
    '/', '|', ',', ';', '(', ')', '[', ']', '~', '–', '—', '，', '、', '；', '（', '）', '或',
    '至', '到', '\n',
];

/// The most different degrees of which the highest is meant; more are the question repeated.
const MAX_DEGREES: usize = 2;

/// Signs of alarm, which say no more than the word for an emergency beside them.
const ALARM_SIGNS: [char; 6] = ['🚨', '🚑', '🆘', '🔴', '⚠', '❗'];

/// What makes an emoji of the character before it.
const EMOJI_SELECTOR: char = '\u{fe0f}';

/// The urgency that a text names: the higher one if it names two, none if a part of it is unknown.
pub(super) fn urgency_of(text: &str) -> Option<Urgency> {
    let text: String = text.nfkc().collect::<String>().to_lowercase();
    let text = text.replace(" to ", "/").replace(" or ", "/");
    let text = text.replace(EMOJI_SELECTOR, "");

    let has_alarm = text.contains(ALARM_SIGNS);
    let words = text.replace(ALARM_SIGNS, "");
    let urgency = urgency_of_parts(&words).or_else(|| annotated_emergency(&words))?;

    // A sign of alarm at a lower degree contradicts it.
    let is_emergency = urgency == Urgency::Emergency;
    (is_emergency || !has_alarm).then_some(urgency)
}

/// The highest of some degrees; so many of them that they repeat the question are none.
pub(super) fn highest_degree(degrees: impl IntoIterator<Item = Urgency>) -> Option<Urgency> {
    let degrees: BTreeSet<_> = degrees.into_iter().collect();
    let is_echo = degrees.len() > MAX_DEGREES;
    degrees.last().copied().filter(|_| !is_echo)
}

fn urgency_of_parts(text: &str) -> Option<Urgency> {
    let parts = text.split(SEPARATORS).map(fold_name);
    let parts = parts.filter(|part| !part.is_empty());

    let degrees: Option<Vec<_>> = parts.map(|part| degree_of(&part)).collect();
    highest_degree(degrees?)
}

/// An emergency with words in parentheses behind it that name no lower degree, as in "emergency
/// (911)".
fn annotated_emergency(text: &str) -> Option<Urgency> {
    let (name, note) = text.trim().strip_suffix(')')?.split_once('(')?;
    let is_emergency = degree_of(&fold_name(name)) == Some(Urgency::Emergency);

    let note = fold_name(note);
    let mut lower = NAMES
        .iter()
        .filter(|(degree, _)| *degree < Urgency::Emergency);
    let names_lower = lower.any(|(_, names)| names.iter().any(|name| note.contains(name)));

    (is_emergency && !names_lower).then_some(Urgency::Emergency)
}

fn degree_of(name: &str) -> Option<Urgency> {
    let mut degrees = NAMES.iter();
    let (degree, _) = degrees.find(|(_, names)| names.contains(&name))?;
    Some(*degree)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Case {
        text: &'static str,
        urgency: Option<Urgency>,
    }

    const fn names(text: &'static str, urgency: Urgency) -> Case {
        let urgency = Some(urgency);
        Case { text, urgency }
    }

    const fn unknown(text: &'static str) -> Case {
        let urgency = None;
        Case { text, urgency }
    }

    const CASES: [Case; 60] = [
        names("self_care", Urgency::SelfCare),
        names("Self-Care", Urgency::SelfCare),
        names("self care", Urgency::SelfCare),
        names("selfCare", Urgency::SelfCare),
        names("自我护理", Urgency::SelfCare),
        names("居家观察", Urgency::SelfCare),
        names("Routine.", Urgency::Routine),
        names("常规", Urgency::Routine),
        names("普通", Urgency::Routine),
        names("URGENT", Urgency::Urgent),
        names("**Urgent**", Urgency::Urgent),
        names(" \u{feff}urgent!", Urgency::Urgent),
        names("尽快就医", Urgency::Urgent),
        names("EMERGENCY", Urgency::Emergency),
        names("急诊", Urgency::Emergency),
        names("立即就医", Urgency::Emergency),
        names("紧急", Urgency::Emergency),
        names("紧急 (urgent)", Urgency::Emergency),
        names("urgent（尽快就医）", Urgency::Urgent),
        names("urgent/emergency", Urgency::Emergency),
        names("urgent to emergency", Urgency::Emergency),
        names("routine or urgent", Urgency::Urgent),
        names("常规至尽快就医", Urgency::Urgent),
        names("self care / routine", Urgency::Routine),
        names("🚨 emergency", Urgency::Emergency),
        names("⚠️ EMERGENCY", Urgency::Emergency),
        names("🚑急诊", Urgency::Emergency),
        names("ｅｍｅｒｇｅｎｃｙ", Urgency::Emergency),
        names("Ｕｒｇｅｎｔ", Urgency::Urgent),
        names("emergency (911)", Urgency::Emergency),
        names("emergency（请立即拨打120）", Urgency::Emergency),
        names("emergency (urgent)", Urgency::Emergency),
        unknown("🚨 routine"),
        unknown("🚫 emergency"),
        unknown("emergency (then self-care, if better)"),
        unknown("urgent (911)"),
        unknown("routine (unless it gets worse)"),
        unknown("self_care / routine / urgent"),
        unknown(""),
        unknown(" / "),
        unknown("soon"),
        unknown("low"),
        unknown("high"),
        unknown("3"),
        unknown("level 2: urgent"),
        unknown("urgent?"),
        unknown("not urgent"),
        unknown("non-urgent"),
        unknown("nonurgent"),
        unknown("less urgent"),
        unknown("semi-urgent"),
        unknown("urgent if worse"),
        unknown("routine, unless it gets worse"),
        unknown("no emergency"),
        unknown("不紧急"),
        unknown("非紧急"),
        unknown("无需急诊"),
        unknown("一般紧急"),
        unknown("自我护理，必要时就医"),
        unknown("self_care|routine|urgent|emergency"),
    ];

    #[test]
    fn whole_words_name_a_degree_and_nothing_else_does() {
        for case in CASES {
            assert_eq!(urgency_of(case.text), case.urgency, "{}", case.text);
        }
    }

    #[test]
    fn every_word_is_folded_and_names_one_degree() {
        for (urgency, names) in NAMES {
            for name in names {
                assert_eq!(fold_name(name), *name, "the table has folded names");
                assert_eq!(urgency_of(name), Some(urgency), "{name}");
            }
        }
    }

    /// So no part of a word that denies a degree can be taken for that degree.
    #[test]
    fn a_word_that_is_denied_names_nothing() {
        let denials = [
            "not ",
            "non-",
            "non ",
            "no ",
            "不",
            "非",
            "无需",
            "不需要",
            "并非",
            "没有",
        ];
        for (_, names) in NAMES {
            for name in names {
                for denial in denials {
                    let denied = format!("{denial}{name}");
                    assert_eq!(urgency_of(&denied), None, "{denied}");
                }
            }
        }
    }
}
