//! Where words begin in a row of Han characters, as far as the rules must know.
//!
//! Chinese is written without spaces, so that a short word of a pattern may stand by accident
//! across or within another word: 最 in 最近, 毒 in 抗病毒. The words of `data/han_words.txt` are
//! found first, the longest at each place, and no pattern and no cue begins or ends inside one.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::LazyLock;

use super::breaks::Pause;
use super::data::WordList;
use super::tokens::{Token, TokenKind};

const WORD_LIST: WordList = WordList {
    name: "han_words.txt",
    text: include_str!("data/han_words.txt"),
};

/// Words by their first character, the longest first.
static WORDS: LazyLock<HashMap<char, Vec<&'static str>>> = LazyLock::new(|| {
    let mut words: HashMap<char, Vec<&'static str>> = HashMap::new();

    for entry in WORD_LIST.entries() {
        if let Some(first) = entry.chars().next() {
            words.entry(first).or_default().push(entry);
        }
    }

    for alike in words.values_mut() {
        alike.sort_by_key(|word| Reverse(word.len()));
    }
    words
});

/// Marks the tokens that stand inside a word.
pub(super) fn mark_words(tokens: &mut [Token<'_>]) {
    let mut at = 0;

    while at < tokens.len() {
        let len = word_len(tokens.get(at..).unwrap_or(&[])).max(1);
        for token in tokens.iter_mut().skip(at + 1).take(len - 1) {
            token.is_inside_word = true;
        }
        at += len;
    }
}

/// The number of tokens of the word that begins here; 0 if the list knows none.
fn word_len(tokens: &[Token<'_>]) -> usize {
    let first = tokens.first().filter(|token| token.kind == TokenKind::Han);
    let first = first.and_then(|token| token.text.chars().next());
    let words = first.and_then(|first| WORDS.get(&first));

    let mut lengths = words.into_iter().flatten().filter_map(|word| {
        let count = word.chars().count();
        stands_here(tokens, word).then_some(count)
    });
    lengths.next().unwrap_or(0)
}

fn stands_here(tokens: &[Token<'_>], word: &str) -> bool {
    let mut ahead = tokens.iter();

    word.chars().enumerate().all(|(at, c)| {
        ahead.next().is_some_and(|token| {
            let is_joined = at == 0 || token.pause == Pause::None;
            is_joined && token.text.starts_with(c)
        })
    })
}
