//! The rule table and the lexicon, by area of the body.

mod abdomen;
mod brain;
mod breath;
mod child;
mod general;
mod heart;
mod injury;
mod mind;
mod minor;
mod pregnancy;
mod risk;
mod senses;

use super::finding::{Entry, Rule};

const TABLES: &[&[Rule]] = &[
    heart::RULES,
    breath::RULES,
    brain::RULES,
    senses::RULES,
    abdomen::RULES,
    pregnancy::RULES,
    child::RULES,
    mind::RULES,
    injury::RULES,
    general::RULES,
];

/// Every rule, in the order of the areas.
pub(super) fn all() -> impl Iterator<Item = &'static Rule> {
    TABLES.iter().copied().flatten()
}

/// The rule with this code.
pub(super) fn find(code: &str) -> Option<&'static Rule> {
    all().find(|rule| rule.code == code)
}

/// Patterns that are looked for in the symptoms.
pub(super) fn lexicon() -> impl Iterator<Item = &'static Entry> {
    [
        heart::LEXICON,
        breath::LEXICON,
        brain::LEXICON,
        senses::LEXICON,
        abdomen::LEXICON,
        pregnancy::LEXICON,
        child::LEXICON,
        mind::LEXICON,
        injury::LEXICON,
        general::LEXICON,
        minor::LEXICON,
        risk::LEXICON,
    ]
    .into_iter()
    .flatten()
}

/// Patterns that are looked for in the history, too.
pub(super) fn risk_lexicon() -> impl Iterator<Item = &'static Entry> {
    risk::LEXICON.iter()
}
