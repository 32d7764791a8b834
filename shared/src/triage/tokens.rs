//! Cuts a normalised text into tokens.

use foldhash::{HashMap, HashMapExt};

use super::breaks::{BreakReading, Pause, is_range_mark, is_soft_break, is_wrap};
use super::word_class::WordClass;
use crate::text::is_han;

/// The kind of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TokenKind {
    /// An English word, in lower case and without apostrophes.
    Word,
    /// One Han character.
    Han,
    /// A number such as `39` or `38.5`.
    Number,
    /// `,` or `，`: joins list items in English, clauses in Chinese.
    Comma,
    /// `、` or `/`: joins list items in either language.
    ListMark,
    /// End of a sentence, of a line, or of a cell of a table.
    SentenceEnd,
    /// A question mark: ends a sentence unless the answer follows.
    QuestionMark,
    /// `:`, `=`, a bracket or a dash, which may stand between a finding and its answer.
    Link,
    /// Anything else, such as `℃` or `%`.
    Other,
}

/// One token of a normalised text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Token<'t> {
    pub(super) text: &'t str,
    pub(super) kind: TokenKind,
    /// The word's part in a sentence; looked up once, because every pattern asks for it.
    pub(super) class: WordClass,
    /// Number of the word among the different words of its text, in the order of their first use.
    pub(super) word_id: usize,
    /// What stands before the token without being one.
    pub(super) pause: Pause,
    /// The token's place in a Chinese word.
    pub(super) word: WordPlace,
}

/// The place of a Han character in its word; a character that no listed word holds is a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct WordPlace {
    /// Number of the word's characters before the token.
    pub(super) before: usize,
    /// Number of the word's characters from the token on.
    pub(super) left: usize,
}

impl Token<'_> {
    /// Whether the token goes on with a Chinese word that begins before it.
    pub(super) fn is_inside_word(&self) -> bool {
        self.word.before > 0
    }

    /// Whether the token closes a sentence.
    pub(super) fn ends_sentence(&self) -> bool {
        matches!(self.kind, TokenKind::SentenceEnd | TokenKind::QuestionMark)
    }

    /// Whether the token closes a clause or stands between two of its list items.
    pub(super) fn ends_segment(&self) -> bool {
        self.ends_sentence() || self.kind == TokenKind::Comma
    }

    /// Whether the token is the end of a line or of a cell, or a row of dots.
    pub(super) fn is_soft_break(&self) -> bool {
        self.text.starts_with(is_soft_break)
    }
}

/// Text of the token at `at`; empty past the end.
pub(super) fn text_at<'x>(tokens: &[Token<'x>], at: usize) -> &'x str {
    tokens.get(at).map_or("", |token| token.text)
}

/// Text of the token `distance` tokens before `at`; empty before the beginning.
pub(super) fn text_before<'x>(tokens: &[Token<'x>], at: usize, distance: usize) -> &'x str {
    let position = at.checked_sub(distance);
    position.map_or("", |position| text_at(tokens, position))
}

/// Up to `count` tokens before `at`.
pub(super) fn tokens_before<'t, 'x>(
    tokens: &'t [Token<'x>],
    at: usize,
    count: usize,
) -> &'t [Token<'x>] {
    tokens.get(at.saturating_sub(count)..at).unwrap_or(&[])
}

/// Cuts a normalised text into tokens.
pub(super) fn tokenise<'t>(text: &'t str, reading: BreakReading<'_>) -> Vec<Token<'t>> {
    let mut tokens = Vec::with_capacity(text.len() / 3);
    let mut known_words: HashMap<&str, (usize, WordClass)> = HashMap::new();
    let mut pause = Pause::None;
    let mut wrap_count = 0;
    let mut after_space = true;
    let mut rest = text;

    while let Some(c) = rest.chars().next() {
        let (len, kind) = measure_token(rest, c);
        let (word, after) = rest.split_at_checked(len).unwrap_or((rest, ""));
        let before = text.get(..text.len() - rest.len()).unwrap_or_default();

        // A hyphen inside a compound ("two-month-old") only separates its words.
        let is_hyphen = c == '-' && !after_space && after.starts_with(char::is_alphanumeric);
        let is_space = c != '\n' && c.is_whitespace();
        let pause_here = if is_soft_break(c) && is_wrap(before, after) {
            wrap_count += 1;
            reading.pause_at(wrap_count - 1)
        } else if c == '~' && !is_range_mark(before, after) {
            Pause::Mark
        } else {
            Pause::None
        };

        if pause_here > Pause::None {
            pause = pause.max(pause_here);
        } else if !is_hyphen && !is_space {
            let next_id = known_words.len();
            let (word_id, class) = *known_words
                .entry(word)
                .or_insert_with(|| (next_id, WordClass::of_word(word)));
            tokens.push(Token {
                text: word,
                kind,
                class,
                word_id,
                pause,
                word: WordPlace::default(),
            });
            pause = Pause::None;
        }

        after_space = is_space || pause_here > Pause::None;
        rest = after;
    }

    tokens
}

/// Length in bytes and kind of the token that `rest` begins with.
fn measure_token(rest: &str, first: char) -> (usize, TokenKind) {
    if is_han(first) {
        (first.len_utf8(), TokenKind::Han)
    } else if first.is_ascii_digit() {
        (number_len(rest), TokenKind::Number)
    } else if first.is_alphabetic() {
        (word_len(rest), TokenKind::Word)
    } else {
        (first.len_utf8(), punctuation_kind(first))
    }
}

fn punctuation_kind(c: char) -> TokenKind {
    match c {
        ',' => TokenKind::Comma,
        '、' | '/' => TokenKind::ListMark,
        '.' | '!' | ';' | '\n' | '…' | '|' => TokenKind::SentenceEnd,
        '?' => TokenKind::QuestionMark,
        ':' | '=' | '-' | '(' | ')' | '[' | ']' => TokenKind::Link,
        _ => TokenKind::Other,
    }
}

fn word_len(rest: &str) -> usize {
    let mut chars = rest.char_indices();
    let end = chars.find(|&(_, c)| is_han(c) || !c.is_alphabetic());

    end.map_or(rest.len(), |(at, _)| at)
}

/// Length of a number; a full stop belongs to it only when a digit follows.
fn number_len(rest: &str) -> usize {
    let mut len = 0;
    let mut chars = rest.chars().peekable();

    while let Some(c) = chars.next() {
        let is_point = c == '.' && chars.peek().is_some_and(char::is_ascii_digit);
        if !c.is_ascii_digit() && !is_point {
            break;
        }
        len += c.len_utf8();
    }

    len
}
