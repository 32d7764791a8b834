//! Finds every phrase of many patterns in a text, in one pass.
//!
//! The phrases form a tree by their words. What stands at a place is read once, as the numbers of
//! the phrases there; whether an alternative of an atom stands there is then a look at numbers.

use foldhash::{HashMap, HashMapExt};

use super::pattern::{PatternPhrase, PatternWord, cuts_word};
use super::tokens::{Token, text_at};

/// Number of a phrase in its index.
pub(super) type PhraseId = usize;

/// Number of a word, or of a beginning of words.
type WordNumber = usize;

/// The phrases of many patterns.
#[derive(Debug)]
pub(super) struct PhraseIndex {
    words: HashMap<&'static str, WordNumber>,
    /// Beginnings of words, by their first letter or digit.
    stems: HashMap<&'static str, Vec<(&'static str, WordNumber)>>,
    word_count: usize,
    nodes: Vec<PhraseNode>,
    phrase_count: usize,
}

/// What words lead to.
#[derive(Debug, Default)]
struct PhraseNode {
    /// By the number of the next word, in the order of these numbers.
    children: Vec<(WordNumber, usize)>,
    phrase: Option<PhraseId>,
}

/// A phrase that stands somewhere in a text.
#[derive(Debug, Clone, Copy)]
pub(super) struct PhraseHit {
    pub(super) phrase: PhraseId,
    /// Position of the token behind it.
    pub(super) end: usize,
}

impl Default for PhraseIndex {
    fn default() -> Self {
        Self {
            words: HashMap::new(),
            stems: HashMap::new(),
            word_count: 0,
            nodes: vec![PhraseNode::default()],
            phrase_count: 0,
        }
    }
}

impl PhraseIndex {
    /// Adds a phrase, or finds it.
    pub(super) fn add(&mut self, phrase: &PatternPhrase) -> PhraseId {
        let mut at = 0;
        for word in phrase {
            let number = self.number_word(word);
            at = self.child_or_new(at, number);
        }

        let next_id = self.phrase_count;
        let Some(node) = self.nodes.get_mut(at) else {
            return next_id;
        };
        let id = *node.phrase.get_or_insert(next_id);
        self.phrase_count += usize::from(id == next_id);
        id
    }

    /// The number of different phrases.
    pub(super) fn len(&self) -> usize {
        self.phrase_count
    }

    fn number_word(&mut self, word: &PatternWord) -> WordNumber {
        let next_number = self.word_count;
        let text = word.text;

        let number = if word.is_prefix {
            let alike = self.stems.entry(stem_key(text)).or_default();
            let known = alike.iter().find(|(stem, _)| *stem == text);
            known.map(|(_, number)| *number).unwrap_or_else(|| {
                alike.push((text, next_number));
                next_number
            })
        } else {
            *self.words.entry(text).or_insert(next_number)
        };
        self.word_count += usize::from(number == next_number);
        number
    }

    fn child_or_new(&mut self, at: usize, number: WordNumber) -> usize {
        let next_node = self.nodes.len();
        let Some(node) = self.nodes.get_mut(at) else {
            return at;
        };

        match node.children.binary_search_by_key(&number, |child| child.0) {
            Ok(place) => node.children.get(place).map_or(at, |child| child.1),
            Err(place) => {
                node.children.insert(place, (number, next_node));
                self.nodes.push(PhraseNode::default());
                next_node
            }
        }
    }

    fn child(&self, at: usize, number: WordNumber) -> Option<usize> {
        let children = &self.nodes.get(at)?.children;
        let place = children
            .binary_search_by_key(&number, |child| child.0)
            .ok()?;
        children.get(place).map(|child| child.1)
    }

    /// The numbers of a word of a text: its own, and those of its beginnings.
    fn numbers_of(&self, word: &str) -> Vec<WordNumber> {
        let mut numbers: Vec<WordNumber> = self.words.get(word).copied().into_iter().collect();

        if word.is_ascii() && !self.stems.is_empty() {
            let alike = self.stems.get(stem_key(word)).into_iter().flatten();
            let begun = alike.filter(|(stem, _)| word.starts_with(stem));
            numbers.extend(begun.map(|(_, number)| *number));
        }
        numbers
    }
}

/// The first letter or digit, which the shortest stem has as well (`7*`).
fn stem_key(text: &str) -> &str {
    text.get(..1).unwrap_or_default()
}

/// The phrases of a text, by where they begin.
#[derive(Debug)]
pub(super) struct TextPhrases<'i, 't, 'x> {
    index: &'i PhraseIndex,
    tokens: &'t [Token<'x>],
    /// The numbers of the words that have been read, by the word's number in its text.
    numbers: Vec<Option<Vec<WordNumber>>>,
    /// The position that `hits` begins at.
    first: usize,
    hits: Vec<Vec<PhraseHit>>,
}

impl<'i, 't, 'x> TextPhrases<'i, 't, 'x> {
    /// The phrases of a text from a position on, which are read when they are asked for.
    pub(super) fn new(index: &'i PhraseIndex, tokens: &'t [Token<'x>], first: usize) -> Self {
        Self {
            index,
            tokens,
            numbers: Vec::new(),
            first,
            hits: Vec::new(),
        }
    }

    pub(super) fn tokens(&self) -> &'t [Token<'x>] {
        self.tokens
    }

    /// The phrases that begin at a position, the shorter ones first.
    pub(super) fn at(&mut self, at: usize) -> &[PhraseHit] {
        let number = at.saturating_sub(self.first);
        while self.hits.len() <= number {
            let hits = self.read_phrases(self.first + self.hits.len());
            self.hits.push(hits);
        }

        self.hits.get(number).map_or(&[], Vec::as_slice)
    }

    fn read_phrases(&mut self, start: usize) -> Vec<PhraseHit> {
        let mut hits = Vec::new();
        let mut nodes = vec![0];
        let mut at = start;

        while !nodes.is_empty() && at < self.tokens.len() {
            let index = self.index;
            let mut next_nodes = Vec::new();
            for number in self.numbers_at(at) {
                let reached = nodes.iter().filter_map(|node| index.child(*node, *number));
                next_nodes.extend(reached);
            }

            at += 1;
            for node in &next_nodes {
                let phrase = self.index.nodes.get(*node).and_then(|node| node.phrase);
                if let Some(phrase) = phrase
                    && !cuts_word(self.tokens, start, at)
                {
                    hits.push(PhraseHit { phrase, end: at });
                }
            }
            nodes = next_nodes;
        }
        hits
    }

    fn numbers_at(&mut self, at: usize) -> &[WordNumber] {
        let word = self.tokens.get(at).map_or(0, |token| token.word_id);
        if self.numbers.len() <= word {
            self.numbers.resize(word + 1, None);
        }

        let (index, tokens) = (self.index, self.tokens);
        self.numbers.get_mut(word).map_or(&[], |numbers| {
            numbers.get_or_insert_with(|| index.numbers_of(text_at(tokens, at)))
        })
    }
}
