//! What a model answers, and which answers are accepted.
//!
//! A good answer is one JSON object of the schema's shape: it is parsed once, and nothing of it is
//! copied. Local and other models deviate from that in many ways, so what is not of that shape is
//! read again, slowly, and all that has only one reading is taken:
//!
//! 1. `thoughts` leaves out what the model thought aloud.
//! 2. `locate` finds the objects that may be the answer, and `scanner` reads them.
//! 3. `shape` finds the fields by their `names`, makes texts and lists of them, and reads the
//!    urgency (`urgency_name`).
//!
//! 4. `remainder` doubts the answer for what stands around it, by its `wording`.
//!
//! Nothing is guessed. An answer that is cut off is not completed; two objects that differ are not
//! an answer; an urgency that is not known is not replaced, and of two the higher one counts. What
//! cannot be read is refused with all that is wrong with it, so that the model can do better.

mod locate;
mod names;
mod remainder;
mod repair;
mod scanner;
mod shape;
#[cfg(test)]
mod tests;
mod text;
mod thoughts;
mod urgency_name;
mod wording;

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

use crate::ai::{Completion, InvalidAnswer};
use crate::locale::Locale;
use crate::telemetry::metrics;
use crate::triage::{self, Urgency};
use locate::{Candidate, Located, find_candidates};
use repair::{Repair, Repairs};
use scanner::SyntaxError;

/// Reasons with which providers end an answer at the limit of tokens, in any case: `OpenAI`,
/// Anthropic, Gemini, Cohere, Mistral.
const LENGTH_REASONS: [&str; 6] = [
    "length",
    "max_tokens",
    "max_output_tokens",
    "max_length",
    "model_length",
    "model_context_window_exceeded",
];

/// Reasons with which a filter or the model itself ends an answer, in any case: `OpenAI`,
/// Gemini, GLM, Anthropic, Bedrock.
const FILTER_REASONS: [&str; 9] = [
    "content_filter",
    "content_filtered",
    "safety",
    "recitation",
    "blocklist",
    "prohibited_content",
    "sensitive",
    "refusal",
    "guardrail_intervened",
];

/// The answer. What is said of its fields here is what models are told of them.
#[derive(Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[cfg_attr(test, derive(Debug))]
#[schemars(description = "The assessment of the complaint.")]
// A key that is not of the schema may be another spelling of one that is: the slow path sees both.
#[serde(deny_unknown_fields)]
pub(super) struct ModelAnswer {
    // It comes first: the summary is shown while it is written once the urgency is known.
    #[schemars(schema_with = "urgency_schema")]
    #[schemars(
        description = "exactly one of these words: self_care, routine, urgent, emergency; \
                              never lower than the rules' urgency, higher if you see reason to"
    )]
    pub(super) urgency: Urgency,
    /// two to five sentences on what this may be and what matters now
    pub(super) summary: String,
    /// list of up to five texts, the most likely first, none stated as certain
    pub(super) possible_causes: Vec<String>,
    /// list of danger signs that the patient reports, not ones they deny or are unsure of
    pub(super) red_flags: Vec<String>,
    /// list of one to six texts, the most important first; no prescription medicines or doses
    pub(super) recommended_actions: Vec<String>,
    /// list of up to five texts that a clinician would ask next
    pub(super) questions: Vec<String>,
    /// the hospital department to see, in a few words
    #[serde(default)]
    pub(super) recommended_department: String,
    /// for the doctor's note, in a clinician's words and only from what the patient told: the
    /// complaint with its duration in one line
    #[serde(default)]
    pub(super) chief_complaint: String,
    /// for the same note: its course in a few sentences
    #[serde(default)]
    pub(super) present_illness: String,
    /// for the same note: earlier illnesses and medicines, or ""
    #[serde(default)]
    pub(super) past_history: String,
    /// list of texts with what the patient measured or answered
    #[serde(default)]
    pub(super) findings: Vec<String>,
}

/// The four words.
pub(super) fn urgency_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "enum": Urgency::ALL.map(Urgency::as_str) })
}

impl ModelAnswer {
    /// An answer that says no more than this.
    pub(super) const fn of_texts(
        summary: String,
        urgency: Urgency,
        recommended_actions: Vec<String>,
    ) -> Self {
        Self {
            summary,
            possible_causes: Vec::new(),
            urgency,
            red_flags: Vec::new(),
            recommended_actions,
            questions: Vec::new(),
            recommended_department: String::new(),
            chief_complaint: String::new(),
            present_illness: String::new(),
            past_history: String::new(),
            findings: Vec::new(),
        }
    }
}

/// An answer, and what had to be forgiven to read it.
#[cfg_attr(test, derive(Debug))]
struct ReadAnswer {
    answer: ModelAnswer,
    repairs: Repairs,
}

/// Accepts an answer that ended by itself and can be read as one assessment with something in it.
/// It counts each kind of repair that this needed.
pub(super) fn check_completion(completion: &Completion) -> Result<ModelAnswer, InvalidAnswer> {
    let read = read_completion(completion)?;
    for repair in read.repairs {
        metrics::count("AnswerRepair", &[("kind", repair.as_str())]);
    }

    Ok(read.answer)
}

