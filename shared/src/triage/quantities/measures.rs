//! Values of vital signs: "BP 82/44", 血氧82, "sugar 520", 高压一百八.

use super::numbers::{TextNumber, number_at};
use super::vital_sign::{VitalCue, VitalSign, cue_at};
use crate::triage::tokens::{Token, TokenKind, text_at, text_before, tokens_before};
use crate::triage::word_class::WordClass;

/// A value stands at most this many tokens behind its name.
const MAX_REACH: usize = 12;
/// A second value ("down from 98 to 85") stands at most this many tokens behind the first.
const MAX_STEP: usize = 4;

/// Words behind a number that make it a time, a dose or a count.
const OTHER_UNITS: &[&str] = &[
    "年",
    "岁",
    "天",
    "月",
    "周",
    "星",
    "礼",
    "小",
    "点",
    "号",
    "片",
    "粒",
    "颗",
    "个",
    "支",
    "楼",
    "米",
    "毫",
    "克",
    "公",
    "斤",
    "勺",
    "years",
    "year",
    "yrs",
    "yr",
    "days",
    "day",
    "weeks",
    "week",
    "months",
    "month",
    "hours",
    "hour",
    "hrs",
    "mg",
    "mcg",
    "ml",
    "g",
    "grams",
    "tablets",
    "pills",
    "units",
    "kg",
    "lbs",
    "pounds",
    "am",
    "pm",
    "yo",
    "y",
    "th",
    "st",
    "nd",
    "rd",
    "medications",
    "meds",
    "medicines",
    "spoons",
    "teaspoons",
    "attacks",
    "litres",
    "liters",
    "l",
    "numbers",
    "points",
    "块",
    "元",
    "层",
];

/// Words that make a fast pulse a healthy one: the heart of a runner.
const EXERCISE_WORDS: &[&str] = &[
    "run",
    "running",
    "ran",
    "sprint",
    "gym",
    "treadmill",
    "workout",
    "exercise",
    "exercising",
    "cycling",
    "hill",
    "squats",
    "跑步",
    "跑",
    "运动",
    "健身",
    "爬楼",
    "爬山",
    "打球",
];
/// Words of a pulse that has come down.
const RECOVERY_WORDS: &[&str] = &[
    "back", "settled", "settles", "down", "normal", "恢复", "正常", "降到", "回到", "缓过",
];
/// Tokens around a pulse in which such words count.
const EXERCISE_REACH: usize = 14;

/// Words that tell a glucose instead of a number, before a comma: "sugar normal, testosterone 520".
const RESULT_WORDS: &[&str] = &["normal", "fine", "ok", "okay", "good"];

/// Words that stand between two values of one quantity.
const STEP_WORDS: &[&str] = &[
    "to", "and", "then", "now", "down", "or", "between", "%", "-", "~", "→", ">", "降", "到", "升",
    "至", "掉", "跌", "涨", "现", "在", "又", "只", "有", "了", "，", ",", "/", "左", "右",
];

/// A value of a vital sign in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Measure {
    pub(super) sign: VitalSign,
    /// Ten times the value; glucose in mmol/L.
    pub(super) tenths: u32,
    /// Position of the number.
    pub(super) start: usize,
    /// Position of the token behind it.
    pub(super) end: usize,
}

