//! The patient's earlier complaints.

use garde::Validate;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{AgentTools, Tool};
use crate::agent::retrieval::SEARCH_TIMEOUT;
use crate::ai::ToolReply;
use crate::consultations::{PastConsultation, store};
use crate::deadline::Deadline;
use crate::error::error_chain;
use crate::telemetry::metrics;

/// There is nothing to say: whose they are is the consultation's to know.
#[derive(Deserialize, JsonSchema, Validate)]
#[schemars(extend("additionalProperties" = false, "properties" = {}))]
pub(super) struct PastConsultations {}

impl Tool for PastConsultations {
    const NAME: &'static str = "past_consultations";
    const PURPOSE: &'static str = "\
        Shows up to five earlier consultations of this patient's account: when, at what age, what \
        was told, how urgent it was, and what was answered. Families share accounts: one that \
        does not fit this patient may be another person's. Call it when the complaint may be an \
        old one, or come of one.";
}

impl PastConsultations {
    /// Those of the consultation's own patient, whatever the model was told.
    pub(super) async fn run(tools: &AgentTools<'_>, deadline: Deadline) -> ToolReply {
        let consultation = tools.told.consultation;
        let timeout = SEARCH_TIMEOUT.min(deadline.remaining());
        let find = async |connection: &mut _| {
            store::earlier_of_same_patient(connection, tools.tenant, consultation).await
        };
        let found = tools.agent.database.within(timeout, find).await;

        let outcome = if found.is_ok() { "found" } else { "failed" };
        metrics::count("PastConsultations", &[("outcome", outcome)]);
        match found {
            Ok(past) => {
                let past: Vec<_> = past.iter().map(in_words).collect();
                ToolReply::Found(json!({ "consultations": past }))
            }
            Err(error) => {
                let causes = error_chain(&error);
                tracing::warn!(causes, "earlier consultations cannot be read");
                ToolReply::Unavailable("Earlier consultations cannot be read now.")
            }
        }
    }
}

fn in_words(past: &PastConsultation) -> Value {
    json!({
        "date": past.created_at.date().to_string(),
        "age": past.age,
        "sex": past.sex,
        "symptoms": past.symptoms,
        "urgency": past.urgency,
        "answered": past.summary,
    })
}
