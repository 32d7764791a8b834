//! The answer to a consultation, with what made it.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::trace::Trace;
use crate::locale::Locale;
use crate::triage::{self, FlagStatus, RedFlag, Source, Triage, Urgency};

/// The answer, as it is stored and sent. Its texts are in the consultation's language.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Assessment {
    /// One to a few sentences, which the patient reads first.
    pub summary: String,
    /// The most likely cause first; empty when no model answered.
    pub possible_causes: Vec<String>,
    /// How soon help is needed; never below what the rules say.
    pub urgency: Urgency,
    /// Danger signs found by the rules and by the model, in words.
    pub red_flags: Vec<String>,
    /// What to do, the most important first.
    pub recommended_actions: Vec<String>,
    /// Questions that a clinician should ask next.
    pub questions: Vec<String>,
    /// Whether this is no more than a question that the patient has yet to answer.
    #[serde(default, skip_serializing_if = "is_false")]
    pub awaits_answer: bool,
    /// Where to go, in the patient's language: in an emergency always the emergency department.
    #[serde(default)]
    pub recommended_department: String,
    /// The note for the doctor; none in records from before there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doctor_note: Option<DoctorNote>,
    /// The sources of the rules, and of the documents that were cited or quoted.
    pub citations: Vec<Citation>,
    /// The tier and the model that made this answer.
    pub served_by: ServedBy,
    /// Whether something less than the first tier made it.
    pub degraded: bool,
    /// Why it is degraded; none if it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub degraded_reason: Option<DegradedReason>,
    /// That this is no diagnosis.
    pub disclaimer: String,
    /// What was done for it. The views for patients leave it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<Trace>,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the form that serde wants"
)]
const fn is_false(flag: &bool) -> bool {
    !*flag
}

/// What a doctor reads first, as a medical record begins.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct DoctorNote {
    /// The complaint with its duration.
    pub chief_complaint: String,
    /// Its course. Without a model these are the patient's own words.
    pub present_illness: String,
    /// Earlier illnesses and medicines; empty if the patient told none.
    pub history: String,
    /// What the patient measured or answered.
    pub findings: Vec<String>,
    /// What is still open.
    pub open_questions: Vec<String>,
}

impl Assessment {
    /// The same as patients see it.
    #[must_use]
    pub fn without_trace(mut self) -> Self {
        self.trace = None;
        self
    }

    /// The same when the rules found more after it was made. If it was made for somebody who can
    /// wait, what it recommended does not stand beside the rules' advice.
    #[must_use]
    pub fn raised_later(mut self, rules: &Triage, urgency: Urgency, locale: Locale) -> Self {
        if urgency > self.urgency {
            self.end_wait();
        }
        let was_calm = self.urgency < Urgency::Urgent;
        if was_calm && urgency >= Urgency::Urgent {
            self.recommended_actions.clear();
            self.summary = format!("{}{}", raised_preface(locale), self.summary);
        }
        self.with_rules(rules, urgency, locale)
    }

    /// What was asked in calm does not hold up who needs help.
    fn end_wait(&mut self) {
        if self.awaits_answer {
            self.awaits_answer = false;
            self.questions.clear();
        }
    }

    /// The assessment with the rules' last word: at least this urgency, their danger signs with
    /// the sources, and in front of all that a model recommends, what these demand.
    #[must_use]
    pub fn with_rules(mut self, rules: &Triage, urgency: Urgency, locale: Locale) -> Self {
        self.urgency = self.urgency.raised_to(urgency);
        if self.urgency == Urgency::Emergency {
            self.end_wait();
        }
        self.red_flags = merge_red_flags(&rules.red_flags, self.red_flags, locale);

        let cited = rules.red_flags.iter().filter_map(Citation::of);
        for citation in cited {
            if !self.citations.contains(&citation) {
                self.citations.push(citation);
            }
        }

        let mut actions = vec![triage::advice(self.urgency, locale)];
        actions.extend(rules.advice_of_dangers(locale));
        self.recommended_actions = order_actions(&actions, self.recommended_actions, locale);
        if let Some(note) = &mut self.doctor_note {
            note.add_rules(rules, &self.red_flags, locale);
        }
        let department = self.recommended_department.as_str();
        let is_of_rules = Urgency::ALL
            .map(|urgency| triage::department(urgency, locale))
            .contains(&department);
        if self.urgency == Urgency::Emergency || department.is_empty() || is_of_rules {
            triage::department(self.urgency, locale).clone_into(&mut self.recommended_department);
        }
        self
    }
}

