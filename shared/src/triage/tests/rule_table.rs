//! What every rule of the table must have.

use std::collections::HashSet;

use super::super::rules;

#[test]
fn every_rule_is_complete() {
    let mut codes = HashSet::new();

    for rule in rules::all_rules() {
        let code = rule.code;
        assert!(codes.insert(code), "{code} occurs twice");
        assert!(!rule.en.is_empty() && !rule.zh.is_ascii(), "{code}");

        let source = rule.source;
        assert!(source.url.starts_with("https://"), "{code}");
        assert!(!source.title.is_empty(), "{code}");

        let mut sets = rule.any_of.iter();
        assert!(!rule.any_of.is_empty(), "{code}");
        assert!(sets.all(|set| !set.is_empty()), "{code}");
    }

    assert!(codes.len() >= 30);
}
