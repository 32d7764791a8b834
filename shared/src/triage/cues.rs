//! Words that say whether a finding is there: negators, hedges, contrasts, and the words between.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::text::Token;
use super::words::{Class, split_words};

/// What a cue does to the findings that follow it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    /// Clinical denial ("denies", 否认): runs through bare lists, commas included.
    Deny,
    /// Written denial (无, 未见): covers all of its item, as 无胸闷胸痛 lists without marks.
    DenyItem,
    /// Plain denial ("no", 没有): runs through "or", 和 and `、`, and through comma lists closed by "or".
    Negate,
    /// Denies only what follows at once ("not", 不), and the list that it opens.
    NegateNext,
    /// Leaves it open ("not sure whether", 有没有); runs through lists.
    Whether,
    /// Hedges the next item ("maybe", 可能).
    Maybe,
    /// Tells of what is over ("no longer have"); as this may have been hours ago, it is left open.
    Resolved,
    /// Looks like a negator but asserts what follows ("not only", "no relief of", 不仅).
    Assert,
    /// Joins the next item to a denied or doubted list ("or", 和).
    Join,
    /// English "and": after a denial, "no fever and chest pain" can mean either.
    And,
    /// Ends every scope ("but", 但是).
    Contrast,
}

const CUES: &[(Effect, &str)] = &[
    (
        Effect::Deny,
        "denies|denied|negative :|negatives :|deny|denying|negative for|absence of|free of|free from|no evidence of|no history of|\
         no complaints of|no signs of|no symptoms of|否认|均无|均否认",
    ),
    (
        Effect::Negate,
        "no|without|neither|nor|dont have|does not have|do not have|doesnt have|did not have|didnt have|havent had|\
         have not had|hasnt had|has not had|have no|has no|had no|havent got|hasnt got|never had|never have|\
         没有|从来没有|从没有|并没有|也没有|没有出现|没有发生|没出现|没发生|从没|从未|并未|也没|也无|\
         并没|不存在|毫无|没什么|没啥|没见",
    ),
    (
        Effect::DenyItem,
        "无|并无|尚无|不伴|不伴有|无伴|排除|未见|未诉|未发现|未出现",
    ),
    (
        Effect::NegateNext,
        "not|dont|doesnt|didnt|isnt|arent|wasnt|werent|aint|havent|hasnt|hadnt|never|prevent|preventing|avoid|\
         avoiding|rule out|ruled out|不|没|未|不是|并非|并不|并不是|不太|不怎么|不觉得|没感觉|没觉得|没感到|\
         没感觉到|预防|防止|避免",
    ),
    (
        Effect::Whether,
        "not sure|not certain|unsure|uncertain|not entirely sure|not really sure|dont know|do not know|doesnt know|\
         dunno|no idea|cant tell|cannot tell|hard to tell|hard to say|wonder if|wondering if|wonder whether|\
         wondering whether|unclear|dont think|do not think|doesnt think|cant say|wouldnt say|would not say|不确定|不太确定|不能确定|无法确定|\
         不知道|不知|不清楚|不太清楚|说不清|说不准|拿不准|不肯定|不晓得|不好说|有没有|是不是|是否|有无|会不会|没法确定|\
         不明确|不敢确定|没有把握|不太肯定",
    ),
    (
        Effect::Maybe,
        "maybe|perhaps|possibly|possible|might be|might have|may be|may have|could be|could have|potentially|\
         might be having|may be having|could be having|可能|也许|或许|说不定|不排除|不能排除|无法排除|疑似|好像|似乎",
    ),
    (
        Effect::Resolved,
        "no longer|no longer have|no longer has|no longer having|not any more|used to have|stopped having|不再|不再有",
    ),
    (
        Effect::Assert,
        "not only|not just|not merely|not simply|not without|never without|no doubt|without doubt|without warning|\
         without stopping|non stop|no relief|no improvement|no change|no better|no less|no reduction|no difference|\
         no let up|no end|no wonder|no matter|cant deny|cannot deny|can not deny|doesnt deny|does not deny|dont deny|\
         do not deny|not deny|not denying|never denied|never had such|never felt such|never experienced such|never had anything like|didnt deny|not free of|not no|no appetite|no energy|\
         no strength|no sleep|not that i dont have|without relief|without improvement|not to mention|not getting better|\
         dont know why|do not know why|dont know what|do not know what|dont know how|do not know how|no idea why|\
         no idea what|not sure why|not sure what|not sure how|dont know where|cant tell why|cant tell what|\
         not sure when|dont know when|不仅|不只|不但|不单|不光|非但|不仅仅|不止|不是没有|不是没|不是无|并非没有|并非无|\
         并不是没有|不能说没有|不是不|不否认|不能否认|无法否认|并不否认|没有否认|没否认|没有缓解|没缓解|未缓解|无缓解|没有好转|\
         没好转|未好转|无好转|没有改善|无改善|没有减轻|没减轻|无减轻|没有停|没停|没有消|没消|不停|不断|不住|不时|不得不|不由|无论|\
         不管|没完没了|没有一天不|无时无刻不|无法|无力|无故|无缘|无奈|无意|没法|没办法|没用|没有用|不得了|不行|不敢|不能|\
         不知道为什么|不知道为何|不知道怎么|不知为何|不知为什么|不知怎么|不知道咋|不清楚为什么|不知道什么|不知道该|不确定为什么|\
         不确定该|不知道是什么原因|不知什么原因|可能是因为|可能因为|可能由于|没有不|无不|从来没有这么|从没有这么|从没这么|从未这么|\
         从未如此|从来没有过这么|从未有过这么|从未有过这样|从来没这么|没有胃口|没胃口|没有食欲|没食欲|无食欲|\
         没有力气|没力气|没有精神|没精神|没有睡|没睡|没有尿|不小心|不好意思|不舒服|不适|不对劲|没有效果|没效果",
    ),
    (
        Effect::Join,
        "or|nor|and no|or any|和|或|或者|及|以及|与|跟|还是|或是|亦或|抑或",
    ),
    (Effect::And, "and"),
    (
        Effect::Contrast,
        "but|however|although|though|yet|except|besides|instead|only|just|still|other than|apart from|aside from|\
         despite|但|但是|不过|可是|然而|只是|只有|只|却|而是|就是|反而|倒是|除了|仅|仅有|而且|并且|同时|还有|另外|此外|现在|\
         目前|如今|后来|接着|然后",
    ),
];

