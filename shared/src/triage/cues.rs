//! Words that say whether a finding is there: negators, hedges, contrasts, and the words between.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::text::Token;

/// What a cue does to the findings that follow it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    /// Clinical denial ("denies", 否认): runs through bare lists, commas included.
    Deny,
    /// Plain denial ("no", 没有): runs through "or", 和 and `、`, and through comma lists closed by "or".
    Negate,
    /// Denies only what follows at once ("not", 不), and the list that it opens.
    NegateNext,
    /// Leaves it open ("not sure whether", 有没有); runs through lists.
    Whether,
    /// Hedges the next item ("maybe", 可能).
    Maybe,
    /// Looks like a negator but asserts what follows ("not only", "no relief of", 不仅).
    Assert,
    /// A set phrase whose negator is part of the word (无力, 不停): no cue at all.
    Neutral,
    /// Ends every scope ("but", 但是).
    Contrast,
}

const CUES: &[(Effect, &str)] = &[
    (
        Effect::Deny,
        "denies|denied|deny|denying|negative for|absence of|free of|free from|no evidence of|\
         no history of|no complaints of|no signs of|no symptoms of|否认|未见|未诉|未发现|未出现|\
         均无|无|并无|尚无|不伴|不伴有|无伴|排除",
    ),
    (
        Effect::Negate,
        "no|without|neither|nor|dont have|does not have|do not have|doesnt have|did not have|\
         didnt have|havent had|have not had|hasnt had|has not had|have no|has no|had no|\
         havent got|hasnt got|never had|never have|no longer have|no longer has|没有|从来没有|\
         从没有|并没有|也没有|没有出现|没有发生|没出现|没发生|从没|从未|并未|也没|也无|并没|不存在|毫无|没什么|没啥",
    ),
    (
        Effect::NegateNext,
        "not|dont|doesnt|didnt|isnt|arent|wasnt|werent|aint|havent|hasnt|hadnt|never|prevent|\
         preventing|avoid|avoiding|rule out|ruled out|不|没|未|不是|并非|并不|并不是|不太|不怎么|不觉得|\
         没感觉|没觉得|没感到|没感觉到|预防|防止|避免",
    ),
    (
        Effect::Whether,
        "not sure|not certain|unsure|uncertain|not entirely sure|not really sure|dont know|\
         do not know|doesnt know|dunno|no idea|cant tell|cannot tell|hard to tell|hard to say|\
         wonder if|wondering if|wonder whether|wondering whether|unclear|dont think|do not think|\
         doesnt think|不确定|不太确定|不能确定|无法确定|不知道|不知|不清楚|不太清楚|说不清|说不准|\
         拿不准|不肯定|不晓得|不好说|有没有|是不是|是否|有无|会不会|没法确定|不明确|不敢确定",
    ),
    (
        Effect::Maybe,
        "maybe|perhaps|possibly|possible|might be|might have|may be|may have|could be|could have|\
         potentially|might be having|may be having|可能|也许|或许|说不定|不排除|不能排除|无法排除",
    ),
    (
        Effect::Assert,
        "not only|not just|not merely|not simply|not without|never without|no doubt|without doubt|\
         no relief|no improvement|no change|no better|no less|no reduction|no difference|no let up|\
         no end|no wonder|no matter|cant deny|cannot deny|can not deny|doesnt deny|does not deny|\
         dont deny|do not deny|not deny|not denying|never denied|didnt deny|not no|\
         not that i dont have|without relief|without improvement|不仅|不只|不但|不单|不光|非但|不仅仅|\
         不止|不是没有|不是没|不是无|并非没有|并非无|并不是没有|不能说没有|不是不|不否认|不能否认|无法否认|\
         并不否认|没有否认|没否认|没有缓解|没缓解|未缓解|无缓解|没有好转|没好转|未好转|无好转|没有改善|\
         无改善|没有减轻|没减轻|无减轻|没有停|没停|没有消|没消|\
         没完没了|没有一天不|\
         不敢|不知道为什么|不知道为何|不知道怎么|不知为何|不知为什么|不知怎么|不知道咋|\
         不清楚为什么|不知道什么|不知道该|不确定为什么|不确定该|不知道是什么原因|不知什么原因|\
         dont know why|do not know why|dont know what|do not know what|dont know how|\
         do not know how|no idea why|no idea what|not sure why|not sure what|not sure how|\
         dont know where|cant tell why|cant tell what|not sure when|dont know when|可能是因为|\
         可能因为|可能由于|没有不|无不",
    ),
    (
        Effect::Neutral,
        "无法|无力|无故|无缘|无奈|无意|无助|无数|无精|没法|没办法|没用|没有用|不得了|不行|\
         不敢|不能|不停|不断|不住|不时|不得不|不由|无论|不管|没完没了|无时无刻不|\
         不舒服|不适|不得|不了|不出",
    ),
    (
        Effect::Contrast,
        "but|however|although|though|yet|except|besides|instead|only|just|still|other than|\
         apart from|aside from|但|但是|不过|可是|然而|只是|只有|只|却|而是|就是|反而|倒是|除了|仅|仅有|\
         而且|并且|同时|还有|另外|此外|现在|目前|如今|后来|接着|然后",
    ),
];

