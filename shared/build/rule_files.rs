//! The form of a rule file, and what is wrong with one.

use std::collections::{BTreeMap, HashSet};
use std::error::Error;
use std::fs;
use std::path::Path;

use serde::Deserialize;

/// A text in both languages of the patients.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wording {
    pub en: String,
    pub zh: String,
}

/// A public guideline page.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    pub title: String,
    pub url: String,
}

/// One red flag.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    pub code: String,
    pub urgency: String,
    /// The label that patients are shown, in English.
    pub en: String,
    /// The same in Chinese.
    pub zh: String,
    /// Findings that together raise the flag, joined by `+`; one line is enough.
    pub when: Vec<String>,
    /// Findings that are another explanation, or speak against the flag.
    #[serde(default)]
    pub unless: Vec<String>,
    /// The sex that the rule does not concern.
    pub except_sex: Option<String>,
    /// Key of the source in its file.
    pub source: String,
    /// What to do besides the advice of the urgency.
    pub advice: Option<Wording>,
    /// Texts that raise the flag; read by the tests.
    #[serde(default)]
    pub examples: Vec<String>,
    /// Texts that resemble them and do not; read by the tests.
    #[serde(default)]
    pub counterexamples: Vec<String>,
}

/// The patterns of a finding. One without patterns is measured, or known by the patient's data.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Finding {
    pub en: Vec<String>,
    pub zh: Vec<String>,
    /// Whether the history is searched for it, too.
    pub in_history: bool,
    /// Whether it weighs as much when it is past.
    pub timeless: bool,
    /// Whether it is the name of an illness, which a history lists; symptoms are told because they
    /// are there.
    pub illness: bool,
}

/// The rules of one body system.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleFile {
    #[serde(default)]
    sources: BTreeMap<String, Source>,
    #[serde(default)]
    rules: Vec<Rule>,
    #[serde(default)]
    findings: BTreeMap<String, Finding>,
}

/// The rules and the findings of all files.
#[derive(Debug, Default)]
pub struct RuleBook {
    /// Each rule with its source.
    pub rules: Vec<(Rule, Source)>,
    pub findings: BTreeMap<String, Finding>,
}

/// The findings of a line of `when`.
pub fn findings_of(line: &str) -> impl Iterator<Item = &str> {
    line.split('+').map(str::trim)
}

/// Reads every file of the folder, in the order of their names.
pub fn read_rules(folder: &Path) -> Result<RuleBook, Box<dyn Error>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "toml")
        {
            paths.push(path);
        }
    }
    paths.sort();

    let mut book = RuleBook::default();
    for path in paths {
        let text = fs::read_to_string(&path)?;
        let file: RuleFile =
            toml::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?;
        add_file(&mut book, file).map_err(|problem| format!("{}: {problem}", path.display()))?;
    }

    check_findings(&book)?;
    Ok(book)
}

fn add_file(book: &mut RuleBook, file: RuleFile) -> Result<(), String> {
    let mut unused: HashSet<&String> = file.sources.keys().collect();

    for rule in file.rules {
        let source = file.sources.get_key_value(&rule.source);
        let (key, source) = source.ok_or(format!(
            "{} names no source of this file: {}",
            rule.code, rule.source
        ))?;
        unused.remove(key);

        let source = Source {
            title: source.title.clone(),
            url: source.url.clone(),
        };
        book.rules.push((rule, source));
    }
    if let Some(key) = unused.into_iter().next() {
        return Err(format!("the source {key} is used by no rule"));
    }

    for (name, finding) in file.findings {
        if book.findings.insert(name.clone(), finding).is_some() {
            return Err(format!("the finding {name} stands in two files"));
        }
    }
    Ok(())
}

/// Whether every rule has a code of its own, and names findings that exist.
fn check_findings(book: &RuleBook) -> Result<(), String> {
    let mut codes = HashSet::new();
    let mut used = HashSet::new();

    for (rule, _) in &book.rules {
        if !codes.insert(&rule.code) {
            return Err(format!("two rules have the code {}", rule.code));
        }

        let names = rule.when.iter().chain(&rule.unless);
        for name in names.flat_map(|line| findings_of(line)) {
            if !book.findings.contains_key(name) {
                return Err(format!("{} names no finding: {name}", rule.code));
            }
            used.insert(name);
        }
    }
    Ok(())
}
