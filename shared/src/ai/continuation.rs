//! How a tier is asked to continue an answer that another one began.
//!
//! A tier that declares how it takes an assistant's prefill gets the text as the beginning of its
//! own answer. Any other gets it as an earlier answer, with the instruction to go on.

use std::borrow::Cow;

use serde_json::{Map, Value, json};

use super::request::ChatRequest;
use super::usage::estimate_tokens;
use crate::config::Prefill;

/// What a tier is told that cannot be prefilled.
const INSTRUCTION: &str = "Your last message was cut off by the connection. Continue it from \
    exactly where it ends, in its language and form. Repeat nothing of it, add no introduction and \
    no remark, and do not begin anew.";

/// The fewest tokens that a continuation may have.
const MIN_TOKENS: u64 = 16;

/// Names of the fields that bound an answer's length.
const LENGTH_FIELDS: [&str; 2] = ["max_tokens", "max_completion_tokens"];

/// What the client was given of an answer that broke. It has no `Debug`: it holds a model's words.
pub(super) struct Continuation {
    /// The text so far, without white space at its end.
    pub(super) text: String,
}

/// How a tier is asked to continue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ContinuationForm {
    /// The text is the beginning of its own answer.
    Prefill(Prefill),
    /// The text is an earlier answer, and an instruction follows.
    Instruction,
}

impl Continuation {
    /// The request for the rest of the answer.
    pub(super) fn request<'a>(
        &self,
        chat: &'a ChatRequest,
        form: ContinuationForm,
    ) -> Cow<'a, ChatRequest> {
        if self.text.is_empty() {
            return Cow::Borrowed(chat); // nothing came: the whole answer is asked for
        }

        // What the client put into the model's mouth is the beginning of the same message.
        let prefilled = chat.split_prefill();
        let (chat, text) = match &prefilled {
            Some((chat, prefill)) => (chat, &format!("{prefill}{}", self.text)),
            None => (chat, &self.text),
        };

        let answer = match form {
            ContinuationForm::Prefill(Prefill::Prefix) => {
                json!({ "role": "assistant", "content": text, "prefix": true })
            }
            ContinuationForm::Prefill(Prefill::Partial) => {
                json!({ "role": "assistant", "content": text, "partial": true })
            }
            _ => json!({ "role": "assistant", "content": text }),
        };
        let mut messages = vec![answer];
        let mut fields = self.rest_of_length(chat);
        match form {
            ContinuationForm::Instruction => {
                messages.push(json!({ "role": "user", "content": INSTRUCTION }));
            }
            ContinuationForm::Prefill(Prefill::ContinueFinalMessage) => {
                fields.insert("continue_final_message".to_owned(), json!(true));
                fields.insert("add_generation_prompt".to_owned(), json!(false));
            }
            ContinuationForm::Prefill(_) => {}
        }

        Cow::Owned(chat.with_messages(&messages).with_fields(fields))
    }

    /// What is left of the length that the client allows.
    fn rest_of_length(&self, chat: &ChatRequest) -> Map<String, Value> {
        let used = estimate_tokens(&self.text);
        let lengths = LENGTH_FIELDS.into_iter().filter_map(|name| {
            let allowed = chat.field(name)?.as_u64()?;
            let rest = allowed.saturating_sub(used).max(MIN_TOKENS);
            Some((name.to_owned(), json!(rest.min(allowed))))
        });
        lengths.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chat() -> ChatRequest {
        let body = json!({
            "messages": [{ "role": "user", "content": "hello" }], "max_tokens": 100,
        });
        ChatRequest::from_client(body.as_object().unwrap().clone()).unwrap()
    }

    fn sent(text: &str, form: ContinuationForm) -> Value {
        let continuation = Continuation {
            text: text.to_owned(),
        };
        let request = chat();
        let request = continuation.request(&request, form);
        let fields = ["messages", "max_tokens", "continue_final_message"];
        fields
            .into_iter()
            .map(|name| {
                (
                    name.to_owned(),
                    request.field(name).cloned().unwrap_or_default(),
                )
            })
            .collect::<Map<_, _>>()
            .into()
    }

    #[test]
    fn a_tier_is_prefilled_in_the_way_it_declares() {
        let answer = |prefill| {
            let form = ContinuationForm::Prefill(prefill);
            sent("Rest and", form)["messages"][1].clone()
        };
        let plain = json!({ "role": "assistant", "content": "Rest and" });
        assert_eq!(answer(Prefill::Message), plain);
        assert_eq!(answer(Prefill::Prefix)["prefix"], true);
        assert_eq!(answer(Prefill::Partial)["partial"], true);

        let form = ContinuationForm::Prefill(Prefill::ContinueFinalMessage);
        let sent = sent("Rest and", form);
        assert_eq!(sent["continue_final_message"], true);
        assert_eq!(sent["messages"][1], plain);
    }

    /// Two messages of an assistant in a row are refused by many endpoints.
    #[test]
    fn the_clients_own_prefill_is_the_beginning_of_the_same_message() {
        let body = json!({ "messages": [
            { "role": "user", "content": "hello" },
            { "role": "assistant", "content": "Well, " },
        ] });
        let chat = ChatRequest::from_client(body.as_object().unwrap().clone()).unwrap();
        let continuation = Continuation {
            text: "rest and".to_owned(),
        };

        let form = ContinuationForm::Prefill(Prefill::Message);
        let request = continuation.request(&chat, form);
        let messages = request.field("messages").unwrap().as_array().unwrap();
        assert_eq!(messages.len(), 2);
        assert_eq!(messages[1]["content"], "Well, rest and");
    }

    #[test]
    fn any_other_tier_is_instructed() {
        let sent = sent("Rest and", ContinuationForm::Instruction);
        let messages = sent["messages"].as_array().unwrap();
        let roles: Vec<_> = messages.iter().map(|message| &message["role"]).collect();
        assert_eq!(roles, ["user", "assistant", "user"]);
        assert_eq!(messages[1]["content"], "Rest and");
    }

    #[test]
    fn a_continuation_is_as_long_as_what_is_left() {
        let max_tokens = |text: &str| {
            let sent = sent(text, ContinuationForm::Instruction);
            sent["max_tokens"].as_u64().unwrap()
        };
        assert_eq!(max_tokens(&"x".repeat(80)), 80);
        assert_eq!(max_tokens(&"x".repeat(4_000)), MIN_TOKENS);
    }

    #[test]
    fn without_a_text_the_whole_answer_is_asked_for() {
        let sent = sent("", ContinuationForm::Prefill(Prefill::Message));
        assert_eq!(sent["messages"].as_array().unwrap().len(), 1);
        assert_eq!(sent["max_tokens"], 100);
    }
}
