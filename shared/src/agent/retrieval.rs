//! Looks up what the knowledge base says of a complaint. An assessment is made without it if need
//! be.

use std::time::Duration;

use super::Agent;
use crate::consultations::{Consultation, Conversation};
use crate::deadline::Deadline;
use crate::error::error_chain;
use crate::identity::{TenantId, UserId};
use crate::knowledge::{self, Guidance, PreparedQuestion, SearchRequest, SearchResult, store};
use crate::postgres::Database;
use crate::telemetry::metrics;
use crate::triage::{self, Complaint};

/// The longest that each look at the database may take: the patient waits.
pub(super) const SEARCH_TIMEOUT: Duration = Duration::from_secs(2);

/// The most passages that a model is given.
const MAX_PASSAGES: u16 = 6;

/// What is looked up first: what the patient has told so far, the complaint in front.
pub(super) fn request_of(
    consultation: &Consultation,
    conversation: &Conversation,
) -> SearchRequest {
    let complaint = consultation.complaint();
    let joined = triage::joined_text(&complaint, &conversation.messages());
    SearchRequest {
        question: triage::told_text(&Complaint {
            symptoms: &joined,
            ..complaint
        }),
        language: Some(consultation.locale),
        limit: MAX_PASSAGES,
    }
}

/// The passages that answer a question best; none if they cannot be looked for.
pub(super) async fn find_passages(
    agent: &Agent<'_>,
    tenant: &TenantId,
    user: &UserId,
    request: SearchRequest,
    deadline: Deadline,
) -> Option<SearchResult> {
    let question = PreparedQuestion::new(request, agent.index, tenant, user, deadline).await;

    let search =
        async |connection: &mut _| knowledge::find_passages(connection, tenant, &question).await;
    let timeout = SEARCH_TIMEOUT.min(deadline.remaining());
    let found = agent.readers.read(agent.database, timeout, search).await;
    let found = found
        .inspect_err(|error| {
            metrics::count("GuidanceSearch", &[("outcome", "failed")]);
            let causes = error_chain(error);
            tracing::warn!(causes, "the knowledge base cannot be searched");
        })
        .ok()?;
    Some(knowledge::put_in_order(found, &question, agent.index, tenant, user, deadline).await)
}

/// What the document that fits best tells a patient; none if none fits.
pub(super) async fn find_guidance(
    database: &Database,
    tenant: &TenantId,
    found: Option<SearchResult>,
) -> Option<Guidance> {
    let found = found?;
    let guidance = database
        .within(SEARCH_TIMEOUT, async |connection| {
            store::find_guidance(connection, tenant, &found).await
        })
        .await;

    let outcome = match &guidance {
        Ok(Some(_)) => "found",
        Ok(None) => "nothing_fits",
        Err(_) => "failed",
    };
    metrics::count("GuidanceSearch", &[("outcome", outcome)]);
    guidance.unwrap_or_else(|error| {
        let causes = error_chain(&error);
        tracing::warn!(causes, "the knowledge base cannot be read");
        None
    })
}
