//! Which words of a text tell what, for somebody who writes rules.

use super::complaint::Complaint;
use super::context;
use super::finding::{Finding, FindingStatus};
use super::findings::{find_mentions, normalise_words, patient_age, read_symptoms};
use super::pattern::PatternMatch;
use super::tokens::Token;

/// A place of a text that mentions a finding.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(test, derive(Debug))]
pub struct Mention {
    /// Name of the finding.
    pub finding: String,
    /// Its words in the normalised text, from the first to the last.
    pub words: String,
    /// What the text says of it there: `Present`, `Uncertain`, `Named` or `Denied`.
    pub status: String,
}

/// Every mention of a finding in the symptoms, in the order in which they begin. It leaves out
/// what only a corrected spelling tells.
///
/// It repeats medical text: it is for the desk of whoever writes rules, not for logs.
#[must_use]
pub fn mentions(complaint: &Complaint<'_>) -> Vec<Mention> {
    let symptoms = normalise_words(complaint.symptoms);
    let mut mentions = Vec::new();

    for reading in read_symptoms(&symptoms) {
        let tokens = reading.tokens.as_slice();
        let age = patient_age(complaint, &reading);
        let found = find_mentions(tokens, age);
        let statuses = context::current_statuses(tokens, &found);

        let mut told: Vec<_> = found
            .iter()
            .zip(statuses)
            .filter(|(mention, _)| reading.tells_of(mention))
            .collect();
        told.sort_by_key(|(mention, _)| mention.start);
        let told = told.iter();
        mentions.extend(told.map(|(mention, status)| explained(mention, *status, tokens)));
    }

    mentions
}

fn explained(
    mention: &PatternMatch<Finding>,
    status: FindingStatus,
    tokens: &[Token<'_>],
) -> Mention {
    let tokens = tokens.get(mention.start..mention.end).unwrap_or(&[]);
    let words: Vec<&str> = tokens.iter().map(|token| token.text).collect();

    Mention {
        finding: format!("{:?}", mention.key),
        words: words.join(" "),
        status: format!("{status:?}"),
    }
}
