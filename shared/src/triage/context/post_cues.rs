//! Cues that stand behind a finding: "chest pain: no", 胸痛（-）, "chest pain has gone".

use std::sync::LazyLock;

use crate::triage::breaks::Pause;
use crate::triage::compiler::syntax::PatternWord;
use crate::triage::cue_lexicon::{self, CueEffect};
use crate::triage::data::WordList;
use crate::triage::finding::FindingStatus;
use crate::triage::pattern_set::PatternSet;
use crate::triage::tokens::{Token, TokenKind, text_at};
use crate::triage::word_class::WordClass;

/// Tokens behind a finding within which a cue that it is over may begin.
const RESOLVED_REACH: usize = 6;
/// Tokens that such a cue may take.
const MAX_CUE_TOKENS: usize = 4;
/// Tokens that a cue which only looks like a denial may take.
const MAX_ASSERTION_TOKENS: usize = 8;
/// Tokens that the name of a speaker may take.
const MAX_SPEAKER_TOKENS: usize = 2;
/// Tokens behind a listed finding within which the answer to the list may begin.
const MAX_LISTED_TOKENS: usize = 10;
/// Tokens behind a finding within which a word for its return may stand.
const RECURRENCE_REACH: usize = 12;

/// The meaning of a cue for the finding before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PostCue {
    /// A denial that makes up the whole rest of a segment.
    Answer,
    /// The answer that the finding is there.
    Affirmed,
    /// The organ does its work.
    Normal,
    /// The finding has passed, perhaps an hour ago; many emergencies come in waves.
    Resolved,
    /// A denied degree asserts the finding itself: "never had a headache like this".
    Exceeding,
    /// A denial with an end is no full denial.
    Limited,
}

impl PostCue {
    /// The cue of a section of the word list.
    fn of_section(name: &str) -> Option<Self> {
        Some(match name {
            "answer" => Self::Answer,
            "affirmed" => Self::Affirmed,
            "normal" => Self::Normal,
            "resolved" => Self::Resolved,
            "exceeding" => Self::Exceeding,
            "limited" => Self::Limited,
            _ => return None,
        })
    }
}

const POST_CUE_LIST: WordList = WordList {
    name: "post_cues.txt",
    text: include_str!("../data/post_cues.txt"),
};

/// The patterns of every kind of cue.
struct PostCuePatterns {
    answer: PatternSet<PostCue>,
    affirmed: PatternSet<PostCue>,
    normal: PatternSet<PostCue>,
    resolved: PatternSet<PostCue>,
    exceeding: PatternSet<PostCue>,
    limited: PatternSet<PostCue>,
}

static POST_CUES: LazyLock<PostCuePatterns> = LazyLock::new(|| {
    let entries = POST_CUE_LIST.sections(PostCue::of_section);
    let compile_kind = |kind| {
        let of_kind = entries.iter().copied().filter(|(cue, _)| *cue == kind);
        PatternSet::compile(of_kind)
    };

    PostCuePatterns {
        answer: compile_kind(PostCue::Answer),
        affirmed: compile_kind(PostCue::Affirmed),
        normal: compile_kind(PostCue::Normal),
        resolved: compile_kind(PostCue::Resolved),
        exceeding: compile_kind(PostCue::Exceeding),
        limited: compile_kind(PostCue::Limited),
    }
});

/// The words of all cues.
pub(super) fn words() -> impl Iterator<Item = PatternWord<'static>> {
    let cues = &*POST_CUES;
    let sets = [
        &cues.answer,
        &cues.affirmed,
        &cues.normal,
        &cues.resolved,
        &cues.exceeding,
        &cues.limited,
    ];
    sets.into_iter().flat_map(PatternSet::words)
}

/// The statuses that the words behind a finding allow.
#[derive(Debug, Clone, Copy)]
pub(super) struct StatusBounds {
    pub(super) least: FindingStatus,
    pub(super) greatest: FindingStatus,
}