/// Every value that a text gives.
pub(super) fn find_measures(tokens: &[Token<'_>]) -> Vec<Measure> {
    let mut measures = Vec::new();
    let mut at = 0;

    while at < tokens.len() {
        if let Some(cue) = cue_at(tokens, at) {
            read_behind_cue(tokens, cue, &mut measures);
            at = cue.end;
        } else {
            measures.extend(pressure_pair_at(tokens, at));
            measures.extend(measure_by_unit(tokens, at));
            at += 1;
        }
    }

    measures
}

/// Reads the values that stand behind a name, up to the next name or the end of the sentence.
fn read_behind_cue(tokens: &[Token<'_>], cue: VitalCue, measures: &mut Vec<Measure>) {
    let mut at = cue.end;
    let mut latest = cue.end + MAX_REACH;
    let mut has_value = false;

    while at < latest.min(tokens.len()) {
        let is_end = tokens.get(at).is_none_or(Token::ends_sentence);
        let has_result = cue.sign == VitalSign::Glucose
            && RESULT_WORDS.contains(&text_at(tokens, at))
            && tokens
                .get(at + 1)
                .is_some_and(|next| next.kind == TokenKind::Comma);
        if is_end || has_result || cue_at(tokens, at).is_some() {
            return;
        }

        let Some(number) = vital_number(tokens, at) else {
            if has_value && !STEP_WORDS.contains(&text_at(tokens, at)) {
                return;
            }
            at += 1;
            continue;
        };

        if let Some(measure) = value_of(tokens, cue.sign, at, number) {
            measures.push(measure);
            has_value = true;
            at = pair_end(tokens, cue.sign, number, measures);
            latest = at + MAX_STEP;
        } else {
            at = number.end;
        }
    }
}

/// The value of a number, if it can be one of this sign.
fn value_of(
    tokens: &[Token<'_>],
    sign: VitalSign,
    start: usize,
    number: TextNumber,
) -> Option<Measure> {
    let TextNumber { tenths, end } = number;
    let unit = text_at(tokens, end);
    let is_concentration = sign == VitalSign::Glucose && unit == "mg";
    if OTHER_UNITS.contains(&unit) && !is_concentration || is_ordinal(tokens, start) {
        return None;
    }

    let is_counted = matches!(
        unit,
        "times" | "次" | "下" | "/" | "breaths" | "bpm" | "a" | "per"
    );
    let (tenths, is_possible) = match sign {
        VitalSign::Pressure => (tenths, (200..=3500).contains(&tenths)),
        VitalSign::LowerPressure => (tenths, (200..=2000).contains(&tenths)),
        VitalSign::OxygenSaturation => (tenths, (100..=1000).contains(&tenths)),
        VitalSign::Pulse => {
            let is_share = unit == "%";
            let is_possible =
                (100..=4000).contains(&tenths) && !is_share && !follows_exercise(tokens, start);
            (tenths, is_possible)
        }
        VitalSign::Breathing => {
            let is_named = names_rate(tokens, start);
            (
                tenths,
                (20..=1200).contains(&tenths) && (is_counted || is_named),
            )
        }
        VitalSign::Glucose => {
            let is_possible = !matches!(unit, "times" | "次" | "%" | "a");
            (glucose_tenths(tokens, number), is_possible)
        }
        VitalSign::ComaScale => (tenths, (30..=150).contains(&tenths)),
    };

    is_possible.then_some(Measure {
        sign,
        tenths,
        start,
        end,
    })
}

/// Whether the pulse was taken while the patient ran or trained, and has come down since.
fn follows_exercise(tokens: &[Token<'_>], at: usize) -> bool {
    let begin = at.saturating_sub(EXERCISE_REACH);
    let end = (at + EXERCISE_REACH).min(tokens.len());
    let near = tokens.get(begin..end).unwrap_or(&[]);

    let is_denied = near.iter().any(|token| token.class.has(WordClass::NEGATOR));
    stands_near(near, EXERCISE_WORDS) && stands_near(near, RECOVERY_WORDS) && !is_denied
}

/// Whether one of the words stands among the tokens; a Chinese word has one token or two.
fn stands_near(near: &[Token<'_>], words: &[&str]) -> bool {
    let is_word = |token: &Token<'_>| words.contains(&token.text);
    let is_pair = |pair: &[Token<'_>]| {
        words.iter().any(|word| {
            let second = word.strip_prefix(text_at(pair, 0));
            second.is_some_and(|second| !second.is_empty() && second == text_at(pair, 1))
        })
    };

    near.iter().any(is_word) || near.windows(2).any(is_pair)
}

/// "1. BP", "2) pulse", 第2次
fn is_ordinal(tokens: &[Token<'_>], at: usize) -> bool {
    matches!(
        text_before(tokens, at, 1),
        "第" | "day" | "stage" | "type" | "grade"
    )
}

/// Whether the number stands right behind a rate's name rather than behind "breathing".
fn names_rate(tokens: &[Token<'_>], at: usize) -> bool {
    tokens_before(tokens, at, 3).iter().any(|token| {
        matches!(
            token.text,
            "rr" | "rate" | "respirations" | "resps" | "resp" | "respiration" | "率"
        )
    })
}

/// Glucose in tenths of mmol/L. Without a unit, 35 and more can only be mg/dL: meters end there.
fn glucose_tenths(tokens: &[Token<'_>], number: TextNumber) -> u32 {
    let unit = text_at(tokens, number.end);
    let is_milligrams = unit == "mg" || unit != "mmol" && number.tenths >= 350;

    // 1 mmol/L of glucose is 18 mg/dL.
    if is_milligrams {
        number.tenths / 18
    } else {
        number.tenths
    }
}

/// Reads the lower pressure behind the upper one, and tells where the values end.
fn pair_end(
    tokens: &[Token<'_>],
    sign: VitalSign,
    upper: TextNumber,
    measures: &mut Vec<Measure>,
) -> usize {
    if sign != VitalSign::Pressure || !is_pair_mark(text_at(tokens, upper.end)) {
        return upper.end;
    }

    let start = upper.end + 1;
    let Some(lower) = vital_number(tokens, start) else {
        return upper.end;
    };
    measures.extend(value_of(tokens, VitalSign::LowerPressure, start, lower));
    lower.end
}

fn is_pair_mark(text: &str) -> bool {
    matches!(text, "/" | "over" | "-" | "比")
}

/// "82/44" without a name: two numbers that can only be pressures.
fn pressure_pair_at(tokens: &[Token<'_>], at: usize) -> Option<Measure> {
    let upper = vital_number(tokens, at)?;
    if !matches!(text_at(tokens, upper.end), "/" | "over") {
        return None;
    }
    let lower = vital_number(tokens, upper.end + 1)?;

    let is_pressure = (600..=2600).contains(&upper.tenths)
        && (350..=1600).contains(&lower.tenths)
        && upper.tenths >= lower.tenths + 150;
    let is_part =
        is_pair_mark(text_before(tokens, at, 1)) || is_pair_mark(text_at(tokens, lower.end));
    let is_insulin = tokens_before(tokens, at, 4)
        .iter()
        .any(|token| matches!(token.text, "insulin" | "mix" | "novolin" | "humulin" | "素"));
    if !is_pressure || is_part || is_insulin || OTHER_UNITS.contains(&text_at(tokens, lower.end)) {
        return None;
    }

    Some(Measure {
        sign: VitalSign::Pressure,
        tenths: upper.tenths,
        start: at,
        end: lower.end,
    })
}

/// "140 bpm", "85% on room air": the unit names the sign.
fn measure_by_unit(tokens: &[Token<'_>], at: usize) -> Option<Measure> {
    let number = vital_number(tokens, at)?;
    let words = [0, 1, 2].map(|distance| text_at(tokens, number.end + distance));

    let sign = match words {
        ["bpm", ..] | ["beats", "per" | "a", "minute"] => VitalSign::Pulse,
        ["breaths", "per" | "a", "minute"] => VitalSign::Breathing,
        ["%", "on", "room" | "air" | "ra"] | ["%", "sats" | "oxygen" | "saturation", _] => {
            VitalSign::OxygenSaturation
        }
        _ => return None,
    };
    value_of(tokens, sign, at, number)
}

/// A number, also as it is spoken: "one eighty", "one oh five", 百分之八十五.
fn vital_number(tokens: &[Token<'_>], at: usize) -> Option<TextNumber> {
    let is_percentage =
        [0, 1, 2].map(|distance| text_at(tokens, at + distance)) == ["百", "分", "之"];
    if is_percentage {
        return number_at(tokens, at + 3);
    }

    let first = number_at(tokens, at)?;
    // 测了一下, 一般: no part of the body measures 一, but 一点八 may be glucose.
    if text_at(tokens, at) == "一" && first.end == at + 1 && text_at(tokens, first.end) != "点" {
        return None;
    }
    let is_word = tokens
        .get(at)
        .is_some_and(|token| token.kind == TokenKind::Word);
    if !is_word || !(10..=20).contains(&first.tenths) || matches!(text_at(tokens, at), "a" | "an") {
        return Some(first);
    }

    let rest = match text_at(tokens, first.end) {
        "hundred" if text_at(tokens, first.end + 1) == "and" => number_at(tokens, first.end + 2),
        "hundred" => number_at(tokens, first.end + 1).or(Some(TextNumber {
            tenths: 0,
            end: first.end + 1,
        })),
        "oh" | "o" => number_at(tokens, first.end + 1),
        _ => number_at(tokens, first.end).filter(|rest| rest.tenths >= 100),
    };
    rest.map_or(Some(first), |rest| {
        Some(TextNumber {
            tenths: first.tenths.saturating_mul(100).saturating_add(rest.tenths),
            end: rest.end,
        })
    })
}
