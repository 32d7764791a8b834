//! The sequences of words that occur often enough to teach something.

use std::collections::{BTreeMap, HashMap};

use wenzhen::triage::sequence_hash;

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

        counts.retain(|_, count| *count >= MIN_CASES);
        let distinct = without_collisions(counts);
        let places = distinct
            .iter()
            .enumerate()
            .map(|(place, (sequence, count))| {
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

/// Of two sequences that the tables could not tell apart, the one that more cases have.
fn without_collisions(counts: BTreeMap<&str, u32>) -> BTreeMap<&str, u32> {
    let mut by_hash: HashMap<u32, (&str, u32)> = HashMap::new();
    for (sequence, count) in counts {
        let kept = by_hash
            .entry(sequence_hash(sequence))
            .or_insert((sequence, count));
        if kept.1 < count {
            *kept = (sequence, count);
        }
    }

    by_hash.into_values().collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use wenzhen::triage::Urgency;

    use super::*;

    fn example(sequences: &[&str]) -> Example {
        Example {
            set: "test".to_owned(),
            sequences: sequences
                .iter()
                .map(|text| (*text).to_owned())
                .collect::<BTreeSet<_>>(),
            urgency: Urgency::Routine,
        }
    }

    #[test]
    fn a_sequence_of_few_cases_teaches_nothing() {
        let cases = [
            example(&["pain", "rare"]),
            example(&["pain", "rare"]),
            example(&["pain"]),
        ];
        let vocabulary = Vocabulary::of(&cases);

        let words: Vec<&str> = vocabulary.words().map(|(words, _)| words).collect();
        assert_eq!(words, ["pain"]);
    }

    #[test]
    fn what_fewer_cases_have_counts_for_more_in_a_vector_of_length_one() {
        let mut cases = vec![example(&["pain", "jaw"]); 3];
        cases.extend(vec![example(&["pain"]); 5]);
        let vocabulary = Vocabulary::of(&cases);

        let vectors = vocabulary.vectors(cases.first());
        let counts: Vec<f64> = vectors.iter().flatten().map(|(_, count)| *count).collect();
        let [jaw, pain] = counts[..] else {
            panic!("{counts:?}")
        };
        assert!(jaw > pain);
        assert!((jaw.hypot(pain) - 1.0).abs() < 1e-9);
    }

    #[test]
    fn of_two_sequences_with_one_hash_the_commoner_stays() {
        let (one, other) = colliding_words();
        let kept = without_collisions(BTreeMap::from([(one.as_str(), 3), (other.as_str(), 9)]));

        assert_eq!(kept, BTreeMap::from([(other.as_str(), 9)]));
    }

    /// Two words of one hash: among 200,000 some share theirs.
    fn colliding_words() -> (String, String) {
        let mut seen: HashMap<u32, String> = HashMap::new();
        for number in 0..400_000_u32 {
            let word = format!("w{number:x}");
            if let Some(other) = seen.insert(sequence_hash(&word), word.clone()) {
                return (other, word);
            }
        }
        panic!("no two words share a hash");
    }
}
