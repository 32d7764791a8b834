//! A linear support vector machine with squared hinge loss, by dual coordinate descent.
//!
//! C.-J. Hsieh, K.-W. Chang, C.-J. Lin, S. S. Keerthi and S. Sundararajan, "A dual coordinate
//! descent method for large-scale linear SVM", ICML 2008, algorithm 1.

use super::vocabulary::Vector;

/// How much an error costs. Both sides weigh the same, however many cases each has.
const COST: f64 = 1.0;

const ROUNDS: usize = 60;

/// What a text must exceed to be like its target, and what each sequence adds.
#[derive(Debug)]
pub struct Machine {
    /// By the place of the sequence.
    pub weights: Vec<f64>,
    /// Added to every text.
    pub bias: f64,
}

impl Machine {
    /// Learns which vectors have the label.
    pub fn train(vectors: &[Vector], labels: &[bool]) -> Self {
        let places = vectors.iter().flatten().map(|(place, _)| place + 1);
        let mut machine = Self {
            weights: vec![0.0; places.max().unwrap_or_default()],
            bias: 0.0,
        };
        let mut cases: Vec<Dual<'_>> = vectors
            .iter()
            .zip(labels)
            .map(|(vector, label)| Dual::new(vector, *label, labels))
            .collect();

        let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
        for _ in 0..ROUNDS {
            dice.shuffle(&mut cases);
            for case in &mut cases {
                case.settle(&mut machine);
            }
        }
        machine
    }

    /// How much a text is like the target: above 0 rather than not.
    pub fn score(&self, vector: &Vector) -> f64 {
        let weighed = vector.iter().map(|(place, count)| {
            let weight = self.weights.get(*place);
            weight.copied().unwrap_or_default() * count
        });
        weighed.sum::<f64>() + self.bias
    }

    fn add(&mut self, vector: &Vector, amount: f64) {
        for (place, count) in vector {
            if let Some(weight) = self.weights.get_mut(*place) {
                *weight += amount * count;
            }
        }
        self.bias += amount;
    }
}

/// A case with its variable of the dual problem.
struct Dual<'v> {
    vector: &'v Vector,
    /// 1 or -1.
    sign: f64,
    /// The variable.
    alpha: f64,
    /// What the loss adds to the diagonal.
    softness: f64,
}

impl<'v> Dual<'v> {
    #[expect(clippy::cast_precision_loss, reason = "counts of cases")]
    fn new(vector: &'v Vector, label: bool, labels: &[bool]) -> Self {
        let of_side = labels.iter().filter(|other| **other == label).count();
        let weight = labels.len() as f64 / (2.0 * of_side as f64);

        Self {
            vector,
            sign: if label { 1.0 } else { -1.0 },
            alpha: 0.0,
            softness: 1.0 / (2.0 * COST * weight),
        }
    }

    /// Takes the best value of the variable, the others as they are.
    fn settle(&mut self, machine: &mut Machine) {
        let slope = self.sign * machine.score(self.vector) - 1.0 + self.softness * self.alpha;
        let squares: f64 = self.vector.iter().map(|(_, count)| count * count).sum();
        let curvature = squares + 1.0 + self.softness;

        let best = (self.alpha - slope / curvature).max(0.0);
        machine.add(self.vector, (best - self.alpha) * self.sign);
        self.alpha = best;
    }
}

/// Numbers that are the same in every run (xorshift; G. Marsaglia, 2003).
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    #[expect(clippy::cast_possible_truncation, reason = "a place within the list")]
    fn shuffle<T>(&mut self, list: &mut [T]) {
        for last in (1..list.len()).rev() {
            let other = self.roll() % (last as u64 + 1);
            list.swap(last, other as usize);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_learns_what_parts_two_kinds_and_learns_the_same_again() {
        let vectors: Vec<Vector> = (0..20)
            .map(|number| vec![(number % 2, 0.8), (2 + number % 5, 0.6)])
            .collect();
        let labels: Vec<bool> = (0..20).map(|number| number % 2 == 1).collect();

        let machine = Machine::train(&vectors, &labels);
        let judged: Vec<bool> = vectors
            .iter()
            .map(|vector| machine.score(vector) > 0.0)
            .collect();
        assert_eq!(judged, labels);

        let again = Machine::train(&vectors, &labels);
        assert_eq!(again.weights, machine.weights);
    }
}