type CueTable = HashMap<char, Vec<(Vec<&'static str>, Effect)>>;

static TABLE: LazyLock<CueTable> = LazyLock::new(|| {
    let entries = CUES.iter().flat_map(|(effect, sources)| sources.split('|').map(|source| (source, *effect)));
    index(entries)
});

/// Indexes phrases by their first character, the longest first.
fn index<V>(entries: impl Iterator<Item = (&'static str, V)>) -> HashMap<char, Vec<(Vec<&'static str>, V)>> {
    let mut table: HashMap<char, Vec<(Vec<&'static str>, V)>> = HashMap::new();
    for (source, value) in entries {
        if let Some(first) = source.chars().next() {
            table.entry(first).or_default().push((words(source), value));
        }
    }
    for entries in table.values_mut() {
        entries.sort_by_key(|(words, _)| std::cmp::Reverse(words.len()));
    }
    table
}

/// English words, or single Han characters.
fn words(source: &'static str) -> Vec<&'static str> {
    if source.is_ascii() {
        return source.split(' ').collect();
    }
    source.split("").filter(|c| !c.is_empty()).collect()
}

/// The longest cue of at most `limit` tokens that begins at `at`, with its length in tokens.
pub(super) fn cue_at(tokens: &[Token<'_>], at: usize, limit: usize) -> Option<(Effect, usize)> {
    let first = tokens.get(at)?.text.chars().next()?;
    TABLE
        .get(&first)?
        .iter()
        .find(|(words, _)| words.len() <= limit && phrase_at(tokens, at, words))
        .map(|(words, effect)| (*effect, words.len()))
}

/// Whether the words stand at `at`, one token each.
fn phrase_at(tokens: &[Token<'_>], at: usize, words: &[&str]) -> bool {
    words.iter().enumerate().all(|(i, word)| {
        tokens
            .get(at + i)
            .is_some_and(|token| token.text == *word)
    })
}

/// A set of phrases that are looked up at a place in the text.
pub(super) struct Phrases(HashMap<char, Vec<(Vec<&'static str>, ())>>);

impl Phrases {
    /// Takes the phrases parted by `|`.
    pub(super) fn new(sources: &'static str) -> Self {
        Self(index(sources.split('|').map(|source| (source, ()))))
    }

    /// Length in tokens of the longest phrase that stands at `at`.
    pub(super) fn at(&self, tokens: &[Token<'_>], at: usize) -> Option<usize> {
        let first = tokens.get(at)?.text.chars().next()?;
        let (words, ()) = self.0.get(&first)?.iter().find(|(words, ())| phrase_at(tokens, at, words))?;
        Some(words.len())
    }

    /// Whether a phrase begins between `from` and `to` (exclusive).
    pub(super) fn within(&self, tokens: &[Token<'_>], from: usize, to: usize) -> bool {
        (from..to).any(|at| self.at(tokens, at).is_some())
    }
}

/// What a word does in a sentence: a set of flags.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Class(u8);

impl Class {
    /// Changes nothing between two atoms of a pattern.
    pub(super) const FILLER: Self = Self(1 << 0);
    /// Joins the items of a list; only wide gaps cross it.
    pub(super) const JOINER: Self = Self(1 << 1);
    /// Keeps a denial going: "no cough or fever", 没有胸痛和气短.
    pub(super) const LIST: Self = Self(1 << 2);
    /// Sets one statement against another; no gap crosses it.
    pub(super) const CONTRAST: Self = Self(1 << 3);
    /// May stand between a negator and what it denies.
    pub(super) const TRANSPARENT: Self = Self(1 << 4);
    /// Begins a new statement, so that no denial reaches past it.
    pub(super) const BREAKER: Self = Self(1 << 5);
    /// Asserts the item that it stands with, so that it is no bare item of a denied list.
    pub(super) const ASSERTING: Self = Self(1 << 6);

    /// The class of a normalised word or Han character.
    pub(super) fn of(word: &str) -> Self {
        CLASSES.get(word).copied().unwrap_or_default()
    }

    pub(super) fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

const CLASS_WORDS: &[(Class, &str)] = &[
    (
        Class::FILLER,
        "my his her the a an some our their your its very really so quite rather too also of in on \
         is are was feels feel feeling been being has have had got gone becoming became getting go \
         goes went keeps a this that 很 好 有 点 些 的 了 我 他 她 挺 特 别 非 常 也 都 太 得 感 到 觉 \
         是 在 着 会 又 还 已 经 这 那 十 分 比 较 老 总 里 面 出 现 来 越 变 突 然",
    ),
    (
        Class::JOINER,
        "and or nor plus with 和 或 及 与 跟 并 且 伴",
    ),
    (
        Class::LIST,
        "or nor 和 或 及 与 跟 者 以 还 是",
    ),
    (
        Class::CONTRAST,
        "but however although though except yet 但 却 而",
    ),
    (
        Class::TRANSPARENT,
        "any a an the this that my his her of in or to other such more new recent real obvious \
         significant particular noticeable associated current currently actual actually really \
         visible clear major minor severe bad mild slight serious sudden acute chronic persistent \
         sign signs symptom symptoms evidence history complaint complaints feeling feelings episode \
         episodes having experiencing experienced experience feel feels felt suffer suffering \
         suffered suffers been being get getting gets got notice noticed noticing had have has sort \
         kind form type at all even very so too accompanied by with if whether is are i he she it \
         there 任 何 明 显 确 出 现 过 感 觉 到 发 生 有 伴 随 什 么 显 著 特 殊 其 他 它 再 诉 的 地 很 \
         太 怎 那 这 种 样 是 会 得 了 多 大 点 些 一 严 重 剧 烈 新 近 期 最 任 突 然 持 续 性 曾 \
         我 自 己 否",
    ),
    (
        Class::BREAKER,
        "i im ive he she we they it you my have has had having is are was were since because due when \
         while why what where which who with after before during started starts start began begins \
         now then today yesterday feel feels feeling felt got get gets getting woke so there another \
         此 时 因 为 由 于 所 以 开 始 今 昨 刚 正 导 致 而 且 伴 就 又 却 我 他 她",
    ),
    (
        Class::ASSERTING,
        "for severe severely bad terrible crushing sudden suddenly worsening worse constant \
             getting very really extreme extremely yes present hurts aches lots lot much heavy \
             天 日 周 月 年 小 时 钟 剧 烈 厉 害 严 重 突 然 加 很 非 常 有 着 了 越 总 一 直 得 老 特",
    ),
];

static CLASSES: LazyLock<HashMap<&'static str, Class>> = LazyLock::new(|| {
    let mut classes: HashMap<&'static str, Class> = HashMap::new();
    for (class, words) in CLASS_WORDS {
        for word in words.split(' ') {
            classes.entry(word).or_default().0 |= class.0;
        }
    }
    classes
});
