//! Finds every phrase of many patterns in a text, in one pass.
//!
//! The phrases form a tree by their words, which `compiler` has written as tables. What stands at a
//! place is read once, as the numbers of the phrases there; whether an alternative of an atom
//! stands there is then a look at numbers.

use super::compiler::syntax::PatternWord;
use super::pattern::cuts_word;
use super::tables::{Numbers, TableReader, TextTable};
use super::tokens::{Token, text_at};

/// Number of a phrase in its index.
pub(super) type PhraseId = u32;

/// Number of a word, or of a beginning of words.
type WordNumber = u32;

/// The phrases of many patterns.
#[derive(Debug, Clone, Copy)]
pub(super) struct PhraseIndex {
    /// The words of matches; behind them those that only barred phrases have.
    match_words: usize,
    words: TextTable,
    /// For each node of the tree, the word that leads to it.
    leading_words: Numbers,
    /// For each node, where its children begin; they are in the order of their words.
    first_children: Numbers,
    /// For each node, the number of its phrase and one more, or 0.
    phrases: Numbers,
}

/// A phrase that stands somewhere in a text.
#[derive(Debug, Clone, Copy)]
pub(super) struct PhraseHit {
    pub(super) phrase: PhraseId,
    /// Position of the token behind it.
    pub(super) end: usize,
}

impl PhraseIndex {
    /// Takes the next lists as those of an index.
    pub(super) fn take(reader: &mut TableReader) -> Self {
        let match_words = reader.take_list().place(0);

        Self {
            match_words: match_words.unwrap_or_default(),
            words: TextTable::take(reader),
            leading_words: reader.take_list(),
            first_children: reader.take_list(),
            phrases: reader.take_list(),
        }
    }

    /// The words that a match can have.
    pub(super) fn words(self) -> impl Iterator<Item = PatternWord<'static>> {
        let texts = (0..self.match_words).filter_map(move |number| self.words.text(number));
        texts.map(PatternWord::of_text)
    }

    /// Whether a match can have this word.
    pub(super) fn has_word(self, word: &str) -> bool {
        let number = self.words.number_of(word);
        number.is_some_and(|number| number < self.match_words)
    }

    /// Length of the shortest beginning by which a match can have this word.
    pub(super) fn stem_len(self, word: &str) -> Option<usize> {
        let mut stems = self.words.stems_of(word);
        let found = stems.find(|(number, _)| *number < self.match_words);
        found.map(|(_, len)| len)
    }

    /// Every phrase with its words.
    #[cfg(test)]
    pub(super) fn all_phrases(self) -> Vec<(PhraseId, Vec<PatternWord<'static>>)> {
        let mut found = Vec::new();
        let mut open = vec![(0, Vec::new())];

        while let Some((node, words)) = open.pop() {
            if let Some(phrase) = self.phrase_at(node) {
                found.push((phrase, words.clone()));
            }
            let start = self.first_children.place(node).unwrap();
            let end = self.first_children.place(node + 1).unwrap();
            for child in start..end {
                let word = self.leading_words.place(child).unwrap();
                let mut longer = words.clone();
                longer.push(PatternWord::of_text(self.words.text(word).unwrap()));
                open.push((child, longer));
            }
        }
        found
    }

    fn child(self, at: usize, word: WordNumber) -> Option<usize> {
        let start = self.first_children.place(at)?;
        let end = self.first_children.place(at + 1)?;
        let place = self.leading_words.between(start, end).search(word)?;
        Some(start + place)
    }

    /// The number of the phrase that ends at a node.
    fn phrase_at(self, node: usize) -> Option<PhraseId> {
        self.phrases.get(node)?.checked_sub(1)
    }

    /// Adds the numbers of a word of a text: its own, and those of its beginnings.
    fn push_numbers(self, word: &str, numbers: &mut Vec<WordNumber>) {
        let whole = self.words.number_of(word);
        let stems = word.is_ascii().then(|| self.words.stems_of(word));

        let stems = stems.into_iter().flatten().map(|(number, _)| number);
        let found = whole.into_iter().chain(stems);
        numbers.extend(found.filter_map(|number| WordNumber::try_from(number).ok()));
    }
}

