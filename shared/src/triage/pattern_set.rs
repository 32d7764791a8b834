//! The search for many patterns in a text at once.

use std::collections::HashMap;

use super::pattern::{
    GapKind, MAX_GAP_TOKENS, Pattern, PatternMatch, PatternWord, coordinated_end, opens_statement,
};
use super::phrase_index::{PhraseHit, PhraseId, PhraseIndex, TextPhrases};
use super::tokens::Token;

/// Many patterns, indexed by the phrases that each can begin with.
#[derive(Debug)]
pub(super) struct PatternSet<K> {
    index: PhraseIndex,
    atoms: Vec<AtomPhrases>,
    patterns: Vec<KeyedPattern<K>>,
    /// Positions in `patterns`, by a phrase of the first atom.
    by_phrase: Vec<Vec<usize>>,
}

/// The alternatives of an atom: each phrase with its rank, in the order of the phrases.
#[derive(Debug)]
struct AtomPhrases(Vec<(PhraseId, usize)>);

/// A pattern with the key to report it under.
#[derive(Debug)]
struct KeyedPattern<K> {
    key: K,
    steps: Vec<PatternStep>,
    pattern: Pattern,
}

/// An atom of a pattern, with the gap before it.
#[derive(Debug, Clone, Copy)]
struct PatternStep {
    gap_before: GapKind,
    /// Position in [`PatternSet::atoms`].
    atom: usize,
}

/// The atoms that a text may hold, as far as that has been looked up.
#[derive(Debug)]
struct AtomPresence {
    phrases: Vec<bool>,
    atoms: Vec<Option<bool>>,
}

impl AtomPhrases {
    /// The rank of a phrase among the alternatives.
    fn rank_of(&self, phrase: PhraseId) -> Option<usize> {
        let place = self
            .0
            .binary_search_by_key(&phrase, |ranked| ranked.0)
            .ok()?;
        self.0.get(place).map(|ranked| ranked.1)
    }

    /// Where the alternatives end that stand at a place, the first alternative first.
    fn ends(&self, hits: &[PhraseHit]) -> Vec<usize> {
        let ranked = hits
            .iter()
            .filter_map(|hit| Some((self.rank_of(hit.phrase)?, hit.end)));

        let mut ranked: Vec<(usize, usize)> = ranked.collect();
        ranked.sort_unstable();
        ranked.into_iter().map(|(_, end)| end).collect()
    }
}

