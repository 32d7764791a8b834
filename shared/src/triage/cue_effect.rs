//! What each cue of `data/negation_cues.txt` does. The build script reads this file as well.

use super::data::WordList;

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

const CUE_LIST: WordList = WordList {
    name: "negation_cues.txt",
    text: include_str!("data/negation_cues.txt"),
};

/// Every cue with its effect, in the order of the list.
pub(super) fn cue_entries() -> Vec<(CueEffect, &'static str)> {
    CUE_LIST.sections(CueEffect::of_section)
}
