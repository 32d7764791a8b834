//! Folds a patient's free text into one spelling: decoration, width, case, apostrophes, script, and
//! the marks that are no punctuation.

use std::borrow::Cow;
use std::iter::Peekable;
use std::sync::LazyLock;

use super::data::WordList;
use crate::text::{is_emoji, is_han, seamed_text};

/// No text is read past this many characters: twice what a complaint may have.
const MAX_TEXT_CHARS: usize = 16_384;

/// An address is looked for this far before and behind a dot.
const MAX_ADDRESS_CHARS: usize = 64;

/// A run of hexadecimal digits with letters and numbers is an identifier from this length: nobody
/// writes a measure so.
const MIN_IDENTIFIER_DIGITS: usize = 16;

/// First and last character of the unified block, which holds every character of the list below.
const HAN_FIRST: u32 = 0x4e00;
const HAN_LAST: u32 = 0x9fff;

/// Boxes of a form in plain characters, and the marks that they stand for.
const BOXES: &[(&str, &str)] = &[
    ("[ ]", "□"),
    ("[]", "□"),
    ("[_]", "□"),
    ("( )", "□"),
    ("[x]", "√"),
    ("[√]", "√"),
    ("(√)", "√"),
];

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
/// - Two dots or more read `…`, as does one between two words without a space (自.杀).
/// - A "NO" that a mark follows at the beginning of a sentence is an exclamation: `no!`.
/// - A dot at half height reads `.` between digits and `~` behind a letter; elsewhere it heads the
///   items of a list.
/// - An identifier (of a record, a device, a file) reads `~`: `d104b34d-c41c-…` holds no 41 °C.
/// - Seams stay: `seams` joins or parts the letters around them.
pub(super) fn normalise_text(text: &str) -> String {
    let seamed = seamed_text(text);
    let plain = end_exclamations(&seamed);
    let mut normalised = String::with_capacity(plain.len());
    let folded = plain.chars().take(MAX_TEXT_CHARS).map(fold_character);
    let mut chars = folded.peekable();
    let mut last_capital = 0;

    while let Some(c) = chars.next() {
        match c {
            '\'' => push_apostrophe(&mut chars, &mut normalised),
            '.' | '。' | '…' => push_dots(c, &mut chars, last_capital, &mut normalised),
            '·' => push_middle_dots(&mut chars, &mut normalised),
            'A'..='Z' => {
                last_capital = normalised.len();
                normalised.push(c.to_ascii_lowercase());
            }
            _ => normalised.extend(c.to_lowercase()),
        }
    }

    for (written, mark) in BOXES {
        if normalised.contains(written) {
            normalised = normalised.replace(written, mark);
        }
    }
    without_identifiers(normalised)
}

/// Replaces each identifier by `~`.
fn without_identifiers(text: String) -> String {
    let ends_run = |c: char| !c.is_ascii_alphanumeric() && c != '-';
    if !text.split(ends_run).any(is_identifier) {
        return text;
    }
    let mut without = String::with_capacity(text.len());

    for piece in text.split_inclusive(ends_run) {
        let run = piece.trim_end_matches(ends_run);
        let is_kept = !is_identifier(run);
        without.push_str(if is_kept { run } else { "~" });
        without.push_str(piece.strip_prefix(run).unwrap_or_default());
    }
    without
}

