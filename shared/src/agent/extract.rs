//! The answer when no model gives one, quoted word for word from the knowledge base. It uses no
//! network but the database's, and says what it is.

use std::time::Duration;

use super::answer::ModelAnswer;
use crate::consultations::{Citation, Consultation};
use crate::error::error_chain;
use crate::identity::TenantId;
use crate::knowledge::{Guidance, SearchRequest, store};
use crate::locale::Locale;
use crate::postgres::Database;
use crate::telemetry::metrics;
use crate::triage::{self, Urgency};

/// The longest that looking for guidance may take: the patient waits, and the fixed text is there.
const SEARCH_TIMEOUT: Duration = Duration::from_secs(2);

/// The guidance in the consultation's language that fits its complaint best; none if there is none,
/// or if it cannot be looked for.
pub(super) async fn find_guidance(
    database: &Database,
    tenant: &TenantId,
    consultation: &Consultation,
) -> Option<Guidance> {
    let request = SearchRequest {
        question: triage::told_text(&consultation.complaint()),
        language: Some(consultation.locale),
        limit: 1,
    };
    let found = database
        .within(SEARCH_TIMEOUT, async |connection| {
            store::find_guidance(connection, tenant, &request).await
        })
        .await;

    let outcome = match &found {
        Ok(Some(_)) => "found",
        Ok(None) => "nothing_fits",
        Err(_) => "failed",
    };
    metrics::count("GuidanceSearch", &[("outcome", outcome)]);
    found.unwrap_or_else(|error| {
        let causes = error_chain(&error);
        tracing::warn!(causes, "the knowledge base cannot be searched");
        None
    })
}

/// The guidance as an answer: what this may be, what to do at home unless help is needed today, and
/// when to seek care.
pub(super) fn quoted_answer(guidance: Guidance, locale: Locale, urgency: Urgency) -> ModelAnswer {
    let Guidance {
        title,
        overview,
        home,
        care,
        ..
    } = guidance;

    let mut actions = Vec::new();
    if urgency <= Urgency::Routine {
        actions.extend(home);
    }
    actions.extend(care);
    ModelAnswer {
        summary: format!("{} {overview}", preface(locale, &title)),
        possible_causes: Vec::new(),
        urgency,
        red_flags: Vec::new(),
        recommended_actions: actions,
        questions: Vec::new(),
    }
}

/// Says what the answer is, and that it may not fit.
fn preface(locale: Locale, title: &str) -> String {
    match locale {
        Locale::Zh => format!(
            "AI服务暂时不可用。以下内容摘自公开的健康指南《{title}》，按您所写的词语选出，\
             不一定适合您的情况。"
        ),
        Locale::En => format!(
            "No AI model could answer. What follows is quoted from public guidance on “{title}”, \
             chosen by the words of your complaint; it may not fit."
        ),
    }
}

/// Where the guidance comes from.
pub(super) fn citation(guidance: &Guidance) -> Citation {
    Citation {
        title: guidance.source.title.clone(),
        url: guidance.source.url.clone(),
    }
}
