//! The small pattern language of the lexicon.
//!
//! A pattern is a row of atoms parted by spaces:
//!
//! - `pain|ache` — either alternative; `_` joins the words of one alternative (`stiff_neck`).
//! - `faint*` — any English word with that beginning.
//! - `..` — up to four words (six Han characters) may stand here, inside one list item.
//! - `...` — up to seven words (ten Han characters), also across "and", "or" and `、`.
//! - `!heat` — first or last atom only: this must *not* stand right before or after.
//! - `@cant` — a group of alternatives from `data/pattern_groups.txt`.
//!
//! Between two atoms, words that change nothing ("my", "very", 很, 了) are skipped. The first
//! alternative that lets the rest of its pattern match counts.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::breaks::Pause;
use super::data::WordList;
use super::tokens::{Token, TokenKind, WordPlace};
use super::word_class::WordClass;
use crate::locale::is_han;

/// No gap steps over more tokens than this, however cheap: it keeps the search linear.
pub(super) const MAX_GAP_TOKENS: usize = 12;

/// No parts of the body that are joined to another take more tokens than this.
const MAX_COORDINATED_TOKENS: usize = 4;

/// No more phrases are made of two atoms.
const MAX_COMBINATIONS: usize = 300;

/// Cost of an English word or a number in a gap.
const WORD_COST: usize = 3;
/// Cost of a Han character or a list mark in a gap.
const HAN_COST: usize = 2;

/// A line that begins with one of these says something new, unless the line before it is left open
/// ("chest so tight that / I cannot move"): no gap steps over both.
const STATEMENT_OPENERS: &[&str] = &[
    "i", "im", "ive", "he", "she", "we", "they", "there", "我", "他", "她",
];

const GROUP_LIST: WordList = WordList {
    name: "pattern_groups.txt",
    text: include_str!("data/pattern_groups.txt"),
};

/// Alternatives that many patterns share, by the group's name with its `@`.
static GROUPS: LazyLock<HashMap<&'static str, Vec<&'static str>>> = LazyLock::new(|| {
    let mut groups: HashMap<&'static str, Vec<&'static str>> = HashMap::new();

    for (group, alternative) in GROUP_LIST.sections(Some) {
        groups.entry(group).or_default().push(alternative);
    }
    groups
});

/// The tokens that may stand between an atom and the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum GapKind {
    /// Nothing: the gap before the first atom.
    Closed,
    /// Words that change nothing.
    Fillers,
    /// `..`: words of the same list item.
    Item,
    /// `...`: words of the same list.
    List,
}

impl GapKind {
    /// Cost that the gap may reach.
    pub(super) fn budget(self) -> usize {
        match self {
            Self::Closed | Self::Fillers => 0,
            Self::Item => 4 * WORD_COST,
            Self::List => 7 * WORD_COST,
        }
    }

    /// Cost of `token` in the gap; `None` when it may not stand there.
    pub(super) fn cost_of(self, token: &Token<'_>) -> Option<usize> {
        if self == Self::Closed {
            return None;
        }
        if is_quotation_mark(token) {
            return Some(0);
        }

        // A negator in a gap does not hide the finding: the mention is found, and then read as
        // denied.
        if token.class.has(WordClass::FILLER) || token.class.has(WordClass::NEGATOR) {
            return Some(0);
        }
        if self == Self::Fillers {
            return None;
        }

        let crosses_lists = self == Self::List;
        let is_word = matches!(token.kind, TokenKind::Han | TokenKind::Word);
        let is_barred = token.class.has(WordClass::CONTRAST)
            || token.class.has(WordClass::CLAUSE)
            || token.class.has(WordClass::JOINER) && !crosses_lists;
        if is_word && is_barred {
            return None;
        }

        match token.kind {
            TokenKind::ListMark if crosses_lists => Some(HAN_COST),
            TokenKind::Han => Some(HAN_COST),
            TokenKind::Word | TokenKind::Number => Some(WORD_COST),
            _ => None,
        }
    }
}

fn is_quotation_mark(token: &Token<'_>) -> bool {
    token.kind == TokenKind::Other
        && matches!(
            token.text,
            "\"" | "“" | "”" | "「" | "」" | "『" | "』" | "《" | "》"
        )
}

/// A word of a pattern, or the beginning of one.
#[derive(Debug)]
pub(super) struct PatternWord {
    pub(super) text: &'static str,
    pub(super) is_prefix: bool,
}

