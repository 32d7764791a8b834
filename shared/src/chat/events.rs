//! The events of an answer.

use bytes::Bytes;
use futures::stream::BoxStream;
use serde_json::Value;

use super::call::Served;
use crate::http::openai::event;

/// An answer that is ready to be sent.
pub(super) struct ReadyStream {
    pub(super) served: Served,
    pub(super) events: BoxStream<'static, Bytes>,
}

/// A chunk as the client asked for it; none if it holds nothing but a usage that was not asked for.
pub(super) fn event_of_chunk(mut chunk: Value, include_usage: bool) -> Option<Bytes> {
    let fields = chunk.as_object_mut().filter(|_| !include_usage);
    if let Some(fields) = fields {
        let usage = fields.remove("usage");
        let had_usage = usage.is_some_and(|usage| !usage.is_null());
        let choices = fields.get("choices").and_then(Value::as_array);
        if had_usage && choices.is_none_or(Vec::is_empty) {
            return None;
        }
    }

    Some(event(&chunk))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_usage_is_shown_only_to_those_who_asked() {
        let last = json!({ "choices": [], "usage": { "total_tokens": 1 } });
        assert!(event_of_chunk(last.clone(), true).is_some());
        assert!(event_of_chunk(last, false).is_none());

        let chunk = json!({ "choices": [{ "delta": {} }], "usage": null });
        let event = event_of_chunk(chunk, false).unwrap();
        let text = String::from_utf8(event.to_vec()).unwrap();
        assert_eq!(text, "data: {\"choices\":[{\"delta\":{}}]}\n\n");
    }
}
