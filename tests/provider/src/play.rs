//! Plays the scripts.

mod refusals;
mod streams;

use std::io;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::sleep;

use crate::Shared;
use crate::agents;
use crate::embeddings;
use crate::forms::reason_of;
use crate::messages::{chunk_of, deltas_of, message_of, usage};
use crate::oddities::{OddBody, odd_body};
use crate::rerank;
use crate::wire::{self, Answer, Request};

/// What becomes of the connection.
enum After {
    KeepOpen,
    BreakOff,
    Reset,
    WaitForHangUp,
}

/// Answers one client until either side has had enough.
pub(crate) async fn serve_connection(mut stream: TcpStream, shared: &Shared) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let client = stream.peer_addr()?.port();
    let mut rest = Vec::new();

    while let Some(request) = wire::read_request(&mut stream, &mut rest).await? {
        let numbers = match (request.method.as_str(), request.path.as_str()) {
            ("POST", "/v1/rerank") => Some(rerank::answer(&request)),
            ("POST", "/v1/embeddings") => Some(embeddings::answer(&request)),
            // A service that takes OTLP; what comes is kept as calls of the model `otlp`.
            ("POST", "/v1/traces") => {
                shared.note_call("otlp", client, &request);
                Some((200, "{}".to_owned()))
            }
            _ => None,
        };
        if let Some((status, body)) = numbers {
            wire::write_answer(&mut stream, &Answer::json(status, &body)).await?;
            continue;
        }
        if request.method != "POST" || request.path != "/v1/chat/completions" {
            let body = json!({ "error": { "message": "no such route" } }).to_string();
            wire::write_answer(&mut stream, &Answer::json(404, &body)).await?;
            continue;
        }

        let model = request.body["model"].as_str().unwrap_or_default();
        let number = shared.note_call(model, client, &request);
        let play = Play {
            stream: &mut stream,
            shared,
            model,
            request: &request,
        };
        match play.play_script(&script_of(&request, model)).await {
            Ok(After::KeepOpen) => shared.note_end(number, "answered"),
            Ok(After::WaitForHangUp) => {
                wire::wait_for_hang_up(&mut stream).await;
                shared.note_end(number, "hung up");
                return Ok(());
            }
            Ok(After::BreakOff) => {
                shared.note_end(number, "broken off");
                return stream.shutdown().await;
            }
            Ok(After::Reset) => {
                shared.note_end(number, "broken off");
                return stream.set_zero_linger();
            }
            Err(error) => {
                shared.note_end(number, "hung up");
                return Err(error);
            }
        }
    }
    Ok(())
}

/// The script of a call: the model's name, or, for `scripted-NAME`, the word that the prompt has
/// after `[NAME:`.
fn script_of(request: &Request, model: &str) -> String {
    let Some(name) = model.strip_prefix("scripted-") else {
        let script = model.split('/').next();
        return script.unwrap_or_default().to_owned();
    };

    let prompt = request.body["messages"].to_string();
    let tag = format!("[{name}:");
    let after_tag = prompt.split(&tag).nth(1);
    let script = after_tag.and_then(|rest| rest.split(']').next());
    script.unwrap_or("good").to_owned()
}

/// One call that is played.
struct Play<'a> {
    stream: &'a mut TcpStream,
    shared: &'a Shared,
    model: &'a str,
    request: &'a Request,
}

