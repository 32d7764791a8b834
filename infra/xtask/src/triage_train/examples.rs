//! The cases as the classifier sees them.

use std::collections::BTreeSet;
use std::path::PathBuf;

use anyhow::Result;
use wenzhen::triage::{self, Urgency};

use crate::triage_report::cases;

/// A case with a known urgency.
#[derive(Debug, Clone)]
pub struct Example {
    /// The set, each of which has one author.
    pub set: String,
    /// Its sequences of words, each once.
    pub sequences: BTreeSet<String>,
    pub urgency: Urgency,
}

/// Reads the cases of all files that have an urgency.
pub fn read_examples(files: &[PathBuf]) -> Result<Vec<Example>> {
    let mut examples = Vec::new();

    for file in files {
        let cases = cases::read_cases(file)?;
        examples.extend(cases.into_iter().filter_map(|case| {
            let urgency = case.expected?;
            let sequences = triage::word_sequences(&case.complaint());
            Some(Example {
                set: case.set,
                sequences: sequences.into_iter().collect(),
                urgency,
            })
        }));
    }
    Ok(examples)
}
