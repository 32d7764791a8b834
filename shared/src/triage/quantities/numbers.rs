//! Reads numbers, in digits or in words.

use crate::triage::tokens::{Token, TokenKind, text_at};
use crate::triage::word_class::WordClass;

const HAN_DIGITS: &str = "零一二三四五六七八九";

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

/// No Han numeral is longer: 一百二十八.
const MAX_HAN_DIGITS: usize = 5;

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

/// 三十九, 十二, 一百八, 两, 半; up to 999.
fn han_number(tokens: &[Token<'_>], at: usize) -> Option<TextNumber> {
    if text_at(tokens, at) == "半" {
        return Some(TextNumber {
            tenths: 5,
            end: at + 1,
        });
    }

    let mut total = 0_u32;
    let mut digit = None;
    let mut last_unit = 0;
    let mut len = 0;
    while len < MAX_HAN_DIGITS
        && let Some(numeral) = han_numeral(text_at(tokens, at + len))
    {
        match numeral {
            HanNumeral::Digit(0) if last_unit == 100 => last_unit = 10,
            // 三四天 is no number of two digits.
            HanNumeral::Digit(_) if digit.is_some() => return None,
            HanNumeral::Digit(value) => digit = Some(value),
            HanNumeral::Unit(unit) => {
                total += digit.take().unwrap_or(1) * unit;
                last_unit = unit;
            }
        }
        len += 1;
    }

    // 一百八 is 180, and 一百零八 is 108.
    let scale = if last_unit == 100 { 10 } else { 1 };
    total += digit.unwrap_or(0) * scale;
    (len > 0).then_some(TextNumber {
        tenths: total * 10,
        end: at + len,
    })
}

/// A character of a Han numeral.
enum HanNumeral {
    Digit(u32),
    Unit(u32),
}

fn han_numeral(text: &str) -> Option<HanNumeral> {
    match text {
        "十" => Some(HanNumeral::Unit(10)),
        "百" => Some(HanNumeral::Unit(100)),
        _ => han_digit(text).map(HanNumeral::Digit),
    }
}

fn han_digit(text: &str) -> Option<u32> {
    if text == "两" {
        return Some(2);
    }

    let mut digits = HAN_DIGITS.chars();
    let value = digits.position(|digit| text.starts_with(digit))?;
    u32::try_from(value).ok()
}