/// The highest urgency that a text names in words.
pub(super) fn urgency_in_words(text: &str) -> Option<Urgency> {
    wording::Wording::of(text).highest_urgency()
}

fn read_completion(completion: &Completion) -> Result<ReadAnswer, InvalidAnswer> {
    check_ending(completion.finish_reason())?;

    let content = completion.text();
    let text = content.as_deref().unwrap_or_default();
    let mut repairs = Repairs::new();
    if matches!(content, Some(Cow::Owned(_))) {
        repairs.insert(Repair::ContentParts);
    }

    let has_calls = completion.tool_arguments().next().is_some();
    if !has_calls && let Ok(mut answer) = serde_json::from_str(text) {
        shape::tidy_answer(&mut answer, &mut repairs)?;
        return Ok(ReadAnswer { answer, repairs });
    }

    let located = find_answer(completion, text)?;
    let candidate = only_candidate(located.candidates)?;
    repairs.extend(candidate.repairs);
    let answer = shape::read_members(candidate.members, &mut repairs)?;
    located.remainder.check(answer.urgency)?;
    Ok(ReadAnswer { answer, repairs })
}

/// Any named ending but a known interruption is one, as for a chat. An object that was cut off is
/// not readable, whatever the reason is called.
pub(super) fn check_ending(reason: Option<&str>) -> Result<(), InvalidAnswer> {
    let is_one_of = |known: &[&str]| {
        let mut known = known.iter();
        reason.is_some_and(|reason| known.any(|known| known.eq_ignore_ascii_case(reason)))
    };

    if is_one_of(&LENGTH_REASONS) {
        return Err(InvalidAnswer::mendable(
            "stopped early: length",
            "The answer is too long and was cut off: use fewer words.".to_owned(),
        ));
    }
    // Gemini names what it found behind a colon.
    let is_filter = reason.is_some_and(|reason| reason.starts_with("content_filter"));
    if is_filter || is_one_of(&FILTER_REASONS) {
        return Err("stopped early: content_filter".into());
    }
    Ok(())
}

/// The objects that may be the answer: in the text or the arguments of a tool call, which must not
/// contradict each other; where there is no text, at the end of the thoughts.
fn find_answer(completion: &Completion, text: &str) -> Result<Located, InvalidAnswer> {
    let mut located = find_candidates(text).map_err(unreadable)?;
    for arguments in completion.tool_arguments() {
        let mut found = find_candidates(arguments).map_err(unreadable)?;
        found.note_all(Repair::ToolArguments);

        // Other tools have texts of their own.
        if found.candidates.is_empty() {
            let others = std::mem::take(&mut found.remainder.others);
            found.remainder.asides.extend(others);
        }
        located.extend(found);
    }

    if located.candidates.is_empty() && text::is_blank(text) {
        let thoughts = completion.reasoning().unwrap_or_default();
        let mut found = find_candidates(thoughts).map_err(unreadable)?;
        found.note_all(Repair::Reasoning);

        // What a model goes on to think about is a draft.
        if found.remainder.has_words_after() {
            found.candidates.clear();
        }
        located.extend(found);
    }

    Ok(located)
}

fn only_candidate(candidates: Vec<Candidate>) -> Result<Candidate, InvalidAnswer> {
    let mut candidates = candidates.into_iter();
    let Some(mut first) = candidates.next() else {
        return Err(InvalidAnswer::mendable(
            "no JSON object",
            "There is no JSON object with the fields that were asked for.".to_owned(),
        ));
    };

    for other in candidates {
        if other.members != first.members {
            return Err(InvalidAnswer::mendable(
                "several JSON objects",
                "There is more than one JSON object, and they differ.".to_owned(),
            ));
        }
        first.repairs.insert(Repair::Repeated);
    }
    Ok(first)
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "the form that `map_err` wants"
)]
fn unreadable(error: SyntaxError) -> InvalidAnswer {
    let reason = match error {
        SyntaxError::CutOff => "JSON that is cut off",
        SyntaxError::TooDeep => "JSON that is nested too deeply",
        SyntaxError::TooMany => "too many JSON objects",
        SyntaxError::Broken(_) => "JSON that is broken",
    };
    InvalidAnswer::mendable(reason, error.feedback())
}

/// The answer when no model gave one.
pub(super) fn fixed_answer(locale: Locale, urgency: Urgency) -> ModelAnswer {
    let summary = match locale {
        Locale::Zh => "抱歉，AI服务暂时不可用，请稍后重试或联系人工客服。以下建议仅由规则给出。",
        Locale::En => {
            "Sorry, the AI service is unavailable for the moment. Please try again later or \
             contact our staff. What follows comes from rules alone."
        }
    };

    let actions = vec![triage::advice(urgency, locale).to_owned()];
    ModelAnswer::of_texts(summary.to_owned(), urgency, actions)
}
