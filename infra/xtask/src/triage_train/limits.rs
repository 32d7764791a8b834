//! The limit that a text must exceed, chosen by cases of authors whom the classifier does not know.

use std::collections::BTreeSet;

use wenzhen::triage::Urgency;

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
pub const MAX_CALM: f64 = 0.06;

/// The lowest limit that keeps within both shares of the target.
pub fn choose_limit(examples: &[Example], target: Target) -> Limit {
    let scored = scores_left_out(examples, target);
    let scores_of = |holds: &dyn Fn(Urgency) -> bool| {
        let of_kind = scored.iter().filter(|(urgency, _)| holds(*urgency));
        of_kind.map(|(_, score)| *score).collect::<Vec<f64>>()
    };
    let waiting = scores_of(&|urgency| urgency < Urgency::Urgent);
    let lesser = scores_of(&|urgency| urgency < target.least);
    let wanted = scores_of(&|urgency| urgency >= target.least);

    let value = limit_of(&waiting, target.max_false).max(limit_of(&lesser, target.max_over));
    Limit {
        value,
        found: share_above(&wanted, value),
        raised: share_above(&waiting, value),
        calm: limit_of(&wanted, 1.0 - MAX_CALM),
    }
}

/// Each case with the score that it gets by what the other sets teach.
fn scores_left_out(examples: &[Example], target: Target) -> Vec<(Urgency, f64)> {
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
        let scores = unknown.iter().map(|vector| machine.score(vector));
        judged.extend(left_out.iter().map(|example| example.urgency).zip(scores));
    }
    judged
}

/// The limit that this share of the scores exceeds, at most.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "counts of cases"
)]
fn limit_of(scores: &[f64], share: f64) -> f64 {
    let mut scores = scores.to_vec();
    scores.sort_by(|one, other| other.total_cmp(one));

    let allowed = (scores.len() as f64 * share) as usize;
    scores.get(allowed).copied().unwrap_or_default()
}

#[expect(clippy::cast_precision_loss, reason = "counts of cases")]
fn share_above(scores: &[f64], limit: f64) -> f64 {
    let above = scores.iter().filter(|score| **score > limit).count();
    above as f64 / scores.len().max(1) as f64
}
