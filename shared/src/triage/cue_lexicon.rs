//! Cues that stand before a finding and say whether it is there, after the `NegEx` lexicon.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::LazyLock;

use super::data::{WordList, split_words};
use crate::locale::is_han;

/// The effect of a cue on the findings that follow it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CueEffect {
    /// "denies", 否认: runs through bare lists, commas included.
    ClinicalDenial,
    /// "no", 没有: runs through "or", 和 and `、`, and through comma lists closed by "or".
    Denial,
    /// 无, 未见: covers all of its item, as 无胸闷胸痛 lists without marks.
    ItemDenial,
    /// "not", 不: denies only what follows at once, and the list that it opens.
    NextDenial,
    /// "not sure whether", 有没有: leaves the finding open; runs through lists.
    Doubt,
    /// "maybe", 可能: hedges the next item.
    Hedge,
    /// "no longer have": what is over may have been there an hour ago, and is left open.
    Resolved,
    /// "not only", "no relief of", 不仅: looks like a denial, and asserts what follows.
    PseudoNegation,
    /// "or", 和: joins the next item to a denied or doubted list.
    Conjunction,
    /// English "and": after a denial, "no fever and chest pain" can mean either.
    AmbiguousAnd,
    /// "but", 但是: ends every scope.
    Termination,
}

impl CueEffect {
    /// The effect of the cues in a section of the word list.
    fn of_section(name: &str) -> Option<Self> {
        Some(match name {
            "clinical_denial" => Self::ClinicalDenial,
            "denial" => Self::Denial,
            "item_denial" => Self::ItemDenial,
            "next_denial" => Self::NextDenial,
            "doubt" => Self::Doubt,
            "hedge" => Self::Hedge,
            "resolved" => Self::Resolved,
            "pseudo_negation" => Self::PseudoNegation,
            "conjunction" => Self::Conjunction,
            "ambiguous_and" => Self::AmbiguousAnd,
            "termination" => Self::Termination,
            _ => return None,
        })
    }

    /// Whether the cue by itself makes no finding less certain.
    pub(super) fn lowers_nothing(self) -> bool {
        matches!(
            self,
            Self::PseudoNegation | Self::Conjunction | Self::AmbiguousAnd | Self::Termination
        )
    }

    /// Whether the cue denies what it governs.
    pub(super) fn is_denial(self) -> bool {
        matches!(
            self,
            Self::ClinicalDenial | Self::Denial | Self::ItemDenial | Self::NextDenial
        )
    }
}

/// The words of a cue with what it does.
#[derive(Debug)]
pub(super) struct NegationCue {
    pub(super) words: Vec<&'static str>,
    pub(super) effect: CueEffect,
}

/// Cues by their first two words, longest first; the second is empty for cues of one word.
type CueTable = HashMap<(&'static str, &'static str), Vec<NegationCue>>;

const CUE_LIST: WordList = WordList {
    name: "negation_cues.txt",
    text: include_str!("data/negation_cues.txt"),
};

static CUES_BY_WORDS: LazyLock<CueTable> = LazyLock::new(|| {
    let mut table = CueTable::new();

    for (effect, entry) in CUE_LIST.sections(CueEffect::of_section) {
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

/// Every Chinese cue that makes a finding less certain.
pub(super) fn han_cues() -> impl Iterator<Item = String> {
    let cues = CUES_BY_WORDS.values().flatten();

    cues.filter(|cue| !cue.effect.lowers_nothing())
        .map(|cue| cue.words.concat())
        .filter(|cue| cue.chars().all(is_han))
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