/// The words of a cue with what it does.
type Cue = (Vec<&'static str>, Effect);

/// Cues by their first two words, longest first; the second is empty for cues of one word.
type CueTable = HashMap<(&'static str, &'static str), Vec<Cue>>;

static TABLE: LazyLock<CueTable> = LazyLock::new(|| {
    let mut table = CueTable::new();
    for (effect, sources) in CUES {
        for source in sources.split('|') {
            let words = split_words(source);
            if let Some(first) = words.first().copied() {
                let second = words.get(1).copied().unwrap_or("");
                table
                    .entry((first, second))
                    .or_default()
                    .push((words, *effect));
            }
        }
    }
    for entries in table.values_mut() {
        entries.sort_by_key(|(words, _)| std::cmp::Reverse(words.len()));
    }
    table
});

/// Every word that a cue can begin with.
pub(super) fn first_words() -> impl Iterator<Item = &'static str> {
    TABLE.keys().map(|(first, _)| *first)
}

/// The longest cue at `at` that spares the tokens which `taken` reports, with its length in tokens.
///
/// A token that belongs to a finding ("cannot breathe", 没有意识) is no cue.
pub(super) fn cue_at(
    tokens: &[Token<'_>],
    at: usize,
    taken: impl Fn(usize) -> bool,
) -> Option<(Effect, usize)> {
    let first = tokens
        .get(at)
        .filter(|token| token.class.has(Class::CUE))?
        .text;
    let second = tokens.get(at + 1).map_or("", |token| token.text);
    let free = |len: usize| (at..at + len).all(|i| !taken(i));
    let stands = |words: &[&str]| {
        words
            .iter()
            .enumerate()
            .all(|(i, word)| tokens.get(at + i).is_some_and(|token| token.text == *word))
    };
    let longer = TABLE.get(&(first, second)).into_iter().flatten();
    let single = TABLE.get(&(first, "")).into_iter().flatten();
    let mut cues = longer.chain(single);
    cues.find(|(words, _)| stands(words) && free(words.len()))
        .map(|(words, effect)| (*effect, words.len()))
}
