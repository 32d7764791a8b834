//! The headed parts of a clinical record: 主诉, 既往史, "PMH:", "FH:".

use std::sync::LazyLock;

use crate::triage::breaks::Pause;
use crate::triage::compiler::syntax::PatternWord;
use crate::triage::lexicon;
use crate::triage::pattern::PatternMatch;
use crate::triage::pattern_set::PatternSet;
use crate::triage::tokens::{Token, text_at};

/// The subject of a part of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RecordSection {
    /// The present illness, or no headed part at all.
    Present,
    /// The patient's earlier illnesses.
    Past,
    /// The illnesses of relatives.
    Family,
}

impl RecordSection {
    /// The part of a record that a section of the word list has the headings of.
    fn of_section(name: &str) -> Option<Self> {
        Some(match name {
            "present" => Self::Present,
            "past" => Self::Past,
            "family" => Self::Family,
            _ => return None,
        })
    }
}

static HEADINGS: LazyLock<PatternSet<RecordSection>> = LazyLock::new(|| {
    let tables = lexicon::RECORD_HEADING_TABLES;
    PatternSet::of_list(
        tables,
        lexicon::RECORD_HEADINGS_SECTIONS,
        RecordSection::of_section,
    )
});

/// The words of all headings.
pub(super) fn words() -> impl Iterator<Item = PatternWord<'static>> {
    HEADINGS.words()
}

/// The section of every token of a text.
pub(super) struct RecordSections(Vec<RecordSection>);

impl RecordSections {
    pub(super) fn of_tokens(tokens: &[Token<'_>]) -> Self {
        let headings = headings_by_token(tokens);
        let mut sections = Vec::with_capacity(tokens.len());
        let mut current = RecordSection::Present;
        let mut is_behind_colon = false;

        for (token, heading) in tokens.iter().zip(headings) {
            // A semicolon parts the items of one section, a bar the cells of one row, and a heading
            // may have a line of its own.
            let ends_item = token.ends_sentence() && !matches!(token.text, ";" | "|")
                || token.pause == Pause::Break;
            if ends_item && !is_behind_colon {
                current = RecordSection::Present;
            }

            is_behind_colon = token.text == ":";
            current = heading.unwrap_or(current);
            sections.push(current);
        }

        Self(sections)
    }

    /// The section that the token at `at` belongs to.
    pub(super) fn section_at(&self, at: usize) -> RecordSection {
        self.0.get(at).copied().unwrap_or(RecordSection::Present)
    }
}

/// For each token, the section that a heading opens there.
fn headings_by_token(tokens: &[Token<'_>]) -> Vec<Option<RecordSection>> {
    let mut headings = vec![None; tokens.len()];

    for found in HEADINGS.find_all(tokens) {
        let opens_section = found.key == RecordSection::Present || is_heading(tokens, &found);
        if !opens_section {
            continue;
        }

        if let Some(heading) = headings.get_mut(found.start) {
            *heading = Some(found.key);
        }
    }

    headings
}

/// Whether the words stand as a heading: before a colon or a dash, or as an abbreviation.
fn is_heading(tokens: &[Token<'_>], found: &PatternMatch<RecordSection>) -> bool {
    let is_before_mark = matches!(text_at(tokens, found.end), ":" | "-" | "|");

    is_before_mark || matches!(text_at(tokens, found.start), "pmh" | "pmhx" | "fhx")
}
