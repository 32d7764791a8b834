//! The surroundings of a mention: its clause, with the cues in it.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::LazyLock;

use super::context_cues::{ContextCue, find_context_cues};
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
    sections: RecordSections,
}

/// The surroundings of one mention.
pub(super) struct ClauseContext<'m, 'x> {
    pub(super) tokens: &'m [Token<'x>],
    pub(super) mention: &'m PatternMatch<Finding>,
    /// Positions of the mention's own clause.
    pub(super) clause: Range<usize>,
    /// Cues in the clause.
    cues: &'m [PatternMatch<ContextCue>],
    /// Cues between the two punctuation marks around the mention.
    segment_cues: &'m [PatternMatch<ContextCue>],
    /// Cues at any place near the mention.
    nearby_cues: &'m [PatternMatch<ContextCue>],
    pub(super) section: RecordSection,
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
        self.segment_cues.iter().any(|cue| cue.key == wanted)
    }

    /// Whether such a cue stands anywhere near the mention.
    pub(super) fn has_nearby_cue(&self, wanted: ContextCue) -> bool {
        self.nearby_cues.iter().any(|cue| cue.key == wanted)
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
    pub(super) fn new(tokens: &'t [Token<'x>]) -> Self {
        Self {
            tokens,
            cues: find_context_cues(tokens),
            sections: RecordSections::of_tokens(tokens),
        }
    }

    pub(super) fn clause_context<'m>(
        &'m self,
        mention: &'m PatternMatch<Finding>,
    ) -> ClauseContext<'m, 'x> {
        let segment = self.range_around(mention, |_| false);
        let clause = self.range_around(mention, |at| begins_predicate(self.tokens, at));
        let nearby_start = mention.start.saturating_sub(MAX_CLAUSE_TOKENS);
        let nearby = nearby_start..mention.end + MAX_CLAUSE_TOKENS;

        ClauseContext {
            tokens: self.tokens,
            mention,
            cues: self.cues_in(&clause),
            segment_cues: self.cues_in(&segment),
            nearby_cues: self.cues_in(&nearby),
            section: self.sections.section_at(mention.start),
            is_led_by_time: self.is_led_by_time(clause.start),
            clause,
        }
    }

    /// From the end of a segment, or the other boundary, before the mention to the one after it.
    fn range_around(
        &self,
        mention: &PatternMatch<Finding>,
        is_other_boundary: impl Fn(usize) -> bool,
    ) -> Range<usize> {
        let follows_break = |at: usize| {
            let token = self.tokens.get(at);
            token.is_some_and(|token| token.pause == Pause::Break)
        };
        let is_boundary = |at: usize| {
            let token = self.tokens.get(at);
            token.is_none_or(Token::ends_segment) || is_other_boundary(at)
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
