//! Numbers with units: body temperatures and the ages of infants.

use super::finding::Finding;
use super::pattern::Found;
use super::text::{Kind, Token};
use super::words::Class;

/// First day of the fourth month of life.
pub(super) const THREE_MONTHS: u32 = 91;
/// Last day that still counts as six months of age.
pub(super) const SIX_MONTHS: u32 = 212;

const HAN_DIGITS: &str = "零一二三四五六七八九十";
const NUMBER_WORDS: &[&str] = &[
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
    "eleven", "twelve",
];
const BABY_WORDS: &[&str] = &[
    "宝", "婴", "孩", "儿", "娃", "女", "baby", "infant", "son", "daughter", "newborn", "boy",
    "girl", "child",
];

/// A number that begins at a token: tenths, and how many tokens it takes.
fn number_at(tokens: &[Token<'_>], at: usize) -> Option<(u32, usize)> {
    let token = tokens.get(at)?;
    match token.kind {
        Kind::Number => Some((tenths(token.text)?, 1)),
        _ if !token.class.has(Class::NUMERAL) => None,
        Kind::Han => han_number(tokens, at),
        Kind::Word if matches!(token.text, "a" | "an") => Some((10, 1)),
        Kind::Word => {
            let value = NUMBER_WORDS.iter().position(|word| *word == token.text)?;
            Some((u32::try_from(value).ok()?.checked_mul(10)?, 1))
        }
        _ => None,
    }
}

fn tenths(number: &str) -> Option<u32> {
    let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
    let tenth = part
        .chars()
        .next()
        .and_then(|c| c.to_digit(10))
        .unwrap_or(0);
    whole
        .parse::<u32>()
        .ok()?
        .checked_mul(10)?
        .checked_add(tenth)
}

/// 三十九, 十二, 两, 半; up to 99.
fn han_number(tokens: &[Token<'_>], at: usize) -> Option<(u32, usize)> {
    let (mut value, mut len) = (0_u32, 0);
    while len < 3
        && let Some(digit) = tokens.get(at + len).and_then(|token| han_digit(token.text))
    {
        value = match (digit, len) {
            (10, 0) => 10,
            (10, _) => value.saturating_mul(10),
            _ if value >= 10 => value + digit,
            _ if len > 0 => return None,
            _ => digit,
        };
        len += 1;
    }
    if len == 0 && tokens.get(at)?.text == "半" {
        return Some((5, 1));
    }
    (len > 0).then_some((value * 10, len))
}

fn han_digit(text: &str) -> Option<u32> {
    if text == "两" {
        return Some(2);
    }
    HAN_DIGITS
        .chars()
        .position(|digit| text.starts_with(digit))
        .and_then(|value| u32::try_from(value).ok())
}

/// Fevers given as temperatures, with the text's negations still to be applied.
pub(super) fn temperatures(tokens: &[Token<'_>]) -> Vec<Found<Finding>> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let Some((tenths, len)) = number_at(tokens, at) else {
            at += 1;
            continue;
        };
        if let Some((celsius, end)) = celsius(tokens, at, tenths, at + len) {
            let add = |key| Found {
                key,
                start: at,
                end,
                gaps: Vec::new(),
            };
            if celsius >= 380 {
                found.push(add(Finding::Fever));
            }
            if celsius >= 390 {
                found.push(add(Finding::HighFever));
            }
        }
        at += len;
    }
    found
}

/// Tenths of a degree Celsius and where the temperature ends, if the number from `at` to `end` is one.
fn celsius(tokens: &[Token<'_>], at: usize, tenths: u32, end: usize) -> Option<(u32, usize)> {
    let word = |i: usize| tokens.get(i).map_or("", |token| token.text);
    let scale = if matches!(word(end), "°" | "º" | "degrees" | "degree" | "deg") {
        end + 1
    } else {
        end
    };
    let marked = match word(scale) {
        "度" | "℃" | "c" | "celsius" | "摄" => true,
        "℉" | "f" | "fahrenheit" => false,
        _ if scale > end => tenths < 500,
        _ if follows_fever_word(tokens, at) => tenths < 500,
        _ => return None,
    };
    let half_degree = match word(scale + 1) {
        _ if word(scale) != "度" => 0,
        "半" => 5,
        _ => number_at(tokens, scale + 1)
            .filter(|(tenths, _)| *tenths < 100)
            .map_or(0, |(tenths, _)| tenths / 10),
    };
    let value = if marked {
        tenths + half_degree
    } else {
        tenths.checked_sub(320)?.saturating_mul(5) / 9
    };
    let body = (340..=435).contains(&value) && !measures_air(tokens, at);
    body.then_some((value, (scale + 1).min(tokens.len())))
}

/// "temperature of 39", 体温39, 烧到39: a number without a unit.
fn follows_fever_word(tokens: &[Token<'_>], at: usize) -> bool {
    before(tokens, at, 3).iter().any(|token| {
        matches!(
            token.text,
            "temp" | "temperature" | "fever" | "烧" | "温" | "热" | "℃"
        )
    })
}

/// Whether the temperature is that of the weather or of water.
fn measures_air(tokens: &[Token<'_>], at: usize) -> bool {
    before(tokens, at, 4).iter().any(|token| {
        matches!(
            token.text,
            "气" | "室" | "外" | "水" | "weather" | "outside"
        )
    })
}

const SWALLOWING: &[&str] = &["took", "taken", "swallowed", "ate", "吃", "服", "吞", "喝"];
const PILLS: &[&str] = &[
    "tablet",
    "tablets",
    "pill",
    "pills",
    "paracetamol",
    "ibuprofen",
    "capsules",
    "tylenol",
    "片",
    "粒",
    "颗",
];

/// "took 30 paracetamol", 吃了二十片安眠药: a count that no prescription asks for.
pub(super) fn overdoses(tokens: &[Token<'_>]) -> Vec<Found<Finding>> {
    let near = |at: usize, count: usize, list: &[&str]| {
        tokens
            .iter()
            .skip(at)
            .take(count)
            .take_while(|token| !token.ends_segment())
            .any(|t| list.contains(&t.text))
    };
    let overdose = |at: usize| {
        let verb = before(tokens, at, 4)
            .iter()
            .rev()
            .take_while(|token| !token.ends_segment());
        let end = number_at(tokens, at)
            .filter(|(tenths, _)| *tenths >= 100)
            .map(|(_, len)| at + len)?;
        let taken = verb
            .map(|token| token.text)
            .any(|text| SWALLOWING.contains(&text))
            && near(end, 4, PILLS);
        taken.then_some(Found {
            key: Finding::Overdose,
            start: at,
            end,
            gaps: Vec::new(),
        })
    };
    (0..tokens.len()).filter_map(overdose).collect()
}

fn before<'t, 'x>(tokens: &'t [Token<'x>], at: usize, count: usize) -> &'t [Token<'x>] {
    tokens.get(at.saturating_sub(count)..at).unwrap_or(&[])
}

/// Age in days of an infant under a year that the text tells of; the youngest of several.
///
/// 咳嗽2个月 is a duration, so a number of months needs 大 or a word for a child beside it, unless
/// the patient is known to be an infant.
pub(super) fn infant_days(tokens: &[Token<'_>], known_infant: bool) -> Option<u32> {
    let told = (0..tokens.len()).filter_map(|at| age_at(tokens, at, known_infant));
    let newborn = tokens.windows(3).any(|three| {
        let text = |i: usize| three.get(i).map_or("", |token| token.text);
        text(0) == "newborn"
            || matches!(
                (text(0), text(1), text(2)),
                ("新", "生", "儿") | ("刚", "出", "生") | ("没", "满", "月")
            )
    });
    told.chain(newborn.then_some(14))
        .min()
        .filter(|days| *days < 365)
}

fn age_at(tokens: &[Token<'_>], at: usize, known_infant: bool) -> Option<u32> {
    let (tenths, len) = number_at(tokens, at)?;
    let (unit_days, next) = unit_at(tokens, at + len)?;
    let half = tokens.get(next).is_some_and(|token| token.text == "半");
    let next = next + usize::from(half);
    let text = |i: usize| tokens.get(i).map_or("", |token| token.text);
    if matches!(
        text(next),
        "前" | "ago" | "后" | "来" | "pregnant" | "of" | "孕"
    ) || pregnancy_before(tokens, at)
    {
        return None;
    }
    let days = tenths.saturating_mul(unit_days) / 10 + if half { unit_days / 2 } else { 0 };
    let is_age = matches!(text(next), "old" | "大") || beside_baby(tokens, at, next);
    (is_age || (known_infant && unit_days > 1)).then_some(days)
}

fn unit_at(tokens: &[Token<'_>], at: usize) -> Option<(u32, usize)> {
    let text = |i: usize| tokens.get(i).map_or("", |token| token.text);
    let counted = if matches!(text(at), "个" | "個") {
        at + 1
    } else {
        at
    };
    match (text(counted), text(counted + 1)) {
        ("星", "期") | ("礼", "拜") => Some((7, counted + 2)),
        ("周" | "week" | "weeks" | "wk" | "wks" | "wo", _) => Some((7, counted + 1)),
        ("天" | "day" | "days", _) => Some((1, counted + 1)),
        ("月" | "month" | "months" | "mo" | "mos" | "mth" | "mths", _) => Some((30, counted + 1)),
        _ => None,
    }
}

fn pregnancy_before(tokens: &[Token<'_>], at: usize) -> bool {
    before(tokens, at, 3)
        .iter()
        .any(|token| matches!(token.text, "孕" | "怀" | "pregnant"))
}

/// 2个月的宝宝, 宝宝才2个月, "my baby is 2 months": a child's word directly before or after.
fn beside_baby(tokens: &[Token<'_>], at: usize, next: usize) -> bool {
    let baby = |token: &Token<'_>| BABY_WORDS.contains(&token.text);
    let link = |token: &Token<'_>| {
        matches!(token.kind, Kind::Link | Kind::Comma)
            || matches!(
                token.text,
                "的" | "才"
                    | "刚"
                    | "是"
                    | "现"
                    | "在"
                    | "只"
                    | "有"
                    | "满"
                    | "已"
                    | "经"
                    | "今"
                    | "了"
            )
            || matches!(
                token.text,
                "is" | "just" | "only" | "now" | "男" | "小" | "出" | "生" | "大" | "a"
            )
    };
    let ahead = tokens
        .get(next..)
        .unwrap_or(&[])
        .iter()
        .take(4)
        .find(|token| !link(token))
        .is_some_and(baby);
    let behind = before(tokens, at, 4)
        .iter()
        .rev()
        .find(|token| !link(token))
        .is_some_and(baby);
    ahead || behind || before(tokens, at, 2).iter().any(|token| token.text == "生")
}
