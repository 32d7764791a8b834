//! The sequences of words that occur often enough to teach something.

use std::collections::BTreeMap;

use super::examples::Example;

/// A sequence that fewer cases have teaches their accidents.
const MIN_CASES: u32 = 3;

/// A text as numbers: the place of each known sequence, with what it counts. Its length is 1.
pub type Vector = Vec<(usize, f64)>;

/// Sequences, each with its place and its rarity: the logarithm of how few cases have it.
#[derive(Debug)]
pub struct Vocabulary {
    places: BTreeMap<String, (usize, f64)>,
}

impl Vocabulary {
    /// The sequences of some cases.
    pub fn of<'e>(examples: impl IntoIterator<Item = &'e Example>) -> Self {
        let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
        let mut case_count = 0_u32;
        for example in examples {
            case_count += 1;
            for sequence in &example.sequences {
                *counts.entry(sequence).or_default() += 1;
            }
        }

        let frequent = counts.iter().filter(|(_, count)| **count >= MIN_CASES);
        let places = frequent.enumerate().map(|(place, (sequence, count))| {
            let rarity = (f64::from(1 + case_count) / f64::from(1 + count)).ln() + 1.0;
            ((*sequence).to_owned(), (place, rarity))
        });
        Self {
            places: places.collect(),
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Each sequence with its rarity, in the order of the places.
    pub fn words(&self) -> impl Iterator<Item = (&str, f64)> {
        let places = self.places.iter();
        places.map(|(sequence, (_, rarity))| (sequence.as_str(), *rarity))
    }

    /// The vectors of some cases.
    pub fn vectors<'e>(&self, examples: impl IntoIterator<Item = &'e Example>) -> Vec<Vector> {
        let examples = examples.into_iter();
        examples.map(|example| self.vector(example)).collect()
    }

    fn vector(&self, example: &Example) -> Vector {
        let sequences = example.sequences.iter();
        let known: Vector = sequences
            .filter_map(|sequence| self.places.get(sequence).copied())
            .collect();

        let length: f64 = known.iter().map(|(_, rarity)| rarity * rarity).sum();
        let length = length.sqrt().max(f64::MIN_POSITIVE);
        let shares = known
            .iter()
            .map(|(place, rarity)| (*place, rarity / length));
        shares.collect()
    }
}
