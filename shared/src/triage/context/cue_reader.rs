//! Finds the negation cues of a text, and looks ahead for the lists that they govern.

use crate::triage::breaks::Pause;
use crate::triage::cue_lexicon::{self, CueEffect, NegationCue};
use crate::triage::pattern::PatternMatch;
use crate::triage::tokens::{Token, TokenKind, text_at};
use crate::triage::word_class::WordClass;

/// Longer items are no items of a list.
const MAX_ITEM_TOKENS: usize = 16;

/// No list has more items; the bound keeps the look-ahead short.
const MAX_LIST_ITEMS: usize = 10;

/// Subjects of a new statement behind a plain answer.
const SUBJECTS: &[&str] = &[
    "i", "im", "ive", "he", "she", "it", "we", "they", "my", "his", "her", "there", "我", "他",
    "她",
];

/// Ends of the names that a patient has as the subject of a sentence.
const SUBJECT_ENDS: &[&str] = &[
    "patient", "baby", "child", "son", "daughter", "者", "人", "宝", "孩", "子", "儿", "娃",
];

/// A cue in a text.
#[derive(Debug, Clone, Copy)]
pub(super) struct CueMatch {
    pub(super) effect: CueEffect,
    pub(super) start: usize,
    /// Position of the token behind the cue.
    pub(super) end: usize,
}

/// A short list item that asserts nothing.
#[derive(Debug, Clone, Copy)]
pub(super) struct BareItem {
    /// Position of the token that ends the item.
    pub(super) end: usize,
    /// Whether "or" or 和 stands in the item, and closes its list.
    pub(super) closes_list: bool,
}

/// A text with its findings, as far as they decide where a cue can stand.
pub(super) struct CueReader<'t, 'x> {
    tokens: &'t [Token<'x>],
    /// For each token, whether it belongs to a finding, and can thus be no cue.
    in_finding: Vec<bool>,
    /// For each token, where the longest finding that begins there ends.
    finding_ends: Vec<Option<usize>>,
}

