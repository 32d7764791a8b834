//! The note for the doctor: a model's words, and where it has none, the patient's own.

use super::answer::ModelAnswer;
use super::attachments::Attachments;
use crate::consultations::{Consultation, Conversation, DoctorNote};
use crate::triage::{self, Triage, Urgency};

/// The longest complaint that is taken from the patient's own words, in characters.
const MAX_COMPLAINT_CHARS: usize = 100;

/// What an assessment is made of: what the patient told, and what the rules found in it.
#[derive(Clone, Copy)]
pub(super) struct Told<'t> {
    pub(super) consultation: &'t Consultation,
    pub(super) conversation: &'t Conversation,
    pub(super) rules: &'t Triage,
    pub(super) attachments: &'t Attachments,
}

impl Told<'_> {
    /// The urgency that no model can lower. What the caller was told stands: by the rules, also
    /// when they have changed since, and by the model of an earlier turn.
    pub(super) fn least_urgency(&self) -> Urgency {
        let standing = self.consultation.urgency;
        self.rules
            .urgency
            .raised_to(self.consultation.triage.urgency)
            .raised_to(standing)
    }
}

/// The note, whole also without a model.
pub(super) fn write_note(answer: &ModelAnswer, told: &Told<'_>) -> DoctorNote {
    let consultation = told.consultation;
    let or_else = |text: &str, own: &dyn Fn() -> String| match text {
        "" => without_numbers(&own()),
        text => text.to_owned(),
    };

    let present_illness = || {
        let messages = told.conversation.messages();
        triage::joined_text(&consultation.complaint(), &messages)
    };
    let open_questions = if answer.questions.is_empty() {
        open_questions(told)
    } else {
        answer.questions.clone()
    };
    DoctorNote {
        chief_complaint: or_else(&answer.chief_complaint, &|| {
            first_words(&consultation.symptoms)
        }),
        present_illness: or_else(&answer.present_illness, &present_illness),
        history: or_else(&answer.past_history, &|| {
            consultation.history.clone().unwrap_or_default()
        }),
        findings: answer.findings.clone(),
        open_questions,
    }
}

/// A patient's own words, in which `[1]` would be read as the number of a source.
fn without_numbers(text: &str) -> String {
    let mut parts = text.split('[');
    let mut without = parts.next().unwrap_or_default().to_owned();

    for part in parts {
        let number = part.split_once(']').filter(|(number, _)| {
            let is_number = number.bytes().all(|byte| byte.is_ascii_digit());
            is_number && (1..=2).contains(&number.len())
        });
        match number {
            Some((number, rest)) => without.extend(["(", number, ")", rest]),
            None => without.extend(["[", part]),
        }
    }
    without
}

/// The first sentence of a text, or as much of it as a line holds.
fn first_words(text: &str) -> String {
    let is_end = |c: char| matches!(c, '\n' | '。' | '！' | '？' | '.' | '!' | '?');
    let sentences = text.trim().split(is_end).map(str::trim);
    let first = sentences.into_iter().find(|sentence| !sentence.is_empty());
    first
        .unwrap_or_default()
        .chars()
        .take(MAX_COMPLAINT_CHARS)
        .collect()
}

/// What the rules would still ask.
fn open_questions(told: &Told<'_>) -> Vec<String> {
    let locale = told.consultation.locale;
    let codes = told.rules.questions.iter();
    codes
        .filter_map(|code| triage::question_by_code(code))
        .map(|question| question.words(locale).to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_in_the_patients_words_is_no_source() {
        let words = "my sister says [1] and [120] and [x] and [";
        let without = "my sister says (1) and [120] and [x] and [";
        assert_eq!(without_numbers(words), without);
    }

    #[test]
    fn the_complaint_is_the_first_sentence() {
        assert_eq!(first_words(" 头疼三天了。还有点恶心"), "头疼三天了");
        assert_eq!(first_words("Sore throat! And a cough"), "Sore throat");
        assert_eq!(first_words(&"a".repeat(500)).len(), MAX_COMPLAINT_CHARS);
    }
}
