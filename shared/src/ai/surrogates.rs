//! Halves of a character that came in two chunks.
//!
//! JSON writes a character beyond U+FFFF as two escapes (RFC 8259, section 7). An endpoint that
//! cuts its text between the two sends one half at the end of a string and the other at the start
//! of a string in the next chunk, and neither chunk can be read by itself.

/// The escape of U+FFFD, which stands for what cannot be read.
const REPLACEMENT: &str = "\\ufffd";

/// Brings halves of characters together.
#[derive(Default)]
pub(super) struct SurrogateRepair {
    /// A first half, as an escape, whose second half is to come with the next text.
    waiting: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Half {
    First,
    Second,
}

impl SurrogateRepair {
    /// The text with whole characters alone; `None` if it has no half. A first half is taken out,
    /// and put in front of the second one in a later text. A second half without a first one is
    /// replaced.
    pub(super) fn repair(&mut self, json: &str) -> Option<String> {
        let mut repaired = String::new();
        let mut rest = json;
        let mut has_half = false;

        while let Some(at) = rest.find('\\') {
            let (before, escape) = rest.split_at(at);
            repaired.push_str(before);

            let length = escape_length(escape);
            let (escape, after) = escape.split_at(length);
            rest = after;
            match half_of(escape) {
                None => repaired.push_str(escape),
                Some(Half::First) if half_of(next_escape(after)) == Some(Half::Second) => {
                    let (second, after) = after.split_at(length);
                    repaired.push_str(escape);
                    repaired.push_str(second);
                    rest = after;
                }
                Some(Half::First) => {
                    has_half = true;
                    self.waiting = Some(escape.to_owned());
                }
                Some(Half::Second) => {
                    has_half = true;
                    repaired.push_str(&self.whole_character(escape));
                }
            }
        }
        repaired.push_str(rest);

        has_half.then_some(repaired)
    }

    /// Gives up a first half whose second half has not come: it says nothing by itself.
    pub(super) fn forget(&mut self) {
        self.waiting = None;
    }

    fn whole_character(&mut self, second: &str) -> String {
        match self.waiting.take() {
            Some(first) => format!("{first}{second}"),
            None => REPLACEMENT.to_owned(),
        }
    }
}

/// The length of the escape at the start of a text: six for `\uXXXX`, else two.
fn escape_length(text: &str) -> usize {
    let length = if text.starts_with("\\u") { 6 } else { 2 };
    if text.is_char_boundary(length) {
        length
    } else {
        text.len().min(1)
    }
}

fn next_escape(text: &str) -> &str {
    if text.starts_with("\\u") {
        text.get(..6).unwrap_or_default()
    } else {
        ""
    }
}

fn half_of(escape: &str) -> Option<Half> {
    let digits = escape.strip_prefix("\\u")?;
    match u16::from_str_radix(digits, 16).ok()? {
        0xd800..=0xdbff => Some(Half::First),
        0xdc00..=0xdfff => Some(Half::Second),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_halves_in_two_texts_make_one_character() {
        let mut repair = SurrogateRepair::default();
        let first = repair.repair(r#"{"content":"a\ud83d"}"#);
        assert_eq!(first.as_deref(), Some(r#"{"content":"a"}"#));

        let second = repair.repair(r#"{"content":"\ude00b"}"#).unwrap();
        let value: serde_json::Value = serde_json::from_str(&second).unwrap();
        assert_eq!(value["content"], "\u{1f600}b");
    }

    #[test]
    fn a_half_without_the_other_is_replaced() {
        let mut repair = SurrogateRepair::default();
        let alone = repair.repair(r#""\ude00""#).unwrap();
        assert_eq!(alone, r#""\ufffd""#);
    }

    /// A half that waits is not put in front of another one, much later.
    #[test]
    fn a_half_waits_for_the_next_text_alone() {
        let mut repair = SurrogateRepair::default();
        assert!(repair.repair(r#""a\ud83d""#).is_some());
        repair.forget();
        assert_eq!(repair.repair(r#""\ude00""#).unwrap(), r#""\ufffd""#);
    }

    #[test]
    fn whole_characters_and_other_escapes_stay() {
        let mut repair = SurrogateRepair::default();
        for text in [
            r#""\ud83d\ude00\n\\ud83d\u4e2d""#,
            r#""\"#,
            r#""\u12"#,
            r#""\é""#,
        ] {
            assert_eq!(repair.repair(text), None, "{text}");
        }
    }
}
