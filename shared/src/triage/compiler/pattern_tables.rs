//! The tables of many patterns: their phrases, and which of them each pattern asks for.

use std::collections::HashMap;

use super::phrase_tree::{PhraseId, PhraseTree};
use super::syntax::{GapKind, Pattern, PatternAtom, PatternPhrase};
use super::writer::{CompiledTables, TableWriter, number};

/// Stands for the atom of a pattern that bars nothing.
pub const NO_ATOM: u32 = u32::MAX;

/// A step is the number of its atom times this, and the kind of the gap before it.
const GAP_KINDS: u32 = 4;

/// A phrase of an atom takes these bits of its number for its rank among the alternatives; the
/// phrase takes the others, a million.
const RANK_BITS: u32 = 12;
const LAST_RANK: u32 = (1 << RANK_BITS) - 1;

/// Tables that patterns are added to.
struct PatternTables {
    tree: PhraseTree,
    /// Each phrase of an atom with its rank among the alternatives, in the order of the phrases.
    atoms: Vec<Vec<u32>>,
    known_atoms: HashMap<Vec<PhraseId>, u32>,
    /// For each pattern its key, what is barred before and behind it, and its steps.
    patterns: Vec<Vec<u32>>,
    /// The patterns that each phrase can begin.
    by_phrase: Vec<Vec<u32>>,
}

/// Compiles patterns; each comes with the key to report it under.
pub fn compile_patterns(patterns: &[(u32, Pattern<'_>)]) -> CompiledTables {
    let mut tables = PatternTables {
        tree: PhraseTree::new(),
        atoms: Vec::new(),
        known_atoms: HashMap::new(),
        patterns: Vec::new(),
        by_phrase: Vec::new(),
    };
    let mut writer = TableWriter::default();

    for (key, pattern) in patterns {
        tables.add_pattern(*key, pattern);
    }
    let match_words = tables.tree.word_count();
    for (at, (_, pattern)) in patterns.iter().enumerate() {
        tables.add_bars(at, pattern);
    }

    let bars = patterns.iter().flat_map(|(_, pattern)| &pattern.not_before);
    let longest_bar = bars.map(Vec::len).max().unwrap_or_default();
    writer.push_list(&[number(longest_bar)]);
    // The words of matches come first: those that only barred phrases have tell of no finding.
    writer.push_list(&[match_words]);
    tables.write(&mut writer);
    writer.finish()
}

impl PatternTables {
    fn add_pattern(&mut self, key: u32, pattern: &Pattern<'_>) {
        let mut row = vec![key, NO_ATOM, NO_ATOM];
        for atom in &pattern.atoms {
            row.push(self.number_step(atom));
        }

        let first = pattern.atoms.first().into_iter();
        for phrase in first.flat_map(|atom| &atom.phrases) {
            self.index_pattern(phrase);
        }
        self.patterns.push(row);
    }

    fn number_step(&mut self, atom: &PatternAtom<'_>) -> u32 {
        let gap = match atom.gap_before {
            GapKind::Closed => 0,
            GapKind::Fillers => 1,
            GapKind::Item => 2,
            GapKind::List => 3,
        };
        self.number_atom(&atom.phrases) * GAP_KINDS + gap
    }

    /// Enters the next pattern under a phrase of its first atom.
    fn index_pattern(&mut self, phrase: &PatternPhrase<'_>) {
        let pattern = number(self.patterns.len());
        let phrase = self.tree.add(phrase) as usize;
        if self.by_phrase.len() <= phrase {
            self.by_phrase.resize(phrase + 1, Vec::new());
        }

        if let Some(begun) = self.by_phrase.get_mut(phrase)
            && begun.last() != Some(&pattern)
        {
            begun.push(pattern);
        }
    }

    fn add_bars(&mut self, at: usize, pattern: &Pattern<'_>) {
        let before = self.number_bar(&pattern.not_before);
        let after = self.number_bar(&pattern.not_after);

        if let Some([_, not_before, not_after, ..]) =
            self.patterns.get_mut(at).map(Vec::as_mut_slice)
        {
            *not_before = before;
            *not_after = after;
        }
    }

    fn number_bar(&mut self, phrases: &[PatternPhrase<'_>]) -> u32 {
        if phrases.is_empty() {
            return NO_ATOM;
        }
        self.number_atom(phrases)
    }

    /// The number of an atom; those of the same alternatives are one.
    fn number_atom(&mut self, phrases: &[PatternPhrase<'_>]) -> u32 {
        let phrases = phrases.iter().map(|phrase| self.tree.add(phrase));
        let phrases: Vec<PhraseId> = phrases.collect();
        if let Some(known) = self.known_atoms.get(&phrases) {
            return *known;
        }

        let ranks = (0..LAST_RANK).chain(std::iter::repeat(LAST_RANK));
        let numbers = phrases.iter().zip(ranks);
        let mut ranked: Vec<u32> = numbers
            .map(|(phrase, rank)| phrase << RANK_BITS | rank)
            .collect();
        ranked.sort_unstable();
        ranked.dedup_by_key(|number| read_ranked(*number).0);

        let next_atom = number(self.atoms.len());
        self.known_atoms.insert(phrases, next_atom);
        self.atoms.push(ranked);
        next_atom
    }

    /// Writes the phrases, the patterns by their first phrase, the atoms and the patterns.
    fn write(mut self, writer: &mut TableWriter) {
        self.by_phrase
            .resize(self.tree.phrase_count() as usize, Vec::new());

        self.tree.write(writer);
        writer.push_lists(self.by_phrase.iter().map(Vec::as_slice));
        writer.push_lists(self.atoms.iter().map(Vec::as_slice));
        writer.push_lists(self.patterns.iter().map(Vec::as_slice));
    }
}

/// A phrase of an atom, and its rank among the alternatives.
pub fn read_ranked(number: u32) -> (PhraseId, u32) {
    (number >> RANK_BITS, number & LAST_RANK)
}

/// The atom of a step, and the gap before it.
pub fn read_step(step: u32) -> (u32, GapKind) {
    let gap = match step % GAP_KINDS {
        0 => GapKind::Closed,
        1 => GapKind::Fillers,
        2 => GapKind::Item,
        _ => GapKind::List,
    };
    (step / GAP_KINDS, gap)
}
