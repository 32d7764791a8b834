//! Reads numbers, in digits or in words.

use crate::triage::tokens::{Token, TokenKind, text_at};
use crate::triage::word_class::WordClass;

const HAN_DIGITS: &str = "零一二三四五六七八九十";

/// English numerals; the position is the value.
const NUMBER_WORDS: &[&str] = &[
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
];

/// English tens, from twenty on.
const TENS_WORDS: &[&str] = &[
    "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety", "hundred",
];

/// No Han numeral is longer: 三十九.
const MAX_HAN_DIGITS: usize = 3;

/// A number in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TextNumber {
    /// Ten times the value, as temperatures have a decimal and ages have halves.
    pub(super) tenths: u32,
    /// Position of the token behind the number.
    pub(super) end: usize,
}

/// The number that begins at a token.
pub(super) fn number_at(tokens: &[Token<'_>], at: usize) -> Option<TextNumber> {
    let token = tokens.get(at)?;
    if token.kind == TokenKind::Number {
        let tenths = parse_tenths(token.text)?;
        return Some(TextNumber {
            tenths,
            end: at + 1,
        });
    }

    if !token.class.has(WordClass::NUMERAL) {
        return None;
    }
    match token.kind {
        TokenKind::Han => han_number(tokens, at),
        TokenKind::Word => english_number(tokens, at),
        _ => None,
    }
}

/// "twelve", "thirty", "twenty five" or "twenty-five".
fn english_number(tokens: &[Token<'_>], at: usize) -> Option<TextNumber> {
    let word = text_at(tokens, at);
    let Some(position) = TENS_WORDS.iter().position(|tens| *tens == word) else {
        return Some(TextNumber {
            tenths: number_word(word)?.checked_mul(10)?,
            end: at + 1,
        });
    };

    let tens = u32::try_from(position).ok()?.checked_add(2)?;
    let ones = NUMBER_WORDS.get(1..10)?;
    let one = ones
        .iter()
        .zip(1..)
        .find(|(one, _)| **one == text_at(tokens, at + 1));
    let rest = one.map_or(0, |(_, value)| value);
    Some(TextNumber {
        tenths: (tens * 10 + rest).checked_mul(10)?,
        end: at + 1 + usize::from(one.is_some()),
    })
}

fn number_word(word: &str) -> Option<u32> {
    if matches!(word, "a" | "an") {
        return Some(1);
    }

    let value = NUMBER_WORDS.iter().position(|numeral| *numeral == word)?;
    u32::try_from(value).ok()
}

fn parse_tenths(number: &str) -> Option<u32> {
    let (whole, decimals) = number.split_once('.').unwrap_or((number, "0"));
    let whole: u32 = whole.parse().ok()?;

    let first_decimal = decimals.chars().next().and_then(|c| c.to_digit(10));
    whole
        .checked_mul(10)?
        .checked_add(first_decimal.unwrap_or(0))
}

/// 三十九, 十二, 两, 半; up to 99.
fn han_number(tokens: &[Token<'_>], at: usize) -> Option<TextNumber> {
    let mut value = 0_u32;
    let mut len = 0;

    while len < MAX_HAN_DIGITS
        && let Some(digit) = han_digit(text_at(tokens, at + len))
    {
        value = match (digit, len) {
            (10, 0) => 10,
            (10, _) => value.saturating_mul(10),
            _ if value >= 10 => value + digit,
            _ if len > 0 => return None,
            _ => digit,
        };
        len += 1;
    }

    if len > 0 {
        return Some(TextNumber {
            tenths: value * 10,
            end: at + len,
        });
    }
    (text_at(tokens, at) == "半").then_some(TextNumber {
        tenths: 5,
        end: at + 1,
    })
}

fn han_digit(text: &str) -> Option<u32> {
    if text == "两" {
        return Some(2);
    }

    let mut digits = HAN_DIGITS.chars();
    let value = digits.position(|digit| text.starts_with(digit))?;
    u32::try_from(value).ok()
}
