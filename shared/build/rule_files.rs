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

/// What a rule gives: what deserves less has no rule.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RuleUrgency {
    Urgent,
    Emergency,
}

/// The sex that a rule does not concern.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExceptSex {
    Female,
    Male,
}

/// One red flag.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    pub code: String,
    pub urgency: RuleUrgency,
    /// The label that patients are shown, in English.
    pub en: String,
    /// The same in Chinese.
    pub zh: String,
    /// Findings that together raise the flag, joined by `+`; one line is enough.
    pub when: Vec<String>,
    /// Findings that are another explanation: they leave an emergency open, and take another flag
    /// away.
    #[serde(default)]
    pub unless: Vec<String>,
    /// Whether a suspicion weighs as much as a certain finding: what was swallowed does harm before
    /// anybody can be sure.
    #[serde(default)]
    pub on_suspicion: bool,
    /// The sex that the rule does not concern.
    pub except_sex: Option<ExceptSex>,
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
#[expect(
    clippy::struct_excessive_bools,
    reason = "marks that a file gives or leaves out, each by itself"
)]
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
    /// Whether it tells who, when, where or with what, or gathers words that say something only
    /// beside another finding: it speaks neither for nor against self-care.
    pub circumstance: bool,
    /// Whether it is no emergency by itself when it has lasted for months.
    pub lasting: bool,
}

/// A question after a danger sign.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    pub code: String,
    /// The name of a rule file, or `general` for what is asked whatever the complaint is.
    pub topic: String,
    /// Other rule files whose complaints ask it as well.
    #[serde(default)]
    pub other_topics: Vec<String>,
    pub en: String,
    pub zh: String,
    /// The rule that a "yes" raises.
    pub raises: String,
    /// Other rules whose danger sign it asks after.
    #[serde(default)]
    pub covers: Vec<String>,
    /// Ages in completed years, both included.
    pub min_age: Option<u8>,
    pub max_age: Option<u8>,
}

/// Words that tell what a complaint is about, although they are no findings.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TopicWords {
    pub en: Vec<String>,
    pub zh: Vec<String>,
}

/// The questions, and the words of their topics.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct QuestionFile {
    topics: BTreeMap<String, TopicWords>,
    questions: Vec<Question>,
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
    /// The topic of each finding: the name of its file.
    pub topics_of_findings: BTreeMap<String, String>,
    pub questions: Vec<Question>,
    pub topics: BTreeMap<String, TopicWords>,
}

/// The findings of a line of `when`.
pub fn findings_of(line: &str) -> impl Iterator<Item = &str> {
    line.split('+').map(str::trim)
}

/// Reads every file of the folder, in the order of their names, and the questions.
pub fn read_rules(folder: &Path, questions: &Path) -> Result<RuleBook, Box<dyn Error>> {
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
        let topic = path.file_stem().unwrap_or_default().to_string_lossy();
        add_file(&mut book, &topic, file)
            .map_err(|problem| format!("{}: {problem}", path.display()))?;
    }
    check_findings(&book)?;

    let text = fs::read_to_string(questions)?;
    let file: QuestionFile =
        toml::from_str(&text).map_err(|error| format!("{}: {error}", questions.display()))?;
    book.questions = file.questions;
    book.topics = file.topics;
    check_questions(&book)?;
    Ok(book)
}

fn add_file(book: &mut RuleBook, topic: &str, file: RuleFile) -> Result<(), String> {
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
        let topics = &mut book.topics_of_findings;
        topics.insert(name.clone(), topic.to_owned());
        if book.findings.insert(name.clone(), finding).is_some() {
            return Err(format!("the finding {name} stands in two files"));
        }
    }
    Ok(())
}

/// Whether every rule has a code of its own, and names findings that exist.
fn check_findings(book: &RuleBook) -> Result<(), String> {
    let mut codes = HashSet::new();

    for (rule, _) in &book.rules {
        if !codes.insert(&rule.code) {
            return Err(format!("two rules have the code {}", rule.code));
        }
        if rule.when.is_empty() {
            return Err(format!("{} has no findings that raise it", rule.code));
        }

        let names = rule.when.iter().chain(&rule.unless);
        for name in names.flat_map(|line| findings_of(line)) {
            if !book.findings.contains_key(name) {
                return Err(format!("{} names no finding: {name}", rule.code));
            }
        }
    }
    Ok(())
}

/// Whether every question has a code of its own, a topic and rules that exist.
fn check_questions(book: &RuleBook) -> Result<(), String> {
    let rules: HashSet<&String> = book.rules.iter().map(|(rule, _)| &rule.code).collect();
    let topics: HashSet<&String> = book.topics_of_findings.values().collect();
    let mut codes = HashSet::new();

    for question in &book.questions {
        let code = &question.code;
        if !codes.insert(code) {
            return Err(format!("two questions have the code {code}"));
        }
        if question.min_age > question.max_age && question.max_age.is_some() {
            return Err(format!("the question {code} is for no age"));
        }
        let mut named = std::iter::once(&question.topic).chain(&question.other_topics);
        if let Some(unknown) = named.find(|topic| *topic != "general" && !topics.contains(topic)) {
            return Err(format!("{code} names no topic: {unknown}"));
        }

        let mut raised = std::iter::once(&question.raises).chain(&question.covers);
        if let Some(unknown) = raised.find(|rule| !rules.contains(rule)) {
            return Err(format!("the question {code} names no rule: {unknown}"));
        }
    }

    let mut named = book.topics.keys();
    match named.find(|topic| !topics.contains(topic)) {
        Some(unknown) => Err(format!("there is no topic {unknown}")),
        None => Ok(()),
    }
}
