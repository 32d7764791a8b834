//! The search for many patterns in a text at once.

use super::compiler::pattern_tables::{NO_ATOM, compile_patterns, read_ranked, read_step};
use super::compiler::syntax::{GapKind, Pattern, PatternError, PatternWord};
use super::pattern::{MAX_GAP_TOKENS, PatternMatch, coordinated_end, opens_statement};
use super::phrase_index::{PhraseHit, PhraseId, PhraseIndex, TextPhrases};
use super::tables::{NumberLists, Numbers, Tables};
use super::tokens::Token;

/// Many patterns, indexed by the phrases that each can begin with.
#[derive(Debug)]
pub(super) struct PatternSet<K: 'static> {
    /// Words of the longest phrase that must not stand right before a match.
    longest_bar: usize,
    index: PhraseIndex,
    /// The patterns that each phrase can begin.
    by_phrase: NumberLists,
    atoms: Atoms,
    patterns: NumberLists,
    /// Keys, by the numbers that stand for them in the tables.
    keys: &'static [K],
}

/// The atoms of all patterns.
#[derive(Debug, Clone, Copy)]
struct Atoms(NumberLists);

/// A pattern of a set.
#[derive(Debug, Clone, Copy)]
struct PatternRow<K> {
    key: K,
    /// The atoms that must not stand right before and behind a match.
    not_before: Option<usize>,
    not_after: Option<usize>,
    steps: Numbers,
}

/// The atoms that a text may hold, as far as that has been looked up.
#[derive(Debug)]
struct AtomPresence {
    phrases: Vec<bool>,
    atoms: Vec<Option<bool>>,
}

impl Atoms {
    /// The alternatives of an atom.
    fn phrases(self, atom: usize) -> impl Iterator<Item = PhraseId> {
        let ranked = self.0.list(atom).iter();
        ranked.map(|number| read_ranked(number).0)
    }

    /// The rank of a phrase among the alternatives of an atom.
    fn rank_of(self, atom: usize, phrase: PhraseId) -> Option<u32> {
        let ranked = self.0.list(atom);
        let place = ranked.search_by(phrase, |number| read_ranked(number).0)?;
        Some(read_ranked(ranked.get(place)?).1)
    }

    /// Where the alternatives of an atom end that stand at a place, the first alternative first.
    fn ends(self, atom: usize, hits: &[PhraseHit]) -> Vec<usize> {
        let ranked = hits
            .iter()
            .filter_map(|hit| Some((self.rank_of(atom, hit.phrase)?, hit.end)));

        let mut ranked: Vec<(u32, usize)> = ranked.collect();
        ranked.sort_unstable();
        ranked.into_iter().map(|(_, end)| end).collect()
    }
}

impl<K: Copy> PatternSet<K> {
    /// Reads compiled patterns; `keys` are those that their numbers stand for.
    pub(super) fn of_tables(tables: Tables, keys: &'static [K]) -> Self {
        let mut reader = tables.reader();

        let longest_bar = reader.take_list().place(0);
        Self {
            longest_bar: longest_bar.unwrap_or_default(),
            index: PhraseIndex::take(&mut reader),
            by_phrase: reader.take_lists(),
            atoms: Atoms(reader.take_lists()),
            patterns: reader.take_lists(),
            keys,
        }
    }

