//! Closed classes of words: what each does between a negator and a finding, or inside a pattern.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::cues;

/// A set of word classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Class(u16);

impl Class {
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

    /// Whether the set includes `other`.
    pub(super) const fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

const CLASSES: &[(Class, &str)] = &[
    (
        Class::FILLER,
        "my his her the a an some our their your its very really so quite rather too also of in on is are was feels \
         feel feeling been being has have had got gone becoming became getting go goes went keeps this that bit \
         little slightly im am suddenly it 很好有点些的了我他她挺特别非常也都太得感到觉是在着会又还已经这那十分比较老总里面出现来越变突然\
         一阵隐续直持开始剧烈性稍微略停断地",
    ),
    (Class::JOINER, "and or nor plus with 和或及与跟并且伴"),
    (
        Class::CONTRAST,
        "but however although though except yet 但却而",
    ),
    (
        Class::TRANSPARENT,
        "any a an the this that my his her of in or to other such more new recent real obvious significant particular \
         noticeable associated current currently actual actually really visible clear major minor severe bad mild \
         slight slightly serious sudden acute chronic persistent sign signs symptom symptoms evidence history \
         complaint complaints feeling feelings episode episodes having experiencing experienced experience feel feels \
         felt suffer suffering suffered suffers been being get getting gets got notice noticed noticing had have has \
         sort kind form type at all even very so too accompanied by with if whether is are i he she it there bit \
         little some central left right sided crushing sharp unusual further apparent passing \
         任何明显确出现过感觉到发生有伴随什么著特殊其他它再诉的地很太怎那这种样是会得了多大点些一严重剧烈新近期最突然持续性曾我自己否\
         左右侧边反复阵前后上下部轻微典型类似想被去",
    ),
    (
        Class::BREAKER,
        "i im ive he she we they it you my have has having had is are was were since because due when while why what \
         where which who after before during started starts start began begins now then today yesterday feel feels \
         feeling felt got get gets getting woke so there another also plus then 此时因为由于所以开始今昨刚正导致而且就又却还我他她",
    ),
    (
        Class::ASSERTING,
        "for severe severely bad terrible crushing sudden suddenly worsening worse constant getting very really \
         extreme extremely yes present hurts aches lots lot much heavy radiating \
         天日周月年小时钟剧烈厉害严重突然加很非常有着了越总一直得老特明显",
    ),
    (
        Class::NUMERAL,
        "a an zero one two three four five six seven eight nine ten eleven twelve 零一二三四五六七八九十两半",
    ),
    (
        Class::NEGATOR,
        "no not dont doesnt didnt isnt arent wasnt werent never neither without 不没无未并",
    ),
];

static TABLE: LazyLock<HashMap<&'static str, Class>> = LazyLock::new(|| {
    let mut table = HashMap::new();
    for (class, list) in CLASSES {
        for word in list.split_whitespace().flat_map(split_words) {
            let entry: &mut Class = table.entry(word).or_default();
            entry.0 |= class.0;
        }
    }
    for word in cues::first_words() {
        let entry: &mut Class = table.entry(word).or_default();
        entry.0 |= Class::CUE.0;
    }
    table
});

/// The classes of a normalised word or Han character.
pub(super) fn class(word: &str) -> Class {
    TABLE.get(word).copied().unwrap_or_default()
}

/// Cuts a lexicon entry as the tokeniser would: English words, or single Han characters.
pub(super) fn split_words(source: &'static str) -> Vec<&'static str> {
    if source.is_ascii() {
        return source.split_whitespace().collect();
    }
    source.split("").filter(|c| !c.trim().is_empty()).collect()
}
