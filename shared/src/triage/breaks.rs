//! What parts words without being punctuation: emoji, tildes, ends of lines and of cells, dots.
//!
//! A mark (`~`, as which an emoji reads as well) is no token: a phrase goes on across it. A **soft
//! break** (the end of a line or of a cell, a row of dots) ends a sentence in one place and only
//! wraps a phrase in another; `readings` tells how both are read.

/// How those soft breaks of a text are read that words stand around.
#[derive(Debug, Clone, Copy)]
pub(super) enum BreakReading<'w> {
    /// Each ends a sentence.
    Ends,
    /// Each is a pause.
    Wraps,
    /// Those are pauses that the list says so of, in the order of the text.
    Proven(&'w [bool]),
}

impl BreakReading<'_> {
    /// The pause that the soft break of this number makes, counted from 0.
    pub(super) fn pause_at(self, number: usize) -> Pause {
        let is_pause = match self {
            Self::Ends => false,
            Self::Wraps => true,
            Self::Proven(wraps) => wraps.get(number) == Some(&true),
        };

        if is_pause { Pause::Break } else { Pause::None }
    }
}

/// What stands between two tokens without being one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Pause {
    /// At most white space.
    None,
    /// A tilde or an emoji.
    Mark,
    /// A soft break, read as a wrap.
    Break,
}

/// Whether a character may be a wrap as well as an end.
pub(super) fn is_soft_break(c: char) -> bool {
    matches!(c, '\n' | '…' | '|')
}

/// Whether a tilde stands for "to" between two numbers: 38~39度.
pub(super) fn is_range_mark(before: &str, after: &str) -> bool {
    before.ends_with(|c: char| c.is_ascii_digit())
        && after.starts_with(|c: char| c.is_ascii_digit())
}

/// Whether words stand on both sides of a break. An empty line, punctuation and the number of a
/// list's item make it an end.
pub(super) fn is_wrap(before: &str, after: &str) -> bool {
    let before = before.trim_end_matches(is_passable);
    let after = after.trim_start_matches(is_passable);

    before.ends_with(char::is_alphanumeric)
        && after.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '°' | '℃' | '℉'))
        && !begins_item(after)
}

fn is_passable(c: char) -> bool {
    c == '~' || c != '\n' && c.is_whitespace()
}

/// "1. ", "2)", 3、
fn begins_item(line: &str) -> bool {
    let behind = line.trim_start_matches(|c: char| c.is_ascii_digit());
    if behind.len() == line.len() {
        return false;
    }

    let mut chars = behind.chars();
    let is_mark = chars
        .next()
        .is_some_and(|c| matches!(c, '.' | ')' | '、' | ':'));
    is_mark && !chars.next().is_some_and(|c| c.is_ascii_digit())
}
