//! What a letter tells beside the complaint: an old event in a second clause, a relative in
//! passing, an illness that is feared, read about or asked after.
//!
//! A short text is written in haste, and any word of it may be the complaint. A letter has room for
//! more, and tells an emergency in more than a name. Only such texts are read so, and what happens
//! now ("having a stroke", 突发) is never set aside.

use super::clause::ClauseContext;
use super::context_cues::ContextCue;
use super::hypothetical::is_in_question;
use super::illness::is_bare_name;
use super::letter::Letter;
use crate::triage::finding::{Finding, FindingStatus};
use crate::triage::tokens::text_at;

/// What is feared stands no further behind the fear, unless it is a mere name.
const MAX_FEAR_DISTANCE: usize = 8;
/// A second clause of an old event begins no further behind its date.
const MAX_STORY_TOKENS: usize = 24;

/// The greatest status that the rest of a letter leaves.
pub(super) fn greatest_status(context: &ClauseContext<'_, '_>) -> FindingStatus {
    let Some(letter) = context.letter else {
        return FindingStatus::Present;
    };
    let happens_now = context.segment_has_cue(ContextCue::EventNow)
        || context.segment_has_cue(ContextCue::Recurrence);
    if context.mention.key.is_risk() || happens_now {
        return FindingStatus::Present;
    }

    if is_told_in_passing(context, letter) {
        // A sign may be why the letter is written after all.
        return if is_bare_name(context) || context.sentence_has_cue(ContextCue::Deceased) {
            FindingStatus::Denied
        } else {
            FindingStatus::Uncertain
        };
    }
    let is_asked_or_feared = is_in_question(context) || is_feared(context);
    if is_asked_or_feared && (is_bare_name(context) || is_word_overdose(context)) {
        return FindingStatus::Named;
    }
    if is_dreaded_next(context) {
        return FindingStatus::Uncertain;
    }
    status_in_story(context)
}

/// "Was that an overdose?": what was swallowed is told elsewhere, and counts there.
fn is_word_overdose(context: &ClauseContext<'_, '_>) -> bool {
    let word = text_at(context.tokens, context.mention.start);

    context.mention.key == Finding::Overdose && word.starts_with("overdos")
}

/// "My neighbour was told vertigo and it was a stroke", once in a letter about something else.
fn is_told_in_passing(context: &ClauseContext<'_, '_>, letter: &Letter) -> bool {
    let start = context.mention.start;
    let mut relatives = context.sentence_cues_of(ContextCue::Relative);
    let is_subject = relatives.any(|relative| relative.end <= start);
    let is_now = context.sentence_has_cue(ContextCue::Current)
        || context.sentence_has_cue(ContextCue::NewTurn)
        || context.text_has_cue(ContextCue::Plea);

    is_subject && !is_now && tells_past(context) && letter.is_aside(start)
}

/// Whether a fear, a piece of reading or a cause stands in the sentence, before the name.
fn is_feared(context: &ClauseContext<'_, '_>) -> bool {
    let start = context.mention.start;
    let is_before = |cue: ContextCue| {
        let mut cues = context.sentence_cues_of(cue);
        cues.any(|cue| cue.start < start)
    };

    is_before(ContextCue::Fear)
        || is_before(ContextCue::PossibleEffect)
        || is_before(ContextCue::Conditional)
}

/// "worried that he stops breathing", 怕猝死: the fear of what may come.
fn is_dreaded_next(context: &ClauseContext<'_, '_>) -> bool {
    let start = context.mention.start;
    let reach = start.saturating_sub(MAX_FEAR_DISTANCE)..start;
    let mut fears = context
        .sentence_cues_of(ContextCue::Fear)
        .chain(context.sentence_cues_of(ContextCue::PossibleEffect));
    let is_near =
        fears.any(|fear| reach.contains(&fear.start) && context.segment.contains(&fear.start));

    is_near && !context.sentence_has_cue(ContextCue::NewTurn)
}

/// The status in the second clause of an old event: "… 11 years ago, was unconscious for minutes".
fn status_in_story(context: &ClauseContext<'_, '_>) -> FindingStatus {
    if !follows_date(context) || !tells_past(context) {
        return FindingStatus::Present;
    }

    if context.has_nearby_cue(ContextCue::Well) {
        FindingStatus::Denied
    } else {
        FindingStatus::Uncertain
    }
}

/// Whether a date that lies far back stands before in the sentence, and no time of the present
/// between it and the end of the clause.
fn follows_date(context: &ClauseContext<'_, '_>) -> bool {
    let start = context.mention.start;
    let remote = context.sentence_cues_of(ContextCue::RemoteDate);
    let months = context.sentence_cues_of(ContextCue::MonthsAgo);
    let earlier = remote.chain(months).filter(|date| date.end <= start);
    let Some(date) = earlier.max_by_key(|date| date.end) else {
        return false;
    };
    if start - date.end > MAX_STORY_TOKENS {
        return false;
    }

    let present = [ContextCue::Current, ContextCue::Now, ContextCue::NewTurn];
    let mut times = present
        .into_iter()
        .flat_map(|cue| context.sentence_cues_of(cue));
    times.all(|time| {
        time.start < date.end || time.start >= context.segment.end || is_span(context, time.start)
    })
}

/// "for ten minutes", "for two days": how long it took, at any time.
fn is_span(context: &ClauseContext<'_, '_>, unit: usize) -> bool {
    let earliest = unit.saturating_sub(3);
    let mut before = earliest..unit;

    before.any(|at| {
        matches!(
            text_at(context.tokens, at),
            "for" | "lasted" | "lasting" | "some"
        )
    })
}

/// Whether the clause has a verb of the past and none of the present before the mention or in it, or
/// 了, 过 or 的 behind.
fn tells_past(context: &ClauseContext<'_, '_>) -> bool {
    let text = |at: usize| text_at(context.tokens, at);
    let mention = context.mention;
    if !text(mention.start).is_ascii() {
        let mut behind = mention.start..context.segment.end.min(mention.end + 4);
        return behind.any(|at| {
            matches!(text(at), "了" | "的")
                || text(at) == "过" && !matches!(text(at + 1), "敏" | "量" | "度" | "程")
        });
    }

    let is_present = |at: usize| {
        matches!(
            text(at),
            "is" | "are" | "am" | "im" | "hes" | "shes" | "has" | "have" | "cant"
        )
    };
    let mut told = context.segment.start..mention.end;
    !told.clone().any(is_present)
        && told.any(|at| {
            let word = text(at);
            matches!(
                word,
                "had"
                    | "was"
                    | "were"
                    | "got"
                    | "went"
                    | "lost"
                    | "couldnt"
                    | "spent"
                    | "woke"
                    | "fell"
            ) || word.len() > 4 && word.ends_with("ed")
        })
}
