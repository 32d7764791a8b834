//! Consultations.

use schemars::JsonSchema;
use serde_json::json;

use super::operation::{Operation, Rule, schema_of};
use crate::consultations::{
    Accepted, AnsweredView, Checklist, ConsultationSummary, ConsultationView, MessageView,
    NewAnswers, NewConsultation, NewMessage, NewReview, ReviewView, TurnTrace,
};
use crate::jobs::AcceptedJob;
use crate::page::PageItems;
use crate::privacy::ExportView;

const TAG: &str = "Consultations";
const URGENCIES: [&str; 4] = ["emergency", "urgent", "routine", "self_care"];
const LANGUAGES: Rule = Rule::OneOf(&["zh", "en"]);

/// All of a list that has no pages.
#[derive(JsonSchema)]
#[schemars(rename = "ListOf{T}")]
#[expect(dead_code, reason = "only its schema is used")]
struct ListOf<T> {
    items: Vec<T>,
}

pub(super) fn operations() -> Vec<Operation> {
    let of = |route, id, summary| Operation::new(route, id, TAG, summary);
    let by_urgency = "for clinicians and admins: the most urgent first, of these the latest";
    let of_urgency = "for clinicians and admins: only those of this urgency";
    let to_review = "for clinicians and admins: only those still to be reviewed, by urgency";
    let wait = "seconds for which the answer is held back until the assessment is there";

    let first = vec![
        of(
            "POST /v1/consultations",
            "createConsultation",
            "Describe symptoms. The urgency is decided at once, the assessment by a job",
        )
        .idempotent()
        .takes::<NewConsultation>(json!({
            "symptoms": "A dry cough since yesterday, no fever.",
            "age": 34,
            "sex": "female",
            "locale": "en",
        }))
        .answers::<Accepted>(202, "accepted; what the rules say, at once"),
        of(
            "GET /v1/consultations",
            "listConsultations",
            "Consultations, the latest first; for clinicians and admins also by urgency",
        )
        .paged()
        .query("order", Rule::OneOf(&["urgency"]), by_urgency)
        .query("urgency", Rule::OneOf(&URGENCIES), of_urgency)
        .query("reviewed", Rule::OneOf(&["false"]), to_review)
        .with_revalidation()
        .answers::<PageItems<ConsultationSummary>>(200, "a page"),
        of(
            "GET /v1/consultations/{id}",
            "getConsultation",
            "One consultation with its assessment",
        )
        .query("wait", Rule::Number { min: 0, max: 20 }, wait)
        .with_revalidation()
        .answers::<ConsultationView>(200, "the consultation as it stands"),
        of(
            "DELETE /v1/consultations/{id}",
            "eraseConsultation",
            "Erase a consultation with all that belongs to it",
        )
        .answers::<AcceptedJob>(202, "it can be read no more; a job erases the rest"),
    ];
    [first, turns(), documents()].concat()
}

/// What is asked, answered and said within one.
fn turns() -> Vec<Operation> {
    let of = |route, id, summary| Operation::new(route, id, TAG, summary);

    vec![
        of(
            "POST /v1/consultations/{id}/answers",
            "answerQuestions",
            "Answer questions after danger signs. The rules decide again, at once",
        )
        .takes::<NewAnswers>(json!({ "answers": { "struggling_to_breathe": "no" } }))
        .answers::<AnsweredView>(200, "the decision, now that the answers are known"),
        of(
            "POST /v1/consultations/{id}/review",
            "reviewConsultation",
            "Mark as reviewed, or take that back, for clinicians and admins",
        )
        .takes::<NewReview>(json!({ "reviewed": true }))
        .answers::<ReviewView>(200, "who has reviewed it, and when"),
        of(
            "POST /v1/consultations/{id}/messages",
            "createMessage",
            "Send a further message",
        )
        .idempotent()
        .takes::<NewMessage>(json!({ "text": "It began after a long flight." }))
        .answers::<Accepted>(202, "accepted; what the rules say, at once"),
        of(
            "GET /v1/consultations/{id}/messages",
            "listMessages",
            "What was said, in order",
        )
        .with_revalidation()
        .answers::<ListOf<MessageView>>(200, "all messages and answers"),
        of(
            "GET /v1/consultations/{id}/trace",
            "getTrace",
            "How the answers were made, for clinicians and admins",
        )
        .with_revalidation()
        .answers::<ListOf<TurnTrace>>(200, "the steps of each answer"),
    ]
}

/// What is made of one, and what is asked of all.
fn documents() -> Vec<Operation> {
    let of = |route, id, summary| Operation::new(route, id, TAG, summary);

    vec![
        of(
            "POST /v1/consultations/{id}/report",
            "createReport",
            "Have a report written",
        )
        .answers::<AcceptedJob>(202, "a job writes it"),
        of(
            "GET /v1/consultations/{id}/export",
            "exportConsultation",
            "All of one consultation in one document",
        )
        .query(
            "format",
            Rule::OneOf(&["json", "fhir"]),
            "`json` if it is left out",
        )
        .answers::<ExportView>(200, "the document")
        .answers_as(
            "application/fhir+json",
            schema_of::<serde_json::Map<String, serde_json::Value>>,
            200,
            "the document",
        ),
        of(
            "GET /v1/triage/checklist",
            "getChecklist",
            "All questions after danger signs",
        )
        .query("locale", LANGUAGES, "`en` if it is left out")
        .query("age", Rule::Number { min: 0, max: 130 }, "whole years")
        .query(
            "sex",
            Rule::OneOf(&["female", "male", "other"]),
            "of the patient",
        )
        .with_revalidation()
        .answers::<Checklist>(200, "in the order in which they are asked"),
    ]
}
