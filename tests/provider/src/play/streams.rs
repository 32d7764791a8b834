//! Streams that come late, slowly, in part or with an odd end.

use std::io;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::sleep;

use super::{After, Play, overloaded};
use crate::messages::{call_deltas, message_of, text_deltas};
use crate::wire;

/// The pause before each piece of a paced stream: about that of a large model.
const PACE: Duration = Duration::from_millis(20);

/// Characters in each piece of a paced stream.
const PACED_CHARS: usize = 1;

/// The same of an assessment, which is longer, and has to be whole within the two seconds that the
/// tests give a tier.
const PACED_ASSESSMENT_CHARS: usize = 7;

impl Play<'_> {
    /// A role at once, the rest after some time.
    pub(super) async fn answer_late(&mut self, wait: Duration) -> io::Result<After> {
        let role = json!({ "role": "assistant", "content": "" });
        wire::begin_events(self.stream).await?;
        self.write_piece(&role, None).await?;

        tokio::select! {
            () = sleep(wait) => {}
            () = wire::wait_for_hang_up(self.stream) => {
                return Err(io::ErrorKind::ConnectionAborted.into());
            }
        }

        for delta in self.good_deltas() {
            self.write_piece(&delta, None).await?;
        }
        self.finish_stream().await
    }

    pub(super) async fn stream_slowly(&mut self) -> io::Result<After> {
        wire::begin_events(self.stream).await?;
        for delta in self.good_deltas() {
            sleep(Duration::from_millis(100)).await;
            self.write_piece(&delta, None).await?;
        }
        self.finish_stream().await
    }

    /// A stream that has no token.
    pub(super) async fn stream_no_token(&mut self, script: &str) -> io::Result<After> {
        wire::begin_events(self.stream).await?;
        if script == "headers-only" {
            return Ok(After::WaitForHangUp);
        }
        if script == "role-cut" {
            let role = json!({ "role": "assistant", "content": "" });
            self.write_piece(&role, None).await?;
            return Ok(After::BreakOff);
        }

        wire::write_event(self.stream, &overloaded()).await?;
        wire::end_events(self.stream).await?;
        Ok(After::KeepOpen)
    }

    /// A stream with something wrong in its middle.
    pub(super) async fn stream_half(&mut self, script: &str) -> io::Result<After> {
        wire::begin_events(self.stream).await?;
        let paced = script.strip_prefix("paced-");
        let (script, pause) = (paced.unwrap_or(script), paced.map(|_| PACE));
        let deltas = match pause {
            Some(_) => self.small_deltas("paced"),
            None => self.good_deltas(),
        };
        let (first_half, rest) = deltas.split_at(deltas.len() / 2);
        let reason = (script == "empty-reason").then_some("");
        for delta in first_half {
            sleep(pause.unwrap_or_default()).await;
            self.write_piece(delta, reason).await?;
        }

        match script {
            "cut" | "empty-reason" => Ok(After::BreakOff),
            "pings" => self.ping_forever().await,
            "stall" => Ok(After::WaitForHangUp),
            "error-midway" => {
                wire::write_event(self.stream, &overloaded()).await?;
                wire::end_events(self.stream).await?;
                Ok(After::KeepOpen)
            }
            _ => {
                // One delta is not JSON; the stream goes on behind it.
                let malformed = "{\"choices\":[{\"delta\":{\"cont";
                wire::write_event(self.stream, malformed).await?;
                for delta in &rest[1..] {
                    sleep(pause.unwrap_or_default()).await;
                    self.write_piece(delta, None).await?;
                }
                self.finish_stream().await
            }
        }
    }

    /// A text, then half of a tool call.
    pub(super) async fn break_tool_call(&mut self) -> io::Result<After> {
        wire::begin_events(self.stream).await?;
        for delta in self.good_deltas() {
            self.write_piece(&delta, None).await?;
        }

        let function = json!({ "name": "weather", "arguments": "{\"city" });
        let call = json!({ "index": 0, "id": "a", "type": "function", "function": function });
        let delta = json!({ "tool_calls": [call] });
        self.write_piece(&delta, None).await?;
        Ok(After::BreakOff)
    }

    /// A whole answer with something odd after its `finish_reason`.
    pub(super) async fn end_oddly(&mut self, script: &str) -> io::Result<After> {
        wire::begin_events(self.stream).await?;
        for delta in self.good_deltas() {
            self.write_piece(&delta, None).await?;
        }
        self.write_piece(&json!({}), Some("stop")).await?;

        if script == "no-done-no-usage" {
            return Ok(After::WaitForHangUp);
        }
        if script == "malformed-end" {
            wire::write_event(self.stream, "{\"choices\":[{\"del").await?;
        }
        wire::write_event(self.stream, &self.usage_chunk()).await?;
        if script == "no-done" {
            return Ok(After::WaitForHangUp);
        }

        wire::write_event(self.stream, "[DONE]").await?;
        wire::end_events(self.stream).await?;
        Ok(After::KeepOpen)
    }

    /// Pings until the client hangs up.
    async fn ping_forever(&mut self) -> io::Result<After> {
        loop {
            wire::write_chunk(self.stream, "event: ping\ndata: {}\n\n").await?;
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// A good answer at the pace of a model.
    pub(super) async fn stream_paced(&mut self, script: &str) -> io::Result<After> {
        wire::begin_events(self.stream).await?;
        for delta in self.small_deltas(script) {
            sleep(PACE).await;
            self.write_piece(&delta, None).await?;
        }
        self.finish_stream().await
    }

    fn small_deltas(&self, script: &str) -> Vec<Value> {
        let message = message_of(script, self.model, self.request);
        match message.pointer("/tool_calls/0") {
            Some(call) => call_deltas(call, PACED_ASSESSMENT_CHARS),
            None if self.request.is_assessment() => text_deltas(&message, PACED_ASSESSMENT_CHARS),
            None => text_deltas(&message, PACED_CHARS),
        }
    }
}
