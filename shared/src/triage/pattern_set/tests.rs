//! The tables of the binary hold what the patterns say.

use std::collections::{HashMap, HashSet};

use super::super::compiler::pattern_tables::{NO_ATOM, compile_patterns, read_step};
use super::super::compiler::syntax::{Pattern, PatternPhrase};
use super::super::finding::Finding;
use super::super::lexicon::{
    RISK_PATTERNS, RISK_TABLES, SELF_CARE_PATTERNS, SELF_CARE_TABLES, SYMPTOM_PATTERNS,
    SYMPTOM_TABLES,
};
use super::super::phrase_index::PhraseId;
use super::super::rules::{RISKS_SOURCES, SELF_CARE_SOURCES, SYMPTOMS_SOURCES};
use super::super::tables::Tables;
use super::PatternSet;

/// A part of the lexicon, as it is written and as it is compiled.
struct Part {
    sources: &'static [(Finding, &'static str)],
    tables: Tables,
    set: &'static PatternSet<Finding>,
}

fn parts() -> [Part; 3] {
    [
        Part {
            sources: SYMPTOMS_SOURCES,
            tables: SYMPTOM_TABLES,
            set: &SYMPTOM_PATTERNS,
        },
        Part {
            sources: SELF_CARE_SOURCES,
            tables: SELF_CARE_TABLES,
            set: &SELF_CARE_PATTERNS,
        },
        Part {
            sources: RISKS_SOURCES,
            tables: RISK_TABLES,
            set: &RISK_PATTERNS,
        },
    ]
}

fn parse(source: &'static str) -> Pattern<'static> {
    Pattern::parse("a test", source).unwrap()
}

#[test]
fn the_crate_compiles_what_the_build_script_has_compiled() {
    for part in parts() {
        let numbered = part.sources.iter().map(|(finding, source)| {
            let number = u32::try_from(*finding as usize).unwrap();
            (number, parse(source))
        });
        let compiled = compile_patterns(&numbered.collect::<Vec<_>>());
        assert!(Tables::of_compiled(compiled) == part.tables);
    }
}

/// The phrases of the tables with their words, and back.
struct Phrases {
    words: HashMap<PhraseId, PatternPhrase<'static>>,
}

impl Phrases {
    /// The alternatives of an atom, in their order.
    fn of_atom(&self, set: &PatternSet<Finding>, atom: u32) -> Vec<PatternPhrase<'static>> {
        let mut ranked: Vec<(u32, PhraseId)> = set
            .atoms
            .phrases(atom as usize)
            .map(|phrase| (set.atoms.rank_of(atom as usize, phrase).unwrap(), phrase))
            .collect();

        ranked.sort_unstable();
        let phrases = ranked.iter().map(|(_, phrase)| self.words[phrase].clone());
        phrases.collect()
    }
}

/// Each alternative once, where it stands first.
fn without_repetition(phrases: &[PatternPhrase<'static>]) -> Vec<PatternPhrase<'static>> {
    let mut seen = HashSet::new();
    let new = phrases.iter().filter(|phrase| seen.insert(*phrase));
    new.cloned().collect()
}

#[test]
fn the_tables_hold_every_pattern_as_it_is_written() {
    for Part { sources, set, .. } in parts() {
        let phrases = Phrases {
            words: set.index.all_phrases().into_iter().collect(),
        };
        assert_eq!(set.patterns.len(), sources.len());

        for (number, (finding, source)) in (0_u32..).zip(sources) {
            let written = parse(source);
            let row = set.pattern(number).unwrap();
            assert_eq!(row.key, *finding, "{source}");

            let steps: Vec<_> = row.steps.iter().map(read_step).collect();
            assert_eq!(steps.len(), written.atoms.len(), "{source}");
            for ((atom, gap), expected) in steps.iter().zip(&written.atoms) {
                let read = phrases.of_atom(set, *atom);
                assert_eq!(read, without_repetition(&expected.phrases), "{source}");
                assert_eq!(*gap, expected.gap_before, "{source}");
            }

            let bars = [
                (row.not_before, &written.not_before),
                (row.not_after, &written.not_after),
            ];
            for (atom, expected) in bars {
                let atom = atom.map_or(NO_ATOM, |atom| u32::try_from(atom).unwrap());
                let read = phrases.of_atom(set, atom);
                assert_eq!(read, without_repetition(expected), "{source}");
            }
        }
    }
}

#[test]
fn every_pattern_is_found_by_each_phrase_that_it_begins_with() {
    for Part { set, .. } in parts() {
        for number in (0_u32..).take(set.patterns.len()) {
            let row = set.pattern(number).unwrap();
            let (first, _) = read_step(row.steps.get(0).unwrap());

            for phrase in set.atoms.phrases(first as usize) {
                let mut begun = set.by_phrase.list(phrase as usize).iter();
                assert!(begun.any(|begun| begun == number));
            }
        }
    }
}

#[test]
fn the_words_of_every_pattern_are_known() {
    for Part { sources, set, .. } in parts() {
        let patterns = sources.iter().map(|(_, source)| parse(source));
        let atoms = patterns.flat_map(|pattern| pattern.atoms);

        for word in atoms.flat_map(|atom| atom.phrases).flatten() {
            if word.is_prefix {
                let len = set.stem_len(word.text);
                assert!(len.is_some_and(|len| len <= word.text.len()), "{word:?}");
            } else {
                assert!(set.has_word(word.text), "{word:?}");
            }
        }
        for word in ["", "*", "no such word", "chestpainx"] {
            assert!(!set.has_word(word), "{word:?}");
        }
    }
}