    /// Reads the compiled patterns of a list, whose sections tell their keys.
    pub(super) fn of_list(
        tables: Tables,
        sections: &[&'static str],
        key_of: impl Fn(&'static str) -> Option<K>,
    ) -> Self {
        let keys = sections
            .iter()
            .map(|section| known_key(section, key_of(section)));
        let keys: Vec<K> = keys.collect();
        Self::of_tables(tables, keys.leak())
    }

    /// Compiles patterns of the binary at run time, for sets that are small; each source comes with
    /// the key to report it under.
    pub(super) fn compile(sources: impl IntoIterator<Item = (K, &'static str)>) -> Self {
        let mut keys = Vec::new();
        let mut patterns = Vec::new();

        let place = std::any::type_name::<K>();
        for (number, (key, source)) in (0..).zip(sources) {
            keys.push(key);
            patterns.push((number, read_compiled(Pattern::parse(place, source))));
        }
        Self::of_tables(
            Tables::of_compiled(compile_patterns(&patterns)),
            keys.leak(),
        )
    }

    /// The words of all patterns.
    pub(super) fn words(&self) -> impl Iterator<Item = PatternWord<'static>> {
        self.index.words()
    }

    /// Whether a pattern has this word.
    pub(super) fn has_word(&self, word: &str) -> bool {
        self.index.has_word(word)
    }

    /// Length of the shortest beginning by which a pattern has this word.
    pub(super) fn stem_len(&self, word: &str) -> Option<usize> {
        self.index.stem_len(word)
    }

    /// Every place where a pattern occurs, in the order of the text.
    pub(super) fn find_all(&self, tokens: &[Token<'_>]) -> Vec<PatternMatch<K>> {
        let mut text = TextPhrases::new(self.index, tokens, 0);
        let mut presence = AtomPresence::of_text(self, &mut text);

        let mut matches = Vec::new();
        for start in 0..tokens.len() {
            for number in self.candidates_at(&mut text, start) {
                let Some(pattern) = self.pattern(number) else {
                    continue;
                };
                let mut steps = pattern.steps.iter().skip(1).map(read_step);
                if steps.all(|(atom, _)| presence.has(atom as usize, self.atoms)) {
                    matches.extend(self.match_at(&pattern, &mut text, start));
                }
            }
        }
        matches
    }

    fn pattern(&self, number: u32) -> Option<PatternRow<K>> {
        let row = self.patterns.list(number as usize);
        let bar = |at: usize| row.get(at).filter(|atom| *atom != NO_ATOM);

        Some(PatternRow {
            key: *self.keys.get(row.place(0)?)?,
            not_before: bar(1).map(|atom| atom as usize),
            not_after: bar(2).map(|atom| atom as usize),
            steps: row.between(3, row.len()),
        })
    }

    /// The patterns that can begin at a place, each once.
    fn candidates_at(&self, text: &mut TextPhrases<'_, '_>, at: usize) -> Vec<u32> {
        let hits = text.at(at);
        let begun = hits
            .iter()
            .map(|hit| self.by_phrase.list(hit.phrase as usize));
        let mut candidates: Vec<u32> = begun.flat_map(Numbers::iter).collect();

        if hits.len() > 1 {
            candidates.sort_unstable();
            candidates.dedup();
        }
        candidates
    }

    fn match_at(
        &self,
        pattern: &PatternRow<K>,
        text: &mut TextPhrases<'_, '_>,
        start: usize,
    ) -> Option<PatternMatch<K>> {
        let mut gaps = Vec::new();
        let end = self.match_steps(pattern.steps, text, start, &mut gaps)?;

        let is_barred = pattern
            .not_before
            .is_some_and(|bar| self.stands_before(bar, text, start))
            || pattern
                .not_after
                .is_some_and(|bar| !self.atoms.ends(bar, text.at(end)).is_empty());
        if is_barred {
            return None;
        }

        gaps.sort_unstable();
        Some(PatternMatch {
            key: pattern.key,
            start,
            end,
            gaps,
        })
    }

    /// Whether an alternative of an atom ends at a place.
    fn stands_before(&self, atom: usize, text: &mut TextPhrases<'_, '_>, end: usize) -> bool {
        let earliest = end.saturating_sub(self.longest_bar);
        (earliest..end).any(|start| {
            let ends = self.atoms.ends(atom, text.at(start));
            ends.contains(&end)
        })
    }

    /// Matches steps from `at` on, trying shorter gaps first; the recursion is as deep as the
    /// pattern.
    fn match_steps(
        &self,
        steps: Numbers,
        text: &mut TextPhrases<'_, '_>,
        at: usize,
        gaps: &mut Vec<usize>,
    ) -> Option<usize> {
        let Some(step) = steps.get(0) else {
            return Some(at);
        };
        let others = steps.between(1, steps.len());
        let (atom, gap) = read_step(step);
        let tokens = text.tokens();
        let coordinated_end = coordinated_end(tokens, at);
        let mut here = at;
        let mut spent = 0;

        loop {
            for end in self.atoms.ends(atom as usize, text.at(here)) {
                if let Some(end) = self.match_steps(others, text, end, gaps) {
                    gaps.extend(at..here);
                    return Some(end);
                }
            }

            if opens_statement(tokens, here) {
                return None;
            }
            let is_coordinated = here < coordinated_end && gap != GapKind::Closed;
            if !is_coordinated {
                spent += gap.cost_of(tokens.get(here)?)?;
            }
            if spent > gap.budget() || here - at >= MAX_GAP_TOKENS {
                return None;
            }
            here += 1;
        }
    }

    /// Length of the longest pattern that stands at `at`.
    pub(super) fn longest_at(&self, tokens: &[Token<'_>], at: usize) -> Option<usize> {
        let first = at.saturating_sub(self.longest_bar);
        let mut text = TextPhrases::new(self.index, tokens, first);

        let candidates = self.candidates_at(&mut text, at);
        let patterns = candidates
            .into_iter()
            .filter_map(|number| self.pattern(number));
        let matches = patterns.filter_map(|pattern| self.match_at(&pattern, &mut text, at));
        matches.map(|found| found.end - at).max()
    }

    /// Whether a pattern stands at `at`.
    pub(super) fn matches_at(&self, tokens: &[Token<'_>], at: usize) -> bool {
        self.longest_at(tokens, at).is_some()
    }
}

impl AtomPresence {
    fn of_text<K>(set: &PatternSet<K>, text: &mut TextPhrases<'_, '_>) -> Self {
        let mut phrases = vec![false; set.by_phrase.len()];
        for at in 0..text.tokens().len() {
            for hit in text.at(at) {
                if let Some(is_there) = phrases.get_mut(hit.phrase as usize) {
                    *is_there = true;
                }
            }
        }

        Self {
            phrases,
            atoms: vec![None; set.atoms.0.len()],
        }
    }

    /// Whether an alternative of the atom stands anywhere in the text.
    fn has(&mut self, atom: usize, atoms: Atoms) -> bool {
        let Self {
            phrases,
            atoms: known,
        } = self;
        let Some(known) = known.get_mut(atom) else {
            return false;
        };

        *known.get_or_insert_with(|| {
            let mut alternatives = atoms.phrases(atom);
            alternatives.any(|phrase| phrases.get(phrase as usize) == Some(&true))
        })
    }
}

#[expect(
    clippy::panic,
    reason = "the pattern is part of the binary, and every set is compiled by a test"
)]
fn read_compiled(parsed: Result<Pattern<'_>, PatternError>) -> Pattern<'_> {
    match parsed {
        Ok(pattern) => pattern,
        Err(error) => panic!("{error}"),
    }
}

#[expect(
    clippy::panic,
    reason = "the list is part of the binary, and every list is read by a test"
)]
fn known_key<K>(section: &str, key: Option<K>) -> K {
    match key {
        Some(key) => key,
        None => panic!("no section of this list is named {section}"),
    }
}

#[cfg(test)]
mod tests;
