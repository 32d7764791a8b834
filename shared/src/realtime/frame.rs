//! Frames that the server sends.

use serde::Serialize;
use uuid::Uuid;

use super::event::Event;
use super::message::RequestName;
use crate::error::{Error, FieldError, retry_after_seconds};

/// A frame that the server sends, as JSON. `request` repeats what the client called its own.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ServerFrame<'a> {
    /// The connection follows the consultation from now on.
    Subscribed {
        /// The consultation.
        consultation_id: Uuid,
        /// The events that follow begin behind this one.
        after: i64,
        /// The client's name of its frame.
        #[serde(skip_serializing_if = "Option::is_none")]
        request: Option<&'a RequestName>,
    },
    /// The connection follows the consultation no more.
    Unsubscribed {
        /// The consultation.
        consultation_id: Uuid,
        /// The client's name of its frame.
        #[serde(skip_serializing_if = "Option::is_none")]
        request: Option<&'a RequestName>,
    },
    /// The answer to a ping.
    Pong {
        /// The client's name of its frame.
        #[serde(skip_serializing_if = "Option::is_none")]
        request: Option<&'a RequestName>,
    },
    /// What has happened, in its order.
    Events {
        /// The consultation.
        consultation_id: Uuid,
        /// At least one.
        events: &'a [Event],
    },
    /// The consultation is erased: nothing more comes of it.
    Erased {
        /// The consultation.
        consultation_id: Uuid,
    },
    /// A frame of the client's was refused: the members of a problem document.
    Error {
        /// As HTTP has it.
        status: u16,
        /// The same for every error of this kind.
        title: &'static str,
        /// One sentence that helps.
        detail: String,
        /// The id of the call, for the operator.
        instance: &'a str,
        /// The client's name of its frame, if that could be read.
        #[serde(skip_serializing_if = "Option::is_none")]
        request: Option<&'a RequestName>,
        /// The values that break a rule.
        #[serde(skip_serializing_if = "<[_]>::is_empty")]
        errors: &'a [FieldError],
        /// Seconds after which the same frame may be taken.
        #[serde(skip_serializing_if = "Option::is_none")]
        retry_after: Option<u64>,
    },
}

impl<'a> ServerFrame<'a> {
    /// The frame for an error of the call `instance`.
    pub fn error(error: &'a Error, instance: &'a str, request: Option<&'a RequestName>) -> Self {
        let kind = error.kind();
        Self::Error {
            status: kind.status(),
            title: kind.title(),
            detail: error.to_string(),
            instance,
            request,
            errors: error.field_errors(),
            retry_after: error.retry_after().map(retry_after_seconds),
        }
    }

    /// Its text.
    pub fn to_json(&self) -> String {
        // Numbers, texts and times: none of them fails.
        serde_json::to_string(self).unwrap_or_default()
    }
}
