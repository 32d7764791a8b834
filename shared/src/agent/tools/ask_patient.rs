//! Ends the turn with a question.

use garde::Validate;
use schemars::JsonSchema;
use serde::Deserialize;

use super::Tool;
use crate::agent::answer::{ModelAnswer, urgency_in_words, urgency_schema};
use crate::ai::{Completion, ToolCall};
use crate::triage::Urgency;

/// The most questions of one turn.
const MAX_QUESTIONS: usize = 3;

/// The arguments. They have no `Debug`: they are a model's words on a patient.
#[derive(Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
pub(super) struct AskPatient {
    /// What can be said so far, in one or two sentences: what this may be, and what matters until
    /// the answer is there.
    #[garde(length(chars, min = 1, max = 1000), custom(has_words))]
    so_far: String,
    /// What to ask, the most important first: short questions that a patient can answer.
    #[garde(length(min = 1, max = MAX_QUESTIONS))]
    #[garde(inner(length(chars, min = 2, max = 300), custom(has_words)))]
    questions: Vec<String>,
    /// How urgent it is as far as is known; never below the rules' urgency.
    #[schemars(schema_with = "urgency_schema")]
    #[garde(skip)]
    urgency: Urgency,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the form that garde wants"
)]
fn has_words(text: &str, (): &()) -> garde::Result {
    if text.contains(char::is_alphanumeric) {
        Ok(())
    } else {
        Err(garde::Error::new("has no words"))
    }
}

impl Tool for AskPatient {
    const NAME: &'static str = "ask_patient";
    const PURPOSE: &'static str = "\
        Asks the patient and ends your work until they answer. Call it instead of `assess` only \
        if the answer would change how urgent this is or what to do; not for what they have told \
        or were asked before.";
}

/// The questions as an answer that says no more than them. Calls beside each other are one, and the
/// highest urgency counts, also one that stands in words beside them.
pub(super) fn read_questions(
    completion: &Completion,
    calls: &[&ToolCall],
) -> Result<ModelAnswer, String> {
    let mut asked = Vec::new();
    for call in calls {
        asked.push(AskPatient::read(&call.arguments)?);
    }

    let words = completion.text().unwrap_or_default();
    let urgency = asked
        .iter()
        .map(|asked| asked.urgency)
        .chain(urgency_in_words(&words))
        .max()
        .unwrap_or(Urgency::Routine);
    let so_far: Vec<_> = asked.iter().map(|asked| asked.so_far.trim()).collect();
    let so_far = so_far.join("\n");
    let questions = asked.into_iter().flat_map(|asked| asked.questions);

    let answer = ModelAnswer::of_texts(so_far, urgency, Vec::new());
    Ok(ModelAnswer {
        questions: questions.take(MAX_QUESTIONS).collect(),
        ..answer
    })
}

/// The urgency that a call names, also one that is not accepted.
pub(super) fn urgency_of(call: &ToolCall) -> Option<Urgency> {
    #[derive(Deserialize)]
    struct Named {
        urgency: Urgency,
    }
    let named: Option<Named> = serde_json::from_str(&call.arguments).ok();
    named.map(|named| named.urgency)
}
