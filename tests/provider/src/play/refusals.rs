//! Refusals and limits as providers other than `OpenAI` give them, and answers that only look like
//! them.

use std::io;

use serde_json::{Value, json};

use super::{After, Play};
use crate::messages::{chunk_of, message_of, usage};
use crate::wire::{self, Answer};

/// The scripts that are played here.
pub(super) const SCRIPTS: [&str; 11] = [
    "inspected",
    "inspected-midway",
    "filter-500",
    "filter-in-200",
    "unlisted",
    "unlisted-in-200",
    "context-words",
    "429-body",
    "gemini-429",
    "empty-error",
    "declined",
];

impl Play<'_> {
    pub(super) async fn play_refusal(&mut self, script: &str) -> io::Result<After> {
        match script {
            "inspected" | "inspected-midway" if self.wants_stream() => {
                self.stream_inspected(script).await
            }
            "unlisted" if self.wants_stream() => self.stream_error(&unlisted()).await,
            "empty-error" => self.answer_beside_empty_error().await,
            "declined" => self.decline().await,
            _ => self.write_refusal(&refusal_of(script)).await,
        }
    }

    async fn write_refusal(&mut self, refusal: &Refusal) -> io::Result<After> {
        let body = refusal.body.to_string();
        let answer = Answer::json(refusal.status, &body);
        wire::write_answer(self.stream, &answer).await?;
        Ok(After::KeepOpen)
    }

    /// A stream that a content filter ends with an error event.
    async fn stream_inspected(&mut self, script: &str) -> io::Result<After> {
        wire::begin_events(self.stream).await?;
        if script == "inspected-midway" {
            let deltas = self.good_deltas();
            for delta in &deltas[..deltas.len() / 2] {
                self.write_piece(delta, None).await?;
            }
        }

        self.end_with_error(&inspected()).await
    }

    /// A stream that is nothing but an error event.
    async fn stream_error(&mut self, error: &Value) -> io::Result<After> {
        wire::begin_events(self.stream).await?;
        self.end_with_error(error).await
    }

    async fn end_with_error(&mut self, error: &Value) -> io::Result<After> {
        wire::write_event(self.stream, &error.to_string()).await?;
        wire::end_events(self.stream).await?;
        Ok(After::KeepOpen)
    }

    /// A good answer; its body, or each chunk of its stream, has an error without content.
    async fn answer_beside_empty_error(&mut self) -> io::Result<After> {
        let with_error = |mut part: Value| {
            part["error"] = json!({ "code": "", "message": "", "param": null });
            part.to_string()
        };

        if !self.wants_stream() {
            let message = message_of("good", self.model, self.request);
            let choice = json!({ "index": 0, "message": message, "finish_reason": "stop" });
            let mut body = chunk_of(self.model, &json!([choice]));
            body["object"] = json!("chat.completion");
            body["usage"] = usage();
            let body = with_error(body);
            wire::write_answer(self.stream, &Answer::json(200, &body)).await?;
            return Ok(After::KeepOpen);
        }

        wire::begin_events(self.stream).await?;
        for delta in self.good_deltas() {
            let choice = json!({ "index": 0, "delta": delta, "finish_reason": null });
            let chunk = chunk_of(self.model, &json!([choice]));
            wire::write_event(self.stream, &with_error(chunk)).await?;
        }
        self.finish_stream().await
    }

    /// The model's own refusal, in the field that `OpenAI` has for it.
    async fn decline(&mut self) -> io::Result<After> {
        wire::begin_events(self.stream).await?;
        let refusal = json!({ "role": "assistant", "refusal": "I cannot help with that." });
        self.write_piece(&refusal, None).await?;
        self.finish_stream().await
    }
}

/// An error in one piece.
struct Refusal {
    status: u16,
    body: Value,
}

fn refusal_of(script: &str) -> Refusal {
    let worded = |message: &str| json!({ "error": { "message": message, "code": null } });
    let (status, body) = match script {
        "filter-500" => (500, inspected()),
        "unlisted" | "unlisted-in-200" => (200, unlisted()),
        "context-words" => {
            let problem = "The input (9000 tokens) is longer than the model's context length (8).";
            (400, worded(problem))
        }
        "429-body" => {
            let limit = "Rate limit reached on tokens per day. Please try again in 30s.";
            (429, worded(limit))
        }
        "gemini-429" => (429, exhausted()),
        _ => (200, inspected()),
    };

    Refusal { status, body }
}

/// As `DashScope` says it.
fn inspected() -> Value {
    let message = "Input data may contain inappropriate content.";
    let code = "data_inspection_failed";
    json!({ "error": { "message": message, "type": code, "param": null, "code": code } })
}

/// A refusal in words and codes that no table knows.
fn unlisted() -> Value {
    let message = "This topic cannot be discussed here.";
    json!({ "error": { "message": message, "type": "topic_denied", "code": 70013 } })
}

/// As Gemini's `OpenAI` endpoint says it.
fn exhausted() -> Value {
    let kind = "type.googleapis.com/google.rpc.RetryInfo";
    let details = json!([{ "@type": kind, "retryDelay": "30s" }]);
    let status = "RESOURCE_EXHAUSTED";
    json!([{ "error": {
        "code": 429, "message": "Quota exceeded.", "status": status, "details": details,
    } }])
}
