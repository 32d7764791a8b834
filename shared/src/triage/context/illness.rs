//! The name of an illness is no event: 癫痫病人饮食注意什么, "what is meningitis?".
//!
//! A name counts only with an onset, a time of the present or a suspicion beside it. A sign that a
//! finding of an illness lists as well ("seizure", 抽搐) is an event by itself.

use super::clause::ClauseContext;
use super::context_cues::ContextCue;
use super::experiencer::is_other_person;
use super::temporality::{has_ceased, status_in_past};
use crate::triage::finding::FindingStatus;
use crate::triage::tokens::{Token, TokenKind, text_at};

/// Words that may stand beside a name in a text that says nothing else.
const MAX_OTHER_WORDS: usize = 5;

/// Whether the mention is the name of an illness, and none of its signs.
pub(super) fn is_bare_name(context: &ClauseContext<'_, '_>) -> bool {
    let finding = context.mention.key;
    if finding.is_risk() || context.overlaps_cue(ContextCue::Sign) {
        return false;
    }

    let is_chronic = finding.is_illness() && context.overlaps_cue(ContextCue::Chronic);
    finding.is_illness_name() || is_chronic
}

/// The greatest status of an illness that is only named, and whose negation gives it `status`.
pub(super) fn status_of_name(
    context: &ClauseContext<'_, '_>,
    status: FindingStatus,
) -> FindingStatus {
    let happens_now = context.segment_has_cue(ContextCue::EventNow);
    if !happens_now && (context.sentence_has_cue(ContextCue::Inquiry) || is_known(context)) {
        return FindingStatus::Denied;
    }

    if is_other_person(context) || is_told_of_relative(context) {
        return FindingStatus::Denied;
    }
    if context.segment_has_cue(ContextCue::Recurrence) {
        return FindingStatus::Present;
    }
    // A doubt is a suspicion: "they couldn't rule out a heart attack".
    if has_event(context) || status == FindingStatus::Uncertain {
        return status_in_past(context);
    }
    if !context.overlaps_cue(ContextCue::Chronic) && is_whole_text(context) {
        status_in_past(context).min(FindingStatus::Uncertain)
    } else {
        status_in_past(context).min(FindingStatus::Named)
    }
}

/// Whether a cue that the illness happens stands beside its name.
fn has_event(context: &ClauseContext<'_, '_>) -> bool {
    let is_chronic = context.overlaps_cue(ContextCue::Chronic);
    let has_cue = if is_chronic {
        context.has_cue(ContextCue::EventNow) || has_attack(context)
    } else {
        context.segment_has_cue(ContextCue::Event)
    };

    has_cue || is_followed_by_le(context) || !is_chronic && is_asked(context)
}

/// 癫痫发作, 癫痫犯了, "epileptic attack"
fn has_attack(context: &ClauseContext<'_, '_>) -> bool {
    let mut behind = context.mention.end..context.mention.end + 4;

    behind.any(|at| {
        matches!(
            text_at(context.tokens, at),
            "发" | "犯" | "attack" | "attacks" | "episode"
        )
    })
}

/// 中风了, 心梗了: the change has come; 中风了三年 has not.
fn is_followed_by_le(context: &ClauseContext<'_, '_>) -> bool {
    let end = context.mention.end;

    text_at(context.tokens, end) == "了"
        && context
            .tokens
            .get(end + 1)
            .is_none_or(|token| !matches!(token.kind, TokenKind::Han | TokenKind::Number))
}

/// "stroke?", "heart attack?": a question of next to nothing but the name.
fn is_asked(context: &ClauseContext<'_, '_>) -> bool {
    let end = context.mention.end;
    let is_mark = |at: usize| {
        let token = context.tokens.get(at);
        token.is_some_and(|token| token.kind == TokenKind::QuestionMark)
    };
    let is_short = context.mention.start - context.clause.start <= MAX_OTHER_WORDS;

    is_short && (is_mark(end) || text_at(context.tokens, end) == "吗" && is_mark(end + 1))
}

/// Whether the illness is told of as one that has been over, or stable, for long.
fn is_known(context: &ClauseContext<'_, '_>) -> bool {
    has_ceased(context) || context.sentence_has_cue(ContextCue::Stable)
}

/// "my dad had a stroke", by one who is well.
fn is_told_of_relative(context: &ClauseContext<'_, '_>) -> bool {
    let is_relative = context.has_cue(ContextCue::Relative);
    let is_dated = context.has_cue(ContextCue::RemoteDate) || has_age(context);

    is_relative
        && !context.has_cue(ContextCue::EventNow)
        && (is_dated || context.text_has_cue(ContextCue::Well))
}

/// "at 51": behind the illness of a relative, an age.
fn has_age(context: &ClauseContext<'_, '_>) -> bool {
    let end = context.mention.end;
    let is_number = |token: &Token<'_>| token.kind == TokenKind::Number;

    matches!(text_at(context.tokens, end), "at" | "aged" | "age")
        && context.tokens.get(end + 1).is_some_and(is_number)
}

/// Whether next to nothing else is said in the whole text.
fn is_whole_text(context: &ClauseContext<'_, '_>) -> bool {
    let others = context
        .tokens
        .iter()
        .enumerate()
        .filter(|(at, token)| {
            let is_mention = (context.mention.start..context.mention.end).contains(at);
            let is_word = matches!(token.kind, TokenKind::Word | TokenKind::Han);
            !is_mention && is_word
        })
        .take(MAX_OTHER_WORDS + 1)
        .count();

    others <= MAX_OTHER_WORDS
}
