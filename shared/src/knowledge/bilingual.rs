//! Carries the words of a question into the other language, so that documents which exist in one
//! language only are found by words too. Vectors need no such help.

use std::ops::Range;
use std::sync::LazyLock;

use super::terms::Terms;
use crate::locale::Locale;
use crate::text::is_han;

/// A row of the table: words that mean the same.
struct Meaning {
    chinese: Vec<&'static str>,
    english: Vec<&'static str>,
}

/// A line has Chinese words, a tab, and English ones; those of one language are parted by `|`, the
/// most usual one first.
static TABLE: LazyLock<Vec<Meaning>> = LazyLock::new(|| {
    let lines = include_str!("data/bilingual_terms.tsv").lines();
    let sides = lines.filter_map(|line| line.split_once('\t'));
    sides
        .map(|(chinese, english)| Meaning {
            chinese: chinese.split('|').collect(),
            english: english.split('|').collect(),
        })
        .collect()
});

/// Of a meaning's words in the other language, so many are looked for.
const MAX_WORDS: usize = 2;

/// A question's terms, with those of the language that is looked for and that it is not written in.
pub(super) fn terms_of_question(question: &str, wanted: Option<Locale>) -> Terms {
    let own = Terms::of(question);
    let written_in = language_of(question);
    if wanted == Some(written_in) {
        return own;
    }

    let carried = match written_in {
        Locale::Zh => english_of(question),
        Locale::En => chinese_of(question),
    };
    if carried.is_empty() {
        own
    } else {
        Terms::of(&format!("{question}\n{carried}"))
    }
}

/// The language that most of a text is in: a Han character counts as much as a short word.
fn language_of(text: &str) -> Locale {
    let han = text.chars().filter(|c| is_han(*c)).count();
    let letters = text.chars().filter(char::is_ascii_alphabetic).count();
    if han * 3 > letters {
        Locale::Zh
    } else {
        Locale::En
    }
}

/// English words for the Chinese ones, the longest first: 头发 is no head.
fn english_of(question: &str) -> String {
    let words = |meaning: &'static Meaning| (&meaning.chinese, &meaning.english);
    let spans = |text: &str, word: &str| {
        let found = text.match_indices(word);
        found.map(|(at, _)| at..at + word.len()).collect::<Vec<_>>()
    };
    carry(question, words, spans)
}

/// Chinese words for the English ones.
fn chinese_of(question: &str) -> String {
    let folded = fold_words(question);
    let words = |meaning: &'static Meaning| (&meaning.english, &meaning.chinese);
    let spans = |text: &str, phrase: &str| {
        let phrase = fold_words(phrase);
        let found = text.match_indices(&phrase);
        // A space before the next word belongs to it as well.
        found
            .map(|(at, _)| at + 1..at + phrase.len())
            .collect::<Vec<_>>()
    };
    carry(&folded, words, spans)
}

/// The words of the other language for those that `spans` finds, where no longer one was found.
fn carry(
    text: &str,
    sides: impl Fn(&'static Meaning) -> (&'static Vec<&'static str>, &'static Vec<&'static str>),
    spans: impl Fn(&str, &str) -> Vec<Range<usize>>,
) -> String {
    let mut found = Vec::new();
    for meaning in TABLE.iter() {
        let (from, into) = sides(meaning);
        let places = from.iter().flat_map(|word| spans(text, word));
        found.extend(places.map(|place| (place, into)));
    }
    found.sort_by_key(|(place, _)| std::cmp::Reverse(place.len()));

    let mut taken: Vec<Range<usize>> = Vec::new();
    let mut carried: Vec<&str> = Vec::new();
    for (place, into) in found {
        let is_free = taken
            .iter()
            .all(|taken| place.end <= taken.start || taken.end <= place.start);
        if is_free {
            taken.push(place);
            carried.extend(into.iter().take(MAX_WORDS).filter(|word| !word.is_empty()));
        }
    }
    carried.dedup();
    carried.join("\n")
}

/// Words in lower case without their plural, each between two spaces: " sore throat ".
fn fold_words(text: &str) -> String {
    let lower = text.to_lowercase();
    let words = lower.split(|c: char| !c.is_alphanumeric());
    let mut folded = String::from(" ");
    for word in words.filter(|word| !word.is_empty()) {
        let is_plural = word.len() > 3 && word.ends_with('s') && !word.ends_with("ss");
        folded.push_str(if is_plural {
            word.trim_end_matches('s')
        } else {
            word
        });
        folded.push(' ');
    }
    folded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_carried_into_the_language_that_is_looked_for() {
        let english = |text| terms_of_question(text, Some(Locale::En)).telling_words();
        assert_eq!(
            english("嗓子疼，还发烧"),
            "sore throat throat fever temperature"
        );
        assert!(english("孩子耳朵疼").contains("earache"));

        let chinese = |text| terms_of_question(text, Some(Locale::Zh)).telling_pairs();
        assert_eq!(chinese("sore throat"), "嗓子 子疼 嗓子 子痛");
        assert!(chinese("My earaches are bad").contains("耳朵"));
    }

    #[test]
    fn a_longer_word_is_meant_and_not_those_within_it() {
        let english = |text| terms_of_question(text, Some(Locale::En)).telling_words();
        assert_eq!(english("偏头痛"), "migraine");
        let chinese = |text| terms_of_question(text, Some(Locale::Zh)).telling_pairs();
        assert!(!chinese("head lice").contains("头疼"));
    }

    #[test]
    fn a_question_in_the_language_that_is_looked_for_stays_as_it_is() {
        for (text, language) in [("嗓子疼", Locale::Zh), ("sore throat", Locale::En)] {
            assert_eq!(terms_of_question(text, Some(language)), Terms::of(text));
        }
        assert_eq!(terms_of_question("xyzzy", None), Terms::of("xyzzy"));
    }

    #[test]
    fn where_any_language_is_looked_for_a_question_has_both() {
        let terms = terms_of_question("发烧", None);
        assert_eq!(terms.telling_pairs(), "发烧");
        assert_eq!(terms.telling_words(), "fever temperature");
    }

    #[test]
    fn the_table_is_whole() {
        assert!(TABLE.len() > 180);
        for Meaning { chinese, english } in TABLE.iter() {
            assert!(chinese.iter().all(|word| !word.trim().is_empty()));
            let is_english = |word: &&str| word.chars().all(|c| !is_han(c)) && !word.is_empty();
            assert!(english.iter().all(is_english), "{english:?}");
        }
        let lines = include_str!("data/bilingual_terms.tsv").lines().count();
        assert_eq!(TABLE.len(), lines);
    }
}