impl<K: Copy> PatternSet<K> {
    /// Compiles patterns; each source string comes with the key to report it under.
    pub(super) fn compile(sources: impl IntoIterator<Item = (K, &'static str)>) -> Self {
        let mut set = Self {
            index: PhraseIndex::default(),
            atoms: Vec::new(),
            patterns: Vec::new(),
            by_phrase: Vec::new(),
        };

        let mut known_atoms = HashMap::new();
        for (key, source) in sources {
            let pattern = Pattern::compile(source);
            set.add_pattern(key, pattern, &mut known_atoms);
        }
        set
    }

    fn add_pattern(
        &mut self,
        key: K,
        pattern: Pattern,
        known_atoms: &mut HashMap<Vec<PhraseId>, usize>,
    ) {
        let mut steps = Vec::with_capacity(pattern.atoms.len());
        for atom in &pattern.atoms {
            let phrases = atom.phrases.iter().map(|phrase| self.index.add(phrase));
            let phrases: Vec<PhraseId> = phrases.collect();
            if steps.is_empty() {
                self.index_pattern(&phrases);
            }

            let next_atom = self.atoms.len();
            let atoms = &mut self.atoms;
            let number = known_atoms.entry(phrases).or_insert_with_key(|phrases| {
                let mut ranked: Vec<_> = phrases.iter().copied().zip(0..).collect();
                ranked.sort_unstable();
                ranked.dedup_by_key(|(phrase, _)| *phrase);
                atoms.push(AtomPhrases(ranked));
                next_atom
            });
            steps.push(PatternStep {
                gap_before: atom.gap_before,
                atom: *number,
            });
        }

        self.patterns.push(KeyedPattern {
            key,
            steps,
            pattern,
        });
    }

    /// Enters the next pattern under the phrases of its first atom.
    fn index_pattern(&mut self, first_phrases: &[PhraseId]) {
        let id = self.patterns.len();
        if self.by_phrase.len() < self.index.len() {
            self.by_phrase.resize(self.index.len(), Vec::new());
        }

        for phrase in first_phrases {
            if let Some(ids) = self.by_phrase.get_mut(*phrase) {
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
        let mut text = TextPhrases::new(&self.index, tokens, 0);
        let mut presence = AtomPresence::of_text(self, &mut text);

        let mut matches = Vec::new();
        for start in 0..tokens.len() {
            for id in self.candidates_at(&mut text, start) {
                let Some(keyed) = self.patterns.get(id) else {
                    continue;
                };
                let mut others = keyed.steps.iter().skip(1);
                if others.all(|step| presence.has(step.atom, &self.atoms)) {
                    matches.extend(self.match_at(keyed, &mut text, start));
                }
            }
        }
        matches
    }

    /// The patterns that can begin at a place, each once.
    fn candidates_at(&self, text: &mut TextPhrases<'_, '_, '_>, at: usize) -> Vec<usize> {
        let hits = text.at(at);
        let mut candidates: Vec<usize> = hits
            .iter()
            .filter_map(|hit| self.by_phrase.get(hit.phrase))
            .flatten()
            .copied()
            .collect();

        if hits.len() > 1 {
            candidates.sort_unstable();
            candidates.dedup();
        }
        candidates
    }

    fn match_at(
        &self,
        keyed: &KeyedPattern<K>,
        text: &mut TextPhrases<'_, '_, '_>,
        start: usize,
    ) -> Option<PatternMatch<K>> {
        let mut gaps = Vec::new();
        let end = self.match_steps(&keyed.steps, text, start, &mut gaps)?;

        let (pattern, tokens) = (&keyed.pattern, text.tokens());
        if pattern.is_barred_before(tokens, start) || pattern.is_barred_after(tokens, end) {
            return None;
        }

        gaps.sort_unstable();
        Some(PatternMatch {
            key: keyed.key,
            start,
            end,
            gaps,
        })
    }

    /// Matches steps from `at` on, trying shorter gaps first; the recursion is as deep as the
    /// pattern.
    fn match_steps(
        &self,
        steps: &[PatternStep],
        text: &mut TextPhrases<'_, '_, '_>,
        at: usize,
        gaps: &mut Vec<usize>,
    ) -> Option<usize> {
        let Some((step, others)) = steps.split_first() else {
            return Some(at);
        };
        let atom = self.atoms.get(step.atom)?;
        let tokens = text.tokens();
        let coordinated_end = coordinated_end(tokens, at);
        let mut here = at;
        let mut spent = 0;

        loop {
            for end in atom.ends(text.at(here)) {
                if let Some(end) = self.match_steps(others, text, end, gaps) {
                    gaps.extend(at..here);
                    return Some(end);
                }
            }

            if opens_statement(tokens, here) {
                return None;
            }
            let is_coordinated = here < coordinated_end && step.gap_before != GapKind::Closed;
            if !is_coordinated {
                spent += step.gap_before.cost_of(tokens.get(here)?)?;
            }
            if spent > step.gap_before.budget() || here - at >= MAX_GAP_TOKENS {
                return None;
            }
            here += 1;
        }
    }

    /// Length of the longest pattern that stands at `at`.
    pub(super) fn longest_at(&self, tokens: &[Token<'_>], at: usize) -> Option<usize> {
        let mut text = TextPhrases::new(&self.index, tokens, at);

        let candidates = self.candidates_at(&mut text, at);
        let patterns = candidates
            .into_iter()
            .filter_map(|id| self.patterns.get(id));
        let matches = patterns.filter_map(|keyed| self.match_at(keyed, &mut text, at));
        matches.map(|found| found.end - at).max()
    }

    /// Whether a pattern stands at `at`.
    pub(super) fn matches_at(&self, tokens: &[Token<'_>], at: usize) -> bool {
        self.longest_at(tokens, at).is_some()
    }
}

impl AtomPresence {
    fn of_text<K>(set: &PatternSet<K>, text: &mut TextPhrases<'_, '_, '_>) -> Self {
        let mut phrases = vec![false; set.index.len()];
        for at in 0..text.tokens().len() {
            for hit in text.at(at) {
                if let Some(is_there) = phrases.get_mut(hit.phrase) {
                    *is_there = true;
                }
            }
        }

        Self {
            phrases,
            atoms: vec![None; set.atoms.len()],
        }
    }

    /// Whether an alternative of the atom stands anywhere in the text.
    fn has(&mut self, atom: usize, atoms: &[AtomPhrases]) -> bool {
        let Self {
            phrases,
            atoms: known,
        } = self;
        let Some(known) = known.get_mut(atom) else {
            return false;
        };

        *known.get_or_insert_with(|| {
            let alternatives = atoms.get(atom).map_or(&[][..], |atom| &atom.0);
            let mut alternatives = alternatives.iter();
            alternatives.any(|(phrase, _)| phrases.get(*phrase) == Some(&true))
        })
    }
}
