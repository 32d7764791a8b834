//! Experiencer, or whose finding it is: "my father died of a stroke", 母亲有癫痫史.
//!
//! Only what clearly belongs to another person's death or earlier illness is left out: a patient
//! often writes for a relative, whose present illness is the complaint.

use super::clause::ClauseContext;
use super::context_cues::ContextCue;
use super::sections::RecordSection;
use super::temporality::is_historical;

/// Whether the mention tells of another person's death or earlier illness.
pub(super) fn is_other_person(context: &ClauseContext<'_, '_>) -> bool {
    if context.section == RecordSection::Family {
        return true;
    }

    let is_deceased = context.has_cue(ContextCue::Deceased);
    let is_relative = context.has_cue(ContextCue::Relative)
        || is_deceased && context.has_nearby_cue(ContextCue::Relative);

    is_relative && (is_deceased || is_historical(context) && is_part_of_history(context))
}

/// An illness, or what the word for earlier illnesses stands beside: "dad history of angina chest
/// pain" may have two statements.
fn is_part_of_history(context: &ClauseContext<'_, '_>) -> bool {
    let mention = context.mention;
    let mut cues = context.cues_of(ContextCue::Historical);

    mention.key.is_illness()
        || cues.any(|cue| cue.start >= mention.end || cue.end + 1 >= mention.start)
}
