//! Body temperatures: "39.5 °C", 三十九度半, "temperature of 102".

use super::infant_age::infant_age;
use super::numbers::{TextNumber, number_at};
use crate::triage::finding::Finding;
use crate::triage::pattern::PatternMatch;
use crate::triage::tokens::{Token, text_at, tokens_before};

/// Tenths of a degree Celsius from which a temperature is a fever.
const FEVER: u32 = 380;
/// Tenths of a degree Celsius from which a fever is high.
const HIGH_FEVER: u32 = 390;
/// Tenths of a degree Celsius from which a fever is very high.
const VERY_HIGH_FEVER: u32 = 400;
/// Tenths of a degree Celsius from which a fever is a danger by itself.
const EXTREME_FEVER: u32 = 410;
/// Tenths of a degree Celsius below which a body is too cold (NHS: Hypothermia).
const LOW_TEMPERATURE: u32 = 350;
/// Tenths of a degree Celsius that a living body can have.
const BODY_TEMPERATURES: std::ops::RangeInclusive<u32> = 200..=460;
/// Tenths of a degree below which a temperature without a scale is in Celsius.
const CELSIUS_LIMIT: u32 = 500;

/// A temperature in a text.
struct Temperature {
    /// Tenths of a degree Celsius.
    celsius_tenths: u32,
    /// Position of the token behind the temperature.
    end: usize,
}

/// Fevers given as temperatures, with the text's negations still to be applied.
pub(super) fn find_fevers(tokens: &[Token<'_>]) -> Vec<PatternMatch<Finding>> {
    let mut fevers = Vec::new();
    let mut at = 0;
    let is_of_infant = infant_age(tokens, false).is_some();

    while at < tokens.len() {
        let Some(number) = number_at(tokens, at) else {
            at += 1;
            continue;
        };

        let infants = is_of_infant
            .then(|| bare_fever(tokens, at, number))
            .flatten();
        if let Some(temperature) = temperature_at(tokens, at, number).or(infants) {
            let mention = |finding| PatternMatch::without_gaps(finding, at, temperature.end);
            let findings = findings_of(temperature.celsius_tenths);
            fevers.extend(findings.map(mention));
        }

        at = number.end;
    }

    fevers
}

/// "10 week old, 38.4": of a baby, a number with a decimal that can only be a fever.
fn bare_fever(tokens: &[Token<'_>], at: usize, number: TextNumber) -> Option<Temperature> {
    let has_decimal = text_at(tokens, at).contains('.');
    let is_fever = (FEVER..=420).contains(&number.tenths);
    let is_weight = matches!(
        text_at(tokens, number.end),
        "kg" | "cm" | "%" | "公" | "斤" | "厘"
    );

    (has_decimal && is_fever && !is_weight && !measures_air(tokens, at)).then_some(Temperature {
        celsius_tenths: number.tenths,
        end: number.end,
    })
}

/// The findings of a temperature, the milder ones with the worse.
fn findings_of(celsius_tenths: u32) -> impl Iterator<Item = Finding> {
    let fevers = [
        (FEVER, Finding::Fever),
        (HIGH_FEVER, Finding::HighFever),
        (VERY_HIGH_FEVER, Finding::VeryHighFever),
        (EXTREME_FEVER, Finding::ExtremeFever),
    ];
    let is_low = celsius_tenths < LOW_TEMPERATURE;

    let reached = fevers
        .into_iter()
        .filter(move |(bound, _)| celsius_tenths >= *bound)
        .map(|(_, finding)| finding);
    reached.chain(is_low.then_some(Finding::LowTemperature))
}

/// The temperature that a number at `at` gives, if it gives one.
fn temperature_at(tokens: &[Token<'_>], at: usize, number: TextNumber) -> Option<Temperature> {
    let has_degree_sign = matches!(
        text_at(tokens, number.end),
        "°" | "º" | "degrees" | "degree" | "deg"
    );
    let scale_at = number.end + usize::from(has_degree_sign);
    let scale = text_at(tokens, scale_at);

    let is_celsius = match scale {
        "度" | "℃" | "c" | "celsius" | "摄" => true,
        "℉" | "f" | "fahrenheit" => false,
        _ if has_degree_sign || follows_fever_word(tokens, at) => number.tenths < CELSIUS_LIMIT,
        _ => return None,
    };

    let celsius_tenths = if is_celsius {
        number
            .tenths
            .saturating_add(decimal_behind(tokens, scale_at))
    } else {
        number.tenths.checked_sub(320)?.saturating_mul(5) / 9
    };
    if !BODY_TEMPERATURES.contains(&celsius_tenths) || measures_air(tokens, at) {
        return None;
    }
    // So low a number is a body's only if the text says so: rooms and pains have degrees as well.
    if celsius_tenths < LOW_TEMPERATURE && !follows_fever_word(tokens, at) {
        return None;
    }

    Some(Temperature {
        celsius_tenths,
        end: (scale_at + 1).min(tokens.len()),
    })
}

/// 三十九度半, 39度5: the tenths that stand behind 度.
fn decimal_behind(tokens: &[Token<'_>], scale_at: usize) -> u32 {
    if text_at(tokens, scale_at) != "度" {
        return 0;
    }
    if text_at(tokens, scale_at + 1) == "半" {
        return 5;
    }

    let decimal = number_at(tokens, scale_at + 1).map_or(0, |number| number.tenths);
    if decimal < 100 { decimal / 10 } else { 0 }
}

/// "temperature of 39", 体温39, 烧到39: a number without a unit.
fn follows_fever_word(tokens: &[Token<'_>], at: usize) -> bool {
    tokens_before(tokens, at, 3).iter().any(|token| {
        matches!(
            token.text,
            "temp" | "temperature" | "fever" | "烧" | "温" | "热" | "℃"
        )
    })
}

/// Whether the temperature is that of the weather or of water.
fn measures_air(tokens: &[Token<'_>], at: usize) -> bool {
    let before = tokens_before(tokens, at, 4).iter();
    let behind = tokens.iter().skip(at + 1).take(4);

    before.chain(behind).any(|token| {
        matches!(
            token.text,
            "气" | "室" | "外" | "水" | "weather" | "outside" | "oven" | "water"
        )
    })
}
