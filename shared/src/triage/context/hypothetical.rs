//! What has not happened: conditionals, questions for information, figures of speech, reasons of
//! tests. `ConText` names the first of these "hypothetical".
//!
//! A patient asks "what do I do if my child has swallowed bleach?" of what has just happened, so
//! that only a condition with a verb that opens it ("if I get …", "in case of", 万一) lowers what
//! follows at once.

use super::clause::ClauseContext;
use super::context_cues::ContextCue;
use super::experiencer::is_thought_of_harm;
use super::illness::is_bare_name;
use crate::triage::finding::{Finding, FindingStatus};
use crate::triage::pattern::PatternMatch;
use crate::triage::tokens::{TokenKind, text_at};

/// Words of a name that may stand between a question and the part of the name that is a finding.
const MAX_NAME_TOKENS: usize = 3;

/// A list behind a condition is no longer than this.
const MAX_LIST_TOKENS: usize = 20;

/// Words of a sentence that tells of somebody, rather than asking in general.
const PERSONS: &[&str] = &[
    "i", "im", "ive", "my", "me", "hes", "shes", "hers", "his", "her", "he", "she", "we", "our",
    "baby", "babys", "toddler", "son", "daughter", "kid", "kids", "dad", "mum", "mom", "father",
    "mother", "husband", "wife", "partner", "brother", "sister", "grandad", "grandpa", "grandma",
    "gran", "nan", "我", "他", "她", "咱",
];

/// The same in Chinese, in pairs of characters.
const HAN_PERSONS: &[&str] = &[
    "宝宝", "孩子", "娃娃", "小孩", "儿子", "女儿", "闺女", "老公", "老婆", "丈夫", "妻子", "爸爸",
    "妈妈", "老爸", "老妈", "父亲", "母亲", "爷爷", "奶奶", "外公", "外婆", "姥姥", "姥爷", "哥哥",
    "姐姐", "弟弟", "妹妹", "公公", "婆婆", "老人", "家人", "邻居", "同事",
];

