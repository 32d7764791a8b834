//! `cargo xtask triage-report`: how the rules of triage do on cases with a known urgency.

pub mod cases;
pub mod scores;
mod tables;

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use serde_json::json;

use crate::report::say;
use cases::Judged;
use scores::Scores;

/// The cases of this repository: those that the rules were written with, and those that were held
/// back and looked at only for measuring.
const OWN_CASES: &str = "tests/triage";

/// What to measure, and how to show it.
#[derive(Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of the command line"
)]
pub struct Options {
    /// Files of cases, one JSON object a line: id, set, lang, age, sex, text, history, expected
    /// [default: the files below tests/triage]
    files: Vec<PathBuf>,
    /// Print one JSON object instead of tables
    #[arg(long)]
    json: bool,
    /// List the texts that get less, or more, than they should
    #[arg(long)]
    misses: bool,
    /// Leave out the text classifier: what the rules find by themselves
    #[arg(long)]
    rules_alone: bool,
    /// List how often each rule raised its flag
    #[arg(long)]
    rules: bool,
}

/// Runs the rules on every case, and prints how they did.
pub fn run(options: &Options) -> Result<()> {
    let files = cases::named_or_below(&options.files, OWN_CASES)?;
    let judged = if options.rules_alone {
        cases::judge_files_by_rules(&files)?
    } else {
        cases::judge_files(&files)?
    };

    if options.json {
        say(json!({ "sets": set_objects(&judged) }));
        return Ok(());
    }
    tables::print_scores(&judged);
    if options.misses {
        tables::print_misses(&judged);
    }
    if options.rules {
        tables::print_rules(&judged);
    }
    Ok(())
}

/// The scores of each set, in the order in which the sets first occur.
fn set_objects(judged: &[Judged]) -> Vec<serde_json::Value> {
    let groups = scores::grouped(judged, |judged| judged.case.set.clone());

    groups
        .iter()
        .map(|(name, cases)| Scores::of(cases).to_json(name))
        .collect()
}
