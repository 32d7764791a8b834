//! What has lasted for months or comes by habit (心慌反反复复一年多, "dizzy for 4 years",
//! 偶尔胸闷), and what an old illness has left (脑出血术后四个月，右半身瘫).
//!
//! Such a finding is no emergency by itself, and may become one: it is left open. A new turn
//! anywhere in the text ("COPD for years, since this morning …", 今天加重) takes that back, and
//! only findings that the rules mark as `lasting` are concerned at all: suicidal thoughts and
//! bleeding are as dangerous after weeks.

use std::ops::Range;

use super::clause::ClauseContext;
use super::context_cues::ContextCue;
use super::hypothetical::is_in_question;
use crate::triage::finding::Finding;
use crate::triage::pattern::PatternMatch;
use crate::triage::tokens::{Token, TokenKind, text_before};
use crate::triage::word_class::WordClass;

/// A clause that tells a time alone is no longer than this.
const MAX_TIME_TOKENS: usize = 14;

/// Words beside a time in a clause that tells nothing else: 一直都这样有一年了, "been like this for
/// years".
const WORDS_BESIDE_TIME: &[&str] = &[
    "ive",
    "have",
    "has",
    "had",
    "its",
    "it",
    "been",
    "like",
    "this",
    "that",
    "going",
    "on",
    "for",
    "over",
    "now",
    "same",
    "happening",
    "about",
    "all",
    "off",
    "and",
    "there",
    "with",
    "me",
    "more",
    "than",
    "有",
    "这",
    "样",
    "那",
    "已",
    "经",
    "差",
    "不",
    "多",
    "都",
    "是",
    "从",
    "大",
    "概",
    "了",
    "快",
    "将",
    "近",
    "足",
    "一",
    "直",
    "来",
    "好",
    "几",
    "余",
    "反",
    "复",
    "断",
    "续",
];

/// Whether the mention has lasted, or is left of an old illness, and nothing tells of a new turn.
pub(super) fn is_lasting(context: &ClauseContext<'_, '_>) -> bool {
    let happens_now =
        context.text_has_cue(ContextCue::NewTurn) || context.has_cue(ContextCue::EventNow);
    if !context.mention.key.is_lasting() || happens_now {
        return false;
    }

    let is_habitual = context.has_cue(ContextCue::Habit);
    let has_lasted = is_habitual || has_own_duration(context) || stands_beside_duration(context);
    let has_lasted = has_lasted || is_managed(context);
    let is_known = is_trait(context) || is_aftermath(context);
    has_lasted && !context.segment_has_cue(ContextCue::Now) || is_known
}

/// Whether the sentence tells what one is like ("does not answer to his name, is it autism?"), or
/// what a test of a night has measured. A child who is known to be so may collapse as well: what
/// concerns the mind is a trait only where it is asked about.
fn is_trait(context: &ClauseContext<'_, '_>) -> bool {
    let concerns_mind = matches!(
        context.mention.key,
        Finding::Unresponsive | Finding::HardToRouse | Finding::Seizure | Finding::ShockLook
    );
    // 是不是自闭症, without a mark.
    let is_doubted = |cue: &PatternMatch<ContextCue>| {
        let before = [2, 1].map(|distance| text_before(context.tokens, cue.start, distance));
        matches!(before, ["不", "是"] | ["是", "否"])
    };
    let mut traits = context.sentence_cues_of(ContextCue::Trait);
    let is_asked = is_in_question(context)
        || context.sentence_has_cue(ContextCue::Inquiry)
        || traits.any(is_doubted);

    context.sentence_has_cue(ContextCue::Trait) && (is_asked || !concerns_mind)
}

