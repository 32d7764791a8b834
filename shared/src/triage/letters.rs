//! Joins the words that are written letter by letter (`c_h_e_s_t`), or broken by a mark or by a
//! hyphen at the end of a line. The words that the rules know tell.

use super::seams::KnownWords;
use crate::text::SEAM;

/// Fewer single letters are an abbreviation or the names of items.
const MIN_ROW_LETTERS: usize = 3;

/// No word is told by fewer letters in a row.
const MIN_WORD_LETTERS: usize = 3;

/// Words of no more letters are found within many others.
const MAX_SHORT_LETTERS: usize = 3;

/// No word has more letters.
const MAX_WORD_LETTERS: usize = 16;

/// The cost of a letter of no known word; a known word costs one, and so does each letter behind
/// the beginning by which it is known.
const UNKNOWN_LETTER_COST: usize = 2;

/// Between two letters of a row stand no more characters.
const MAX_SEPARATOR_CHARS: usize = 4;

/// What may break a word: an emoji or a tilde, a hyphen before the end of a line, and a character
/// that only looks like a space.
const BREAKS: &[&str] = &["~", "-\n", "-\r\n", "\u{fdd0} "];

/// Joins single letters in a row where they make a word that is known.
pub(super) fn join_letters(text: &mut String, known: &impl KnownWords) {
    let mut joined = String::new();
    let mut copied = 0;
    let mut from = 0;

    while let Some(row) = next_row(text, from) {
        from = row.end;
        if row.letters.len() < MIN_ROW_LETTERS {
            continue;
        }

        if let Some(words) = spell_words(&row.letters, known) {
            joined.push_str(text.get(copied..row.start).unwrap_or_default());
            joined.push_str(&words);
            copied = row.end;
        }
    }

    if copied > 0 {
        joined.push_str(text.get(copied..).unwrap_or_default());
        *text = joined;
    }
}

/// Single letters of a text; positions are in bytes.
struct LetterRow {
    letters: String,
    start: usize,
    end: usize,
}

/// The words of a row, if one of them is known: those that leave the fewest letters over.
fn spell_words(letters: &str, known: &impl KnownWords) -> Option<String> {
    let mut words = cheapest_words(letters, known, false);
    // Short words and what denies must not be found within an unknown word: "nor" of "normal".
    if words.iter().any(|word| !word.is_known) {
        words = cheapest_words(letters, known, true);
    }

    let is_told = |word: &RowWord<'_>| word.is_known && word.text.len() >= MIN_WORD_LETTERS;
    if !words.iter().any(is_told) {
        return None;
    }

    let mut spelled = String::with_capacity(letters.len() * 2);
    let mut after_known = false;
    for word in words {
        if !spelled.is_empty() && (word.is_known || after_known) {
            spelled.push(' ');
        }
        spelled.push_str(word.text);
        after_known = word.is_known;
    }
    Some(spelled)
}

/// A word of a row, or a letter of none.
#[derive(Clone, Copy)]
struct RowWord<'t> {
    text: &'t str,
    is_known: bool,
    /// Of this word and all that follow it.
    cost: usize,
}

/// Reads a row from its end: behind each letter the cheapest words are known already.
fn cheapest_words<'t>(
    letters: &'t str,
    known: &impl KnownWords,
    is_strict: bool,
) -> Vec<RowWord<'t>> {
    let mut cheapest: Vec<RowWord<'t>> = Vec::with_capacity(letters.len());

    for start in (0..letters.len()).rev() {
        let rest = letters.get(start..).unwrap_or_default();
        cheapest.push(cheapest_word(rest, &cheapest, known, is_strict));
    }

    let mut words = Vec::new();
    let mut rest = cheapest.as_slice();
    while let Some((word, _)) = rest.split_last() {
        words.push(*word);
        let len = rest.len() - word.text.len();
        rest = rest.get(..len).unwrap_or_default();
    }
    words
}

/// The cheapest word at the beginning of `letters`; `behind` ends with the one a letter further on.
fn cheapest_word<'t>(
    letters: &'t str,
    behind: &[RowWord<'t>],
    known: &impl KnownWords,
    is_strict: bool,
) -> RowWord<'t> {
    let cost_behind = |len: usize| {
        let position = behind.len().checked_sub(len);
        let next = position.and_then(|at| behind.get(at));
        next.map_or(0, |word| word.cost)
    };
    let mut best = RowWord {
        text: letters.get(..1).unwrap_or_default(),
        is_known: false,
        cost: UNKNOWN_LETTER_COST + cost_behind(1),
    };

    let longest = MAX_WORD_LETTERS.min(letters.len());
    let stem_len = known.stem_len(letters.get(..longest).unwrap_or_default());
    for len in 1..=longest {
        let text = letters.get(..len).unwrap_or_default();
        let stem_excess = stem_len.and_then(|stem| len.checked_sub(stem));
        let excess = if known.knows(text) {
            Some(0)
        } else {
            stem_excess
        };

        let is_barred = is_strict && (len <= MAX_SHORT_LETTERS || known.denies(text));
        let Some(excess) = excess.filter(|_| !is_barred) else {
            continue;
        };

        let cost = 1 + excess + cost_behind(len);
        if cost <= best.cost {
            let is_known = true;
            best = RowWord {
                text,
                is_known,
                cost,
            };
        }
    }

    best
}

