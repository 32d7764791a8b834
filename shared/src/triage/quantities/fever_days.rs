//! How long a fever has lasted: "fever for 5 days", 发烧一周.

use super::numbers::number_at;
use crate::triage::finding::Finding;
use crate::triage::pattern::PatternMatch;
use crate::triage::tokens::{Token, text_at};

/// Days from which a fever must be seen (NICE NG143: five days or longer).
const LONG_FEVER_DAYS: u32 = 5;
/// Tokens between the fever and its duration.
const REACH: usize = 8;

const FEVER_WORDS: &[&str] = &["fever", "fevers", "feverish", "temperature", "temp"];
/// 烧 is a fever, but for 烧心, 烧伤, 灼烧 and their like.
const BEFORE_OTHER_BURNING: &[&str] = &["灼", "燃", "胃", "焚"];
const BEHIND_OTHER_BURNING: &[&str] = &["心", "胃", "灼", "伤", "炭", "烤", "饭", "水"];
/// 热 is a fever behind these: 发热, 高热, 低热.
const BEFORE_HEAT: &[&str] = &["发", "高", "低"];

/// Fevers of five days and more.
pub(super) fn find_long_fevers(tokens: &[Token<'_>]) -> Vec<PatternMatch<Finding>> {
    let positions = 0..tokens.len();

    positions
        .filter(|at| is_fever(tokens, *at))
        .filter(|at| lasts_long(tokens, *at))
        .map(|at| PatternMatch::without_gaps(Finding::FeverForDays, at, at + 1))
        .collect()
}

fn is_fever(tokens: &[Token<'_>], at: usize) -> bool {
    let before = at.checked_sub(1).map_or("", |at| text_at(tokens, at));
    let behind = text_at(tokens, at + 1);

    match text_at(tokens, at) {
        "烧" => !BEFORE_OTHER_BURNING.contains(&before) && !BEHIND_OTHER_BURNING.contains(&behind),
        "热" => BEFORE_HEAT.contains(&before),
        word => FEVER_WORDS.contains(&word),
    }
}

/// Whether five days or more stand in the fever's sentence, near it.
fn lasts_long(tokens: &[Token<'_>], fever: usize) -> bool {
    let begin = (fever.saturating_sub(REACH)..fever)
        .rev()
        .find(|at| tokens.get(*at).is_none_or(Token::ends_segment))
        .map_or(fever.saturating_sub(REACH), |at| at + 1);
    let end = (fever + 1..fever + REACH)
        .find(|at| tokens.get(*at).is_none_or(Token::ends_sentence))
        .unwrap_or(fever + REACH);

    (begin..end).any(|at| days_at(tokens, at) >= Some(LONG_FEVER_DAYS))
}

/// The days of a duration that begins at `at`.
fn days_at(tokens: &[Token<'_>], at: usize) -> Option<u32> {
    let number = number_at(tokens, at)?;
    let count = number.tenths / 10;

    let unit = text_at(tokens, number.end);
    let next = text_at(tokens, number.end + 1);
    let (days, end) = match unit {
        "days" | "day" | "天" | "日" | "d" | "nights" => (count, number.end + 1),
        "weeks" | "week" | "周" | "wk" | "wks" => (count.saturating_mul(7), number.end + 1),
        "个" if matches!(next, "星" | "礼") => (count.saturating_mul(7), number.end + 3),
        "星" | "礼" => (count.saturating_mul(7), number.end + 2),
        _ => return None,
    };

    let is_age = matches!(text_at(tokens, end), "old" | "大");
    (!is_age).then_some(days)
}
