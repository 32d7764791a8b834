//! The search for many patterns in a text at once.

use std::collections::{HashMap, HashSet};

use super::pattern::{Pattern, PatternMatch, PatternWord};
use super::tokens::{Token, text_at};

/// Many patterns, indexed by the words that each can begin with.
#[derive(Debug)]
pub(super) struct PatternSet<K> {
    patterns: Vec<KeyedPattern<K>>,
    /// Positions in `patterns`, by a first word.
    by_word: HashMap<&'static str, Vec<usize>>,
    /// Beginnings of first words, by their first letter.
    by_letter: HashMap<char, Vec<IndexedStem>>,
}

/// A pattern with the key to report it under.
#[derive(Debug)]
struct KeyedPattern<K> {
    key: K,
    pattern: Pattern,
}

/// The beginning of a pattern's first word (`faint*`).
#[derive(Debug)]
struct IndexedStem {
    stem: &'static str,
    /// Position in [`PatternSet::patterns`].
    id: usize,
}

impl<K: Copy> PatternSet<K> {
    /// Compiles patterns; each source string comes with the key to report it under.
    pub(super) fn compile(sources: impl IntoIterator<Item = (K, &'static str)>) -> Self {
        let mut set = Self {
            patterns: Vec::new(),
            by_word: HashMap::new(),
            by_letter: HashMap::new(),
        };

        for (key, source) in sources {
            let pattern = Pattern::compile(source);
            set.index_pattern(&pattern);
            set.patterns.push(KeyedPattern { key, pattern });
        }

        set
    }

    fn index_pattern(&mut self, pattern: &Pattern) {
        let id = self.patterns.len();

        for word in pattern.first_words() {
            if word.is_prefix {
                let stem = word.text;
                let letter = stem.chars().next().unwrap_or(' ');
                let stems = self.by_letter.entry(letter).or_default();
                stems.push(IndexedStem { stem, id });
                continue;
            }

            let ids = self.by_word.entry(word.text).or_default();
            // Several alternatives may share a first word; one entry serves them all.
            if ids.last() != Some(&id) {
                ids.push(id);
            }
        }
    }

    /// The words of all patterns.
    pub(super) fn words(&self) -> impl Iterator<Item = &PatternWord> {
        let patterns = self.patterns.iter();
        patterns.flat_map(|keyed| keyed.pattern.words())
    }

    /// Every place where a pattern occurs, in the order of the text.
    pub(super) fn find_all(&self, tokens: &[Token<'_>]) -> Vec<PatternMatch<K>> {
        let vocabulary = distinct_words(tokens);
        let words_of_text: HashSet<&str> = vocabulary.iter().copied().collect();

        let candidates_by_word: Vec<Vec<&KeyedPattern<K>>> = vocabulary
            .iter()
            .map(|word| {
                let candidates = self.candidates(word);
                candidates
                    .filter(|candidate| candidate.pattern.may_occur(&words_of_text))
                    .collect()
            })
            .collect();

        let mut matches = Vec::new();
        for (start, token) in tokens.iter().enumerate() {
            let candidates = candidates_by_word.get(token.word_id).into_iter().flatten();
            for KeyedPattern { key, pattern } in candidates {
                matches.extend(pattern.match_at(tokens, start, *key));
            }
        }

        matches
    }

    /// Length of the longest pattern that stands at `at`.
    pub(super) fn longest_at(&self, tokens: &[Token<'_>], at: usize) -> Option<usize> {
        let candidates = self.candidates(text_at(tokens, at));
        let matches = candidates
            .filter_map(|candidate| candidate.pattern.match_at(tokens, at, candidate.key));

        matches.map(|found| found.end - at).max()
    }

    /// Whether a pattern stands at `at`.
    pub(super) fn matches_at(&self, tokens: &[Token<'_>], at: usize) -> bool {
        self.longest_at(tokens, at).is_some()
    }

    /// The patterns that can begin with `word`.
    fn candidates<'s>(&'s self, word: &'s str) -> impl Iterator<Item = &'s KeyedPattern<K>> {
        let whole_word_ids = self.by_word.get(word).into_iter().flatten().copied();

        let letter = word.chars().next();
        let stems = letter.and_then(|letter| self.by_letter.get(&letter));
        let stem_ids = stems
            .into_iter()
            .flatten()
            .filter(|indexed| word.starts_with(indexed.stem))
            .map(|indexed| indexed.id);

        whole_word_ids
            .chain(stem_ids)
            .filter_map(|id| self.patterns.get(id))
    }
}

/// The different words of a text, by their number.
fn distinct_words<'x>(tokens: &[Token<'x>]) -> Vec<&'x str> {
    let mut words = Vec::new();

    for token in tokens {
        // Words are numbered in the order in which they first occur.
        if token.word_id == words.len() {
            words.push(token.text);
        }
    }

    words
}
