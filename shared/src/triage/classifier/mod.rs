//! A linear classifier over the words of a whole text: the net below the rules.
//!
//! Rules find what their patterns know. This one asks something wider: do the words, taken
//! together, resemble those of emergencies, or of urgent complaints? What it raises stays
//! uncertain. It takes nothing back, but for one case: a letter in which a single emergency was
//! found, and which resembles none at all, is left open. The texts that it was trained on stand in
//! the repository (`tests/triage/shown`); `cargo xtask triage-train` writes the weights anew.
//!
//! - **Features** are the English words and the single Han characters of the first reading, and
//!   their sequences of up to three ([`sequences`]); no sequence goes across the end of a clause.
//!   The words of a finding that is denied, another person's, past, only named or left open count
//!   for nothing; words that no pattern knows have no context, and always count.
//! - **Score**: each sequence counts with its rarity (tf-idf with a frequency of 0 or 1) in a
//!   vector of length one. The tables have the products of weight and rarity, and the limits less
//!   the bias.
//! - **Weights** are those of a linear support vector machine: K. Sparck Jones, "A statistical
//!   interpretation of term specificity and its application in retrieval", Journal of
//!   Documentation 28, 1972; C.-J. Hsieh et al., "A dual coordinate descent method for large-scale
//!   linear SVM", ICML 2008.

mod sequences;
mod weights;

use super::urgency::Urgency;
use weights::{Likeness, WEIGHTS};

use super::compiler::text_table::hash_bytes;

pub(super) use sequences::{Word, sequences, text_of, words_of};

/// Fewer known sequences than these, those of about ten words, say too little: a single sign is for
/// the rules to judge.
pub const MIN_KNOWN_SEQUENCES: usize = 24;

/// By which the tables know a sequence of words, in the form of the file of weights.
#[must_use]
pub fn sequence_hash(words: &str) -> u32 {
    hash_bytes(words.as_bytes())
}

/// The urgency that the words of a text resemble as a whole; `None` if they resemble what can wait,
/// or are too few.
pub(super) fn resembled(words: &[Word<'_>]) -> Option<Urgency> {
    let known = known_sequences(words)?;

    if WEIGHTS.resembles(Likeness::Emergency, &known) {
        Some(Urgency::Emergency)
    } else if WEIGHTS.resembles(Likeness::Urgent, &known) {
        Some(Urgency::Urgent)
    } else {
        None
    }
}

/// Whether the words of a text resemble an emergency so little that one sign in it may be an
/// accident of words; not if they are too few.
pub(super) fn are_calm(words: &[Word<'_>]) -> bool {
    known_sequences(words).is_some_and(|known| WEIGHTS.are_calm(&known))
}

/// The places of the sequences that the training has seen, each once; `None` if they are too few.
fn known_sequences(words: &[Word<'_>]) -> Option<Vec<usize>> {
    let mut known: Vec<usize> = sequences(words)
        .filter_map(|sequence| WEIGHTS.place_of(sequence))
        .collect();
    known.sort_unstable();
    known.dedup();

    (known.len() >= MIN_KNOWN_SEQUENCES).then_some(known)
}
