//! `cargo xtask triage-train`: trains the text classifier of triage on cases with a known urgency.
//!
//! The sets are by different authors. So the limits are chosen by leaving out each set in turn:
//! what the other sets teach is tried on an author whom the classifier does not know.

mod examples;
mod limits;
mod vector_machine;
mod vocabulary;

use std::fmt::Write;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;
use wenzhen::triage::Urgency;

use crate::report::say;
use crate::triage_report::cases;
use examples::Example;
use limits::Limit;
use vector_machine::Machine;
use vocabulary::Vocabulary;

/// The cases that may be looked at; those that are held back teach nothing.
const SHOWN_CASES: &str = "tests/triage/shown";

const WEIGHTS: &str = "shared/src/triage/data/classifier_weights.tsv";

const PREFACE: &str = "\
# The weights of the text classifier of triage. Written by `cargo xtask triage-train`: do not edit.
# Columns: a sequence of words (# is any number), its rarity, what it weighs towards an emergency,
# and what towards an urgent complaint or an emergency; all in thousandths. The first line has the
# limits: what reads as calm, as an emergency, as urgent.
";

/// What to train on.
#[derive(Args)]
pub struct Options {
    /// Files of cases, as for triage-report [default: the files below tests/triage/shown]
    files: Vec<PathBuf>,
}

/// What a text is judged to be like.
#[derive(Debug, Clone, Copy)]
struct Target {
    name: &'static str,
    /// The least urgency that is like it.
    least: Urgency,
    /// The greatest share of cases that can wait which may exceed the limit.
    max_false: f64,
    /// The greatest share of all less urgent cases that may.
    max_over: f64,
}

const TARGETS: [Target; 2] = [
    Target {
        name: "emergency",
        least: Urgency::Emergency,
        max_false: 0.005,
        max_over: 0.02,
    },
    Target {
        name: "at least urgent",
        least: Urgency::Urgent,
        max_false: 0.015,
        max_over: 0.015,
    },
];

/// Trains on all cases, and writes the weights and the limits.
pub fn run(options: &Options) -> Result<()> {
    let files = cases::named_or_below(&options.files, SHOWN_CASES)?;
    let examples = examples::read_examples(&files)?;
    let vocabulary = Vocabulary::of(&examples);
    say(format!(
        "{} cases, {} sequences of words",
        examples.len(),
        vocabulary.len()
    ));

    let mut limits = Vec::new();
    let mut machines = Vec::new();
    for target in TARGETS {
        let limit = limits::choose_limit(&examples, target);
        say(format!(
            "{}: limit {:.3}; by an author whom it does not know it finds {:.1} %, and raises \
             {:.1} % of what can wait; {:.0} % of its like are below {:.3}",
            target.name,
            limit.value,
            limit.found * 100.0,
            limit.raised * 100.0,
            limits::MAX_CALM * 100.0,
            limit.calm
        ));
        limits.push(limit);
        machines.push(Machine::train(
            &vocabulary.vectors(&examples),
            &labels(&examples, target),
        ));
    }

    let path = PathBuf::from(WEIGHTS);
    fs::write(&path, weights_file(&vocabulary, &limits, &machines)?)
        .with_context(|| format!("{} cannot be written", path.display()))?;
    say(format!("written to {WEIGHTS}"));
    Ok(())
}

fn labels<'e>(examples: impl IntoIterator<Item = &'e Example>, target: Target) -> Vec<bool> {
    let examples = examples.into_iter();
    examples
        .map(|example| example.urgency >= target.least)
        .collect()
}

fn weights_file(vocabulary: &Vocabulary, limits: &[Limit], machines: &[Machine]) -> Result<String> {
    let mut file = String::from(PREFACE);

    let emergency = limits.first().zip(machines.first());
    let calm = emergency.map_or(f64::MIN, |(limit, machine)| limit.calm - machine.bias);
    write!(file, "@limits\t{}", thousandths(calm))?;
    for (limit, machine) in limits.iter().zip(machines) {
        write!(file, "\t{}", thousandths(limit.value - machine.bias))?;
    }
    file.push('\n');

    for (place, (words, rarity)) in vocabulary.words().enumerate() {
        write!(file, "{words}\t{}", thousandths(rarity))?;
        for machine in machines {
            let weight = machine.weights.get(place).copied().unwrap_or_default();
            write!(file, "\t{}", thousandths(weight * rarity))?;
        }
        file.push('\n');
    }
    Ok(file)
}

#[expect(clippy::cast_possible_truncation, reason = "small numbers")]
fn thousandths(value: f64) -> i32 {
    (value * 1000.0).round() as i32
}
