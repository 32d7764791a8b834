//! Finds the negation cues of a text, and looks ahead for the lists that they govern.

use std::ops::Range;

use crate::triage::breaks::Pause;
use crate::triage::cue_lexicon::{self, CueEffect, NegationCue};
use crate::triage::pattern::PatternMatch;
use crate::triage::tokens::{Token, TokenKind, text_at, text_before};
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

/// Words that cannot end a sentence: behind "denies" or "any" the finding is still to come.
const OPEN_WORDS: &[&str] = &[
    "denies",
    "denied",
    "deny",
    "denying",
    "without",
    "neither",
    "of",
    "for",
    "from",
    "with",
    "by",
    "any",
    "a",
    "an",
    "the",
    "such",
    "other",
    "having",
    "experiencing",
    "认",
    "何",
    "显",
    "著",
    "伴",
];

/// Words before a "no" that makes its sentence negative rather than answering.
const VERBS_BEFORE_NO: &[&str] = &["have", "has", "had", "having", "got", "with", "there"];

/// First characters of words for an onset: 突发, 骤然, 忽然, 猛地.
pub(super) const ONSET_CHARACTERS: &[&str] = &["突", "骤", "忽", "猛"];

/// A denial of all that was asked: 发热、过敏都没有.
const COLLECTIVES: &[&str] = &["都", "均", "也", "全", "皆"];

/// No name of a subject is longer: 我女儿.
const MAX_SUBJECT_TOKENS: usize = 3;

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
    /// For each token, where the shortest finding that begins there ends.
    first_finding_ends: Vec<Option<usize>>,
    /// For each token, whether it denies one finding and begins another: "no" in "no sweats", which
    /// may be a finding as well as "sweats".
    is_shared: Vec<bool>,
}

