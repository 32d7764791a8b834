//! The headed parts of a clinical record: 主诉, 既往史, "PMH:", "FH:".

use std::sync::LazyLock;

use super::pattern::PatternSet;
use super::text::{Kind, Token};

/// What a part of a record tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Section {
    /// The present illness, or no headed part at all.
    Present,
    /// The patient's earlier illnesses.
    Past,
    /// The illnesses of relatives.
    Family,
}

/// Headings; plain "history:" and 病史： head the present illness as often, and are none of them.
const HEADINGS: &[(Section, &str)] = &[
    (
        Section::Past,
        "pmh|pmhx|past_medical_history|past_history|past_medical_hx|psh|surgical_history|background|allergies|allergy",
    ),
    (
        Section::Past,
        "既往史|既往病史|过去史|既往|手术史|个人史|过敏史",
    ),
    (
        Section::Family,
        "fh|fhx|family_history|family_hx|家族史|家族病史|家族",
    ),
    (
        Section::Present,
        "c_/_o|cc|hpi|complains|complaining|presenting|presents|o_/_e|主诉|现病史|现症|查体|体检|入院",
    ),
];

static HEADING_SET: LazyLock<PatternSet<Section>> =
    LazyLock::new(|| PatternSet::compile(HEADINGS.iter().copied()));

/// The section of every token of a text.
pub(super) struct Sections(Vec<Section>);

impl Sections {
    pub(super) fn of(tokens: &[Token<'_>]) -> Self {
        let mut headings = vec![None; tokens.len()];
        for found in HEADING_SET.find(tokens) {
            let is_heading = found.key == Section::Present || heads(tokens, found.start, found.end);
            if let Some(slot) = headings.get_mut(found.start).filter(|_| is_heading) {
                *slot = Some(found.key);
            }
        }
        let mut section = Section::Present;
        let mut behind_colon = false;
        let of_token = |(token, heading): (&Token<'_>, Option<Section>)| {
            // A semicolon parts the items of one section, and a heading may have a line of its own.
            if token.ends_sentence() && token.text != ";" && !behind_colon {
                section = Section::Present;
            }
            behind_colon = token.text == ":";
            section = heading.unwrap_or(section);
            section
        };
        Self(tokens.iter().zip(headings).map(of_token).collect())
    }

    pub(super) fn at(&self, at: usize) -> Section {
        self.0.get(at).copied().unwrap_or(Section::Present)
    }
}

/// Whether the words from `start` to `end` stand as a heading: before a colon, or as an abbreviation.
fn heads(tokens: &[Token<'_>], start: usize, end: usize) -> bool {
    let text = |at: usize| tokens.get(at).map_or("", |token| token.text);
    let colon = tokens
        .get(end)
        .is_some_and(|token| token.kind == Kind::Link && matches!(token.text, ":" | "-"));
    colon || matches!(text(start), "pmh" | "pmhx" | "fhx")
}
