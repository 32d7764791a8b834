//! Folds a patient's free text into one spelling: decoration, width, case, apostrophes, script, and
//! the marks that are no punctuation.

use std::iter::Peekable;
use std::sync::LazyLock;

use super::data::WordList;
use crate::text::{is_emoji, seamed_text};

/// No text is read past this many characters: twice what a complaint may have.
const MAX_TEXT_CHARS: usize = 16_384;

/// First and last character of the unified block, which holds every character of the list below.
const HAN_FIRST: u32 = 0x4e00;
const HAN_LAST: u32 = 0x9fff;

const TRADITIONAL_LIST: WordList = WordList {
    name: "traditional.txt",
    text: include_str!("data/traditional.txt"),
};

/// The simplified form of every character of the unified block, by position: each character of
/// every text is looked up.
static SIMPLIFIED_FORMS: LazyLock<Vec<char>> = LazyLock::new(|| {
    let mut forms: Vec<char> = (HAN_FIRST..=HAN_LAST).filter_map(char::from_u32).collect();

    for entry in TRADITIONAL_LIST.entries() {
        let mut pair = entry.chars().filter(|c| *c != ' ');
        let (Some(traditional), Some(simplified)) = (pair.next(), pair.next()) else {
            continue;
        };

        if let Some(form) = han_position(traditional).and_then(|at| forms.get_mut(at)) {
            *form = simplified;
        }
    }
    forms
});

/// Folds decoration, width, case, apostrophes and the commonest traditional characters.
///
/// - Apostrophes go, with a possessive or contracted `s`: "don't" reads `dont`, "it's" reads `it`.
/// - An emoji reads `~`.
/// - Two dots or more read `…`.
/// - A dot at half height reads `.` between digits and `~` behind a letter; elsewhere it heads the
///   items of a list.
/// - Seams stay: `seams` joins or parts the letters around them.
pub(super) fn normalise_text(text: &str) -> String {
    let plain = seamed_text(text);
    let mut normalised = String::with_capacity(plain.len());
    let folded = plain.chars().take(MAX_TEXT_CHARS).map(fold_character);
    let mut chars = folded.peekable();

    while let Some(c) = chars.next() {
        match c {
            '\'' => push_apostrophe(&mut chars, &mut normalised),
            '.' | '…' => push_dots(c, &mut chars, &mut normalised),
            '·' => push_middle_dots(&mut chars, &mut normalised),
            _ => normalised.extend(c.to_lowercase()),
        }
    }

    normalised
}

fn push_apostrophe(chars: &mut Peekable<impl Iterator<Item = char>>, normalised: &mut String) {
    let in_word = normalised.ends_with(char::is_alphabetic);
    let Some(s) = chars.next_if(|c| matches!(c, 's' | 'S')) else {
        return;
    };

    // An `s` that begins or continues a word stays: "'sore", "o'sullivan".
    let word_goes_on = chars.peek().is_some_and(|c| c.is_alphanumeric());
    if !in_word || word_goes_on {
        normalised.extend(s.to_lowercase());
    }
}

fn push_dots(
    first: char,
    chars: &mut Peekable<impl Iterator<Item = char>>,
    normalised: &mut String,
) {
    let mut dot = first;

    while chars.next_if(|c| matches!(c, '.' | '…')).is_some() {
        dot = '…';
    }
    normalised.push(dot);
}

fn push_middle_dots(chars: &mut Peekable<impl Iterator<Item = char>>, normalised: &mut String) {
    if chars.next_if_eq(&'·').is_some() {
        while chars.next_if_eq(&'·').is_some() {}
        normalised.push('…');
        return;
    }

    let before = normalised.chars().next_back().unwrap_or(' ');
    let after = chars.peek().copied().unwrap_or(' ');
    normalised.push(if before.is_ascii_digit() && after.is_ascii_digit() {
        '.'
    } else if before.is_alphanumeric() {
        '~'
    } else {
        '·'
    });
}

fn fold_character(c: char) -> char {
    match c {
        '\u{ff01}'..='\u{ff5e}' => half_width(c),
        '\u{3000}' | '\u{a0}' => ' ',
        '\u{2018}' | '\u{2019}' | '\u{201b}' | '\u{2032}' | '`' | '´' => '\'',
        '。' | '｡' => '.',
        '⋯' => '…',
        '•' | '‧' | '・' | '･' => '·',
        '–' | '—' | '−' | '‐' | '‑' => '-',
        '〜' | '∼' => '~',
        '【' => '[',
        '】' => ']',
        _ if is_emoji(c) => '~',
        _ => simplify_character(c),
    }
}

fn half_width(c: char) -> char {
    let code = u32::from(c).checked_sub(0xfee0);
    code.and_then(char::from_u32).unwrap_or(c)
}

/// Maps the commonest traditional characters, so that one lexicon serves both scripts.
fn simplify_character(c: char) -> char {
    let form = han_position(c).and_then(|at| SIMPLIFIED_FORMS.get(at));
    form.copied().unwrap_or(c)
}

fn han_position(c: char) -> Option<usize> {
    let position = u32::from(c).checked_sub(HAN_FIRST)?;
    usize::try_from(position).ok()
}
