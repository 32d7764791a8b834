//! The phrases of many patterns as one tree by their words: what begins alike stands once.

use std::collections::{BTreeMap, HashMap, VecDeque};

use super::syntax::PatternWord;
use super::text_table::{STEM_MARK, write_words};
use super::writer::{TableWriter, number};

/// Number of a phrase in its tree.
pub type PhraseId = u32;

/// A tree that phrases are added to.
#[derive(Debug)]
pub struct PhraseTree {
    /// Words by their text; a beginning of words ends with its mark.
    words: HashMap<String, u32>,
    nodes: Vec<PhraseNode>,
    phrase_count: u32,
}

/// What words lead to.
#[derive(Debug, Default)]
struct PhraseNode {
    /// Positions of nodes, by the number of the next word.
    children: BTreeMap<u32, usize>,
    phrase: Option<PhraseId>,
}

impl PhraseTree {
    pub fn new() -> Self {
        Self {
            words: HashMap::new(),
            nodes: vec![PhraseNode::default()],
            phrase_count: 0,
        }
    }

    /// Adds a phrase, or finds it.
    pub fn add(&mut self, phrase: &[PatternWord<'_>]) -> PhraseId {
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
        self.phrase_count += u32::from(id == next_id);
        id
    }

    pub fn word_count(&self) -> u32 {
        number(self.words.len())
    }

    pub fn phrase_count(&self) -> u32 {
        self.phrase_count
    }

    fn number_word(&mut self, word: &PatternWord<'_>) -> u32 {
        let mut text = word.text.to_owned();
        if word.is_prefix {
            text.push(char::from(STEM_MARK));
        }

        let next_number = self.word_count();
        *self.words.entry(text).or_insert(next_number)
    }

    fn child_or_new(&mut self, at: usize, word: u32) -> usize {
        let next_node = self.nodes.len();
        let Some(node) = self.nodes.get_mut(at) else {
            return at;
        };

        let child = *node.children.entry(word).or_insert(next_node);
        if child == next_node {
            self.nodes.push(PhraseNode::default());
        }
        child
    }

    /// Writes the words, and the nodes by their distance from the root, so that the children of
    /// each stand side by side, in the order of their words.
    ///
    /// The lists are those of the words, and for each node the word that leads to it, where its
    /// children begin (and the last ones end), and the number of its phrase and one more, or 0.
    pub fn write(&self, writer: &mut TableWriter) {
        let mut words: Vec<(&String, u32)> =
            self.words.iter().map(|(word, at)| (word, *at)).collect();
        words.sort_by_key(|(_, at)| *at);
        write_words(writer, words.iter().map(|(word, _)| word.as_str()));

        let mut leading_words = vec![0];
        let mut first_children = Vec::new();
        let mut phrases = Vec::new();
        let mut waiting = VecDeque::from([0]);
        while let Some(node) = waiting.pop_front().and_then(|at: usize| self.nodes.get(at)) {
            first_children.push(number(leading_words.len()));
            phrases.push(node.phrase.map_or(0, |phrase| phrase + 1));
            leading_words.extend(node.children.keys());
            waiting.extend(node.children.values());
        }
        first_children.push(number(leading_words.len()));

        writer.push_list(&leading_words);
        writer.push_list(&first_children);
        writer.push_list(&phrases);
    }
}
