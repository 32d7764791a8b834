//! Finds further passages.

use garde::Validate;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde_json::json;

use super::{AgentTools, Session, Tool};
use crate::agent::retrieval;
use crate::ai::ToolReply;
use crate::deadline::Deadline;
use crate::knowledge::SearchRequest;
use crate::locale::Locale;

/// Passages that one search gives.
const MAX_FOUND: u16 = 4;

/// Passages that a model may be given in all: a longer prompt is read worse.
const MAX_PASSAGES: usize = 24;

/// The arguments. They have no `Debug`: they are a model's words on a patient.
// Other keys are ignored: a model that adds one means no harm, and nothing reads them.
#[derive(Deserialize, JsonSchema, Validate)]
#[schemars(extend("additionalProperties" = false))]
pub(super) struct SearchKnowledge {
    /// What to look up: a few words or one question.
    #[garde(length(chars, min = 2, max = 300))]
    query: String,
    /// The language of the documents: the patient's own, unless that found nothing.
    #[serde(default)]
    #[schemars(schema_with = "language_schema")]
    #[garde(skip)]
    language: Option<Locale>,
}

fn language_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "enum": ["zh", "en"] })
}

impl Tool for SearchKnowledge {
    const NAME: &'static str = "search_knowledge";
    const PURPOSE: &'static str = "\
        Finds passages of public guidance and of the clinic's own documents, with ids to cite. \
        Passages on the complaint as it was told are in the user message already: search for what \
        they leave open.";
}

impl SearchKnowledge {
    /// The passages, with the ids that the model knows them by.
    pub(super) async fn run(
        self,
        tools: &AgentTools<'_>,
        session: &mut Session<'_>,
        deadline: Deadline,
    ) -> ToolReply {
        let left = MAX_PASSAGES.saturating_sub(session.passages.len());
        let Some(limit) = u16::try_from(left).ok().filter(|left| *left > 0) else {
            return ToolReply::Unavailable("You have been given as many passages as there may be.");
        };

        let consultation = tools.told.consultation;
        let request = SearchRequest {
            question: self.query,
            language: Some(self.language.unwrap_or(consultation.locale)),
            limit: limit.min(MAX_FOUND),
        };
        let user = &consultation.user_id;
        let found =
            retrieval::find_passages(tools.agent, tools.tenant, user, request, deadline).await;

        match found {
            Some(found) => {
                ToolReply::Found(json!({ "passages": session.passages.add(found.items) }))
            }
            None => ToolReply::Unavailable("The knowledge base cannot be searched now."),
        }
    }
}