/// Whether this is a long row of hexadecimal digits, with hyphens or without, that has letters as
/// well as numbers.
fn is_identifier(run: &str) -> bool {
    if run.len() < MIN_IDENTIFIER_DIGITS {
        return false;
    }
    let digits = run.replace('-', "");
    let any = |kind: fn(&u8) -> bool| digits.as_bytes().iter().any(kind);

    let is_hexadecimal = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    digits.len() >= MIN_IDENTIFIER_DIGITS
        && is_hexadecimal
        && any(u8::is_ascii_digit)
        && any(u8::is_ascii_alphabetic)
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

/// `last_capital` is the position of the last capital letter, in bytes.
fn push_dots(
    first: char,
    chars: &mut Peekable<impl Iterator<Item = char> + Clone>,
    last_capital: usize,
    normalised: &mut String,
) {
    let mut is_row = first == '…';
    while chars.next_if(|c| matches!(c, '.' | '。' | '…')).is_some() {
        is_row = true;
    }

    let is_soft = is_row || parts_words(first, chars, last_capital, normalised);
    normalised.push(if is_soft { '…' } else { '.' });
}

/// Whether a single dot stands between two words without a space. It may be decoration as well as
/// the end of a sentence: 吐.血, "vomiting.blood", "no fever.Chest pain". A Chinese full stop ends
/// a sentence, unless a single character stands before it (吐。血).
fn parts_words(
    dot: char,
    chars: &mut Peekable<impl Iterator<Item = char> + Clone>,
    last_capital: usize,
    normalised: &str,
) -> bool {
    let Some(&after) = chars.peek() else {
        return false;
    };
    let mut backwards = normalised.chars().rev();
    let before = backwards.next().unwrap_or(' ');
    let is_single = backwards.next().is_none_or(|c| !c.is_alphanumeric());

    if is_han(before) && is_han(after) {
        return dot == '.' || is_single;
    }

    // "is fine.Pain in": a capital letter behind a word without one begins a sentence.
    let word_start = normalised.trim_end_matches(char::is_alphabetic).len();
    if after.is_uppercase() && last_capital < word_start {
        return false;
    }

    // Abbreviations have single letters: e.g., U.S.
    let are_letters = before.is_ascii_alphabetic() && after.is_ascii_alphabetic();
    are_letters && !is_single && !is_in_address(normalised, chars.clone())
}

/// Whether the end of `before` and the beginning of `behind` are parts of an address of a page or
/// of a mailbox.
fn is_in_address(before: &str, behind: impl Iterator<Item = char>) -> bool {
    let goes_on = |c: &char| !c.is_whitespace() && !is_han(*c);
    let reversed = before.chars().rev();
    let begun: String = reversed
        .take(MAX_ADDRESS_CHARS)
        .take_while(goes_on)
        .collect();
    let mut ahead = behind.take(MAX_ADDRESS_CHARS).take_while(goes_on);

    let is_page = begun.contains("//:") || begun.ends_with("www") || begun.contains(".www");
    is_page || begun.contains('@') || ahead.any(|c| c == '@')
}

/// Puts a mark of exclamation behind a "NO" that begins a sentence and that an emoji or a tilde
/// follows: it answers nothing.
fn end_exclamations(text: &str) -> Cow<'_, str> {
    let mut ended = String::new();
    let mut copied = 0;

    for (at, word) in text.match_indices("NO") {
        let end = at + word.len();
        let (before, behind) = text.split_at_checked(end).unwrap_or((text, ""));
        let before = before.strip_suffix(word).unwrap_or(before);
        if !begins_sentence(before) || !behind.trim_start_matches(' ').starts_with(is_mark) {
            continue;
        }

        ended.push_str(text.get(copied..end).unwrap_or_default());
        ended.push('!');
        copied = end;
    }

    if copied == 0 {
        return Cow::Borrowed(text);
    }
    ended.push_str(text.get(copied..).unwrap_or_default());
    Cow::Owned(ended)
}

fn begins_sentence(before: &str) -> bool {
    let told = before.trim_end_matches(|c| c == ' ' || is_mark(c));
    let is_end = |c| matches!(c, '.' | '!' | '?' | '。' | '！' | '？' | '…' | '\n');

    told.is_empty() || told.ends_with(is_end)
}

/// Whether a character reads `~`.
fn is_mark(c: char) -> bool {
    fold_character(c) == '~'
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
        '｡' => '。',
        '⋯' => '…',
        '•' | '‧' | '・' | '･' => '·',
        '–' | '—' | '−' | '‐' | '‑' => '-',
        '〜' | '∼' => '~',
        '✕' | '✖' | '✗' | '✘' | '❌' | '❎' | '☒' => '×',
        '✓' | '✔' | '✅' | '☑' => '√',
        '□' | '☐' | '▢' | '◻' => '□',
        '➕' => '+',
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
