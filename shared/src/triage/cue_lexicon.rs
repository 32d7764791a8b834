//! Cues that stand before a finding and say whether it is there, after the `NegEx` lexicon.

use std::cmp::Reverse;
use std::sync::LazyLock;

use foldhash::{HashMap, HashMapExt};

pub(super) use super::cue_effect::CueEffect;

use super::cue_effect::cue_entries;
use super::data::split_words;

/// The words of a cue with what it does.
#[derive(Debug)]
pub(super) struct NegationCue {
    pub(super) words: Vec<&'static str>,
    pub(super) effect: CueEffect,
}

/// Cues by their first two words, longest first; the second is empty for cues of one word.
type CueTable = HashMap<(&'static str, &'static str), Vec<NegationCue>>;

static CUES_BY_WORDS: LazyLock<CueTable> = LazyLock::new(|| {
    let mut table = CueTable::new();

    for (effect, entry) in cue_entries() {
        let words = split_words(entry);
        let Some(first) = words.first().copied() else {
            continue;
        };
        let second = words.get(1).copied().unwrap_or("");

        let cues = table.entry((first, second)).or_default();
        cues.push(NegationCue { words, effect });
    }

    for cues in table.values_mut() {
        cues.sort_by_key(|cue| Reverse(cue.words.len()));
    }
    table
});

/// Every word that a cue can begin with.
pub(super) fn first_words() -> impl Iterator<Item = &'static str> {
    CUES_BY_WORDS.keys().map(|(first, _)| *first)
}

/// Every word of a cue.
pub(super) fn all_words() -> impl Iterator<Item = &'static str> {
    let cues = CUES_BY_WORDS.values().flatten();
    cues.flat_map(|cue| cue.words.iter().copied())
}

/// The cues that begin with the two words, longest first, and then those of the first word alone.
pub(super) fn cues_beginning<'a>(
    first: &'a str,
    second: &'a str,
) -> impl Iterator<Item = &'a NegationCue> {
    let longer = CUES_BY_WORDS.get(&(first, second));
    let single = CUES_BY_WORDS.get(&(first, ""));

    longer.into_iter().chain(single).flatten()
}
