//! What words around an object say of its urgency, and whether they quote or correct.
//!
//! Words are only ever reasons to ask again, so the tables are generous: a stem counts wherever a
//! word begins with it, and what is denied counts as well.

mod tables;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::text::is_invisible;
use super::urgency_name;
use crate::triage::Urgency;
use tables::{CORRECTIONS, DEGREES, NEUTRAL, QUOTATIONS, SPEAKERS};

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
    fn every_word_is_in_the_form_in_which_texts_are_compared() {
        let degrees = DEGREES.iter().flat_map(|(_, words)| *words);
        let tables = [&CORRECTIONS[..], &QUOTATIONS, &SPEAKERS];
        for word in degrees.chain(tables.into_iter().flatten()) {
            let wording = Wording::of(&format!("{word} "));
            assert!(wording.has_any(&[word]), "{word}");
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
