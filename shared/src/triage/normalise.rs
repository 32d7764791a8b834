//! Folds a patient's free text into one spelling: width, case, apostrophes and script.

use std::sync::LazyLock;

use super::data::WordList;

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

/// Folds width, case, apostrophes and the commonest traditional characters.
///
/// Apostrophes go, with a possessive or contracted `s`: "don't" reads `dont`, "it's" reads `it`.
pub(super) fn normalise_text(text: &str) -> String {
    let mut normalised = String::with_capacity(text.len());
    let folded = text.chars().take(MAX_TEXT_CHARS).map(fold_character);
    let mut chars = folded.filter(|c| !is_invisible(*c)).peekable();

    while let Some(c) = chars.next() {
        if c != '\'' {
            normalised.extend(c.to_lowercase());
            continue;
        }

        let in_word = normalised.ends_with(char::is_alphabetic);
        let Some(s) = chars.next_if(|c| matches!(c, 's' | 'S')) else {
            continue;
        };
        // An `s` that begins or continues a word stays: "'sore", "o'sullivan".
        let word_goes_on = chars.peek().is_some_and(|c| c.is_alphanumeric());
        if !in_word || word_goes_on {
            normalised.extend(s.to_lowercase());
        }
    }

    normalised
}

/// Zero-width characters and combining marks that split words without being seen.
fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' | '\u{fe0f}'
    )
}

fn fold_character(c: char) -> char {
    match c {
        '\u{ff01}'..='\u{ff5e}' => half_width(c),
        '\u{3000}' | '\u{a0}' => ' ',
        '\u{2018}' | '\u{2019}' | '\u{201b}' | '\u{2032}' | '`' | '´' => '\'',
        '。' | '｡' => '.',
        '–' | '—' | '−' | '‐' | '‑' => '-',
        '【' => '[',
        '】' => ']',
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
