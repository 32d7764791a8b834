//! Temporality, or when a finding was: "a stroke in 2010", 十年前中风过, "history of seizures".
//!
//! Only what clearly belongs to a past predicate is left out. A record opens with the past
//! (既往体健，突发胸痛), so that a cue of the past reaches no further than its comma, and a symptom
//! that merely stands beside one is left open.

use std::ops::Range;

use super::clause::ClauseContext;
use super::context_cues::ContextCue;
use super::sections::RecordSection;
use crate::triage::finding::FindingStatus;
use crate::triage::pattern::PatternMatch;
use crate::triage::tokens::{Token, TokenKind, text_at};
use crate::triage::word_class::WordClass;

/// 史 may stand this far behind its illness: 脑梗死病史.
const MAX_HISTORY_DISTANCE: usize = 3;

/// Whether a time of the present stands beside the mention, or the finding has come back:
/// "… ten years ago and now the same again".
pub(super) fn is_current(context: &ClauseContext<'_, '_>) -> bool {
    let is_now = context.has_cue(ContextCue::Current) && !is_dated_behind(context);

    is_now || context.segment_has_cue(ContextCue::Recurrence)
}

/// "… for two days after his cardiac arrest last year": the date is the mention's own, and no time
/// of the present follows.
fn is_dated_behind(context: &ClauseContext<'_, '_>) -> bool {
    let end = context.mention.end;
    let remote = context.cues_of(ContextCue::RemoteDate);
    let mut dates = remote.filter(|date| (end..end + 3).contains(&date.start));

    dates.next().is_some_and(|date| {
        let mut current = context.cues_of(ContextCue::Current);
        current.all(|cue| cue.start < date.end)
    })
}

/// Whether the mention is told with a date that lies far back, by a verb of the past.
pub(super) fn is_long_over(context: &ClauseContext<'_, '_>) -> bool {
    let is_dated = context.has_cue(ContextCue::RemoteDate) || context.is_led_by_time;

    is_dated && !is_current(context) && is_told_as_over(context)
}

/// Whether the sentence tells of a time far back, and that the mention was then, or that the
/// patient is well now.
fn is_survived(context: &ClauseContext<'_, '_>) -> bool {
    let is_back_then = context.has_cue(ContextCue::BackThen);
    if is_back_then && context.sentence_has_cue(ContextCue::RemoteDate) {
        return true;
    }

    let is_remote = context.sentence_has_cue(ContextCue::RemoteDate)
        || is_back_then && context.has_nearby_cue(ContextCue::RemoteDate);
    is_remote && context.has_nearby_cue(ContextCue::Well)
}

/// Whether the text tells that the finding has not come back: "one seizure at two, none since".
pub(super) fn has_ceased(context: &ClauseContext<'_, '_>) -> bool {
    let is_behind = |cue: &PatternMatch<ContextCue>| cue.end > context.mention.end;

    context.nearby_cues_of(ContextCue::Ceased).any(is_behind)
}

/// The greatest status of a mention beside which no time of the present stands.
pub(super) fn status_in_past(context: &ClauseContext<'_, '_>) -> FindingStatus {
    let is_dated = context.has_cue(ContextCue::RemoteDate) || is_months_ago(context);
    if context.has_cue(ContextCue::Onset) {
        return if is_dated {
            FindingStatus::Uncertain
        } else {
            FindingStatus::Present
        };
    }

    if is_survived(context) {
        return FindingStatus::Denied;
    }
    if context.sentence_has_cue(ContextCue::Residual) {
        return FindingStatus::Uncertain;
    }
    let is_recorded = context.section == RecordSection::Past || is_historical(context);
    let is_in_past = is_dated
        || context.is_led_by_time
        || is_recorded
        || context.has_cue(ContextCue::Historical) && !escapes_history(context);
    if !is_in_past {
        return FindingStatus::Present;
    }

    let is_closed = (is_dated || context.is_led_by_time) && is_told_as_over(context);
    let is_past_illness =
        context.mention.key.is_illness() && (is_recorded || has_own_date(context));
    if is_closed || is_past_illness {
        FindingStatus::Denied
    } else {
        FindingStatus::Uncertain
    }
}

/// Whether the clause tells of a time some months back, which is over for an illness and open for a
/// symptom. A bite, a birth or an operation of that time can still have its consequences.
fn is_months_ago(context: &ClauseContext<'_, '_>) -> bool {
    let finding = context.mention.key;
    let is_event = finding.is_illness()
        && !finding.is_illness_name()
        && !context.overlaps_cue(ContextCue::Sign);

    context.has_cue(ContextCue::MonthsAgo) && !is_event
}