/// The phrases of a text, by where they begin.
#[derive(Debug)]
pub(super) struct TextPhrases<'t, 'x> {
    index: PhraseIndex,
    tokens: &'t [Token<'x>],
    /// Where the numbers of each word stand that has been read, by the word's number in its text.
    words: Vec<Option<Span>>,
    numbers: Vec<WordNumber>,
    /// The position that `places` begin at.
    first: usize,
    /// Where the hits of each position stand that has been read.
    places: Vec<Option<Span>>,
    hits: Vec<PhraseHit>,
    /// Nodes that words lead to, and those that the next word leads to; kept for their room.
    nodes: Vec<usize>,
    next_nodes: Vec<usize>,
}

/// A part of a list.
#[derive(Debug, Clone, Copy)]
struct Span {
    start: usize,
    end: usize,
}

impl Span {
    fn of<T>(self, list: &[T]) -> &[T] {
        list.get(self.start..self.end).unwrap_or(&[])
    }
}

impl<'t, 'x> TextPhrases<'t, 'x> {
    /// The phrases of a text from a position on, which are read when they are asked for.
    pub(super) fn new(index: PhraseIndex, tokens: &'t [Token<'x>], first: usize) -> Self {
        Self {
            index,
            tokens,
            words: Vec::new(),
            numbers: Vec::new(),
            first,
            places: Vec::new(),
            hits: Vec::new(),
            nodes: Vec::new(),
            next_nodes: Vec::new(),
        }
    }

    pub(super) fn tokens(&self) -> &'t [Token<'x>] {
        self.tokens
    }

    /// The phrases that begin at a position, the shorter ones first; none before the first one.
    pub(super) fn at(&mut self, at: usize) -> &[PhraseHit] {
        let Some(number) = at.checked_sub(self.first) else {
            return &[];
        };
        if self.places.len() <= number {
            self.places.resize(number + 1, None);
        }

        let known = self.places.get(number).copied().flatten();
        let span = known.unwrap_or_else(|| self.read_phrases(at));
        if let Some(place) = self.places.get_mut(number) {
            *place = Some(span);
        }
        span.of(&self.hits)
    }

    fn read_phrases(&mut self, start: usize) -> Span {
        let first_hit = self.hits.len();
        let mut nodes = std::mem::take(&mut self.nodes);
        let mut next_nodes = std::mem::take(&mut self.next_nodes);
        nodes.clear();
        nodes.push(0);
        let mut at = start;

        while !nodes.is_empty() && at < self.tokens.len() {
            let index = self.index;
            next_nodes.clear();
            for number in self.numbers_at(at) {
                let reached = nodes.iter().filter_map(|node| index.child(*node, *number));
                next_nodes.extend(reached);
            }

            at += 1;
            for node in &next_nodes {
                if let Some(phrase) = index.phrase_at(*node)
                    && !cuts_word(self.tokens, start, at)
                {
                    self.hits.push(PhraseHit { phrase, end: at });
                }
            }
            std::mem::swap(&mut nodes, &mut next_nodes);
        }

        self.nodes = nodes;
        self.next_nodes = next_nodes;
        Span {
            start: first_hit,
            end: self.hits.len(),
        }
    }

    fn numbers_at(&mut self, at: usize) -> &[WordNumber] {
        let word = self.tokens.get(at).map_or(0, |token| token.word_id);
        if self.words.len() <= word {
            self.words.resize(word + 1, None);
        }

        let known = self.words.get(word).copied().flatten();
        let span = known.unwrap_or_else(|| {
            let start = self.numbers.len();
            let text = text_at(self.tokens, at);
            self.index.push_numbers(text, &mut self.numbers);
            Span {
                start,
                end: self.numbers.len(),
            }
        });
        if let Some(known) = self.words.get_mut(word) {
            *known = Some(span);
        }
        span.of(&self.numbers)
    }
}
