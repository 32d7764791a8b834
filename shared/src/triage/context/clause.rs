//! The surroundings of a mention: its clause, with the cues in it.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::LazyLock;

use super::context_cues::{ContextCue, find_context_cues};
use super::letter::Letter;
use super::sections::{RecordSection, RecordSections};
use crate::triage::breaks::Pause;
use crate::triage::data::WordList;
use crate::triage::finding::Finding;
use crate::triage::pattern::PatternMatch;
use crate::triage::tokens::{Token, TokenKind, text_at};
use crate::triage::word_class::WordClass;

/// Clauses are longer than this only in texts without punctuation, which are left alone.
const MAX_CLAUSE_TOKENS: usize = 24;

/// A time that leads a clause ("In 2010, …") is no longer than this.
const MAX_LEAD_TOKENS: usize = 7;

const PREDICATE_LIST: WordList = WordList {
    name: "predicates.txt",
    text: include_str!("../data/predicates.txt"),
};

/// Words that begin a statement of the present behind "and".
static PREDICATES: LazyLock<HashSet<&'static str>> =
    LazyLock::new(|| PREDICATE_LIST.entries().into_iter().collect());

/// Every context cue of a text, found once for all mentions.
pub(super) struct ContextReader<'t, 'x> {
    tokens: &'t [Token<'x>],
    /// In the order of the text.
    cues: Vec<PatternMatch<ContextCue>>,
    /// The kinds of `cues`, each once: most texts have few, so that most questions end here.
    cue_kinds: Vec<ContextCue>,
    /// For each token, whether a finding or a cue of those around findings stands there.
    in_finding: Vec<bool>,
    sections: RecordSections,
    letter: Option<Letter>,
}

/// The surroundings of one mention.
pub(super) struct ClauseContext<'m, 'x> {
    pub(super) tokens: &'m [Token<'x>],
    pub(super) mention: &'m PatternMatch<Finding>,
    /// Positions of the mention's own clause.
    pub(super) clause: Range<usize>,
    /// Positions between the two punctuation marks around the mention.
    pub(super) segment: Range<usize>,
    /// Cues in the clause.
    cues: &'m [PatternMatch<ContextCue>],
    /// Cues between the two punctuation marks around the mention.
    segment_cues: &'m [PatternMatch<ContextCue>],
    /// Cues in the sentence, commas included.
    sentence_cues: &'m [PatternMatch<ContextCue>],
    /// The kinds of the cues at any place of the text.
    cue_kinds: &'m [ContextCue],
    in_finding: &'m [bool],
    /// Cues at any place near the mention.
    nearby_cues: &'m [PatternMatch<ContextCue>],
    pub(super) section: RecordSection,
    /// The whole text, if it is a long one.
    pub(super) letter: Option<&'m Letter>,
    /// The clause before is nothing but a time: "In 2010, …".
    pub(super) is_led_by_time: bool,
}

impl ClauseContext<'_, '_> {
    /// Whether the clause has such a cue.
    pub(super) fn has_cue(&self, wanted: ContextCue) -> bool {
        self.cues_of(wanted).next().is_some()
    }

    /// Whether such a cue stands between the two punctuation marks around the mention.
    pub(super) fn segment_has_cue(&self, wanted: ContextCue) -> bool {
        self.text_has_cue(wanted) && self.segment_cues.iter().any(|cue| cue.key == wanted)
    }

    /// The cues between the two punctuation marks around the mention.
    pub(super) fn segment_cues(&self) -> &[PatternMatch<ContextCue>] {
        self.segment_cues
    }

    /// Whether such a cue stands anywhere near the mention.
    pub(super) fn has_nearby_cue(&self, wanted: ContextCue) -> bool {
        self.text_has_cue(wanted) && self.nearby_cues.iter().any(|cue| cue.key == wanted)
    }

    /// Whether such a cue stands in the sentence.
    pub(super) fn sentence_has_cue(&self, wanted: ContextCue) -> bool {
        self.text_has_cue(wanted) && self.sentence_cues.iter().any(|cue| cue.key == wanted)
    }

