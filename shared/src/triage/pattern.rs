//! How the atoms of a pattern may stand in a text: what gaps cost, and where a phrase would cut a
//! word. The language itself is described in `compiler::syntax`.

use super::breaks::Pause;
use super::compiler::syntax::GapKind;
use super::tokens::{Token, TokenKind, WordPlace};
use super::word_class::WordClass;

/// No gap steps over more tokens than this, however cheap: it keeps the search linear.
pub(super) const MAX_GAP_TOKENS: usize = 12;

/// No parts of the body that are joined to another take more tokens than this.
const MAX_COORDINATED_TOKENS: usize = 4;

/// Cost of an English word or a number in a gap.
const WORD_COST: usize = 3;
/// Cost of a Han character or a list mark in a gap.
const HAN_COST: usize = 2;

/// A line that begins with one of these says something new, unless the line before it is left open
/// ("chest so tight that / I cannot move"): no gap steps over both.
const STATEMENT_OPENERS: &[&str] = &[
    "i", "im", "ive", "he", "she", "we", "they", "there", "我", "他", "她",
];

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

/// Whether a phrase from `start` to `end` cuts a Chinese word.
pub(super) fn cuts_word(tokens: &[Token<'_>], start: usize, end: usize) -> bool {
    cuts_first_word(tokens, start, end) || cuts_last_word(tokens, start, end)
}

/// Whether a phrase begins inside a Chinese word. One that is as long as the word and goes beyond
/// it may well be the word that is meant: 气短 in 三天气短.
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

/// Where the parts of the body end that are joined to the one before `at`: 胸口、左臂痛 and "chest
/// and left arm pain" tell of both.
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
