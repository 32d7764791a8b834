//! Writes the rules as tables of Rust.

use std::collections::BTreeMap;

use crate::lexicon_tables::{LEXICON_PARTS, LexiconSource};
use crate::rule_files::{
    ExceptSex, Finding, Question, Rule, RuleBook, Source, Wording, findings_of,
};

/// The enum of the findings, and what is said of each.
pub fn findings_source(book: &RuleBook) -> String {
    let variants: Vec<String> = book.findings.keys().map(|name| variant(name)).collect();

    let mut source = String::from(
        "/// A sign, an illness or a risk that a text, a history or a patient's data can show.\n\
         #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]\n\
         pub(in crate::triage) enum Finding {\n",
    );
    for name in &variants {
        push_line(&mut source, &format!("    {name},"));
    }
    source.push_str("}\n\nimpl Finding {\n");

    let all: Vec<String> = variants
        .iter()
        .map(|name| format!("Self::{name}"))
        .collect();
    push_line(
        &mut source,
        &format!(
            "    /// Every finding; the tables of the lexicon number them so.\n    \
             pub(in crate::triage) const ALL: &[Self] = &[{}];",
            all.join(", ")
        ),
    );
    push_predicate(&mut source, book, "is_timeless", |finding| finding.timeless);
    push_predicate(&mut source, book, "is_illness", |finding| finding.illness);
    push_predicate(&mut source, book, "is_circumstance", |finding| {
        finding.circumstance
    });
    push_predicate(&mut source, book, "is_lasting", |finding| finding.lasting);
    push_predicate(&mut source, book, "is_risk", |finding| finding.in_history);
    push_names(&mut source, book);
    push_topics(&mut source, book);
    source.push_str("}\n");
    source
}

/// The table of the rules.
pub fn rules_source(book: &RuleBook) -> String {
    let mut source = String::from("pub(super) const RULES: &[Rule] = &[\n");
    for (rule, origin) in &book.rules {
        source.push_str(&rule_source(rule, origin));
    }

    source.push_str("];\n");
    push_sources(&mut source, book);
    source
}

/// The patterns as they are written, for the tests of their tables.
fn push_sources(source: &mut String, book: &RuleBook) {
    for part in LEXICON_PARTS {
        let name = part.name.to_uppercase();
        push_line(source, "\n#[cfg(test)]");
        push_line(
            source,
            &format!("pub(super) const {name}_SOURCES: &[(Finding, &str)] = &["),
        );
        for LexiconSource { finding, text, .. } in part.sources(book) {
            let finding = variant(finding);
            push_line(source, &format!("    (Finding::{finding}, {text:?}),"));
        }
        source.push_str("];\n");
    }
}

/// The table of the questions, and the words of their topics.
pub fn questions_source(book: &RuleBook) -> String {
    let mut source = String::from("pub(super) const QUESTIONS: &[Question] = &[\n");
    for question in &book.questions {
        source.push_str(&question_source(question));
    }

    source.push_str("];\n\npub(super) const TOPIC_WORDS: &[(&str, &[&str])] = &[\n");
    for (topic, words) in &book.topics {
        let patterns: Vec<&String> = words.en.iter().chain(&words.zh).collect();
        push_line(&mut source, &format!("    ({topic:?}, &{patterns:?}),"));
    }
    source.push_str("];\n");
    source
}

fn question_source(question: &Question) -> String {
    let Question {
        code,
        topic,
        other_topics,
        en,
        zh,
        raises,
        covers,
        min_age,
        max_age,
    } = question;
    let min_age = min_age.unwrap_or(u8::MIN);
    let max_age = max_age.unwrap_or(u8::MAX);

    format!(
        "    Question {{ code: {code:?}, topic: {topic:?}, \
         other_topics: &{other_topics:?}, en: {en:?}, zh: {zh:?}, raises: {raises:?}, \
         covers: &{covers:?}, ages: {min_age}..={max_age} }},\n"
    )
}