    /// Whether such a cue stands anywhere in the text.
    pub(super) fn text_has_cue(&self, wanted: ContextCue) -> bool {
        self.cue_kinds.contains(&wanted)
    }

    /// The cues of one kind that stand anywhere near the mention.
    pub(super) fn nearby_cues_of(
        &self,
        wanted: ContextCue,
    ) -> impl Iterator<Item = &PatternMatch<ContextCue>> {
        self.nearby_cues.iter().filter(move |cue| cue.key == wanted)
    }

    /// The sentence's cues of one kind.
    pub(super) fn sentence_cues_of(
        &self,
        wanted: ContextCue,
    ) -> impl Iterator<Item = &PatternMatch<ContextCue>> {
        self.sentence_cues
            .iter()
            .filter(move |cue| cue.key == wanted)
    }

    /// Whether the mention and such a cue have a word in common.
    pub(super) fn overlaps_cue(&self, wanted: ContextCue) -> bool {
        if !self.text_has_cue(wanted) {
            return false;
        }
        let mention = self.mention;
        let mut cues = self.nearby_cues_of(wanted);

        cues.any(|cue| cue.start < mention.end && mention.start < cue.end)
    }

    /// Whether the mention stands within the words of such a cue.
    pub(super) fn is_within_cue(&self, wanted: ContextCue) -> bool {
        if !self.text_has_cue(wanted) {
            return false;
        }
        let mention = self.mention;
        let mut cues = self.nearby_cues_of(wanted);

        cues.any(|cue| cue.start <= mention.start && mention.end <= cue.end)
    }

    /// Whether nothing but findings, words that change nothing and marks of a list stand between
    /// the tokens `from` and `to`.
    pub(super) fn is_list_between(&self, from: usize, to: usize) -> bool {
        let mut positions = from..to;

        positions.all(|at| {
            let is_finding = self.in_finding.get(at) == Some(&true);
            is_finding || self.tokens.get(at).is_some_and(may_stand_in_list)
        })
    }

    /// The clause's cues of one kind.
    pub(super) fn cues_of(
        &self,
        wanted: ContextCue,
    ) -> impl Iterator<Item = &PatternMatch<ContextCue>> {
        self.cues.iter().filter(move |cue| cue.key == wanted)
    }
}

