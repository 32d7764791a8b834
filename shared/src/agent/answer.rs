//! What a model answers, and which answers are accepted.

use serde::Deserialize;

use crate::ai::{Completion, InvalidAnswer};
use crate::locale::Locale;
use crate::triage::{self, Urgency};

/// The longest summary that is accepted, in characters.
const MAX_SUMMARY_CHARS: usize = 4_000;

/// The longest item of a list that is accepted, in characters.
const MAX_ITEM_CHARS: usize = 1_000;

/// The most items of a list that are accepted.
const MAX_ITEMS: usize = 12;

/// The answer in the shape that the schema of [`super::prompt`] asks for.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(Debug))]
pub(super) struct ModelAnswer {
    pub(super) summary: String,
    pub(super) possible_causes: Vec<String>,
    pub(super) urgency: Urgency,
    pub(super) red_flags: Vec<String>,
    pub(super) recommended_actions: Vec<String>,
    pub(super) questions: Vec<String>,
}

/// Accepts an answer that ended by itself and is one JSON object of the right shape with something
/// in it.
pub(super) fn check_completion(completion: &Completion) -> Result<ModelAnswer, InvalidAnswer> {
    match completion.finish_reason() {
        Some("stop") | None => {}
        Some("length") => return Err("stopped early: length".into()),
        Some("content_filter") => return Err("stopped early: content_filter".into()),
        Some(_) => return Err("stopped early: another reason".into()),
    }
    let text = completion.text().ok_or("no text")?;
    Ok(check_text(&text)?)
}

fn check_text(text: &str) -> Result<ModelAnswer, &'static str> {
    let answer = serde_json::from_str(strip_fence(text));
    let mut answer: ModelAnswer = answer.map_err(|_| "not the JSON that was asked for")?;

    answer.summary = tidy_text(&answer.summary, MAX_SUMMARY_CHARS)?;
    if answer.summary.is_empty() {
        return Err("an empty summary");
    }

    let lists = [
        &mut answer.possible_causes,
        &mut answer.red_flags,
        &mut answer.recommended_actions,
        &mut answer.questions,
    ];
    for list in lists {
        *list = tidy_list(list)?;
    }
    if answer.recommended_actions.is_empty() {
        return Err("no recommended action");
    }

    Ok(answer)
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

    ModelAnswer {
        summary: summary.to_owned(),
        possible_causes: Vec::new(),
        urgency,
        red_flags: Vec::new(),
        recommended_actions: vec![triage::advice(urgency, locale).to_owned()],
        questions: Vec::new(),
    }
}

/// Models that are not held to a schema like to put JSON into a Markdown fence.
fn strip_fence(text: &str) -> &str {
    let text = text.trim();
    let opened = text.strip_prefix("```");
    let Some(inner) = opened.and_then(|rest| rest.strip_suffix("```")) else {
        return text;
    };

    inner.strip_prefix("json").unwrap_or(inner).trim()
}

fn tidy_list(items: &[String]) -> Result<Vec<String>, &'static str> {
    if items.len() > MAX_ITEMS {
        return Err("a list that is too long");
    }

    let mut tidied = Vec::new();
    for item in items {
        let item = tidy_text(item, MAX_ITEM_CHARS)?;
        if !item.is_empty() {
            tidied.push(item);
        }
    }

    Ok(tidied)
}

fn tidy_text(text: &str, max_chars: usize) -> Result<String, &'static str> {
    let is_kept = |c: &char| !c.is_control() || *c == '\n';
    let text: String = text.trim().chars().filter(is_kept).collect();

    if text.chars().count() > max_chars {
        return Err("a text that is too long");
    }

    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer_with(summary: &str, actions: &str) -> String {
        format!(
            r#"{{"summary":"{summary}","possible_causes":["a"," "],"urgency":"urgent",
                "red_flags":[],"recommended_actions":{actions},"questions":[]}}"#
        )
    }

    #[test]
    fn a_whole_answer_is_accepted_with_or_without_a_fence() {
        let plain = answer_with("感冒", r#"["rest"]"#);
        let expected = check_text(&plain).unwrap();
        assert_eq!(expected.possible_causes, ["a"]);

        let json_fence = format!("```json\n{plain}\n```");
        assert_eq!(check_text(&json_fence).unwrap(), expected);
        let fence = format!("```\n{plain}\n```");
        assert_eq!(check_text(&fence).unwrap(), expected);
    }

    #[test]
    fn what_is_not_an_assessment_is_refused() {
        let good = answer_with("x", r#"["rest"]"#);
        let too_long = "x".repeat(MAX_SUMMARY_CHARS + 1);
        let too_many = serde_json::to_string(&vec!["rest"; MAX_ITEMS + 1]).unwrap();
        let wrong = [
            String::new(),
            "I am sorry, I cannot help with that.".to_owned(),
            answer_with("", r#"["rest"]"#),
            answer_with("x", "[]"),
            good.replace("urgent", "soon"),
            good.replace("summary", "text"),
            answer_with(&too_long, r#"["rest"]"#),
            answer_with("x", &too_many),
            good.replace('}', ""),
        ];

        for text in wrong {
            assert!(check_text(&text).is_err(), "{text}");
        }
    }
}
