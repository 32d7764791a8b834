//! Numbers with units: vital signs, body temperatures, ages, and counts of pills.

mod fever_days;
mod infant_age;
mod measures;
mod numbers;
mod overdose;
mod pain_score;
mod patient_age;
mod temperature;
#[cfg(test)]
mod tests;
mod thresholds;
mod vital_sign;

use super::finding::Finding;
use super::pattern::PatternMatch;
use super::tokens::Token;

pub(super) use infant_age::{InfantAge, infant_age};
pub(super) use patient_age::told_age;

/// Every finding that the text gives as a number, with its negations still to be applied.
pub(super) fn find_quantities(tokens: &[Token<'_>], age: Option<u8>) -> Vec<PatternMatch<Finding>> {
    let mut mentions = temperature::find_fevers(tokens);
    mentions.extend(fever_days::find_long_fevers(tokens));
    mentions.extend(overdose::find_overdoses(tokens));
    mentions.extend(pain_score::find_severe_pains(tokens));

    for measure in measures::find_measures(tokens) {
        let findings = thresholds::findings_of(&measure, age);
        mentions.extend(
            findings.map(|finding| PatternMatch::without_gaps(finding, measure.start, measure.end)),
        );
    }
    mentions
}