/// The topic of each finding.
fn push_topics(source: &mut String, book: &RuleBook) {
    source.push_str(
        "    pub(in crate::triage) const fn topic(self) -> &'static str {\n        match self {\n",
    );
    let mut by_topic: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (name, topic) in &book.topics_of_findings {
        let findings = by_topic.entry(topic).or_default();
        findings.push(format!("Self::{}", variant(name)));
    }

    for (topic, findings) in by_topic {
        let findings = findings.join(" | ");
        push_line(source, &format!("            {findings} => {topic:?},"));
    }
    source.push_str("        }\n    }\n");
}

fn rule_source(rule: &Rule, origin: &Source) -> String {
    let sets: Vec<String> = rule.when.iter().map(|line| finding_set(line)).collect();
    let unless = finding_set(&rule.unless.join("+"));
    let sex = match rule.except_sex {
        Some(ExceptSex::Female) => "ExceptFemale",
        Some(ExceptSex::Male) => "ExceptMale",
        None => "AnySex",
    };

    let (code, en, zh) = (&rule.code, &rule.en, &rule.zh);
    let (title, url) = (&origin.title, &origin.url);
    let on_suspicion = rule.on_suspicion;
    let urgency = rule.urgency;
    let advice = rule.advice.as_ref().map(wording_source);
    let advice = advice.map_or("None".to_owned(), |advice| format!("Some({advice})"));
    let (examples, counterexamples) = (&rule.examples, &rule.counterexamples);
    format!(
        "    Rule {{ code: {code:?}, urgency: Urgency::{urgency:?}, en: {en:?}, zh: {zh:?}, \
         any_of: &[{}], unless: {unless}, on_suspicion: {on_suspicion}, sex_filter: SexFilter::{sex}, \
         source: Source {{ title: {title:?}, url: {url:?} }}, advice: {advice}, \
         #[cfg(test)] examples: &{examples:?}, \
         #[cfg(test)] counterexamples: &{counterexamples:?} }},\n",
        sets.join(", ")
    )
}

fn wording_source(wording: &Wording) -> String {
    let Wording { en, zh } = wording;
    format!("crate::triage::rule::Wording {{ en: {en:?}, zh: {zh:?} }}")
}

/// `chest_pain + sweating` as a slice of findings.
fn finding_set(line: &str) -> String {
    let names = findings_of(line).filter(|name| !name.is_empty());
    let variants: Vec<String> = names
        .map(|name| format!("Finding::{}", variant(name)))
        .collect();

    format!("&[{}]", variants.join(", "))
}

fn push_predicate(
    source: &mut String,
    book: &RuleBook,
    name: &str,
    holds: impl Fn(&Finding) -> bool,
) {
    let found = book.findings.iter().filter(|(_, finding)| holds(finding));
    let variants: Vec<String> = found
        .map(|(name, _)| format!("Self::{}", variant(name)))
        .collect();

    push_line(
        source,
        &format!("    pub(in crate::triage) const fn {name}(self) -> bool {{"),
    );
    push_line(
        source,
        &format!("        matches!(self, {})\n    }}", variants.join(" | ")),
    );
}

/// The illnesses that a text can only name: by convention, those whose name ends in `_named`.
fn push_names(source: &mut String, book: &RuleBook) {
    let findings = book.findings.iter();
    let named = findings.filter(|(name, finding)| finding.illness && name.ends_with("_named"));
    let variants: Vec<String> = named
        .map(|(name, _)| format!("Self::{}", variant(name)))
        .collect();

    push_line(
        source,
        "    pub(in crate::triage) const fn is_illness_name(self) -> bool {",
    );
    push_line(
        source,
        &format!("        matches!(self, {})\n    }}", variants.join(" | ")),
    );
}

/// `chest_pain` as `ChestPain`.
fn variant(name: &str) -> String {
    name.split('_')
        .map(|part| {
            let mut chars = part.chars();
            let first = chars.next().map(|c| c.to_ascii_uppercase());
            first.into_iter().chain(chars).collect::<String>()
        })
        .collect()
}

fn push_line(source: &mut String, line: &str) {
    source.push_str(line);
    source.push('\n');
}
