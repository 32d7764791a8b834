//! The groups of alternatives that many patterns share.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::super::data::WordList;

const GROUP_LIST: WordList = WordList {
    name: "pattern_groups.txt",
    text: include_str!("../data/pattern_groups.txt"),
};

/// Alternatives by the group's name with its `@`.
static GROUPS: LazyLock<HashMap<&'static str, Vec<&'static str>>> = LazyLock::new(|| {
    let mut groups: HashMap<&'static str, Vec<&'static str>> = HashMap::new();

    for (group, alternative) in GROUP_LIST.sections(Some) {
        groups.entry(group).or_default().push(alternative);
    }
    groups
});

/// The alternatives of a group; `None` if there is no such group.
pub fn group_alternatives(name: &str) -> Option<&'static [&'static str]> {
    GROUPS.get(name).map(Vec::as_slice)
}
