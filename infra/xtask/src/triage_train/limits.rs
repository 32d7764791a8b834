//! The limit that a text must exceed, chosen by cases of authors whom the classifier does not know.

use std::collections::BTreeSet;

use wenzhen::triage::{MIN_KNOWN_SEQUENCES, Urgency};

use super::examples::Example;
use super::vector_machine::Machine;
use super::vocabulary::Vocabulary;
use super::{Target, labels};

/// A limit, and what it does on sets that were left out of the training.
#[derive(Debug)]
pub struct Limit {
    pub value: f64,
    /// The share of cases like the target that exceed it.
    pub found: f64,
    /// The share of cases that can wait that do.
    pub raised: f64,
    /// What only [`MAX_CALM`] of the cases like the target fall below.
    pub calm: f64,
}

/// The greatest share of emergencies that may read as calm.
pub const MAX_CALM: f64 = 0.03;

/// The lowest limit that keeps within both shares of the target.
pub fn choose_limit(examples: &[Example], target: Target) -> Limit {
    let scored = scores_left_out(examples, target);
    let scores_of = |holds: &dyn Fn(Urgency) -> bool| {
        let of_kind = scored.iter().filter(|(urgency, _)| holds(*urgency));
        of_kind
            .map(|(_, score)| *score)
            .collect::<Vec<Option<f64>>>()
    };
    let waiting = scores_of(&|urgency| urgency < Urgency::Urgent);
    let lesser = scores_of(&|urgency| urgency < target.least);
    let wanted = scores_of(&|urgency| urgency >= target.least);

    let value = limit_of(&waiting, target.max_false).max(limit_of(&lesser, target.max_over));
    let judged: Vec<Option<f64>> = wanted.iter().flatten().copied().map(Some).collect();
    Limit {
        value,
        found: share_above(&wanted, value),
        raised: share_above(&waiting, value),
        calm: limit_of(&judged, 1.0 - MAX_CALM),
    }
}

/// Each case with the score that it gets by what the other sets teach; `None` if it says too
/// little.
fn scores_left_out(examples: &[Example], target: Target) -> Vec<(Urgency, Option<f64>)> {
    let sets: BTreeSet<&str> = examples
        .iter()
        .map(|example| example.set.as_str())
        .collect();

    let mut judged = Vec::new();
    for set in sets {
        let (left_out, others): (Vec<&Example>, Vec<&Example>) =
            examples.iter().partition(|example| example.set == set);
        let vocabulary = Vocabulary::of(others.iter().copied());
        let vectors = vocabulary.vectors(others.iter().copied());
        let labels: Vec<bool> = labels(others.iter().copied(), target);
        let machine = Machine::train(&vectors, &labels);

        let unknown = vocabulary.vectors(left_out.iter().copied());
        let scores = unknown.iter().map(|vector| {
            let says_enough = vector.len() >= MIN_KNOWN_SEQUENCES;
            says_enough.then(|| machine.score(vector))
        });
        judged.extend(left_out.iter().map(|example| example.urgency).zip(scores));
    }
    judged
}

/// The limit that this share of the cases exceeds, at most. One without a score exceeds none.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "counts of cases"
)]
fn limit_of(scores: &[Option<f64>], share: f64) -> f64 {
    let allowed = (scores.len() as f64 * share) as usize;
    let mut given: Vec<f64> = scores.iter().flatten().copied().collect();
    given.sort_by(|one, other| other.total_cmp(one));

    given
        .get(allowed)
        .or(given.last())
        .copied()
        .unwrap_or_default()
}

#[expect(clippy::cast_precision_loss, reason = "counts of cases")]
fn share_above(scores: &[Option<f64>], limit: f64) -> f64 {
    let above = scores
        .iter()
        .flatten()
        .filter(|score| **score > limit)
        .count();
    above as f64 / scores.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_lets_the_share_of_all_cases_pass_and_no_more() {
        let scores: Vec<Option<f64>> = [0.9, 0.5, 0.1, -0.3].map(Some).to_vec();

        assert!((limit_of(&scores, 0.25) - 0.5).abs() < 1e-9);
        assert!((share_above(&scores, limit_of(&scores, 0.25)) - 0.25).abs() < 1e-9);
        assert!((limit_of(&scores, 0.0) - 0.9).abs() < 1e-9);
    }

    #[test]
    fn a_case_that_says_too_little_counts_and_exceeds_nothing() {
        let scores = [Some(0.9), Some(0.5), None, None];

        assert!((limit_of(&scores, 0.25) - 0.5).abs() < 1e-9);
        assert!((share_above(&scores, 0.0) - 0.5).abs() < 1e-9);
    }
}
