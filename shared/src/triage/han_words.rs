//! Where words begin in a row of Han characters, as far as the rules must know.
//!
//! Chinese is written without spaces, so that a short word of a pattern may stand by accident
//! across or within another word: 最 in 最近, 毒 in 抗病毒. The words of `data/han_words.txt` are
//! found first, the longest at each place, and no pattern and no cue begins or ends inside one. Two
//! words of one length that overlap (天气 and 气短 in 三天气短) can be read in two ways, and the
//! pattern counts then.

use std::cmp::Reverse;
use std::sync::LazyLock;

use foldhash::{HashMap, HashMapExt};

use super::breaks::Pause;
use super::data::WordList;
use super::tokens::{Token, TokenKind, WordPlace};

const WORD_LIST: WordList = WordList {
    name: "han_words.txt",
    text: include_str!("data/han_words.txt"),
};

/// A word, and what must not follow it.
struct ListedWord {
    text: &'static str,
    len: usize,
    not_before: Vec<&'static str>,
}

/// Words by their first character, the longest first.
static WORDS: LazyLock<HashMap<char, Vec<ListedWord>>> = LazyLock::new(|| {
    let mut words: HashMap<char, Vec<ListedWord>> = HashMap::new();

    for entry in WORD_LIST.entries() {
        let (text, barred) = entry.split_once(" !").unwrap_or((entry, ""));
        let Some(first) = text.chars().next() else {
            continue;
        };
        words.entry(first).or_default().push(ListedWord {
            text,
            len: text.chars().count(),
            not_before: barred.split('|').filter(|word| !word.is_empty()).collect(),
        });
    }

    for alike in words.values_mut() {
        alike.sort_by_key(|word| Reverse(word.len));
    }
    words
});

/// Marks the place of each token in its word.
pub(super) fn mark_words(tokens: &mut [Token<'_>]) {
    let mut at = 0;

    while at < tokens.len() {
        let len = word_len(tokens.get(at..).unwrap_or(&[])).max(1);
        let word = tokens.iter_mut().skip(at).take(len);
        for (before, token) in word.enumerate() {
            token.word = WordPlace {
                before,
                left: len - before,
            };
        }
        at += len;
    }
}

/// The number of tokens of the word that begins here; 0 if the list knows none.
fn word_len(tokens: &[Token<'_>]) -> usize {
    let first = tokens.first().filter(|token| token.kind == TokenKind::Han);
    let first = first.and_then(|token| token.text.chars().next());
    let words = first.and_then(|first| WORDS.get(&first));

    let mut words = words.into_iter().flatten();
    let found = words.find(|word| stands_here(tokens, word));
    found.map_or(0, |word| word.len)
}

fn stands_here(tokens: &[Token<'_>], word: &ListedWord) -> bool {
    let behind = tokens.get(word.len..).unwrap_or(&[]);
    let mut barred = word.not_before.iter();

    begins_with(tokens, word.text) && !barred.any(|text| begins_with(behind, text))
}

fn begins_with(tokens: &[Token<'_>], text: &str) -> bool {
    let mut ahead = tokens.iter();

    text.chars().enumerate().all(|(at, c)| {
        ahead.next().is_some_and(|token| {
            let is_joined = at == 0 || token.pause == Pause::None;
            is_joined && token.text.starts_with(c)
        })
    })
}
