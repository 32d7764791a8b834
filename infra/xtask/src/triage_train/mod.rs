//! `cargo xtask triage-train`: trains the text classifier of triage on cases with a known urgency.
//!
//! The sets are by different authors. So the limits are chosen by leaving out each set in turn:
//! what the other sets teach is tried on an author whom the classifier does not know.

mod examples;
mod limits;
mod vector_machine;
mod vocabulary;

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
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
# Columns: a sequence of words (# is any number), its rarity, then the product of rarity and weight
# towards an emergency, and towards an urgent complaint or an emergency; all in thousandths. The
# first line has the limits, less the bias: what reads as calm, as an emergency, as urgent.
";

/// The line of the limits, in the place of a sequence.
const LIMITS: &str = "@limits";

/// What to train on.
#[derive(Args)]
pub struct Options {
    /// Files of cases, as for triage-report [default: the files below tests/triage/shown]
    files: Vec<PathBuf>,
    /// Where to write the weights [default: where the build reads them, if no files are named]
    #[arg(long)]
    out: Option<PathBuf>,
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
        max_false: 0.002,
        max_over: 0.01,
    },
    Target {
        name: "at least urgent",
        least: Urgency::Urgent,
        max_false: 0.008,
        max_over: 0.01,
    },
];

/// What the cases teach.
struct Training {
    case_count: usize,
    vocabulary: Vocabulary,
    /// By target.
    learned: Vec<(Target, Limit, Machine)>,
}

impl Training {
    fn of_files(files: &[PathBuf]) -> Result<Self> {
        let examples = examples::read_examples(files)?;
        let sets: BTreeSet<&str> = examples
            .iter()
            .map(|example| example.set.as_str())
            .collect();
        if sets.len() < 2 {
            bail!(
                "the limits are chosen by leaving out one set in turn: name cases of two at least"
            );
        }

        let vocabulary = Vocabulary::of(&examples);
        let vectors = vocabulary.vectors(&examples);
        let mut learned = Vec::new();
        for target in TARGETS {
            let labels = labels(&examples, target);
            let alike = labels.iter().filter(|label| **label).count();
            if alike == 0 || alike == labels.len() {
                bail!("the cases have none that is {}, or no other", target.name);
            }
            let limit = limits::choose_limit(&examples, target);
            learned.push((target, limit, Machine::train(&vectors, &labels)));
        }

        Ok(Self {
            case_count: examples.len(),
            vocabulary,
            learned,
        })
    }

    fn print(&self) {
        say(format!(
            "{} cases, {} sequences of words",
            self.case_count,
            self.vocabulary.len()
        ));
        for (target, limit, _) in &self.learned {
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
        }
    }

    /// The file that the build reads.
    fn to_file(&self) -> Result<String> {
        let mut file = format!("{PREFACE}# {} cases.\n", self.case_count);

        let emergency = self.learned.first();
        let calm = emergency.map_or(f64::MIN, |(_, limit, machine)| limit.calm - machine.bias);
        write!(file, "{LIMITS}\t{}", thousandths(calm))?;
        for (_, limit, machine) in &self.learned {
            write!(file, "\t{}", thousandths(limit.value - machine.bias))?;
        }
        file.push('\n');

        for (place, (words, rarity)) in self.vocabulary.words().enumerate() {
            write!(file, "{words}\t{}", thousandths(rarity))?;
            for (_, _, machine) in &self.learned {
                let weight = machine.weights.get(place).copied().unwrap_or_default();
                write!(file, "\t{}", thousandths(weight * rarity))?;
            }
            file.push('\n');
        }
        Ok(file)
    }
}

/// Trains, and writes the weights and the limits, or tells whether they are those of the file.
pub fn run(options: &Options) -> Result<()> {
    let files = cases::named_or_below(&options.files, SHOWN_CASES)?;
    let training = Training::of_files(&files)?;
    training.print();

    let out = options.out.as_deref();
    if out.is_none() && !options.files.is_empty() {
        say("nothing is written: the weights of other cases go where --out says");
        return Ok(());
    }
    let path = out.unwrap_or(Path::new(WEIGHTS));
    fs::write(path, training.to_file()?)
        .with_context(|| format!("{} cannot be written", path.display()))?;
    say(format!("written to {}", path.display()));
    Ok(())
}

/// Fails unless the weights are those that the shown cases teach under the present rules.
pub fn check_weights() -> Result<()> {
    let files = cases::named_or_below(&[], SHOWN_CASES)?;
    let written =
        fs::read_to_string(WEIGHTS).with_context(|| format!("{WEIGHTS} cannot be read"))?;

    if Training::of_files(&files)?.to_file()? != written {
        bail!("{WEIGHTS} is of other cases or rules: run `cargo xtask triage-train`");
    }
    Ok(())
}

fn labels<'e>(examples: impl IntoIterator<Item = &'e Example>, target: Target) -> Vec<bool> {
    let examples = examples.into_iter();
    examples
        .map(|example| example.urgency >= target.least)
        .collect()
}

#[expect(clippy::cast_possible_truncation, reason = "small numbers")]
fn thousandths(value: f64) -> i32 {
    (value * 1000.0).round() as i32
}
