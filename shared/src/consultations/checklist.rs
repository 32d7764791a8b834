//! Questions after danger signs, as the API shows them.

use serde::Serialize;

use super::assessment::Citation;
use crate::error::Error;
use crate::locale::Locale;
use crate::triage::{self, Question, Sex, Triage, Urgency};

/// The greatest age in years.
const MAX_AGE: u8 = 130;

/// One question.
#[derive(Serialize, schemars::JsonSchema)]
pub struct QuestionView {
    /// The code that the answer names.
    pub code: &'static str,
    /// The body system, or `general`.
    pub topic: &'static str,
    /// The question, in the patient's language.
    pub text: &'static str,
    /// The source of its danger sign.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<Citation>,
}

/// The answer to `GET /v1/triage/checklist`.
#[derive(Serialize, schemars::JsonSchema)]
pub struct Checklist {
    /// In the order in which they are asked, the general danger signs first.
    pub questions: Vec<QuestionView>,
}

impl Checklist {
    /// The questions for the `locale` (else English), `age` and `sex` of a query.
    pub fn from_query(query: impl Fn(&str) -> Option<String>) -> Result<Self, Error> {
        let locale = query("locale").map(|tag| parse_locale(&tag)).transpose()?;
        let age = query("age").map(|years| parse_age(&years)).transpose()?;
        let sex = query("sex").map(|name| parse_sex(&name)).transpose()?;

        let locale = locale.unwrap_or(Locale::En);
        let questions = triage::checklist(age, sex)
            .map(|question| QuestionView::new(question, locale))
            .collect();
        Ok(Self { questions })
    }
}

impl QuestionView {
    fn new(question: &'static Question, locale: Locale) -> Self {
        let source = question.source();

        Self {
            code: question.code,
            topic: question.topic,
            text: question.words(locale),
            source: source.map(Citation::of_source),
        }
    }

    /// The questions of a complaint of this urgency that are still open. In an emergency nothing
    /// is asked: the patient has something else to do.
    pub fn open(triage: &Triage, urgency: Urgency, locale: Locale) -> Vec<Self> {
        if urgency == Urgency::Emergency {
            return Vec::new();
        }

        let codes = triage.questions.iter();
        let questions = codes.filter_map(|code| triage::question_by_code(code));

        questions
            .map(|question| Self::new(question, locale))
            .collect()
    }
}

fn parse_locale(tag: &str) -> Result<Locale, Error> {
    let locale = Locale::of_tag(tag);
    locale.ok_or_else(|| Error::field("locale", "must be zh or en, also with a region"))
}

fn parse_age(value: &str) -> Result<u8, Error> {
    let age = value.parse().ok().filter(|age| *age <= MAX_AGE);
    age.ok_or_else(|| Error::field("age", "must be a whole number from 0 to 130"))
}

fn parse_sex(value: &str) -> Result<Sex, Error> {
    match value {
        "female" => Ok(Sex::Female),
        "male" => Ok(Sex::Male),
        "other" => Ok(Sex::Other),
        _ => Err(Error::field("sex", "must be female, male or other")),
    }
}
