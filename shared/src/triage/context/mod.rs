//! The context of a mention: is the finding denied, whose is it, and when was it?
//!
//! The three properties and their cues are those of `ConText`, which extends `NegEx`:
//!
//! - `NegEx`: Chapman, Bridewell, Hanbury, Cooper and Buchanan, "A simple algorithm for identifying
//!   negated findings and diseases in discharge summaries", J Biomed Inform 34 (2001).
//! - `ConText`: Harkema, Dowling, Thornblade and Chapman, "`ConText`: An algorithm for determining
//!   negation, experiencer, and temporal status from clinical reports", J Biomed Inform 42 (2009).
//!
//! | property | example | file |
//! |---|---|---|
//! | negation, before the finding | "denies chest pain", 没有胸痛 | [`negation`], [`scope`] |
//! | negation, behind the finding | "chest pain: no", 胸痛（-） | [`post_cues`] |
//! | experiencer | "my father died of a stroke" | [`experiencer`] |
//! | temporality | "a stroke in 2010", 十年前中风过 | [`temporality`] |
//!
//! What is different here: patients write in two languages and without much punctuation, so that a
//! scope ends by the words in it rather than after a fixed number; a doubt is a status of its own;
//! and a text that can be read in two ways counts as the more urgent of the two.

mod clause;
mod context_cues;
mod cue_reader;
mod experiencer;
mod negation;
mod post_cues;
mod scope;
mod sections;
mod temporality;

use super::finding::{Finding, FindingStatus};
use super::pattern::{PatternMatch, PatternWord};
use super::tokens::Token;
use clause::ContextReader;

pub(super) use negation::negation_statuses;

/// The words of the cues behind a finding, of time and experiencer, and of headings.
pub(super) fn cue_words() -> impl Iterator<Item = &'static PatternWord> {
    let cue_words = post_cues::words().chain(context_cues::words());
    cue_words.chain(sections::words())
}

/// Statuses of the mentions in a text that tells of the patient's present illness.
pub(super) fn current_statuses(
    tokens: &[Token<'_>],
    mentions: &[PatternMatch<Finding>],
) -> Vec<FindingStatus> {
    let reader = ContextReader::new(tokens);
    let negation_statuses = negation_statuses(tokens, mentions);

    mentions
        .iter()
        .zip(negation_statuses)
        .map(|(mention, status)| status.min(greatest_status(&reader, mention)))
        .collect()
}

/// The greatest status that the time and the experiencer of a mention allow.
fn greatest_status(
    reader: &ContextReader<'_, '_>,
    mention: &PatternMatch<Finding>,
) -> FindingStatus {
    if mention.key.is_timeless() {
        return FindingStatus::Present;
    }

    let context = reader.clause_context(mention);
    if temporality::is_current(&context) {
        return FindingStatus::Present;
    }
    if experiencer::is_other_person(&context) {
        return FindingStatus::Denied;
    }
    temporality::status_in_past(&context)
}