/// The statuses that the words behind a finding which ends at `end` allow.
pub(super) fn status_bounds(tokens: &[Token<'_>], end: usize) -> StatusBounds {
    let rest = tokens.get(end..).unwrap_or(&[]);

    StatusBounds {
        least: least_status(rest),
        greatest: greatest_status(rest),
    }
}

fn greatest_status(rest: &[Token<'_>]) -> FindingStatus {
    // Behind an emoji or a break another sentence may begin, unless a colon or bracket opens it.
    let follows_pause =
        |token: &Token<'_>| token.pause > Pause::None && token.kind != TokenKind::Link;
    if rest.first().is_some_and(follows_pause) {
        return FindingStatus::Present;
    }

    // "chest pain free"
    if is_answered(rest, &POST_CUES.answer) || text_at(rest, 0) == "free" || is_normal(rest) {
        return FindingStatus::Denied;
    }
    if is_listed_before(rest) {
        return FindingStatus::Denied;
    }

    if is_resolved(rest) && !recurs(rest) {
        FindingStatus::Uncertain
    } else {
        FindingStatus::Present
    }
}

fn least_status(rest: &[Token<'_>]) -> FindingStatus {
    if POST_CUES.exceeding.matches_at(rest, 0) || is_answered(rest, &POST_CUES.affirmed) {
        FindingStatus::Present
    } else if POST_CUES.limited.matches_at(rest, 0) {
        FindingStatus::Uncertain
    } else {
        FindingStatus::Denied
    }
}

/// "chest pain: no", "chest pain? none", 胸痛吗？没有, "Chest pain? Patient: no".
fn is_answered(rest: &[Token<'_>], answers: &PatternSet<PostCue>) -> bool {
    let opening = rest.iter().take_while(|token| opens_answer(token));
    let opening_len = opening.take(2).count();
    let label_end = speaker_end(rest, opening_len);

    (0..=opening_len).chain(label_end).any(|skipped| {
        let answer = rest.get(skipped..).unwrap_or(&[]);
        let len = answers.longest_at(answer, 0);
        len.is_some_and(|len| ends_answer(answer, len) && !is_wrapped_assertion(answer, len))
    })
}

/// Where the name of the speaker ends that stands before the answer: "? Patient: no".
fn speaker_end(rest: &[Token<'_>], question_end: usize) -> Option<usize> {
    let asked = question_end.checked_sub(1)?;
    let is_question = |token: &Token<'_>| token.kind == TokenKind::QuestionMark;
    if !rest.get(asked).is_some_and(is_question) {
        return None;
    }

    let is_break = rest.get(question_end).is_some_and(Token::is_soft_break);
    let name = question_end + usize::from(is_break);
    let mut colons = name + 1..=name + MAX_SPEAKER_TOKENS;
    colons.find(|at| text_at(rest, *at) == ":").map(|at| at + 1)
}

/// "sweating/arm/jaw pain: no": the finding is one of several that one answer denies.
fn is_listed_before(rest: &[Token<'_>]) -> bool {
    let is_list = |token: &Token<'_>| token.kind == TokenKind::ListMark;
    if !rest.first().is_some_and(is_list) {
        return false;
    }

    let near = rest.iter().take(MAX_LISTED_TOKENS);
    let listed = near.take_while(|token| {
        matches!(
            token.kind,
            TokenKind::Word | TokenKind::Han | TokenKind::ListMark
        )
    });
    let behind = rest.get(listed.count()..).unwrap_or(&[]);
    let is_asked = behind
        .first()
        .is_some_and(|token| matches!(token.text, ":" | "?"));
    is_asked && is_answered(behind, &POST_CUES.answer)
}

/// 呼吸平稳; a question (这样喘气正常吗) is none.
fn is_normal(rest: &[Token<'_>]) -> bool {
    let fillers = rest.iter().take_while(|token| {
        matches!(
            token.text,
            "气" | "很" | "都" | "也" | "还" | "比" | "较" | "挺"
        )
    });
    let at = fillers.count();
    let Some(len) = POST_CUES.normal.longest_at(rest, at) else {
        return false;
    };

    let behind = rest.get(at + len);
    !behind.is_some_and(|token| {
        token.kind == TokenKind::QuestionMark
            || matches!(token.text, "吗" | "么" | "嘛" | "不" | "的")
    })
}

fn opens_answer(token: &Token<'_>) -> bool {
    let is_opening_word = matches!(token.text, "is" | "are" | "was" | "是" | "吗" | "呢");

    is_opening_word || matches!(token.kind, TokenKind::Link | TokenKind::QuestionMark)
}

/// Whether nothing else is said behind the answer: 胸痛没有缓解 is none.
fn ends_answer(answer: &[Token<'_>], len: usize) -> bool {
    answer.get(len).is_none_or(|token| {
        token.ends_segment()
            || token.pause == Pause::Break
            || matches!(token.kind, TokenKind::ListMark | TokenKind::Link)
            || token.text == "的"
    })
}

/// 胸痛没有 / 缓解: a break within a cue that only looks like a denial.
fn is_wrapped_assertion(answer: &[Token<'_>], len: usize) -> bool {
    let words: Vec<&str> = answer
        .iter()
        .filter(|token| !token.is_soft_break())
        .take(MAX_ASSERTION_TOKENS)
        .map(|token| token.text)
        .collect();

    let mut cues = match words.as_slice() {
        [first, second, ..] => cue_lexicon::cues_beginning(first, second),
        _ => return false,
    };
    cues.any(|cue| {
        let asserts = cue.effect == CueEffect::PseudoNegation && cue.words.len() > len;
        asserts && words.starts_with(&cue.words)
    })
}

/// A finding that came back is present, even if it was gone in between.
fn recurs(rest: &[Token<'_>]) -> bool {
    let near = rest.iter().take(RECURRENCE_REACH);
    let mut sentence = near.take_while(|token| !token.ends_sentence());

    sentence.any(|token| matches!(token.text, "又" | "again" | "back" | "returned" | "再"))
}

fn is_resolved(rest: &[Token<'_>]) -> bool {
    let near_len = rest.len().min(RESOLVED_REACH + MAX_CUE_TOKENS);
    let near = rest.get(..near_len).unwrap_or(rest);

    for (at, token) in near.iter().enumerate().take(RESOLVED_REACH) {
        if POST_CUES.resolved.matches_at(near, at) {
            return true;
        }

        let is_passable = token.class.has(WordClass::FILLER)
            || matches!(token.text, "now" | "all" | "just" | "then");
        if !is_passable {
            return false;
        }
    }

    false
}