impl<'t, 'x> ContextReader<'t, 'x> {
    pub(super) fn new(tokens: &'t [Token<'x>], mentions: &[PatternMatch<Finding>]) -> Self {
        let mut in_finding = vec![false; tokens.len()];
        for mention in mentions {
            let range = mention.start..mention.end;
            if let Some(taken) = in_finding.get_mut(range) {
                taken.fill(true);
            }
        }

        let cues = find_context_cues(tokens);
        let mut cue_kinds = Vec::new();
        for cue in &cues {
            if !cue_kinds.contains(&cue.key) {
                cue_kinds.push(cue.key);
            }
        }

        Self {
            tokens,
            in_finding,
            cues,
            cue_kinds,
            sections: RecordSections::of_tokens(tokens),
            letter: Letter::of_tokens(tokens),
        }
    }

    pub(super) fn clause_context<'m>(
        &'m self,
        mention: &'m PatternMatch<Finding>,
    ) -> ClauseContext<'m, 'x> {
        let ends_segment = |at: usize| self.tokens.get(at).is_none_or(Token::ends_segment);
        let ends_sentence = |at: usize| self.tokens.get(at).is_none_or(Token::ends_sentence);
        let segment = self.range_around(mention, ends_segment);
        let clause = self.range_around(mention, |at| {
            ends_segment(at) || begins_predicate(self.tokens, at)
        });
        let sentence = self.range_around(mention, ends_sentence);
        let nearby_start = mention.start.saturating_sub(MAX_CLAUSE_TOKENS);
        let nearby = nearby_start..mention.end + MAX_CLAUSE_TOKENS;

        ClauseContext {
            tokens: self.tokens,
            mention,
            cues: self.cues_in(&clause),
            segment_cues: self.cues_in(&segment),
            sentence_cues: self.cues_in(&sentence),
            cue_kinds: &self.cue_kinds,
            in_finding: &self.in_finding,
            nearby_cues: self.cues_in(&nearby),
            section: self.sections.section_at(mention.start),
            letter: self.letter.as_ref(),
            is_led_by_time: self.is_led_by_time(clause.start),
            clause,
            segment,
        }
    }

    /// From the boundary before the mention to the one after it.
    fn range_around(
        &self,
        mention: &PatternMatch<Finding>,
        is_boundary: impl Fn(usize) -> bool,
    ) -> Range<usize> {
        let follows_break = |at: usize| {
            let token = self.tokens.get(at);
            token.is_some_and(|token| token.pause == Pause::Break)
        };
        let earliest = mention.start.saturating_sub(MAX_CLAUSE_TOKENS);
        let latest = mention.end + MAX_CLAUSE_TOKENS;

        let before = (earliest..mention.start)
            .rev()
            .find(|at| is_boundary(*at) || follows_break(*at + 1));
        let after = (mention.end..latest).find(|at| is_boundary(*at) || follows_break(*at));
        before.map_or(earliest, |at| at + 1)..after.unwrap_or(latest)
    }

    fn cues_in(&self, range: &Range<usize>) -> &[PatternMatch<ContextCue>] {
        let from = self.cues.partition_point(|cue| cue.start < range.start);
        let to = self.cues.partition_point(|cue| cue.start < range.end);

        self.cues.get(from..to).unwrap_or(&[])
    }

    /// Whether nothing but a time stands before the comma that a clause begins after.
    fn is_led_by_time(&self, clause_start: usize) -> bool {
        let Some(comma) = clause_start.checked_sub(1) else {
            return false;
        };
        let is_comma = |token: &Token<'_>| token.kind == TokenKind::Comma;
        if !self.tokens.get(comma).is_some_and(is_comma) {
            return false;
        }

        let earliest = comma.saturating_sub(MAX_LEAD_TOKENS);
        let ends_segment = |at: &usize| self.tokens.get(*at).is_some_and(Token::ends_segment);
        let before = (earliest..comma).rev().find(ends_segment);
        let lead = before.map_or(earliest, |at| at + 1)..comma;

        let cues_of_lead = self.cues_in(&lead).iter();
        let dates: Vec<Range<usize>> = cues_of_lead
            .filter(|cue| cue.key == ContextCue::RemoteDate)
            .map(|cue| cue.start..cue.end)
            .collect();
        let belongs_to_date = |at: usize| {
            dates.iter().any(|date| date.contains(&at))
                || self.tokens.get(at).is_some_and(belongs_to_time)
        };

        !dates.is_empty() && lead.into_iter().all(belongs_to_date)
    }
}

fn may_stand_in_list(token: &Token<'_>) -> bool {
    let is_mark = matches!(token.kind, TokenKind::Comma | TokenKind::ListMark);
    let is_joiner = token.class.has(WordClass::JOINER) && token.kind != TokenKind::Number;

    is_mark
        || is_joiner
        || token.class.has(WordClass::FILLER) && !token.class.has(WordClass::NEGATOR)
        || token.class.has(WordClass::TRANSPARENT)
}

fn belongs_to_time(token: &Token<'_>) -> bool {
    let is_time_word = matches!(
        token.text,
        "about" | "around" | "some" | "back" | "大" | "约" | "多" | "几" | "年" | "时" | "候"
    );

    is_time_word
        || token.kind == TokenKind::Number
        || token.class.has(WordClass::NUMERAL)
        || token.class.has(WordClass::FILLER)
}

/// "… and have", "… and can't": what follows is told of the present.
fn begins_predicate(tokens: &[Token<'_>], at: usize) -> bool {
    let is_joined = matches!(text_at(tokens, at), "and" | "but" | "n" | "so");

    is_joined && PREDICATES.contains(text_at(tokens, at + 1))
}
