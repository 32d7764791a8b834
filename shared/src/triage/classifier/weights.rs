//! The weights, as the build script has compiled them.

use std::sync::LazyLock;

use super::sequences::Word;
use crate::triage::compiler::text_table::{EMPTY_HASH, hash_byte};
use crate::triage::lexicon::CLASSIFIER_TABLES;
use crate::triage::tables::Numbers;

/// What a text may resemble.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Likeness {
    /// Emergencies rather than anything else.
    Emergency,
    /// Emergencies and urgent complaints rather than what can wait.
    Urgent,
}

/// The tables of the classifier; rarities, weights and limits are in thousandths.
#[derive(Debug)]
pub(super) struct Weights {
    /// In order.
    hashes: Numbers,
    rarities: Numbers,
    emergency: Margin,
    urgent: Margin,
    /// What next to no emergency falls below, as [`Margin::limit`].
    calm_limit: f32,
}

/// What the sequences weigh towards one likeness.
#[derive(Debug, Clone, Copy)]
struct Margin {
    weights: Numbers,
    /// What a text must exceed, less the bias.
    limit: f32,
}

pub(super) static WEIGHTS: LazyLock<Weights> = LazyLock::new(|| {
    let mut reader = CLASSIFIER_TABLES.reader();
    let limits = reader.take_list();
    let limit = |at: usize| signed(limits.get(at).unwrap_or_default());

    Weights {
        hashes: reader.take_list(),
        rarities: reader.take_list(),
        emergency: Margin {
            weights: reader.take_list(),
            limit: limit(0),
        },
        urgent: Margin {
            weights: reader.take_list(),
            limit: limit(1),
        },
        calm_limit: limit(2),
    }
});

impl Weights {
    /// The place of a sequence; `None` if it was not seen in training. Sequences are known by 32
    /// bits of hash alone: of a million strange ones three may be taken for one of the table.
    pub(super) fn place_of(&self, sequence: &[Word<'_>]) -> Option<usize> {
        self.hashes.search(hash_sequence(sequence))
    }

    /// Whether the sequences at these places exceed the limit.
    pub(super) fn resembles(&self, likeness: Likeness, places: &[usize]) -> bool {
        let margin = match likeness {
            Likeness::Emergency => self.emergency,
            Likeness::Urgent => self.urgent,
        };

        self.score(margin, places) > margin.limit
    }

    /// Whether the sequences at these places resemble an emergency less than all but a few
    /// emergencies do.
    pub(super) fn are_calm(&self, places: &[usize]) -> bool {
        self.score(self.emergency, places) < self.calm_limit
    }

    /// What the sequences weigh together, less the bias, for a vector of length one.
    fn score(&self, margin: Margin, places: &[usize]) -> f32 {
        let sum_of = |numbers: Numbers, value: fn(f32) -> f32| -> f32 {
            let at_places = places.iter().filter_map(|place| numbers.get(*place));
            at_places.map(|number| value(signed(number))).sum()
        };

        let length = sum_of(self.rarities, |rarity| rarity * rarity).sqrt();
        sum_of(margin.weights, |weight| weight) / length
    }
}

/// A number of a table that may be below zero, out of thousandths.
#[expect(
    clippy::cast_precision_loss,
    reason = "thousandths of small numbers, which a float holds"
)]
fn signed(number: u32) -> f32 {
    number.cast_signed() as f32 / 1000.0
}

/// The hash of the words with spaces between them, as the build script hashes a line.
fn hash_sequence(sequence: &[Word<'_>]) -> u32 {
    let mut hash = EMPTY_HASH;

    for (at, word) in sequence.iter().enumerate() {
        let Word::Text(text) = word else { continue };
        if at > 0 {
            hash = hash_byte(hash, b' ');
        }
        hash = text.bytes().fold(hash, hash_byte);
    }
    hash
}
