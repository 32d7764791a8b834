//! The cases of a file, and what the rules make of them.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use wenzhen::triage::{self, Complaint, Sex, Triage, Urgency};

/// A line of a file. Other fields are of no concern here.
#[derive(Debug, Deserialize)]
pub struct Case {
    /// The case's own name.
    pub id: String,
    /// The set that the case belongs to; the file's name if it says none.
    #[serde(default)]
    pub set: String,
    /// `zh` or `en`.
    #[serde(default)]
    pub lang: String,
    /// Years; a part of one does not count.
    #[serde(default)]
    age: Option<f64>,
    /// `female`, `male` or `other`; what else is said is no sex that rules know.
    #[serde(default)]
    sex: Option<String>,
    /// The patient's words.
    pub text: String,
    /// Earlier illnesses and medicines, in the patient's words.
    #[serde(default)]
    pub history: Option<String>,
    /// What published guidance gives it; without one, the case counts for the share of alarms only.
    pub expected: Option<Urgency>,
    /// The kind of complaint or of difficulty.
    pub kind: Option<String>,
    /// Two cases of one pair differ in a few words, and in their urgency.
    #[serde(default)]
    pub pair: Option<serde_json::Value>,
}

impl Case {
    /// The patient's age in completed years.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "within the bounds of an age"
    )]
    pub fn age(&self) -> Option<u8> {
        self.age.map(|years| years.clamp(0.0, 130.0) as u8)
    }

    /// What the rules look at.
    pub fn complaint(&self) -> Complaint<'_> {
        Complaint {
            symptoms: &self.text,
            history: self.history.as_deref(),
            age: self.age(),
            sex: self.sex(),
        }
    }

    fn sex(&self) -> Option<Sex> {
        match self.sex.as_deref()? {
            "female" => Some(Sex::Female),
            "male" => Some(Sex::Male),
            "other" => Some(Sex::Other),
            _ => None,
        }
    }
}

/// A case with what the rules made of it.
#[derive(Debug)]
pub struct Judged {
    /// The case.
    pub case: Case,
    /// What the rules made of it.
    pub triage: Triage,
    /// How long the rules took.
    pub time: Duration,
}

impl Judged {
    /// What the rules gave it.
    pub fn urgency(&self) -> Urgency {
        self.triage.urgency
    }
}

/// Every file of cases below a folder, by name.
pub fn files_below(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder)
        .with_context(|| format!("no cases in {}; name a file of them", folder.display()))?;

    let mut files = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(files_below(&path)?);
            continue;
        }
        let extension = path.extension();
        if extension.is_some_and(|extension| extension == "jsonl") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// The files that are named, or every file of cases below the folder.
pub fn named_or_below(files: &[PathBuf], folder: &str) -> Result<Vec<PathBuf>> {
    if files.is_empty() {
        files_below(folder.as_ref())
    } else {
        Ok(files.to_vec())
    }
}

/// Reads the cases of all files, and lets the rules and the classifier judge each.
pub fn judge_files(files: &[PathBuf]) -> Result<Vec<Judged>> {
    judge_files_with(files, triage::assess)
}

/// Reads the cases of all files, and lets the rules alone judge each.
pub fn judge_files_by_rules(files: &[PathBuf]) -> Result<Vec<Judged>> {
    judge_files_with(files, triage::assess_by_rules)
}

fn judge_files_with(
    files: &[PathBuf],
    assess: impl Fn(&Complaint<'_>) -> Triage,
) -> Result<Vec<Judged>> {
    let mut judged = Vec::new();
    for file in files {
        let cases = read_cases(file)?.into_iter();
        judged.extend(cases.map(|case| {
            let started = Instant::now();
            let triage = assess(&case.complaint());
            let time = started.elapsed();
            Judged { case, triage, time }
        }));
    }

    if judged.is_empty() {
        bail!("the files hold no case");
    }
    Ok(judged)
}

/// Reads the cases of a file.
pub fn read_cases(file: &Path) -> Result<Vec<Case>> {
    let text =
        fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let name = file.file_stem().unwrap_or_default().to_string_lossy();

    let mut cases = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        if line.trim().is_empty() {
            continue;
        }

        let mut case: Case = serde_json::from_str(line)
            .with_context(|| format!("{}, line {number} is no case", file.display()))?;
        if case.set.is_empty() {
            case.set = name.to_string();
        }
        cases.push(case);
    }
    Ok(cases)
}
