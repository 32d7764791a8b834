//! What a text is found by. PostgreSQL stems English words; Chinese, which it does not cut, is told
//! to it in pairs of neighbouring characters.

use crate::text::{is_han, plain_text};

/// Pairs that any question has.
const EMPTY_PAIRS: &[&str] = &[
    "怎么", "什么", "可以", "这个", "那个", "一个", "一下", "是不", "不是", "有没", "没有", "请问",
    "医生", "应该", "需要", "要不", "怎样", "如何", "为什", "么办", "咋办", "么回", "回事", "了吗",
    "的吗", "吃什", "一直", "最近", "现在", "今天", "昨天", "已经", "自己", "比较", "觉得", "感觉",
    "有点", "特别", "还是", "但是", "就是", "因为", "所以", "如果", "我的", "我是", "我有", "天了",
    "好几", "几天", "两天", "三天",
];

/// Words that any question has, beside those that PostgreSQL leaves out.
const EMPTY_WORDS: &[&str] = &[
    "am",
    "any",
    "anything",
    "bad",
    "been",
    "bit",
    "came",
    "come",
    "could",
    "day",
    "days",
    "doctor",
    "does",
    "dr",
    "else",
    "ever",
    "feel",
    "feeling",
    "felt",
    "get",
    "gets",
    "getting",
    "go",
    "going",
    "got",
    "help",
    "hello",
    "hi",
    "hour",
    "hours",
    "im",
    "ive",
    "just",
    "keep",
    "keeps",
    "know",
    "last",
    "like",
    "little",
    "lot",
    "make",
    "makes",
    "maybe",
    "month",
    "months",
    "morning",
    "much",
    "need",
    "night",
    "now",
    "please",
    "really",
    "right",
    "said",
    "say",
    "see",
    "should",
    "since",
    "start",
    "started",
    "still",
    "strange",
    "sure",
    "take",
    "taking",
    "thing",
    "things",
    "think",
    "time",
    "times",
    "today",
    "tonight",
    "try",
    "two",
    "three",
    "use",
    "very",
    "want",
    "week",
    "weeks",
    "went",
    "whether",
    "would",
    "year",
    "years",
    "yesterday",
];

/// The terms of a text: English words and pairs of Han characters, each in the order of the text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Terms {
    words: Vec<String>,
    pairs: Vec<String>,
}

impl Terms {
    pub(super) fn of(text: &str) -> Self {
        let mut terms = Self::default();
        let mut word = String::new();
        let mut before: Option<char> = None;

        for character in plain_text(text).chars().flat_map(char::to_lowercase) {
            if character.is_ascii_alphanumeric() {
                word.push(character);
            } else if !word.is_empty() {
                terms.words.push(std::mem::take(&mut word));
            }

            let is_han = is_han(character);
            if let Some(before) = before.filter(|_| is_han) {
                terms.pairs.push([before, character].iter().collect());
            }
            before = is_han.then_some(character);
        }
        if !word.is_empty() {
            terms.words.push(word);
        }
        terms
    }

    /// The words, for `to_tsvector`.
    pub(super) fn words(&self) -> String {
        self.words.join(" ")
    }

    /// The words of a question, without those that any question has, for `to_tsvector`.
    pub(super) fn telling_words(&self) -> String {
        let telling = self.words.iter().filter(|word| is_telling(word));
        telling.map(String::as_str).collect::<Vec<_>>().join(" ")
    }

    /// The pairs, for `to_tsvector`.
    pub(super) fn pairs(&self) -> String {
        self.pairs.join(" ")
    }

    /// The pairs of a question, without those that any question has, for `to_tsvector`.
    pub(super) fn telling_pairs(&self) -> String {
        let telling = self.pairs.iter().filter(|pair| is_telling(pair));
        telling.map(String::as_str).collect::<Vec<_>>().join(" ")
    }

    /// How many words and pairs of a question tell something.
    pub(super) fn count_telling(&self) -> usize {
        let terms = self.words.iter().chain(&self.pairs);
        terms.filter(|term| is_telling(term)).count()
    }
}

fn is_telling(term: &str) -> bool {
    !EMPTY_PAIRS.contains(&term) && !EMPTY_WORDS.contains(&term)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_pairs_are_told_apart() {
        let terms = Terms::of("Sore throat, 嗓子疼3天 <b>X-ray</b>");

        assert_eq!(terms.words(), "sore throat 3 x ray");
        assert_eq!(terms.pairs(), "嗓子 子疼");
    }

    #[test]
    fn a_question_has_its_telling_terms_and_no_operator() {
        let terms = Terms::of("怎么咳嗽 cough & fever | !x :* (y)");
        assert_eq!(terms.telling_words(), "cough fever x y");
        assert_eq!(terms.telling_pairs(), "么咳 咳嗽");

        let usual = Terms::of("I just felt a cough since morning");
        assert_eq!(usual.telling_words(), "i a cough");
    }

    #[test]
    fn a_text_without_words_has_no_terms() {
        assert_eq!(Terms::of("?!……"), Terms::default());
    }
}
