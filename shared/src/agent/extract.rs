//! The answer when no model gives one, quoted word for word from the knowledge base. It uses no
//! network but the database's, and says what it is.

use super::answer::ModelAnswer;
use crate::consultations::Citation;
use crate::knowledge::Guidance;
use crate::locale::Locale;
use crate::triage::Urgency;

/// The guidance as an answer: what this may be, what to do at home unless help is needed today, and
/// when to seek care.
pub(super) fn quoted_answer(guidance: Guidance, locale: Locale, urgency: Urgency) -> ModelAnswer {
    let Guidance {
        title,
        source,
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
    let summary = format!("{} {overview}", preface(locale, &title, &source.title));
    ModelAnswer::of_texts(summary, urgency, actions)
}

/// Says what the answer is, and that it may not fit.
fn preface(locale: Locale, title: &str, source: &str) -> String {
    match locale {
        Locale::Zh => format!(
            "AI服务暂时不可用。以下内容摘自《{title}》（来源：{source}），按您所写的词语选出，\
             不一定适合您的情况。"
        ),
        Locale::En => format!(
            "No AI model could answer. What follows is quoted from “{title}” ({source}), chosen by \
             the words of your complaint; it may not fit."
        ),
    }
}

/// Where the guidance comes from.
pub(super) fn citation(guidance: &Guidance) -> Citation {
    let source = &guidance.source;
    Citation::of_document(&source.title, &source.url, guidance.document_id)
}