impl Play<'_> {
    async fn play_script(mut self, script: &str) -> io::Result<After> {
        let history = self.shared.count_call(self.model);
        let is_first = history.calls == 0;
        let number = |prefix: &str| {
            let rest = script.strip_prefix(prefix)?;
            rest.parse::<u64>().ok()
        };

        if let Some(millis) = number("late-") {
            return self.answer_late(Duration::from_millis(millis)).await;
        }
        if let Some(millis) = number("down-") {
            let is_down = history.first_call.elapsed() < Duration::from_millis(millis);
            return self.fail_if(is_down, 503).await;
        }
        if let Some(seconds) = number("429-after-") {
            return self.limit_if(is_first, seconds.to_string()).await;
        }
        if let Some(seconds) = number("429-always-") {
            return self.limit_if(true, seconds.to_string()).await;
        }
        self.play_named(script, is_first).await
    }

    async fn play_named(&mut self, script: &str, is_first: bool) -> io::Result<After> {
        match script {
            "429-date" => {
                // Dates have whole seconds: rounded up, it is at least two seconds from now.
                let at = SystemTime::now() + Duration::from_secs(3);
                self.limit_if(is_first, httpdate::fmt_http_date(at)).await
            }
            "500-once" => self.fail_if(is_first, 500).await,
            _ if agents::breaks_now(script, self.request) => self.answer_status(500, &[]).await,
            "reset-once" if is_first => Ok(After::Reset),
            "reset" => Ok(After::Reset),
            "silent" => Ok(After::WaitForHangUp),

            "late-prose-700" => {
                sleep(Duration::from_millis(700)).await;
                self.answer("prose").await
            }
            "prose-then-400" if is_first => self.answer("prose").await,
            "prose-then-400" => self.refuse("refuses").await,
            "late" => self.answer_late(Duration::from_secs(5)).await,
            "slow" => {
                sleep(Duration::from_secs(1)).await;
                self.answer_well().await
            }
            "slow-tokens" => self.stream_slowly().await,

            "empty" | "html" | "error-in-200" => self.answer_oddly(script).await,
            "headers-only" | "error-first" | "role-cut" => self.stream_no_token(script).await,
            "continues-cut" => self.stream_half("cut").await,
            "paced" | "agent-paced" => self.stream_paced(script).await,
            "paced-cut" | "paced-stall" | "paced-malformed" => self.stream_half(script).await,
            "tool-cut" => self.break_tool_call().await,
            "cut" | "stall" | "pings" | "malformed" | "error-midway" | "empty-reason" => {
                self.stream_half(script).await
            }
            "malformed-end" | "no-done" | "no-done-no-usage" => self.end_oddly(script).await,

            "context" | "filter" | "quota" | "refuses" => self.refuse(script).await,
            _ if refusals::SCRIPTS.contains(&script) => self.play_refusal(script).await,
            "no-prefill" if self.is_prefilled() => self.refuse("refuses").await,
            _ => match script.parse::<u16>() {
                Ok(status) => self.answer_status(status, &[]).await,
                Err(_) => match odd_body(script, self.model, &self.good_events()) {
                    Some(body) => self.write_odd_body(&body).await,
                    None => self.answer(script).await,
                },
            },
        }
    }

    fn is_prefilled(&self) -> bool {
        let messages = self.request.body["messages"].as_array();
        let last = messages.and_then(|messages| messages.last());
        last.is_some_and(|message| message["role"] == "assistant")
    }

    fn wants_stream(&self) -> bool {
        self.request.body["stream"] == true
    }

    /// Answers with this status, or well.
    async fn fail_if(&mut self, fails: bool, status: u16) -> io::Result<After> {
        if fails {
            self.answer_status(status, &[]).await
        } else {
            self.answer_well().await
        }
    }

    /// Answers 429 with this `Retry-After`, or well.
    async fn limit_if(&mut self, is_limited: bool, retry_after: String) -> io::Result<After> {
        if is_limited {
            let headers = [("retry-after", retry_after)];
            self.answer_status(429, &headers).await
        } else {
            self.answer_well().await
        }
    }

    async fn answer_status(
        &mut self,
        status: u16,
        headers: &[(&str, String)],
    ) -> io::Result<After> {
        let error = json!({ "message": "as scripted", "type": "server_error", "code": null });
        let body = json!({ "error": error }).to_string();
        let answer = Answer {
            headers,
            ..Answer::json(status, &body)
        };
        wire::write_answer(self.stream, &answer).await?;
        Ok(After::KeepOpen)
    }

    async fn refuse(&mut self, script: &str) -> io::Result<After> {
        let status = if script == "quota" { 429 } else { 400 };
        let (code, message) = match script {
            "context" => (
                "context_length_exceeded",
                "This model's maximum context length is 8192 tokens.",
            ),
            "filter" => ("content_filter", "The prompt was filtered."),
            "quota" => ("insufficient_quota", "You exceeded your current quota."),
            _ => (
                "invalid_value",
                "This model does not support assistant message prefill.",
            ),
        };

        let error = json!({
            "message": message, "type": "invalid_request_error", "param": "messages", "code": code,
        });
        let body = json!({ "error": error }).to_string();
        wire::write_answer(self.stream, &Answer::json(status, &body)).await?;
        Ok(After::KeepOpen)
    }

    /// A 200 that is no completion.
    async fn answer_oddly(&mut self, script: &str) -> io::Result<After> {
        let body = match script {
            "html" => "<html>Bad gateway</html>".to_owned(),
            "empty" => json!({ "model": self.model, "choices": [] }).to_string(),
            _ => overloaded(),
        };
        let content_type = if script == "html" {
            "text/html"
        } else {
            "application/json"
        };

        let answer = Answer {
            content_type,
            ..Answer::json(200, &body)
        };
        wire::write_answer(self.stream, &answer).await?;
        Ok(After::KeepOpen)
    }

    async fn answer_well(&mut self) -> io::Result<After> {
        self.answer("good").await
    }

    /// A whole answer, streamed if that was asked for.
    async fn answer(&mut self, script: &str) -> io::Result<After> {
        let reason = match script {
            "length" => "length",
            "filtered" => "content_filter",
            "interrupted" => "insufficient_system_resource",
            _ => reason_of(script).unwrap_or("stop"),
        };

        let message = message_of(script, self.model, self.request);
        let has_calls = message["tool_calls"].is_array();
        let reason = match script {
            "agent-cut-off" => "length",
            _ if has_calls => "tool_calls",
            _ => reason,
        };
        if self.wants_stream() && script != "json" {
            return self.answer_events(&message, reason).await;
        }

        let choice = json!({
            "index": 0, "message": message, "finish_reason": reason, "logprobs": null,
        });
        let mut body = chunk_of(self.model, &json!([choice]));
        body["object"] = json!("chat.completion");
        body["usage"] = usage();
        let body = body.to_string();
        wire::write_answer(self.stream, &Answer::json(200, &body)).await?;
        Ok(After::KeepOpen)
    }

    /// The events of a good answer.
    fn good_events(&self) -> Vec<String> {
        let deltas = self.good_deltas();
        let mut events: Vec<_> = deltas.iter().map(|delta| self.piece(delta, None)).collect();
        events.push(self.piece(&json!({}), Some("stop")));
        events.push(self.usage_chunk());
        events.push("[DONE]".to_owned());
        events
    }

    /// A body that is played as it stands, in two writes.
    async fn write_odd_body(&mut self, body: &OddBody) -> io::Result<After> {
        let mut middle = body.text.len() / 2;
        while !body.text.is_char_boundary(middle) {
            middle += 1;
        }
        let (first, rest) = body.text.split_at(middle);

        wire::begin_chunked(self.stream, body.content_type).await?;
        wire::write_chunk(self.stream, first).await?;
        sleep(Duration::from_millis(20)).await;
        wire::write_chunk(self.stream, rest).await?;
        wire::end_events(self.stream).await?;
        Ok(After::KeepOpen)
    }

    /// All events of a stream at once.
    async fn answer_events(&mut self, message: &Value, reason: &str) -> io::Result<After> {
        let deltas = deltas_of(message);
        let mut events: Vec<_> = deltas.iter().map(|delta| self.piece(delta, None)).collect();
        events.push(self.piece(&json!({}), Some(reason)));
        events.push(self.usage_chunk());
        events.push("[DONE]".to_owned());

        let events = events.iter().map(|data| format!("data: {data}\n\n"));
        let text = events.collect::<Vec<_>>().concat();
        wire::begin_events(self.stream).await?;
        wire::write_chunk(self.stream, &text).await?;
        wire::end_events(self.stream).await?;
        Ok(After::KeepOpen)
    }

    async fn finish_stream(&mut self) -> io::Result<After> {
        self.write_piece(&json!({}), Some("stop")).await?;
        wire::write_event(self.stream, &self.usage_chunk()).await?;
        wire::write_event(self.stream, "[DONE]").await?;
        wire::end_events(self.stream).await?;
        Ok(After::KeepOpen)
    }

    fn good_deltas(&self) -> Vec<Value> {
        deltas_of(&message_of("good", self.model, self.request))
    }

    async fn write_piece(&mut self, delta: &Value, reason: Option<&str>) -> io::Result<()> {
        let piece = self.piece(delta, reason);
        wire::write_event(self.stream, &piece).await
    }

    fn piece(&self, delta: &Value, reason: Option<&str>) -> String {
        let choice = json!({
            "index": 0, "delta": delta, "logprobs": null, "finish_reason": reason,
        });
        chunk_of(self.model, &json!([choice])).to_string()
    }

    fn usage_chunk(&self) -> String {
        let mut chunk = chunk_of(self.model, &json!([]));
        chunk["usage"] = usage();
        chunk.to_string()
    }
}

/// An error that says which status it would have had.
fn overloaded() -> String {
    json!({ "error": { "message": "overloaded", "code": 503 } }).to_string()
}
