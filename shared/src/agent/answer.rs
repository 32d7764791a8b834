//! What a model answers, and what of it is accepted.

use serde::Deserialize;

use crate::ai::Completion;
use crate::locale::Locale;
use crate::triage::{self, Urgency};

const LONGEST_SUMMARY: usize = 4_000;
const LONGEST_ITEM: usize = 1_000;
const MOST_ITEMS: usize = 12;

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

/// Accepts an answer that ended by itself and is one JSON object of the right shape with something in it.
pub(super) fn check(completion: &Completion) -> Result<ModelAnswer, &'static str> {
    match completion.finish_reason() {
        Some("stop") | None => {}
        Some("length") => return Err("stopped early: length"),
        Some("content_filter") => return Err("stopped early: content_filter"),
        Some(_) => return Err("stopped early: another reason"),
    }
    check_text(completion.text().ok_or("no text")?)
}

fn check_text(text: &str) -> Result<ModelAnswer, &'static str> {
    let mut answer: ModelAnswer =
        serde_json::from_str(unfenced(text)).map_err(|_| "not the JSON that was asked for")?;
    answer.summary = tidy(&answer.summary, LONGEST_SUMMARY)?;
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
        *list = tidy_all(list)?;
    }
    if answer.recommended_actions.is_empty() {
        return Err("no recommended action");
    }
    Ok(answer)
}

/// The answer when no model gave one.
pub(super) fn fixed(locale: Locale, urgency: Urgency) -> ModelAnswer {
    let summary = match locale {
        Locale::Zh => "抱歉，AI服务暂时不可用，请稍后重试或联系人工客服。以下建议仅由规则给出。",
        Locale::En => {
            "Sorry, the AI service is unavailable for the moment. Please try again later or contact our staff. \
             What follows comes from rules alone."
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
fn unfenced(text: &str) -> &str {
    let text = text.trim();
    let Some(inner) = text
        .strip_prefix("```")
        .and_then(|rest| rest.strip_suffix("```"))
    else {
        return text;
    };
    inner.strip_prefix("json").unwrap_or(inner).trim()
}

fn tidy_all(items: &[String]) -> Result<Vec<String>, &'static str> {
    if items.len() > MOST_ITEMS {
        return Err("a list that is too long");
    }
    let items = items
        .iter()
        .map(|item| tidy(item, LONGEST_ITEM))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(items.into_iter().filter(|item| !item.is_empty()).collect())
}

fn tidy(text: &str, longest: usize) -> Result<String, &'static str> {
    let text: String = text
        .trim()
        .chars()
        .filter(|c| !c.is_control() || *c == '\n')
        .collect();
    if text.chars().count() > longest {
        Err("a text that is too long")
    } else {
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(summary: &str, actions: &str) -> String {
        format!(
            r#"{{"summary":"{summary}","possible_causes":["a"," "],"urgency":"urgent","red_flags":[],
                "recommended_actions":{actions},"questions":[]}}"#
        )
    }

    #[test]
    fn a_whole_answer_is_accepted_with_or_without_a_fence() {
        let plain = answer("感冒", r#"["rest"]"#);
        let expected = check_text(&plain).unwrap();
        assert_eq!(expected.possible_causes, ["a"]);
        assert_eq!(
            check_text(&format!("```json\n{plain}\n```")).unwrap(),
            expected
        );
        assert_eq!(check_text(&format!("```\n{plain}\n```")).unwrap(), expected);
    }

    #[test]
    fn what_is_not_an_assessment_is_refused() {
        let wrong = [
            String::new(),
            "I am sorry, I cannot help with that.".to_owned(),
            answer("", r#"["rest"]"#),
            answer("x", "[]"),
            answer("x", r#"["rest"]"#).replace("urgent", "soon"),
            answer("x", r#"["rest"]"#).replace("summary", "text"),
            answer(&"x".repeat(LONGEST_SUMMARY + 1), r#"["rest"]"#),
            answer(
                "x",
                &serde_json::to_string(&vec!["rest"; MOST_ITEMS + 1]).unwrap(),
            ),
            answer("x", r#"["rest"]"#).replace('}', ""),
        ];
        for text in wrong {
            assert!(check_text(&text).is_err(), "{text}");
        }
    }
}
