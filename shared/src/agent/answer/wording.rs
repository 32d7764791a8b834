//! What words around an object say of its urgency, and whether they quote or correct.
//!
//! Words are only ever reasons to ask again, so the tables are generous: a stem counts wherever a
//! word begins with it, and what is denied counts as well.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::text::is_invisible;
use super::urgency_name;
use crate::triage::Urgency;

/// Words that name the urgency as such and no degree of it.
const NEUTRAL: [&str; 8] = [
    " urgency ",
    "紧急程度",
    "緊急程度",
    "紧急性",
    "紧急度",
    "紧急级别",
    "紧急等级",
    "紧迫程度",
];

/// Beginnings of words that name a degree, besides those that an answer may give.
const DEGREES: [(Urgency, &[&str]); 4] = [
    (
        Urgency::Emergency,
        &[
            "emergen",
            "immediat",
            "critical",
            "life threat",
            "ambulan",
            "at once",
            "right away",
            "right now",
            "without delay",
            "fatal",
            "deadly",
            "lethal",
            "danger",
            "serious",
            "severe",
            "grave",
            "resuscit",
            "paramedic",
            "er ",
            "911 ",
            "999 ",
            "120 ",
            "112 ",
            "notfall",
            "notarzt",
            "sofort",
            "rettung",
            "lebensgef",
            "samu ",
            "vital",
            "peligro",
            "inmediat",
            "subito",
            "krankenwagen",
            "急救",
            "急诊",
            "急診",
            "急症",
            "紧急",
            "緊急",
            "危急",
            "危重",
            "危险",
            "危險",
            "危及",
            "致命",
            "抢救",
            "搶救",
            "救命",
            "救护",
            "救護",
            "救急",
            "立即",
            "立刻",
            "马上",
            "馬上",
            "即刻",
            "赶紧",
            "趕緊",
            "重症",
            "送医",
            "送醫",
            "скор",
            "неотлож",
            "экстр",
        ],
    ),
    (
        Urgency::Urgent,
        &[
            "urgen",
            "dringend",
            "as soon as",
            "asap",
            "prompt",
            "same day",
            "today",
            "hospital",
            "quickly",
            "rush",
            "higher",
            "upgrade",
            "escalat",
            "尽快",
            "儘快",
            "盡快",
            "尽早",
            "儘早",
            "及早",
            "当天",
            "當天",
            "当日",
            "今天",
            "今日",
            "24小时",
            "医院",
            "醫院",
            "更高",
            "升级",
            "срочн",
        ],
    ),
    (
        Urgency::Routine,
        &["routine", "常规", "常規", "门诊", "門診", "普通"],
    ),
    (
        Urgency::SelfCare,
        &["self care", "selfcare", "自我", "居家", "在家"],
    ),
];

/// Beginnings of words that take back what was said, or doubt it.
const CORRECTIONS: [&str; 86] = [
    "urgen",
    "wait",
    "correct",
    "actual",
    "however",
    "but ",
    "instead",
    "sorry",
    "apolog",
    "mistake",
    "wrong",
    "error",
    "ignor",
    "disregard",
    "discard",
    "not ",
    "no ",
    "never",
    "isnt",
    "dont",
    "doesnt",
    "shouldnt",
    "cannot",
    "cant",
    "wont",
    "should ",
    "must",
    "need",
    "updat",
    "revis",
    "chang",
    "rather",
    "oops",
    "hold on",
    "scratch",
    "invalid",
    "false",
    "untrue",
    "lie ",
    "raise",
    "higher",
    "worse",
    "except",
    "unless",
    "although",
    "though ",
    "above is",
    "real ",
    "true ",
    "pero ",
    "mais ",
    "aber ",
    "nicht",
    "nein",
    "faux",
    "incorrect",
    "sino",
    "不是",
    "不对",
    "不應",
    "不应",
    "不可",
    "不能",
    "更正",
    "纠正",
    "修正",
    "抱歉",
    "错",
    "錯",
    "但",
    "然而",
    "应",
    "應",
    "改为",
    "改成",
    "忽略",
    "无视",
    "等等",
    "其实",
    "實際",
    "实际",
    "并非",
    "而是",
    "不要",
    "必须",
    "真正",
];

/// Beginnings of words that say of an object that it is another's, or no answer.
const QUOTATIONS: [&str; 49] = [
    "wrote",
    "writ",
    "said",
    "says",
    "saying",
    "quot",
    "typed",
    "types ",
    "typing",
    "pasted",
    "pastes",
    "sent ",
    "sends",
    "submitted",
    "input",
    "message",
    "entered",
    "claim",
    "included",
    "contain",
    "inject",
    "attempt",
    "tried",
    "tries",
    "example",
    "sample",
    "draft",
    "template",
    "ignor",
    "sagte",
    "schrieb",
    "ecrit",
    "dijo",
    "escrib",
    "患者说",
    "患者写",
    "用户说",
    "用户写",
    "病人说",
    "写道",
    "写了",
    "寫",
    "输入",
    "輸入",
    "原文",
    "引用",
    "示例",
    "例如",
    "草稿",
];

/// Beginnings of words that name who else may be speaking.
const SPEAKERS: [&str; 12] = [
    "patient", "user", "client", "symptom", "complain", "患者", "病人", "用户", "主诉", "症状",
    "您", "他说",
];