/// Whether the clause tells how long, and not of an illness that is named before: "asthma for ten
/// years can't breathe", 高血压十年头晕.
fn has_own_duration(context: &ClauseContext<'_, '_>) -> bool {
    let mention = context.mention;
    let belongs_to_condition = |duration: &PatternMatch<ContextCue>| {
        let mut conditions = context.cues_of(ContextCue::Condition);
        conditions.any(|condition| {
            let is_before = condition.end <= duration.start;
            let is_parted = condition.end <= mention.start && mention.end <= duration.start;
            is_before && !is_parted
        })
    };

    let mut durations = context.cues_of(ContextCue::Duration);
    durations.any(|duration| !belongs_to_condition(duration))
}

/// Whether the clause before or behind tells how long, and nothing else.
fn stands_beside_duration(context: &ClauseContext<'_, '_>) -> bool {
    let ends_segment = |at: &usize| context.tokens.get(*at).is_none_or(Token::ends_segment);

    let behind = context.segment.end + 1;
    let behind_end = (behind..behind + MAX_TIME_TOKENS).find(ends_segment);
    if behind_end.is_some_and(|end| is_duration_alone(context, &(behind..end))) {
        return true;
    }

    let Some(before) = context.segment.start.checked_sub(1) else {
        return false;
    };
    let earliest = before.saturating_sub(MAX_TIME_TOKENS);
    let begin = (earliest..before).rev().find(ends_segment);
    let start = begin.map_or(earliest, |at| at + 1);
    is_duration_alone(context, &(start..before))
}

fn is_duration_alone(context: &ClauseContext<'_, '_>, segment: &Range<usize>) -> bool {
    let is_within = |cue: &&PatternMatch<ContextCue>| segment.contains(&cue.start);
    let durations: Vec<_> = context
        .nearby_cues_of(ContextCue::Duration)
        .filter(is_within)
        .collect();

    let is_time = |at: usize| {
        let is_part = durations
            .iter()
            .any(|cue| (cue.start..cue.end).contains(&at));
        is_part || context.tokens.get(at).is_some_and(stands_beside_time)
    };
    !durations.is_empty() && segment.clone().all(is_time)
}

fn stands_beside_time(token: &Token<'_>) -> bool {
    token.kind == TokenKind::Number
        || token.class.has(WordClass::NUMERAL)
        || token.class.has(WordClass::FILLER)
        || WORDS_BESIDE_TIME.contains(&token.text)
}

/// Whether the text asks for the care of what one has had for months, and the finding may be part
/// of that: a sign of a stroke or a crushing pain is none.
fn is_managed(context: &ClauseContext<'_, '_>) -> bool {
    let is_old = context.text_has_cue(ContextCue::Duration);

    is_old && context.text_has_cue(ContextCue::Management) && !is_grave(context.mention.key)
}

/// Findings that are new as long as nothing tells how long they have been there.
fn is_grave(finding: Finding) -> bool {
    matches!(
        finding,
        Finding::FaceDroop
            | Finding::OneSidedWeakness
            | Finding::OneSidedNumbness
            | Finding::SpeechTrouble
            | Finding::StrokeNamed
            | Finding::ChestPain
            | Finding::CrushingChestPain
            | Finding::SevereBreathless
            | Finding::Unresponsive
            | Finding::HardToRouse
            | Finding::SevereAbdominalPain
            | Finding::VisionLoss
            | Finding::TesticularPain
            | Finding::VeryLowGlucose
            | Finding::OxygenBelow88
            | Finding::OxygenBelow93
    )
}

/// Whether the text asks how to recover from what was months ago.
fn is_aftermath(context: &ClauseContext<'_, '_>) -> bool {
    let is_old = context.text_has_cue(ContextCue::RemoteDate)
        || context.text_has_cue(ContextCue::MonthsAgo)
        || context.text_has_cue(ContextCue::Duration);

    // One sentence tells what was, another what is left of it, and a third what is asked.
    let is_left =
        context.text_has_cue(ContextCue::Residual) || context.text_has_cue(ContextCue::Aftermath);
    let is_asked = context.sentence_has_cue(ContextCue::Aftermath)
        || is_left && !context.has_cue(ContextCue::Now);
    is_old && is_asked
}