impl PatternWord {
    fn matches(&self, token: &str) -> bool {
        if self.is_prefix {
            token.starts_with(self.text)
        } else {
            token == self.text
        }
    }
}

/// One alternative of an atom.
pub(super) type PatternPhrase = Vec<PatternWord>;

/// Alternatives, of which one stands behind the gap.
#[derive(Debug)]
pub(super) struct PatternAtom {
    pub(super) gap_before: GapKind,
    pub(super) phrases: Vec<PatternPhrase>,
}

/// A pattern as it is written.
#[derive(Debug, Default)]
pub(super) struct Pattern {
    not_before: Vec<PatternPhrase>,
    pub(super) atoms: Vec<PatternAtom>,
    not_after: Vec<PatternPhrase>,
}

/// Where a pattern was found: token positions, `end` exclusive.
#[derive(Debug, Clone)]
pub(super) struct PatternMatch<K> {
    pub(super) key: K,
    pub(super) start: usize,
    pub(super) end: usize,
    /// Tokens that stand in gaps between the atoms rather than in an atom.
    pub(super) gaps: Vec<usize>,
}

impl<K> PatternMatch<K> {
    /// A match that has no gaps.
    pub(super) fn without_gaps(key: K, start: usize, end: usize) -> Self {
        Self {
            key,
            start,
            end,
            gaps: Vec::new(),
        }
    }

    /// The tokens of its atoms.
    pub(super) fn atom_tokens(&self) -> impl Iterator<Item = usize> {
        (self.start..self.end).filter(|at| !self.gaps.contains(at))
    }
}

impl Pattern {
    pub(super) fn compile(source: &'static str) -> Self {
        let mut pattern = Self::default();
        let mut gap = GapKind::Fillers;

        for part in source.split_whitespace() {
            match part {
                ".." => gap = GapKind::Item,
                "..." => gap = GapKind::List,
                _ => {
                    pattern.add_part(part, gap);
                    gap = GapKind::Fillers;
                }
            }
        }

        pattern
    }

    fn add_part(&mut self, part: &'static str, gap: GapKind) {
        let is_first = self.atoms.is_empty();

        if let Some(barred) = part.strip_prefix('!') {
            let phrases = barred.split('|').map(compile_phrase).collect();
            if is_first {
                self.not_before = phrases;
            } else {
                self.not_after = phrases;
            }
            return;
        }

        let mut phrases = Vec::new();
        for alternative in part.split('|') {
            match group_of(alternative) {
                Some(group) => phrases.extend(group.iter().copied().map(compile_phrase)),
                None => phrases.push(compile_phrase(alternative)),
            }
        }

        let gap_before = if is_first { GapKind::Closed } else { gap };
        self.atoms.push(PatternAtom {
            gap_before,
            phrases,
        });
    }

    /// The words of a match.
    pub(super) fn words(&self) -> impl Iterator<Item = &PatternWord> {
        let phrases = self.atoms.iter().flat_map(|atom| &atom.phrases);
        phrases.flatten()
    }