impl DoctorNote {
    /// Puts the danger signs and the answers in front, and leaves out what has been answered.
    fn add_rules(&mut self, rules: &Triage, red_flags: &[String], locale: Locale) {
        let asked = |code: &str| Some(triage::question_by_code(code)?.words(locale));
        let answers = rules.answers.iter().filter_map(|(code, answer)| {
            let (question, answer) = (asked(code)?, answer.words(locale));
            Some(format!("{question} {answer}"))
        });

        let mut findings: Vec<String> = red_flags.iter().cloned().chain(answers).collect();
        let known = findings.clone();
        let others = std::mem::take(&mut self.findings).into_iter();
        findings.extend(others.filter(|finding| !known.contains(finding)));
        self.findings = findings;

        let answered: Vec<_> = rules
            .answers
            .keys()
            .filter_map(|code| asked(code))
            .collect();
        self.open_questions
            .retain(|question| !answered.contains(&question.as_str()));
    }
}

/// Stands before what was said when less was known.
const fn raised_preface(locale: Locale) -> &'static str {
    match locale {
        Locale::Zh => "您后来提供的信息提高了紧急程度，请按下面的建议去做。此前的评估是：",
        Locale::En => {
            "What you have told since has raised the urgency: do what is advised below. The \
             assessment before that said: "
        }
    }
}

/// The danger signs of the rules, then those that only the model found. A sign that is sure now
/// replaces the doubt about it.
fn merge_red_flags(rules: &[RedFlag], found: Vec<String>, locale: Locale) -> Vec<String> {
    let mut flags: Vec<String> = rules.iter().map(|flag| flag.words(locale)).collect();
    let doubts: Vec<String> = rules
        .iter()
        .map(|flag| RedFlag {
            status: FlagStatus::Uncertain,
            ..flag.clone()
        })
        .map(|doubt| doubt.words(locale))
        .collect();

    for flag in found {
        if !flags.contains(&flag) && !doubts.contains(&flag) {
            flags.push(flag);
        }
    }
    flags
}

/// What the rules demand, then what a model recommends. What a lesser urgency demanded before does
/// not stand beside it.
fn order_actions(demanded: &[&str], recommended: Vec<String>, locale: Locale) -> Vec<String> {
    let general = Urgency::ALL.map(|urgency| triage::advice(urgency, locale));
    let is_settled = |action: &str| demanded.contains(&action) || general.contains(&action);

    let mut actions: Vec<String> = demanded.iter().map(|step| (*step).to_owned()).collect();
    let others = recommended.into_iter();
    actions.extend(others.filter(|action| !is_settled(action)));
    actions
}

/// A public source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Citation {
    /// The source's title, in its own language.
    pub title: String,
    /// An absolute `https` address.
    pub url: String,
    /// The number by which texts name it in square brackets, from 1; none if they do not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<u16>,
    /// The document of the knowledge base; none for a source of the rules.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document_id: Option<Uuid>,
}

impl Citation {
    /// The source of a document of the knowledge base.
    pub fn of_document(title: &str, url: &str, id: Uuid) -> Self {
        Self {
            title: title.to_owned(),
            url: url.to_owned(),
            number: None,
            document_id: Some(id),
        }
    }

    /// The same with the number by which texts name it.
    #[must_use]
    pub const fn numbered(mut self, number: u16) -> Self {
        self.number = Some(number);
        self
    }

    /// The source of the rule behind a danger sign; none if the rule no longer exists.
    pub fn of(flag: &RedFlag) -> Option<Self> {
        flag.source().map(Self::of_source)
    }

    /// The source of a rule.
    pub fn of_source(source: Source) -> Self {
        Self {
            title: source.title.to_owned(),
            url: source.url.to_owned(),
            number: None,
            document_id: None,
        }
    }
}

/// What made an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ServedBy {
    /// The tier's name in `AI_TIERS`, or `fixed_text`.
    pub tier: String,
    /// The model that the tier says it used; none for the fixed text.
    pub model: Option<String>,
}

/// Why an answer is degraded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DegradedReason {
    /// No tier is configured: the rules and a fixed text answer.
    NoAiTierConfigured,
    /// Every tier failed or gave no valid answer: the rules and a fixed text answer.
    AllAiTiersFailed,
    /// The first tier failed; a later one answered.
    ServedByFallbackTier,
}