impl<'t, 'x> CueReader<'t, 'x> {
    pub(super) fn new<K>(tokens: &'t [Token<'x>], mentions: &[PatternMatch<K>]) -> Self {
        let mut in_finding = vec![false; tokens.len()];
        let mut finding_ends = vec![None; tokens.len()];

        for mention in mentions {
            if let Some(end) = finding_ends.get_mut(mention.start) {
                *end = Some(mention.end).max(*end);
            }
            for at in mention.atom_tokens() {
                if let Some(is_taken) = in_finding.get_mut(at) {
                    *is_taken = true;
                }
            }
        }

        Self {
            tokens,
            in_finding,
            finding_ends,
        }
    }

    pub(super) fn tokens(&self) -> &'t [Token<'x>] {
        self.tokens
    }

    pub(super) fn kind_at(&self, at: usize) -> Option<TokenKind> {
        self.tokens.get(at).map(|token| token.kind)
    }

    /// Whether a comma, a list mark, "or" or "and" stands at `at` and goes on with a list.
    pub(super) fn is_joined_at(&self, at: usize) -> bool {
        let is_mark = matches!(
            self.kind_at(at),
            Some(TokenKind::Comma | TokenKind::ListMark)
        );
        let effect = self.cue_at(at).map(|cue| cue.effect);

        is_mark
            || matches!(
                effect,
                Some(CueEffect::Conjunction | CueEffect::AmbiguousAnd)
            )
    }

    /// Where the longest finding that begins at `at` ends.
    pub(super) fn finding_end(&self, at: usize) -> Option<usize> {
        self.finding_ends.get(at).copied().flatten()
    }

    /// The longest cue that begins at `at`.
    ///
    /// A token that belongs to a finding ("cannot breathe", 没有意识) is no cue.
    pub(super) fn cue_at(&self, at: usize) -> Option<CueMatch> {
        let first = self.tokens.get(at)?;
        if !first.class.has(WordClass::CUE) {
            return None;
        }

        let second = text_at(self.tokens, self.behind_wrap(at + 1));
        let mut cues = cue_lexicon::cues_beginning(first.text, second);

        cues.find_map(|cue| {
            let end = self.cue_end(cue, at)?;
            Some(CueMatch {
                effect: cue.effect,
                start: at,
                end,
            })
        })
    }

    /// Position of the token behind a cue, if it stands at `start`. A soft break may wrap it
    /// (否 / 认胸痛), but not behind what may be an answer already ("fever: no / symptoms of …").
    fn cue_end(&self, cue: &NegationCue, start: usize) -> Option<usize> {
        let mut next = start;

        for word in &cue.words {
            if next > start {
                next = self.behind_wrap(next);
            }
            let is_free = self.in_finding.get(next) == Some(&false);
            if !is_free || text_at(self.tokens, next) != *word {
                return None;
            }
            next += 1;
        }

        let is_wrapped = next - start > cue.words.len();
        let may_wrap = cue.effect.lowers_nothing() || !self.may_be_answer(start, Pause::Break);
        (!is_wrapped || may_wrap).then_some(next)
    }

    /// `at`, or the position behind the soft break at `at` when a word follows it.
    fn behind_wrap(&self, at: usize) -> usize {
        let is_break = self.tokens.get(at).is_some_and(Token::is_soft_break);
        let next_kind = self.kind_at(at + 1);
        let goes_on = matches!(next_kind, Some(TokenKind::Word | TokenKind::Han));

        at + usize::from(is_break && goes_on)
    }

    /// "no i have chest pain", 没有我胸痛: an answer, and then a statement with its own subject.
    pub(super) fn is_plain_answer(&self, cue: CueMatch) -> bool {
        let words = (
            text_at(self.tokens, cue.start),
            text_at(self.tokens, cue.start + 1),
        );
        let is_bare = match cue.end - cue.start {
            1 => words.0 == "no",
            2 => words == ("没", "有"),
            _ => false,
        };

        is_bare && self.is_subject_at(cue.end)
    }

    /// Whether a statement with its own subject begins at `at`.
    pub(super) fn is_subject_at(&self, at: usize) -> bool {
        SUBJECTS.contains(&text_at(self.tokens, at))
    }

    /// Whether a cue, behind which a pause stands, may be the answer to what stands before it:
    /// 发烧：没有 / 胸痛, "smoker no / chest pain". Then it denies nothing behind the pause.
    ///
    /// What follows with a subject of its own ("no… I have chest pain") is not asked for here:
    /// [`Self::is_subject_at`].
    pub(super) fn may_be_answer(&self, cue_start: usize, pause: Pause) -> bool {
        let Some(at) = cue_start.checked_sub(1) else {
            // "No... chest pain" may answer what somebody asked.
            return pause == Pause::Break && text_at(self.tokens, cue_start) == "no";
        };
        let Some(before) = self.tokens.get(at) else {
            return false;
        };

        let is_break = pause == Pause::Break;
        let cue_pause = self.tokens.get(cue_start).map(|token| token.pause);
        if before.is_soft_break() || cue_pause == Some(Pause::Break) {
            return is_break;
        }

        match before.kind {
            TokenKind::Link | TokenKind::QuestionMark => true,
            TokenKind::SentenceEnd | TokenKind::Comma | TokenKind::ListMark => false,
            _ if matches!(before.text, "吗" | "呢") => true,
            _ if SUBJECT_ENDS.contains(&before.text) => false,
            _ if self.in_finding.get(at) == Some(&true) => true,
            _ => is_break && !leads_to_cue(before),
        }
    }

    /// The item from `from` on, if it is a bare and short one.
    pub(super) fn bare_item(&self, from: usize) -> Option<BareItem> {
        let mut closes_list = false;
        let longest_end = from + MAX_ITEM_TOKENS;

        for (at, token) in (from..longest_end).zip(self.tokens.iter().skip(from)) {
            if token.ends_segment() {
                return Some(BareItem {
                    end: at,
                    closes_list,
                });
            }

            match self.cue_at(at).map(|cue| cue.effect) {
                Some(CueEffect::Conjunction) => closes_list = true,
                Some(CueEffect::AmbiguousAnd) | None => {}
                Some(_) => return None,
            }
            if token.class.has(WordClass::ASSERTING) || token.class.has(WordClass::BREAKER) {
                return None;
            }
        }

        let ends_text = self.tokens.len() <= longest_end;
        ends_text.then_some(BareItem {
            end: self.tokens.len(),
            closes_list,
        })
    }

    /// Whether one of the bare items from the comma at `at` on has an "or", and closes the list.
    pub(super) fn is_list_closed(&self, mut at: usize) -> bool {
        for _ in 0..MAX_LIST_ITEMS {
            if self.kind_at(at) != Some(TokenKind::Comma) {
                return false;
            }

            match self.bare_item(at + 1) {
                Some(item) if item.closes_list => return true,
                Some(item) => at = item.end,
                None => return false,
            }
        }

        false
    }
}

/// Whether a word before a cue belongs to its sentence ("I have no", 患者没有) rather than being
/// what the cue answers.
fn leads_to_cue(token: &Token<'_>) -> bool {
    let classes = [
        WordClass::FILLER,
        WordClass::JOINER,
        WordClass::CONTRAST,
        WordClass::TRANSPARENT,
        WordClass::BREAKER,
    ];
    classes.into_iter().any(|class| token.class.has(class))
}
