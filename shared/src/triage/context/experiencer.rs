//! Experiencer, or whose finding it is: "my father died of a stroke", 母亲有癫痫史.
//!
//! Only what clearly belongs to another person's death or earlier illness is left out: a patient
//! often writes for a relative, whose present illness is the complaint.

use super::clause::ClauseContext;
use super::context_cues::ContextCue;
use super::sections::RecordSection;
use super::temporality::{has_ceased, is_historical, is_long_over};
use crate::triage::finding::{Finding, FindingStatus};
use crate::triage::tokens::text_at;

/// Words of somebody to whom an animal has done something.
const PERSONS: &[&str] = &[
    "i", "me", "my", "him", "her", "his", "us", "our", "he", "she", "child", "kid", "son",
    "daughter", "baby", "dad", "mum", "mom", "father", "mother", "husband", "wife", "nan", "gran",
    "grandad", "grandma", "face", "hand", "leg", "arm", "我", "他", "她", "孩", "爸", "妈", "公",
    "婆", "爷", "奶", "手", "腿", "脸", "人", "脚",
];

/// A word for a death stands no further behind its cause: 脑溢血走的.
const MAX_DEPARTURE_DISTANCE: usize = 3;
/// What was then stands no further behind the word for a death.
const MAX_STORY_DISTANCE: usize = 8;

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

/// Whether the clause tells of an animal and of nobody: "my dog is choking on a bone", but not "my
/// dog has bitten me".
pub(super) fn is_animals(context: &ClauseContext<'_, '_>) -> bool {
    let mut animals = context.cues_of(ContextCue::Animal);
    let Some(animal) = animals.find(|animal| animal.end <= context.mention.start) else {
        return false;
    };

    let mut behind = animal.end..context.segment.end;
    !behind.any(|at| PERSONS.contains(&text_at(context.tokens, at)))
}

/// An illness, or what the word for earlier illnesses stands beside: "dad history of angina chest
/// pain" may have two statements.
fn is_part_of_history(context: &ClauseContext<'_, '_>) -> bool {
    let mention = context.mention;
    let mut cues = context.cues_of(ContextCue::Historical);

    mention.key.is_illness()
        || cues.any(|cue| cue.start >= mention.end || cue.end + 1 >= mention.start)
}

/// Whether the words behind the mention tell that a relative died of it: 父亲脑溢血走的.
pub(super) fn is_departed(context: &ClauseContext<'_, '_>) -> bool {
    if !context.sentence_has_cue(ContextCue::Relative) {
        return false;
    }

    let end = context.mention.end;
    (end..end + MAX_DEPARTURE_DISTANCE).any(|at| departs_at(context, at))
}

/// Whether the mention is told of a relative's last illness: 爷爷是脑梗走的，当年突然说不出话.
pub(super) fn is_last_illness(context: &ClauseContext<'_, '_>) -> bool {
    let told_before = context.clause.start.saturating_sub(MAX_STORY_DISTANCE);
    let mut before = told_before..context.clause.start;

    context.has_cue(ContextCue::BackThen)
        && context.sentence_has_cue(ContextCue::Relative)
        && before.any(|at| departs_at(context, at))
}

/// 走的, 走了, 没的: but not 走的时候 or 走了几步.
fn departs_at(context: &ClauseContext<'_, '_>, at: usize) -> bool {
    let text = |at: usize| text_at(context.tokens, at);
    let is_death = matches!(
        (text(at), text(at + 1)),
        ("走" | "没", "的" | "了") | ("离" | "去" | "过" | "病", "世" | "逝")
    );

    is_death
        && matches!(
            text(at + 2),
            "" | "," | "." | "!" | "?" | ";" | "\n" | "…" | "我" | "所" | "现"
        )
}

/// The status of what weighs as much when it is past: only another person's death, or what the
/// patient tells of as long over, makes it less.
pub(super) fn timeless_status(context: &ClauseContext<'_, '_>) -> FindingStatus {
    let is_illness_or_risk = context.mention.key.is_risk();
    if is_illness_or_risk {
        return FindingStatus::Present;
    }

    let is_deceased = context.segment_has_cue(ContextCue::Deceased)
        && context.segment_has_cue(ContextCue::Relative);
    if is_departed(context) || is_deceased {
        return FindingStatus::Denied;
    }
    if is_long_over(context) || has_ceased(context) {
        return FindingStatus::Uncertain;
    }

    FindingStatus::Present
}

/// Whether the finding is a thought, a plan or an act of harm.
pub(super) fn is_thought_of_harm(finding: Finding) -> bool {
    matches!(
        finding,
        Finding::Suicidal
            | Finding::SuicideNamed
            | Finding::SelfHarm
            | Finding::HarmToOthers
            | Finding::HarmToBaby
            | Finding::SuicideMeans
    )
}

/// The greatest status of a thought of harm that is another's end, got over, or dreaded.
pub(super) fn status_of_thought(context: &ClauseContext<'_, '_>) -> FindingStatus {
    if !is_thought_of_harm(context.mention.key) {
        return FindingStatus::Present;
    }

    if is_relatives_end(context) {
        FindingStatus::Denied
    } else if is_got_over(context) || is_dreaded(context) {
        FindingStatus::Uncertain
    } else {
        FindingStatus::Present
    }
}

/// 姨妈自杀的, told of a relative and of nothing else.
fn is_relatives_end(context: &ClauseContext<'_, '_>) -> bool {
    let end = context.mention.end;
    let is_told = text_at(context.tokens, end) == "的"
        && matches!(
            text_at(context.tokens, end + 1),
            "" | "," | "." | ";" | "\n"
        );

    is_told && context.segment_has_cue(ContextCue::Relative)
}

/// 有过不想活的念头，吃药半年好了: had once, by one who is well now.
fn is_got_over(context: &ClauseContext<'_, '_>) -> bool {
    let is_past = context.segment_has_cue(ContextCue::Historical)
        || context.segment_has_cue(ContextCue::BackThen)
        || text_at(context.tokens, context.mention.end) == "过"
        || holds_guo(context);
    let is_well = context.text_has_cue(ContextCue::Well);

    is_past && is_well && !context.text_has_cue(ContextCue::NewTurn)
}

/// A thought that one fears rather than has: 强迫思维，怕自己跳楼. Fear alone may be a call for
/// help ("scared I might kill myself"), and OCD alone says nothing of the thought.
fn is_dreaded(context: &ClauseContext<'_, '_>) -> bool {
    let is_against_will =
        context.text_has_cue(ContextCue::Intrusive) && context.text_has_cue(ContextCue::Dread);

    is_against_will && !context.text_has_cue(ContextCue::NewTurn)
}

/// 想过自杀
fn holds_guo(context: &ClauseContext<'_, '_>) -> bool {
    let before = context.mention.start.checked_sub(1);
    let before = before.map(|at| text_at(context.tokens, at));

    before == Some("过")
}
