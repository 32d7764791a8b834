//! The patient's age as the text tells it: "67M", "a 4-year-old boy", 患者，男，65岁.

use super::numbers::number_at;
use crate::triage::tokens::{Token, text_at, text_before};

/// Greatest age that a text can mean.
const MAX_AGE: u32 = 115;

/// The first age in years that the text tells of a person.
pub(in crate::triage) fn told_age(tokens: &[Token<'_>]) -> Option<u8> {
    (0..tokens.len()).find_map(|at| age_at(tokens, at))
}

fn age_at(tokens: &[Token<'_>], at: usize) -> Option<u8> {
    let number = number_at(tokens, at)?;
    let years = number.tenths / 10;
    let next = text_at(tokens, number.end);
    let after_next = text_at(tokens, number.end + 1);
    let before = text_before(tokens, at, 1);

    let is_age = match next {
        "岁" => !matches!(after_next, "前" | "时" | "的时" | "那" | "开" | "起"),
        "year" | "years" | "yr" | "yrs" | "y" => {
            matches!(after_next, "old" | "o" | "female" | "male" | "/")
        }
        "yo" | "yof" | "yom" | "m" | "f" => at == 0 || next.starts_with("yo"),
        // "I'm 34 and …", but not "I'm 8 months pregnant" or "at age 6 I had …".
        "" | "," | "." | "and" | "male" | "female" => {
            let is_past = matches!(text_before(tokens, at, 2), "at" | "since" | "from" | "the");
            before == "im" || matches!(before, "aged" | "age") && !is_past
        }
        _ => before == "aged",
    };
    (is_age && years <= MAX_AGE)
        .then_some(years)
        .and_then(|years| u8::try_from(years).ok())
}
