//! What has not happened: conditionals, questions for information, figures of speech, reasons of
//! tests. `ConText` names the first of these "hypothetical".
//!
//! A patient asks "what do I do if my child has swallowed bleach?" of what has just happened, so
//! that only a condition with a verb that opens it ("if I get …", "in case of", 万一) lowers what
//! follows at once.

use super::clause::ClauseContext;
use super::context_cues::ContextCue;
use crate::triage::finding::FindingStatus;
use crate::triage::pattern::PatternMatch;
use crate::triage::tokens::{TokenKind, text_at};

/// A list behind a condition is no longer than this.
const MAX_LIST_TOKENS: usize = 20;

/// Words of a sentence that tells of somebody, rather than asking in general.
const PERSONS: &[&str] = &[
    "i", "im", "ive", "my", "me", "hes", "shes", "hers", "his", "her", "he", "she", "we", "our",
    "我", "他", "她", "咱",
];

/// Whether the mention belongs to a figure of speech: "nearly had a heart attack", 气得快吐血.
pub(super) fn is_figure_of_speech(context: &ClauseContext<'_, '_>) -> bool {
    if context.mention.key.is_risk() {
        return false;
    }

    context.is_within_cue(ContextCue::Idiom) || is_partly_idiom(context)
}

/// "a heart attack" in "giving me a heart attack": all of it but its first word stands there.
fn is_partly_idiom(context: &ClauseContext<'_, '_>) -> bool {
    let mention = context.mention;
    let mut idioms = context.nearby_cues_of(ContextCue::Idiom);

    idioms.any(|idiom| idiom.start < mention.start && mention.start < idiom.end)
        && text_at(context.tokens, mention.start).is_ascii()
}

/// The greatest status that conditions, questions and tests leave.
pub(super) fn greatest_status(context: &ClauseContext<'_, '_>) -> FindingStatus {
    // 癫痫三年没发作: English says "not … since" of what has lasted as well.
    let is_han = !text_at(context.tokens, context.mention.start).is_ascii();
    if is_han && context.overlaps_cue(ContextCue::Ceased) {
        return FindingStatus::Denied;
    }

    let is_defined = context.sentence_has_cue(ContextCue::Definition) && !tells_of_person(context);
    if is_defined || is_governed(context, ContextCue::Conditional) || is_taught(context) {
        return FindingStatus::Denied;
    }

    if is_governed(context, ContextCue::Checkup) {
        let is_past = context.segment_has_cue(ContextCue::RemoteDate) || tells_result(context);
        return if is_past {
            FindingStatus::Denied
        } else {
            FindingStatus::Uncertain
        };
    }

    let is_asked = is_asked_of_late_effects(context);
    if is_governed(context, ContextCue::PossibleEffect) || is_feared(context) || is_asked {
        FindingStatus::Uncertain
    } else {
        FindingStatus::Present
    }
}

/// "can carbon monoxide poisoning cause memory problems?", 中毒后有什么后遗症, of nobody in particular.
fn is_asked_of_late_effects(context: &ClauseContext<'_, '_>) -> bool {
    let is_late = context.sentence_has_cue(ContextCue::LongTerm) && is_in_question(context);
    let is_asked = is_late || context.is_within_cue(ContextCue::AskedEffect);

    is_asked && !tells_of_person(context) && !context.text_has_cue(ContextCue::NewTurn)
}

/// 会瘫痪吗: a question for what may come.
fn is_feared(context: &ClauseContext<'_, '_>) -> bool {
    let start = context.mention.start;
    let before = start.checked_sub(1).map(|at| text_at(context.tokens, at));

    before == Some("会") && is_in_question(context)
}

/// Whether the mention stands right behind such a cue, or in the list behind it.
fn is_governed(context: &ClauseContext<'_, '_>, cue: ContextCue) -> bool {
    let start = context.mention.start;
    let mut cues = context.sentence_cues_of(cue);

    cues.any(|cue: &PatternMatch<ContextCue>| {
        let is_near = cue.end <= start && start - cue.end <= MAX_LIST_TOKENS;
        is_near && context.is_list_between(cue.end, start)
    })
}

/// "… was normal", "… all clear"
fn tells_result(context: &ClauseContext<'_, '_>) -> bool {
    let behind = context.mention.end..context.clause.end;

    behind.into_iter().any(|at| {
        matches!(
            text_at(context.tokens, at),
            "normal" | "clear" | "negative" | "fine" | "booked" | "due"
        )
    })
}

/// Whether the text asks for knowledge alone, and the sentence tells of nobody.
fn is_taught(context: &ClauseContext<'_, '_>) -> bool {
    if !context.text_has_cue(ContextCue::Education) || context.has_cue(ContextCue::EventNow) {
        return false;
    }

    let asks = context.sentence_has_cue(ContextCue::Inquiry)
        || context.sentence_has_cue(ContextCue::Education)
        || context.sentence_has_cue(ContextCue::Conditional)
        || is_in_question(context);
    asks && !tells_of_person(context)
}

fn is_in_question(context: &ClauseContext<'_, '_>) -> bool {
    let behind = context.tokens.iter().skip(context.mention.end);
    let mut end = behind.skip_while(|token| !token.ends_sentence());

    end.next()
        .is_some_and(|token| token.kind == TokenKind::QuestionMark)
}

fn tells_of_person(context: &ClauseContext<'_, '_>) -> bool {
    let mut clause = context.clause.clone();
    let is_person = |at: usize| PERSONS.contains(&text_at(context.tokens, at));

    clause.any(is_person) && !context.has_cue(ContextCue::Education)
}