/// The first row that begins at `from` or behind it.
fn next_row(text: &str, from: usize) -> Option<LetterRow> {
    let bytes = text.as_bytes();
    let mut starts = from..bytes.len();
    let start = starts.find(|at| is_single_letter(text, *at))?;

    let mut row = LetterRow {
        letters: String::new(),
        start,
        end: start,
    };
    let mut at = start;
    while is_single_letter(text, at) {
        row.letters.extend(bytes.get(at).copied().map(char::from));
        row.end = at + 1;

        let behind = text.get(row.end..).unwrap_or_default();
        let separators = behind.chars().take_while(|c| is_separator(*c));
        let separators = separators.take(MAX_SEPARATOR_CHARS);
        at = row.end + separators.map(char::len_utf8).sum::<usize>();
    }

    Some(row)
}

/// Whether a letter stands at `at` with neither a letter, a digit nor a seam beside it. A seam
/// before a space is that of a character that only looks like one.
fn is_single_letter(text: &str, at: usize) -> bool {
    let bytes = text.as_bytes();
    if !bytes.get(at).is_some_and(u8::is_ascii_lowercase) {
        return false;
    }

    let neighbour_before = at.checked_sub(1).and_then(|before| bytes.get(before));
    let neighbour_behind = bytes.get(at + 1);
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric();
    if neighbour_before.is_some_and(is_part) || neighbour_behind.is_some_and(is_part) {
        return false;
    }

    let (before, behind) = (text.get(..at), text.get(at + 1..));
    let seam_behind = behind.and_then(|behind| behind.strip_prefix(SEAM));
    !before.is_some_and(|before| before.ends_with(SEAM))
        && seam_behind.is_none_or(|behind| behind.starts_with(' '))
}

fn is_separator(c: char) -> bool {
    matches!(
        c,
        ' ' | '~' | '.' | '…' | '-' | '·' | '|' | '/' | '*' | '_' | SEAM
    )
}

/// Joins the two parts of a word that a mark or the end of a line breaks: "vomit-/ing".
pub(super) fn join_broken_words(text: &mut String, known: &impl KnownWords) {
    for mark in BREAKS {
        if text.contains(mark) {
            *text = joined_at(text, mark, known);
        }
    }
}

fn joined_at(text: &str, mark: &str, known: &impl KnownWords) -> String {
    let mut joined = String::with_capacity(text.len());

    for (number, part) in text.split(mark).enumerate() {
        // A line may be indented; behind another mark a space is the end of a word.
        let behind = if mark.ends_with('\n') {
            part.trim_start_matches(' ')
        } else {
            part
        };

        if number == 0 {
            joined.push_str(part);
        } else if goes_on(&joined, behind, known) {
            joined.push_str(behind);
        } else {
            joined.push_str(mark);
            joined.push_str(part);
        }
    }

    joined
}

/// Whether a word goes on from the end of one text to the beginning of the next. Letters with a
/// seam beside them are left to `seams`.
fn goes_on(before: &str, behind: &str, known: &impl KnownWords) -> bool {
    let rest_before = before.trim_end_matches(is_letter);
    let rest_behind = behind.trim_start_matches(is_letter);
    if rest_before.ends_with(SEAM) || rest_behind.starts_with(SEAM) {
        return false;
    }

    let tail = before.get(rest_before.len()..).unwrap_or_default();
    let head_len = behind.len() - rest_behind.len();
    let head = behind.get(..head_len).unwrap_or_default();
    is_one_word(tail, head, known)
}

fn is_letter(c: char) -> bool {
    c.is_ascii_alphabetic()
}

/// Whether two rows of letters are one word. A part that is a word by itself stands by itself.
fn is_one_word(before: &str, behind: &str, known: &impl KnownWords) -> bool {
    let lengths = 1..=MAX_WORD_LETTERS;
    if !lengths.contains(&before.len()) || !lengths.contains(&behind.len()) {
        return false;
    }

    let whole = [before, behind].concat();
    let is_word_behind = known.knows(behind);
    if known.knows(&whole) {
        return !(known.knows(before) && is_word_behind);
    }
    known.knows_beginning(&whole) && !is_word_behind && !known.knows_beginning(behind)
}
