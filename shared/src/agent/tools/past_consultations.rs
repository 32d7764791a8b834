//! The patient's earlier complaints.

use garde::Validate;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{AgentTools, Tool};
use crate::agent::retrieval::SEARCH_TIMEOUT;
use crate::consultations::{PastConsultation, store};
use crate::deadline::Deadline;
use crate::error::error_chain;
use crate::telemetry::metrics;

/// The most that are shown.
const MAX_SHOWN: u8 = 5;

/// The arguments.
#[derive(Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
pub(super) struct PastConsultations {
    /// How many to show, the latest first.
    #[serde(default = "max_shown")]
    #[garde(range(min = 1, max = MAX_SHOWN))]
    limit: u8,
}

const fn max_shown() -> u8 {
    MAX_SHOWN
}

impl Tool for PastConsultations {
    const NAME: &'static str = "past_consultations";
    const PURPOSE: &'static str = "Shows this patient's earlier consultations here: when, what they told, how urgent it \
         was, and what was answered. Call it when the complaint may be an old one, or come of one.";
}

impl PastConsultations {
    /// Those of the consultation's own patient, whatever the model was told.
    pub(super) async fn run(self, tools: &AgentTools<'_>, deadline: Deadline) -> Value {
        let consultation = tools.told.consultation;
        let timeout = SEARCH_TIMEOUT.min(deadline.remaining());
        let found = tools
            .agent
            .database
            .within(timeout, async |connection| {
                store::earlier_of_same_patient(connection, tools.tenant, consultation, self.limit)
                    .await
            })
            .await;

        let outcome = if found.is_ok() { "found" } else { "failed" };
        metrics::count("PastConsultations", &[("outcome", outcome)]);
        match found {
            Ok(past) => json!({ "consultations": past.iter().map(in_words).collect::<Vec<_>>() }),
            Err(error) => {
                let causes = error_chain(&error);
                tracing::warn!(causes, "earlier consultations cannot be read");
                json!({ "error": "Earlier consultations cannot be read now." })
            }
        }
    }
}

fn in_words(past: &PastConsultation) -> Value {
    json!({
        "date": past.created_at.date().to_string(),
        "symptoms": past.symptoms,
        "urgency": past.urgency,
        "answered": past.summary,
    })
}