impl<'t, 'x> CueReader<'t, 'x> {
    pub(super) fn new<K>(tokens: &'t [Token<'x>], mentions: &[PatternMatch<K>]) -> Self {
        let mut reader = Self {
            tokens,
            in_finding: vec![false; tokens.len()],
            finding_ends: vec![None; tokens.len()],
            first_finding_ends: vec![None; tokens.len()],
            is_shared: vec![false; tokens.len()],
        };

        for mention in mentions {
            if let Some(end) = reader.finding_ends.get_mut(mention.start) {
                *end = Some(mention.end).max(*end);
            }
            if let Some(end) = reader.first_finding_ends.get_mut(mention.start) {
                *end = Some(end.map_or(mention.end, |known| known.min(mention.end)));
            }
        }
        for mention in mentions {
            reader.take_tokens(mention);
        }
        reader
    }

    /// Takes the words of a finding, except for its negator when what that denies is a finding too.
    fn take_tokens<K>(&mut self, mention: &PatternMatch<K>) {
        let negator = mention.start;
        let is_negator = |token: &Token<'_>| token.class.has(WordClass::NEGATOR);
        let mut denied = negator + 1..mention.end;
        let denies_finding = denied.any(|at| {
            let end = self.finding_end(at);
            end == Some(mention.end) || at == negator + 1 && end > Some(mention.end)
        });
        let is_shared = denies_finding && self.tokens.get(negator).is_some_and(is_negator);

        for at in mention.atom_tokens() {
            if is_shared && at == negator {
                if let Some(shared) = self.is_shared.get_mut(at) {
                    *shared = true;
                }
            } else if let Some(is_taken) = self.in_finding.get_mut(at) {
                *is_taken = true;
            }
        }
    }

    /// Whether the cue at `at` begins a finding as well.
    pub(super) fn is_shared(&self, at: usize) -> bool {
        self.is_shared.get(at) == Some(&true)
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

    /// Whether the finding that begins at `at` says how bad it is, which a denied one does not:
    /// 胸口剧痛, "severe chest pain".
    pub(super) fn asserts_finding(&self, at: usize) -> bool {
        let end = self.finding_end(at).unwrap_or(at + 1);
        let words = self.tokens.get(at..end).unwrap_or(&[]);

        words
            .iter()
            .any(|token| token.class.has(WordClass::ASSERTING))
    }

    /// Whether the finding that begins at `at` begins with its onset, or says what is there before
    /// it says how bad it is.
    pub(super) fn names_and_asserts(&self, at: usize) -> bool {
        let first = self.tokens.get(at);
        let names = first.is_some_and(|token| {
            !token.class.has(WordClass::ASSERTING) || ONSET_CHARACTERS.contains(&token.text)
        });
        names && self.asserts_finding(at)
    }

    /// Where the shortest finding that begins at `at` ends.
    pub(super) fn first_finding_end(&self, at: usize) -> Option<usize> {
        self.first_finding_ends.get(at).copied().flatten()
    }

    /// Whether the finding that begins at `at` is one term of two or four characters, as records
    /// list them, and no other word follows.
    pub(super) fn is_bare_term(&self, at: usize) -> bool {
        let Some(end) = self.finding_end(at) else {
            return false;
        };
        let is_term = matches!(end - at, 2 | 4);
        let goes_on = self.tokens.get(end).is_some_and(|token| {
            token.kind == TokenKind::Han
                && self.finding_end(end).is_none()
                && !token.class.has(WordClass::JOINER)
                && !matches!(token.text, "等" | "症" | "表" | "情" | "史" | "的")
        });

        is_term && !goes_on
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

    /// Position of the token behind a cue, if it stands at `start`. A pause may stand within it
    /// (否 / 认胸痛), but not behind words that may be an answer by themselves (没 / 有胸痛).
    fn cue_end(&self, cue: &NegationCue, start: usize) -> Option<usize> {
        let mut next = start;

        for word in &cue.words {
            if next > start {
                let behind = self.behind_wrap(next);
                if !cue.effect.lowers_nothing() && self.is_answer_before(start..next, behind) {
                    return None;
                }
                next = behind;
            }
            let is_free = self.in_finding.get(next) == Some(&false);
            if !is_free || text_at(self.tokens, next) != *word {
                return None;
            }
            next += 1;
        }

        let cuts_word = |at: usize| self.tokens.get(at).is_some_and(Token::is_inside_word);
        (!cuts_word(start) && !cuts_word(next)).then_some(next)
    }

    /// Whether a pause stands between the first words of a cue and the next one, and these words
    /// may be an answer.
    fn is_answer_before(&self, words: Range<usize>, next: usize) -> bool {
        let has_pause = self.tokens.get(next).map(|token| token.pause) > Some(Pause::None);
        if next == words.end && !has_pause {
            return false;
        }

        let texts = || words.clone().map(|at| text_at(self.tokens, at));
        let (first, second) = (texts().next(), texts().nth(1));
        let mut cues =
            cue_lexicon::cues_beginning(first.unwrap_or_default(), second.unwrap_or_default());
        let is_denial =
            cues.any(|cue| cue.effect.is_denial() && texts().eq(cue.words.iter().copied()));

        is_denial && self.may_be_answer(words.clone(), words.end)
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

    /// Whether a cue, behind which a pause stands at `end`, may be the answer to what was asked
    /// before it, or elsewhere: 没有 / 胸痛, 发烧：没有 / 胸痛, "I'm fine, no / chest pain". Then
    /// it denies nothing behind the pause. In doubt it is one: else it would hide a finding.
    ///
    /// What follows with a subject of its own ("no… I have chest pain") is not asked for here:
    /// [`Self::is_subject_at`].
    pub(super) fn may_be_answer(&self, cue: Range<usize>, end: usize) -> bool {
        let before = cue.start.checked_sub(1);
        let answers = before.is_some_and(|at| self.is_question_end(at));

        answers || !self.goes_on(cue, end)
    }

    /// Whether what is asked ends at `at`.
    fn is_question_end(&self, at: usize) -> bool {
        let is_mark = matches!(
            self.kind_at(at),
            Some(TokenKind::Link | TokenKind::QuestionMark)
        );
        let word = text_at(self.tokens, at);
        let is_particle = matches!(word, "吗" | "呢");
        let is_finding = self.in_finding.get(at) == Some(&true);

        is_mark || is_particle || is_finding && !SUBJECT_ENDS.contains(&word)
    }

    /// Whether the sentence of a cue plainly goes on at `end`, where a pause stands: "denies", "I
    /// have no", 我没有.
    fn goes_on(&self, cue: Range<usize>, end: usize) -> bool {
        let Some(last) = end.checked_sub(1) else {
            return false;
        };
        let last_word = text_at(self.tokens, last);
        let first_word = text_at(self.tokens, cue.start);
        let word_before = text_before(self.tokens, cue.start, 1);

        if COLLECTIVES.contains(&word_before) || COLLECTIVES.contains(&first_word) {
            return false;
        }
        if OPEN_WORDS.contains(&last_word) {
            return true;
        }
        if cue.end < end {
            return false;
        }

        match last_word {
            ":" => true,
            "no" if cue.len() == 1 => self.is_negative_sentence(cue.start),
            "no" | "have" | "has" | "had" | "got" => is_subject(word_before),
            _ => self.has_opening_subject(cue.start),
        }
    }

    /// "with no", "there is no"
    fn is_negative_sentence(&self, no: usize) -> bool {
        let verb = text_before(self.tokens, no, 1);
        let is_copula = matches!(verb, "is" | "are" | "was" | "were");

        VERBS_BEFORE_NO.contains(&verb) || is_copula && text_before(self.tokens, no, 2) == "there"
    }

    /// Whether nothing but a Han subject stands between a cue and the beginning of the text or of a
    /// sentence. 糖尿病我没有, a line of 我没有, and "I didn't" are answers.
    fn has_opening_subject(&self, cue_start: usize) -> bool {
        let before = cue_start.checked_sub(1);
        let Some(last) = before.filter(|at| self.kind_at(*at) == Some(TokenKind::Han)) else {
            return false;
        };
        let last_word = text_at(self.tokens, last);
        let is_name_end = SUBJECT_ENDS.contains(&last_word) && !self.is_body_part_end(last);
        let start = if is_name_end {
            self.name_start(last)
        } else {
            last
        };

        let is_begin = start.checked_sub(1).is_none_or(|at| {
            let is_hard = |token: &Token<'_>| !token.is_soft_break();
            let token = self.tokens.get(at).filter(|token| is_hard(token));
            token.is_some_and(|token| token.kind == TokenKind::SentenceEnd)
        });
        let words = self.tokens.get(start..=cue_start).unwrap_or(&[]);
        let is_whole = words.iter().all(|token| token.pause != Pause::Break);

        (is_name_end || SUBJECTS.contains(&last_word)) && is_begin && is_whole
    }

    /// 肚子, 鼻子, 脖子: no subject of a denial.
    fn is_body_part_end(&self, at: usize) -> bool {
        let word_before = text_before(self.tokens, at, 1);
        let is_person = matches!(word_before, "孩" | "儿" | "妻" | "小");

        text_at(self.tokens, at) == "子" && !is_person
    }

    /// Where a name that ends at `last` begins, if it is as long as a name may be.
    fn name_start(&self, last: usize) -> usize {
        let earliest = (last + 1).saturating_sub(MAX_SUBJECT_TOKENS);
        let is_part = |at: &usize| {
            let is_finding = self.in_finding.get(*at) == Some(&true);
            let is_name = SUBJECT_ENDS.contains(&text_at(self.tokens, *at));
            self.kind_at(*at) == Some(TokenKind::Han) && (is_name || !is_finding)
        };

        let parts = (earliest..=last).rev().take_while(is_part);
        parts.last().unwrap_or(last)
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

fn is_subject(word: &str) -> bool {
    SUBJECTS.contains(&word) || SUBJECT_ENDS.contains(&word)
}
