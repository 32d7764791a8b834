//! Closed classes of words: what each does between a negator and a finding, or inside a pattern.

use std::sync::LazyLock;

use foldhash::{HashMap, HashMapExt};

use super::cue_lexicon;
use super::data::{WordList, split_words};

/// A set of word classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct WordClass(u16);

impl WordClass {
    /// Changes nothing between two atoms of a pattern.
    pub(super) const FILLER: Self = Self(1);
    /// Joins the items of a list.
    pub(super) const JOINER: Self = Self(1 << 1);
    /// Sets one statement against another; no pattern's gap crosses it.
    pub(super) const CONTRAST: Self = Self(1 << 2);
    /// May stand between a negator and what it denies.
    pub(super) const TRANSPARENT: Self = Self(1 << 3);
    /// Begins a new statement, so that no denial reaches past it.
    pub(super) const BREAKER: Self = Self(1 << 4);
    /// Asserts the item that it stands in, which is then no bare item of a denied list.
    pub(super) const ASSERTING: Self = Self(1 << 5);
    /// Denies when it stands between the atoms of a pattern ("chest does not hurt", 胸不痛).
    pub(super) const NEGATOR: Self = Self(1 << 6);
    /// Begins a cue.
    pub(super) const CUE: Self = Self(1 << 7);
    /// Is a numeral, or part of one.
    pub(super) const NUMERAL: Self = Self(1 << 8);
    /// Names a part of the body, or its side.
    pub(super) const BODY: Self = Self(1 << 9);
    /// Begins or ends a clause; no pattern's gap crosses it.
    pub(super) const CLAUSE: Self = Self(1 << 10);

    /// The classes of a normalised word or Han character.
    pub(super) fn of_word(word: &str) -> Self {
        CLASSES_BY_WORD.get(word).copied().unwrap_or_default()
    }

    /// Whether the set includes one of the classes of `other`.
    pub(super) const fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// The class of the words in a section of the word list.
    fn of_section(name: &str) -> Option<Self> {
        Some(match name {
            "filler" => Self::FILLER,
            "joiner" => Self::JOINER,
            "contrast" => Self::CONTRAST,
            "transparent" => Self::TRANSPARENT,
            "breaker" => Self::BREAKER,
            "asserting" => Self::ASSERTING,
            "numeral" => Self::NUMERAL,
            "negator" => Self::NEGATOR,
            "body" => Self::BODY,
            "clause" => Self::CLAUSE,
            _ => return None,
        })
    }

    fn insert(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

const CLASS_LIST: WordList = WordList {
    name: "word_classes.txt",
    text: include_str!("data/word_classes.txt"),
};

static CLASSES_BY_WORD: LazyLock<HashMap<&'static str, WordClass>> = LazyLock::new(|| {
    let mut classes: HashMap<&'static str, WordClass> = HashMap::new();

    for (class, entry) in CLASS_LIST.sections(WordClass::of_section) {
        for word in split_words(entry) {
            classes.entry(word).or_default().insert(class);
        }
    }

    for word in cue_lexicon::first_words() {
        classes.entry(word).or_default().insert(WordClass::CUE);
    }
    classes
});