/// The greatest status that a figure of speech leaves: "nearly had a heart attack", 气得快吐血.
///
/// A thought of harm in one is left open: "I could kill myself" may be meant. What begins at once
/// is no figure of speech.
pub(super) fn status_of_phrase(context: &ClauseContext<'_, '_>) -> FindingStatus {
    if context.mention.key.is_risk() {
        return FindingStatus::Present;
    }
    if context.is_within_cue(ContextCue::SetPhrase) {
        return FindingStatus::Denied;
    }

    let is_idiom = context.is_within_cue(ContextCue::Idiom) || is_partly_idiom(context);
    if !is_idiom || context.segment_has_cue(ContextCue::Onset) {
        FindingStatus::Present
    } else if is_thought_of_harm(context.mention.key) {
        FindingStatus::Uncertain
    } else {
        FindingStatus::Denied
    }
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

    let is_name = is_bare_name(context);
    let is_defined = is_name && context.sentence_has_cue(ContextCue::Definition);
    if is_defined && !tells_of_person(context) || is_taught(context) || is_general(context) {
        return FindingStatus::Denied;
    }
    if let Some(greatest) = status_in_condition(context) {
        return greatest;
    }
    if is_taught_elsewhere(context) {
        return FindingStatus::Uncertain;
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

/// "what is secondary drowning", 热射病死亡率: the question stands right beside the finding, which
/// is nobody's.
fn is_general(context: &ClauseContext<'_, '_>) -> bool {
    let mention = context.mention;
    let before = mention.start.saturating_sub(MAX_NAME_TOKENS)..mention.start + 1;
    let behind = mention.end..mention.end + MAX_NAME_TOKENS;

    let is_own = |at: usize| {
        matches!(
            text_at(context.tokens, at),
            "this" | "that" | "these" | "it"
        )
    };
    let mut questions = context.sentence_cues_of(ContextCue::General);
    let is_asked = questions.any(|question| {
        let is_before =
            before.contains(&question.end) && !(question.end..mention.start).any(is_own);
        is_before || behind.contains(&question.start)
    });

    let happens = context.text_has_cue(ContextCue::Plea)
        || context.text_has_cue(ContextCue::EventNow)
        || context.text_has_cue(ContextCue::NewTurn);
    is_asked && !happens && !is_complaint(mention.key) && !tells_of_person(context)
}

/// Whether the finding is a sign that a patient may well ask after because it is theirs.
fn is_complaint(finding: Finding) -> bool {
    matches!(
        finding,
        Finding::ChestPain
            | Finding::CrushingChestPain
            | Finding::ChestTightness
            | Finding::Breathless
            | Finding::SevereBreathless
            | Finding::AbdominalPain
            | Finding::SevereAbdominalPain
            | Finding::Headache
            | Finding::SevereHeadache
            | Finding::Sweating
            | Finding::FaceDroop
            | Finding::OneSidedWeakness
            | Finding::OneSidedNumbness
            | Finding::SpeechTrouble
            | Finding::VisionLoss
    )
}

/// The greatest status that a condition leaves. A sign in one may be there ("should I go to
/// hospital if I have chest pain"), and is when it is told to happen.
fn status_in_condition(context: &ClauseContext<'_, '_>) -> Option<FindingStatus> {
    let is_closed = is_governed(context, ContextCue::Conditional);
    if !is_closed && !is_governed(context, ContextCue::OpenCondition) {
        return None;
    }

    let mention = context.mention;
    let is_behind = |cue: &PatternMatch<ContextCue>| {
        let is_now = matches!(cue.key, ContextCue::EventNow | ContextCue::Now);
        is_now && cue.start >= mention.end
    };
    let happens_now = context.segment_cues().iter().any(is_behind);

    if is_bare_name(context) {
        Some(FindingStatus::Denied)
    } else if happens_now {
        None
    } else if is_closed {
        Some(FindingStatus::Denied)
    } else {
        Some(FindingStatus::Uncertain)
    }
}

/// "can carbon monoxide poisoning cause memory problems?", 中毒后有什么后遗症, of nobody in
/// particular.
fn is_asked_of_late_effects(context: &ClauseContext<'_, '_>) -> bool {
    let is_late = context.sentence_has_cue(ContextCue::LongTerm)
        && (is_in_question(context) || context.sentence_has_cue(ContextCue::Inquiry));
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

/// Whether the text asks for knowledge alone, and the sentence tells of nobody. What is told
/// elsewhere ("I'm a first aider") makes no sign of another sentence a lesson.
fn is_taught(context: &ClauseContext<'_, '_>) -> bool {
    let is_here = context.sentence_has_cue(ContextCue::Education);
    if !is_here && !is_bare_name(context) {
        return false;
    }

    is_part_of_lesson(context)
}

/// Whether a sign is asked after in a text that asks for knowledge, and help is not asked for.
fn is_taught_elsewhere(context: &ClauseContext<'_, '_>) -> bool {
    !context.text_has_cue(ContextCue::Plea) && is_part_of_lesson(context)
}

fn is_part_of_lesson(context: &ClauseContext<'_, '_>) -> bool {
    let happens_now = context.has_cue(ContextCue::EventNow);
    if !context.text_has_cue(ContextCue::Education) || happens_now {
        return false;
    }

    let asks = context.sentence_has_cue(ContextCue::Inquiry)
        || context.sentence_has_cue(ContextCue::Education)
        || context.sentence_has_cue(ContextCue::Conditional)
        || is_in_question(context);
    asks && !tells_of_person(context)
}

/// Whether the sentence of the mention is a question.
pub(super) fn is_in_question(context: &ClauseContext<'_, '_>) -> bool {
    let behind = context.tokens.iter().skip(context.mention.end);
    let mut end = behind.skip_while(|token| !token.ends_sentence());

    end.next()
        .is_some_and(|token| token.kind == TokenKind::QuestionMark)
}

fn tells_of_person(context: &ClauseContext<'_, '_>) -> bool {
    let mut clause = context.clause.clone();
    let is_person = |at: usize| {
        let word = text_at(context.tokens, at);
        let is_pair = |pair: &&str| {
            let rest = pair.strip_prefix(word);
            rest.is_some_and(|rest| !word.is_empty() && rest == text_at(context.tokens, at + 1))
        };
        PERSONS.contains(&word) || HAN_PERSONS.iter().any(is_pair)
    };

    clause.any(is_person) && !context.has_cue(ContextCue::Education)
}
