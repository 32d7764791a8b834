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
//! | negation, in a form | □胸痛 ☑气短 | [`check_marks`] |
//! | experiencer | "my father died of a stroke" | [`experiencer`] |
//! | temporality | "a stroke in 2010", 十年前中风过 | [`temporality`] |
//! | hypothetical | "in case of chest pain", 万一胸痛 | [`hypothetical`] |
//! | beside the complaint | "my neighbour had a stroke", in a letter | [`asides`], [`letter`] |
//! | long duration | "dizzy for years", 心慌反复一年多 | [`lasting`] |
//! | an illness's name | "what is meningitis?" | [`illness`] |
//!
//! What is different here: patients write in two languages and without much punctuation, so that a
//! scope ends by the words in it rather than after a fixed number; a doubt is a status of its own;
//! and a text that can be read in two ways counts as the more urgent of the two.

mod asides;
mod check_marks;
mod clause;
mod context_cues;
mod cue_reader;
mod experiencer;
mod hypothetical;
mod illness;
mod lasting;
mod letter;
mod negation;
mod post_cues;
mod scope;
mod sections;
mod temporality;

use super::compiler::syntax::PatternWord;
use super::finding::{Finding, FindingStatus};
use super::pattern::PatternMatch;
use super::tokens::Token;
use clause::{ClauseContext, ContextReader};
use sections::{RecordSection, RecordSections};

pub(super) use letter::is_unhurried_letter;
pub(super) use negation::negation_statuses;

/// The words of the cues behind a finding, of time and experiencer, and of headings.
pub(super) fn cue_words() -> impl Iterator<Item = PatternWord<'static>> {
    let cue_words = post_cues::words().chain(context_cues::words());
    cue_words.chain(sections::words())
}

/// The tokens of a record's headed parts about earlier illnesses and the family.
pub(super) fn tokens_of_history(tokens: &[Token<'_>]) -> impl Iterator<Item = usize> {
    let sections = RecordSections::of_tokens(tokens);

    (0..tokens.len()).filter(move |at| sections.section_at(*at) != RecordSection::Present)
}

/// Statuses of the mentions in a text that tells of the patient's present illness.
pub(super) fn current_statuses(
    tokens: &[Token<'_>],
    mentions: &[PatternMatch<Finding>],
) -> Vec<FindingStatus> {
    let reader = ContextReader::new(tokens, mentions);
    let negation_statuses = negation_statuses(tokens, mentions);

    mentions
        .iter()
        .zip(negation_statuses)
        .map(|(mention, status)| status.min(greatest_status(&reader, mention, status)))
        .collect()
}

/// The greatest status that the time, the experiencer and the purpose of a mention allow, whose
/// negation gives it `status`.
fn greatest_status(
    reader: &ContextReader<'_, '_>,
    mention: &PatternMatch<Finding>,
    status: FindingStatus,
) -> FindingStatus {
    if status == FindingStatus::Denied {
        return status;
    }

    let context = reader.clause_context(mention);
    if experiencer::is_animals(&context) {
        return FindingStatus::Denied;
    }
    let greatest_of_phrase = hypothetical::status_of_phrase(&context);
    if greatest_of_phrase == FindingStatus::Denied {
        return FindingStatus::Denied;
    }
    let greatest_of_thought = experiencer::status_of_thought(&context)
        .min(greatest_of_phrase)
        .min(asides::greatest_status(&context));
    if mention.key.is_timeless() {
        return experiencer::timeless_status(&context).min(greatest_of_thought);
    }

    let greatest = hypothetical::greatest_status(&context).min(greatest_of_thought);
    let is_others_death =
        experiencer::is_departed(&context) || experiencer::is_last_illness(&context);
    if greatest == FindingStatus::Denied || is_others_death {
        return FindingStatus::Denied;
    }
    if illness::is_bare_name(&context) && greatest != FindingStatus::Present {
        // "can stress cause a stroke?" asks of an illness in general.
        return FindingStatus::Denied;
    }

    let status_in_time = if illness::is_bare_name(&context) {
        illness::status_of_name(&context, status)
    } else {
        greatest.min(status_in_time(&context))
    };
    if lasting::is_lasting(&context) {
        status_in_time.min(FindingStatus::Uncertain)
    } else {
        status_in_time
    }
}

/// The greatest status that the time and the experiencer of a finding allow.
fn status_in_time(context: &ClauseContext<'_, '_>) -> FindingStatus {
    if temporality::is_current(context) {
        return FindingStatus::Present;
    }
    if experiencer::is_other_person(context) {
        return FindingStatus::Denied;
    }
    temporality::status_in_past(context)
}