/// Whether a word for earlier illnesses governs the mention: "history of stroke", 心梗史.
pub(super) fn is_historical(context: &ClauseContext<'_, '_>) -> bool {
    let mention = context.mention;
    let behind = mention.end..mention.end + MAX_HISTORY_DISTANCE;

    context.cues_of(ContextCue::Historical).any(|cue| {
        if text_at(context.tokens, cue.start) == "史" {
            behind.contains(&cue.start)
        } else {
            cue.end <= mention.start && !begins_statement(context, cue)
        }
    })
}

/// Whether a new statement begins between every word for earlier illnesses and the mention.
fn escapes_history(context: &ClauseContext<'_, '_>) -> bool {
    let historical = context.cues_of(ContextCue::Historical);
    let mut before = historical
        .filter(|cue| cue.end <= context.mention.start)
        .peekable();

    before.peek().is_some() && before.all(|cue| begins_statement(context, cue))
}

/// Whether a statement begins between the cue and the mention: "history of COPD can't breathe".
fn begins_statement(context: &ClauseContext<'_, '_>, cue: &PatternMatch<ContextCue>) -> bool {
    let between = cue.end..context.mention.start + 1;
    let tokens = context.tokens.get(between).unwrap_or(&[]);

    tokens.iter().any(opens_statement)
}

fn opens_statement(token: &Token<'_>) -> bool {
    if token.kind != TokenKind::Word {
        return false;
    }

    let is_predicate = matches!(
        token.text,
        "cant"
            | "cannot"
            | "unable"
            | "stopped"
            | "not"
            | "p"
            | "complains"
            | "complaining"
            | "presenting"
            | "presents"
    );
    is_predicate || token.class.has(WordClass::BREAKER) && token.text != "had"
}

/// "stroke 3 years ago", 5年前患脑梗, but not "bypass 3 years ago heart attack".
fn has_own_date(context: &ClauseContext<'_, '_>) -> bool {
    let mention = context.mention;
    let mut told = context.clause.start..mention.end;
    let is_told_of_now = told.any(|at| {
        matches!(
            text_at(context.tokens, at),
            "have" | "has" | "having" | "is" | "am" | "im"
        )
    });
    if is_told_of_now {
        return false;
    }

    // English puts the time of one thing right before the next; Chinese puts it before its own.
    let first = context.tokens.get(mention.start);
    let is_han = first.is_some_and(|token| token.kind == TokenKind::Han);
    let leads_clause = |date: &PatternMatch<ContextCue>| date.start <= context.clause.start + 1;

    let remote = context.cues_of(ContextCue::RemoteDate);
    let mut dates = remote.chain(context.cues_of(ContextCue::MonthsAgo));
    dates.any(|date| {
        let is_behind = date.start >= mention.end;
        let is_right_before = date.end + 1 >= mention.start;
        is_behind || is_right_before && (is_han || leads_clause(date))
    })
}

/// "had a stroke", "fainted", 中风过, 曾中风: the verb itself is past, and no date stands between.
fn is_told_as_over(context: &ClauseContext<'_, '_>) -> bool {
    let mention = context.mention;
    let text = |at: usize| text_at(context.tokens, at);

    let is_guo = text(mention.end) == "过";
    // 过敏, 过量, 过度 and 过程 are words of their own.
    let is_other_word = matches!(text(mention.end + 1), "敏" | "量" | "度" | "程");
    if is_guo && !is_other_word {
        return true;
    }
    if text(mention.start).ends_with("ed") || text(mention.start) == "had" {
        return true;
    }

    let mut told = (context.clause.start..mention.end).rev();
    let past_verb = told.find(|at| {
        matches!(
            text(*at),
            "had" | "was" | "were" | "suffered" | "got" | "曾"
        )
    });
    past_verb.is_some_and(|verb| governs_mention(context, verb))
}

/// Whether neither a date nor a verb of the present stands between the verb and the mention.
fn governs_mention(context: &ClauseContext<'_, '_>, verb: usize) -> bool {
    let between: Range<usize> = verb + 1..context.mention.start.max(verb);

    let mut dates = context.cues_of(ContextCue::RemoteDate);
    let has_date = dates.any(|date| between.contains(&date.start));
    let mut positions = between.clone();
    let has_present_verb =
        positions.any(|at| matches!(text_at(context.tokens, at), "have" | "has" | "having"));

    !has_date && !has_present_verb
}
