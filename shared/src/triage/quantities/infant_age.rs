//! Ages of infants: "two-month-old", 宝宝六周大.

use super::numbers::number_at;
use crate::triage::tokens::{Token, TokenKind, text_at, text_before, tokens_before};

/// First day of the fourth month of life.
const FOURTH_MONTH_DAY: u32 = 91;
/// Last day that still counts as six months of age.
const SIX_MONTHS_LAST_DAY: u32 = 212;
/// First day of the second year of life.
const SECOND_YEAR_DAY: u32 = 365;
/// The age in days of a patient who is called a newborn.
const NEWBORN_DAYS: u32 = 14;

const BABY_WORDS: &[&str] = &[
    "宝", "婴", "孩", "儿", "娃", "女", "baby", "infant", "son", "daughter", "newborn", "boy",
    "girl", "child",
];

/// Words that may stand between an age and the word for a child.
const LINKING_WORDS: &[&str] = &[
    "的", "才", "刚", "是", "现", "在", "只", "有", "满", "已", "经", "今", "了", "男", "小", "出",
    "生", "大", "is", "just", "only", "now", "a",
];

/// The age of an infant under a year, as far as the rules tell ages apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::triage) enum InfantAge {
    Under3Months,
    From3To6Months,
    Older,
}

impl InfantAge {
    fn from_days(days: u32) -> Self {
        if days < FOURTH_MONTH_DAY {
            Self::Under3Months
        } else if days <= SIX_MONTHS_LAST_DAY {
            Self::From3To6Months
        } else {
            Self::Older
        }
    }
}

/// Age of an infant under a year that the text tells of; the youngest of several.
///
/// 咳嗽2个月 is a duration, so a number of months needs 大 or a word for a child beside it, unless
/// the patient is known to be an infant.
pub(in crate::triage) fn infant_age(tokens: &[Token<'_>], known_infant: bool) -> Option<InfantAge> {
    let positions = 0..tokens.len();
    let told_ages = positions.filter_map(|at| age_in_days(tokens, at, known_infant));
    let newborn_age = tells_newborn(tokens).then_some(NEWBORN_DAYS);

    let youngest = told_ages.chain(newborn_age).min()?;
    (youngest < SECOND_YEAR_DAY).then(|| InfantAge::from_days(youngest))
}

fn tells_newborn(tokens: &[Token<'_>]) -> bool {
    tokens.windows(3).any(|window| {
        let words = (text_at(window, 0), text_at(window, 1), text_at(window, 2));

        matches!(
            words,
            ("newborn", _, _) | ("新", "生", "儿") | ("刚", "出", "生") | ("没", "满", "月")
        )
    })
}

/// The age in days that a number at `at` gives, if it gives one.
fn age_in_days(tokens: &[Token<'_>], at: usize, known_infant: bool) -> Option<u32> {
    let number = number_at(tokens, at)?;
    let unit = unit_at(tokens, number.end)?;

    // 两个月半: half a unit more.
    let has_half = text_at(tokens, unit.end) == "半";
    let next = unit.end + usize::from(has_half);
    if is_other_time(tokens, at, next) {
        return None;
    }

    let is_told_as_age = matches!(text_at(tokens, next), "old" | "大");
    let is_age =
        is_told_as_age || is_beside_baby(tokens, at, next) || known_infant && unit.days > 1;
    if !is_age {
        return None;
    }

    let half = if has_half { unit.days / 2 } else { 0 };
    Some(number.tenths.saturating_mul(unit.days) / 10 + half)
}

/// A unit of time in a text.
struct TimeUnit {
    days: u32,
    /// Position of the token behind the unit.
    end: usize,
}

fn unit_at(tokens: &[Token<'_>], at: usize) -> Option<TimeUnit> {
    let has_counter = matches!(text_at(tokens, at), "个" | "個");
    let unit_at = at + usize::from(has_counter);

    let (days, len) = match (text_at(tokens, unit_at), text_at(tokens, unit_at + 1)) {
        ("星", "期") | ("礼", "拜") => (7, 2),
        ("周" | "week" | "weeks" | "wk" | "wks" | "wo", _) => (7, 1),
        ("天" | "day" | "days", _) => (1, 1),
        ("月" | "month" | "months" | "mo" | "mos" | "mth" | "mths", _) => (30, 1),
        _ => return None,
    };

    Some(TimeUnit {
        days,
        end: unit_at + len,
    })
}

/// "two months ago", 孕10周: a time from `at` to `end` that is no age.
fn is_other_time(tokens: &[Token<'_>], at: usize, end: usize) -> bool {
    let is_followed = matches!(
        text_at(tokens, end),
        "前" | "ago" | "后" | "来" | "pregnant" | "of" | "孕"
    );
    let mut before = tokens_before(tokens, at, 3).iter();

    is_followed || before.any(|token| matches!(token.text, "孕" | "怀" | "pregnant"))
}

/// 2个月的宝宝, 宝宝才2个月, "my baby is 2 months": a child's word directly before or after.
fn is_beside_baby(tokens: &[Token<'_>], at: usize, next: usize) -> bool {
    let mut ahead = tokens.iter().skip(next).take(4);
    let mut behind = tokens_before(tokens, at, 4).iter().rev();
    let is_baby = |token: &Token<'_>| BABY_WORDS.contains(&token.text);

    let baby_ahead = ahead
        .find(|token| !links_to_baby(token))
        .is_some_and(is_baby);
    let baby_behind = behind
        .find(|token| !links_to_baby(token))
        .is_some_and(is_baby);
    let is_born = text_before(tokens, at, 1) == "生" || text_before(tokens, at, 2) == "生";

    baby_ahead || baby_behind || is_born
}

fn links_to_baby(token: &Token<'_>) -> bool {
    matches!(token.kind, TokenKind::Link | TokenKind::Comma) || LINKING_WORDS.contains(&token.text)
}
