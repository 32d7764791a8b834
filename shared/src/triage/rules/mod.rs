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
mod spine;

use super::rule::{LexiconEntry, Rule};

const RULE_TABLES: &[&[Rule]] = &[
    heart::RULES,
    breath::RULES,
    brain::RULES,
    spine::RULES,
    senses::RULES,
    abdomen::RULES,
    pregnancy::RULES,
    child::RULES,
    mind::RULES,
    injury::RULES,
    general::RULES,
];

const SYMPTOM_LEXICONS: &[&[LexiconEntry]] = &[
    heart::LEXICON,
    breath::LEXICON,
    brain::LEXICON,
    spine::LEXICON,
    senses::LEXICON,
    abdomen::LEXICON,
    pregnancy::LEXICON,
    child::LEXICON,
    mind::LEXICON,
    injury::LEXICON,
    general::LEXICON,
    minor::LEXICON,
    risk::LEXICON,
];

/// Every rule, in the order of the areas.
pub(super) fn all_rules() -> impl Iterator<Item = &'static Rule> {
    RULE_TABLES.iter().copied().flatten()
}

/// The rule with this code; `None` for the code of an older version of the rules.
pub(super) fn rule_by_code(code: &str) -> Option<&'static Rule> {
    all_rules().find(|rule| rule.code == code)
}

/// Patterns that are looked for in the symptoms.
pub(super) fn symptom_lexicon() -> impl Iterator<Item = &'static LexiconEntry> {
    SYMPTOM_LEXICONS.iter().copied().flatten()
}

/// Patterns that are looked for in the history, too.
pub(super) fn risk_lexicon() -> impl Iterator<Item = &'static LexiconEntry> {
    risk::LEXICON.iter()
}