/// A text in the form in which it is compared.
pub(super) struct Wording {
    /// Words in lower case without accents, with a space before and behind each.
    spaced: String,
    /// The same without spaces.
    compact: String,
}

/// What a character may be part of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum CharacterClass {
    Letter,
    Digit,
    /// A letter of a script that puts no spaces between words.
    Ideograph,
    Other,
}

impl Wording {
    pub(super) fn of(text: &str) -> Self {
        let is_dropped = |c: &char| {
            is_combining_mark(*c) || is_invisible(*c) || matches!(c, '\'' | '’' | '*' | '_' | '`')
        };
        let folded = text.nfkd().filter(|c| !is_dropped(c));
        let folded: String = folded.flat_map(char::to_lowercase).collect();

        let mut spaced = String::from(" ");
        let mut last = CharacterClass::Other;
        for c in folded.chars() {
            let class = class_of(c);
            if class != last && !spaced.ends_with(' ') {
                spaced.push(' ');
            }
            if class != CharacterClass::Other {
                spaced.push(c);
            }
            last = class;
        }
        spaced.push(' ');

        Self::of_spaced(spaced)
    }

    fn of_spaced(spaced: String) -> Self {
        let compact = spaced.replace(' ', "");
        Self { spaced, compact }
    }

    fn without_neutral(&self) -> Self {
        let mut spaced = self.spaced.clone();
        for neutral in NEUTRAL {
            spaced = spaced.replace(neutral, " ");
        }
        Self::of_spaced(spaced)
    }

    /// The highest degree that is named.
    pub(super) fn highest_urgency(&self) -> Option<Urgency> {
        let wording = self.without_neutral();
        let degrees = DEGREES.iter().chain(&urgency_name::NAMES);
        let named = degrees.filter(|(_, words)| wording.has_any(words));
        named.map(|(degree, _)| *degree).max()
    }

    pub(super) fn corrects(&self) -> bool {
        self.has_any(&CORRECTIONS)
    }

    pub(super) fn quotes(&self) -> bool {
        self.has_any(&QUOTATIONS)
    }

    pub(super) fn names_speaker(&self) -> bool {
        self.has_any(&SPEAKERS)
    }

    fn has_any(&self, words: &[&str]) -> bool {
        words.iter().any(|word| self.has(word))
    }

    fn has(&self, word: &str) -> bool {
        if !word.is_ascii() {
            return self.compact.contains(word);
        }

        let found = self.spaced.match_indices(word);
        let mut before = found.map(|(start, _)| self.spaced.split_at(start).0);
        before.any(|before| before.ends_with(' '))
    }
}

fn class_of(c: char) -> CharacterClass {
    if c.is_numeric() {
        CharacterClass::Digit
    } else if !c.is_alphabetic() {
        CharacterClass::Other
    } else if matches!(c, '\u{1100}'..='\u{11ff}' | '\u{2e80}'..='\u{9fff}' | '\u{20000}'..) {
        CharacterClass::Ideograph
    } else {
        CharacterClass::Letter
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Named {
        text: &'static str,
        urgency: Option<Urgency>,
    }

    #[rustfmt::skip]
    const NAMED: [Named; 15] = [
        Named { text: "Here is the assessment:", urgency: None },
        Named { text: "Its urgency and 紧急程度：", urgency: None },
        Named { text: "Get well soon!", urgency: None },
        Named { text: "self-care", urgency: Some(Urgency::SelfCare) },
        Named { text: "A routine visit", urgency: Some(Urgency::Routine) },
        Named { text: "It is **urg**ent", urgency: Some(Urgency::Urgent) },
        Named { text: "an EMERGENCY", urgency: Some(Urgency::Emergency) },
        Named { text: "ｅｍｅｒｇｅｎｃｙ", urgency: Some(Urgency::Emergency) },
        Named { text: "请拨打120。", urgency: Some(Urgency::Emergency) },
        Named { text: "dial 911", urgency: Some(Urgency::Emergency) },
        Named { text: "1200 ml", urgency: None },
        Named { text: "立 即", urgency: Some(Urgency::Emergency) },
        Named { text: "C'est une urgence.", urgency: Some(Urgency::Urgent) },
        Named { text: "à voir immédiatement", urgency: Some(Urgency::Emergency) },
        Named { text: "No emergency.", urgency: Some(Urgency::Emergency) },
    ];

    #[test]
    fn a_degree_is_found_in_any_sentence() {
        for named in NAMED {
            let found = Wording::of(named.text).highest_urgency();
            assert_eq!(found, named.urgency, "{}", named.text);
        }
    }

    #[test]
    fn corrections_and_quotations_are_told_from_greetings() {
        for text in ["Wait, no.", "It isn't so.", "抱歉，写错了", "Aber nicht so"] {
            assert!(Wording::of(text).corrects(), "{text}");
        }
        for text in ["The patient wrote:", "患者说：", "for example"] {
            assert!(Wording::of(text).quotes(), "{text}");
        }

        for text in [
            "Get well soon!",
            "I hope that it's of help.",
            "再见",
            "祝您早日康复！",
        ] {
            let wording = Wording::of(text);
            assert!(!wording.corrects() && !wording.quotes(), "{text}");
        }
    }
}
