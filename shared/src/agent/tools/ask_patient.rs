//! Ends the turn with a question.

use garde::Validate;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{BAD_ARGUMENTS, Tool};
use crate::agent::answer::{ModelAnswer, urgency_schema};
use crate::ai::{InvalidAnswer, ToolCall};
use crate::triage::Urgency;

/// The arguments. They have no `Debug`: they are a model's words on a patient.
#[derive(Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
pub(super) struct AskPatient {
    /// What can be said so far, in one or two sentences: what this may be, and what matters until
    /// the answer is there.
    #[garde(length(chars, min = 1, max = 1000))]
    so_far: String,
    /// What to ask, the most important first: short questions that a patient can answer.
    #[garde(length(min = 1, max = 3), inner(length(chars, min = 2, max = 300)))]
    questions: Vec<String>,
    /// How urgent it is as far as is known; never below the rules' urgency.
    #[schemars(schema_with = "urgency_schema")]
    #[garde(skip)]
    urgency: Urgency,
}

impl Tool for AskPatient {
    const NAME: &'static str = "ask_patient";
    const PURPOSE: &'static str = "Asks the patient and ends your work until they answer. Call it instead of `assess` only \
         if the answer would change how urgent this is or what to do; not for what they have told \
         or were asked before.";
}

/// The question as an answer that says no more than it.
pub(super) fn read_question(call: &ToolCall) -> Result<ModelAnswer, InvalidAnswer> {
    let asked = AskPatient::read(&call.arguments)
        .map_err(|feedback| InvalidAnswer::mendable(BAD_ARGUMENTS, feedback))?;

    let answer = ModelAnswer::of_texts(asked.so_far, asked.urgency, Vec::new());
    Ok(ModelAnswer {
        questions: asked.questions,
        ..answer
    })
}