    /// Whether a phrase that must not stand right before a match does.
    pub(super) fn is_barred_before(&self, tokens: &[Token<'_>], start: usize) -> bool {
        self.not_before.iter().any(|phrase| {
            let begin = start.checked_sub(phrase.len());
            begin.is_some_and(|at| phrase_end(phrase, tokens, at) == Some(start))
        })
    }

    /// Whether a phrase that must not stand right behind a match does.
    pub(super) fn is_barred_after(&self, tokens: &[Token<'_>], end: usize) -> bool {
        let mut barred = self.not_after.iter();
        barred.any(|phrase| phrase_end(phrase, tokens, end).is_some())
    }
}

/// The Chinese phrases of a pattern, and those that two of its neighbouring atoms make together.
pub(super) fn han_phrases(source: &'static str) -> Vec<String> {
    let mut phrases = Vec::new();
    let mut before: Vec<&'static str> = Vec::new();

    for part in source.split_whitespace() {
        if part.starts_with(['.', '!']) {
            before.clear();
            continue;
        }

        let alternatives: Vec<&'static str> = part
            .split('|')
            .flat_map(|alternative| match group_of(alternative) {
                Some(group) => group.clone(),
                None => vec![alternative],
            })
            .filter(|alternative| alternative.chars().all(is_han))
            .collect();
        phrases.extend(alternatives.iter().map(|phrase| (*phrase).to_owned()));
        if before.len() * alternatives.len() <= MAX_COMBINATIONS {
            let joined = before.iter().flat_map(|first| {
                let seconds = alternatives.iter();
                seconds.map(move |second| format!("{first}{second}"))
            });
            phrases.extend(joined);
        }
        before = alternatives;
    }
    phrases
}

/// The alternatives of a group, if the alternative names one.
fn group_of(alternative: &str) -> Option<&'static Vec<&'static str>> {
    if !alternative.starts_with('@') {
        return None;
    }
    GROUPS.get(alternative)
}

/// Cuts an alternative into the words, numbers and single Han characters that the tokeniser yields.
fn compile_phrase(source: &'static str) -> PatternPhrase {
    let mut words = Vec::new();

    for part in source.split('_') {
        let stem = part.strip_suffix('*');
        let text = stem.unwrap_or(part);

        if text.chars().all(|c| c.is_ascii_alphanumeric()) {
            words.push(PatternWord {
                text,
                is_prefix: stem.is_some(),
            });
        } else {
            words.extend(single_characters(text));
        }
    }

    words
}

fn single_characters(text: &'static str) -> impl Iterator<Item = PatternWord> {
    let ranges = text.char_indices().map(|(at, c)| at..at + c.len_utf8());

    ranges.filter_map(|range| {
        Some(PatternWord {
            text: text.get(range)?,
            is_prefix: false,
        })
    })
}

/// Position after `phrase` when it stands at `at` and cuts no Chinese word; Han characters may have
/// spaces between them.
fn phrase_end(phrase: &[PatternWord], tokens: &[Token<'_>], at: usize) -> Option<usize> {
    let mut next = at;

    for word in phrase {
        if !word.matches(tokens.get(next)?.text) {
            return None;
        }
        next += 1;
    }

    (!cuts_word(tokens, at, next)).then_some(next)
}

/// Whether a phrase from `start` to `end` cuts a Chinese word.
pub(super) fn cuts_word(tokens: &[Token<'_>], start: usize, end: usize) -> bool {
    cuts_first_word(tokens, start, end) || cuts_last_word(tokens, start, end)
}

/// Whether a phrase begins inside a Chinese word. One that is as long as the word and goes beyond it
/// may well be the word that is meant: 气短 in 三天气短.
fn cuts_first_word(tokens: &[Token<'_>], start: usize, end: usize) -> bool {
    tokens.get(start).is_some_and(|token| {
        let WordPlace { before, left } = token.word;
        before > 0 && (end <= start + left || end - start < before + left)
    })
}

/// Whether a phrase ends inside a Chinese word that it does not begin before, or that is longer.
fn cuts_last_word(tokens: &[Token<'_>], start: usize, end: usize) -> bool {
    tokens.get(end).is_some_and(|token| {
        let WordPlace { before, left } = token.word;
        before > 0 && (end <= start + before || end - start < before + left)
    })
}

/// Where the parts of the body end that are joined to the one before `at`: 胸口、左臂痛 and "chest and
/// left arm pain" tell of both.
pub(super) fn coordinated_end(tokens: &[Token<'_>], at: usize) -> usize {
    let is_body = |at: usize| {
        let token = tokens.get(at);
        token.is_some_and(|token| token.class.has(WordClass::BODY))
    };
    let is_joint = |token: &Token<'_>| {
        token.kind == TokenKind::ListMark
            || matches!(token.text, "and" | "or" | "和" | "及" | "与" | "跟")
    };
    let follows_body = at.checked_sub(1).is_some_and(is_body);
    if !follows_body || !tokens.get(at).is_some_and(is_joint) {
        return at;
    }

    let parts = (at + 1..at + 1 + MAX_COORDINATED_TOKENS).take_while(|at| is_body(*at));
    match parts.count() {
        0 => at,
        count => at + 1 + count,
    }
}

/// Whether a wrapped line begins at `at`, and a statement with it.
pub(super) fn opens_statement(tokens: &[Token<'_>], at: usize) -> bool {
    let is_opener =
        |token: &Token<'_>| token.pause == Pause::Break && STATEMENT_OPENERS.contains(&token.text);
    if !tokens.get(at).is_some_and(is_opener) {
        return false;
    }

    let before = at.checked_sub(1).and_then(|before| tokens.get(before));
    !before.is_some_and(|token| {
        let class = token.class;
        class.has(WordClass::TRANSPARENT) || class.has(WordClass::JOINER)
    })
}
