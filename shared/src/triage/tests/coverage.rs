//! Every rule holds for its examples and for none of its counterexamples.

use super::super::rules;
use super::{assert_no_faults, assess_text};

/// The least number of examples, and of counterexamples, that a rule is reviewed by.
const MIN_EXAMPLES: usize = 3;

#[test]
fn every_rule_holds_for_its_examples_alone() {
    let mut faults = Vec::new();

    for rule in rules::all_rules() {
        let examples = rule.examples.iter().map(|text| (*text, true));
        let counterexamples = rule.counterexamples.iter().map(|text| (*text, false));
        for (text, is_example) in examples.chain(counterexamples) {
            let found = assess_text(text);
            // What another finding explains is left open: its flag says less than the rule.
            let mut flags = found.red_flags.iter();
            let is_raised = flags.any(|flag| {
                flag.code == rule.code && (rule.unless.is_empty() || flag.urgency == rule.urgency)
            });
            if is_raised != is_example {
                let verb = if is_example { "misses" } else { "holds for" };
                faults.push(format!("{} {verb} {text:?}: {found:?}", rule.code));
            }
        }
    }

    assert_no_faults(&faults);
}

#[test]
fn every_rule_has_examples_and_counterexamples() {
    let lacking: Vec<String> = rules::all_rules()
        .filter(|rule| {
            let counts = [rule.examples.len(), rule.counterexamples.len()];
            counts.iter().any(|count| *count < MIN_EXAMPLES)
        })
        .map(|rule| format!("{} has too few examples", rule.code))
        .collect();

    assert_no_faults(&lacking);
}
