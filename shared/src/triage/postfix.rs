//! Answers that stand behind a finding: "chest pain: no", 胸痛（-）, "chest pain has gone".

use std::sync::LazyLock;

use super::pattern::PatternSet;
use super::scope::Status;
use super::text::{Kind, Token};
use super::words::Class;

/// Denials that make up the whole rest of a segment.
const ANSWERS: &[&str] = &[
    "no|none|nil|nope|negative|absent|denied|never|neg",
    "not_present|not_there|not_at_all|none_at_all|not_really",
    "isnt_present|isnt_there|isnt_a_problem",
    "无|没有|否|阴性|否认|不存在|未见|未出现|没出现|没有出现|没有过",
    "-",
];

/// What has passed may have passed an hour ago, and many emergencies come in waves.
const RESOLVED: &[&str] = &[
    "gone|resolved|disappeared|vanished|subsided|passed|settled|stopped",
    "went|gone|going away",
    "better|fine|ok|okay now|today|already",
    "now|already gone|better|fine|ok",
    "消失|好了|没了|没有了|不痛了|不疼了|停了|缓解了|好转了|止住了|痊愈|过去了|不见了",
    "完全|基本|全 好了|消失|缓解|没了|没有了",
    "已经|已 缓解|好转|好|停",
];

static ANSWER_SET: LazyLock<PatternSet<()>> =
    LazyLock::new(|| PatternSet::compile(ANSWERS.iter().map(|source| ((), *source))));
static RESOLVED_SET: LazyLock<PatternSet<()>> =
    LazyLock::new(|| PatternSet::compile(RESOLVED.iter().map(|source| ((), *source))));

/// A denied degree asserts the finding itself: "never had a headache like this".
const EXCEEDING: &[&str] = &[
    "this|that|so bad|severe|strong|intense|terrible",
    "like_this|like_that",
    "as_bad_as",
];

/// A denial with an end is no full denial: it was there a while ago, or is there for the first time.
const LIMITED: &[&str] = &["anymore|any_more|any_longer|before|until", "了"];

static EXCEEDING_SET: LazyLock<PatternSet<()>> =
    LazyLock::new(|| PatternSet::compile(EXCEEDING.iter().map(|source| ((), *source))));
static LIMITED_SET: LazyLock<PatternSet<()>> =
    LazyLock::new(|| PatternSet::compile(LIMITED.iter().map(|source| ((), *source))));

/// How far behind a finding its answer may begin.
const REACH: usize = 6;

/// The least and the greatest status that the words behind a finding which ends at `end` allow.
pub(super) fn bounds(tokens: &[Token<'_>], end: usize) -> (Status, Status) {
    let rest = tokens.get(end..).unwrap_or(&[]);
    (floor(rest), ceiling(rest))
}

fn ceiling(rest: &[Token<'_>]) -> Status {
    if answered(rest) || rest.first().is_some_and(|token| token.text == "free") {
        Status::Denied
    } else if resolved(rest) && !recurs(rest) {
        Status::Uncertain
    } else {
        Status::Present
    }
}

fn floor(rest: &[Token<'_>]) -> Status {
    if EXCEEDING_SET.longest_at(rest, 0).is_some() {
        Status::Present
    } else if LIMITED_SET.longest_at(rest, 0).is_some() {
        Status::Uncertain
    } else {
        Status::Denied
    }
}

fn answered(rest: &[Token<'_>]) -> bool {
    let asked = rest
        .iter()
        .take_while(|token| opens_answer(token))
        .take(2)
        .count();
    (0..=asked).any(|skip| {
        let answer = rest.get(skip..).unwrap_or(&[]);
        ANSWER_SET
            .longest_at(answer, 0)
            .is_some_and(|len| closes(answer, len))
    })
}

fn opens_answer(token: &Token<'_>) -> bool {
    matches!(token.kind, Kind::Link | Kind::Question)
        || matches!(token.text, "is" | "are" | "was" | "是" | "吗" | "呢")
}

/// Whether nothing else is said behind the answer: 胸痛没有缓解 is none.
fn closes(answer: &[Token<'_>], len: usize) -> bool {
    answer.get(len).is_none_or(|token| {
        token.ends_segment()
            || matches!(token.kind, Kind::ListMark | Kind::Link)
            || token.text == "的"
    })
}

/// What came back is present, whatever it did in between.
fn recurs(rest: &[Token<'_>]) -> bool {
    let clause = rest
        .iter()
        .take(2 * REACH)
        .take_while(|token| !token.ends_sentence());
    clause
        .map(|token| token.text)
        .any(|text| matches!(text, "又" | "again" | "back" | "returned" | "再"))
}

fn resolved(rest: &[Token<'_>]) -> bool {
    let near = rest.get(..REACH + 4).unwrap_or(rest);
    for at in 0..near.len().min(REACH) {
        if RESOLVED_SET.longest_at(near, at).is_some() {
            return true;
        }
        let Some(token) = near.get(at) else {
            return false;
        };
        let passable =
            token.class.has(Class::FILLER) || matches!(token.text, "now" | "all" | "just" | "then");
        if !passable {
            return false;
        }
    }
    false
}
