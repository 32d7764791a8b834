//! Plays the scripts.

use std::io;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::sleep;

use crate::Shared;
use crate::wire::{self, Request};

/// What becomes of the connection.
enum After {
    KeepOpen,
    BreakOff,
    Reset,
    HangUpLater,
}

/// Answers one client until either side has had enough.
pub(crate) async fn connection(mut stream: TcpStream, shared: &Shared) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let client = stream.peer_addr()?.port();
    let mut rest = Vec::new();
    while let Some(request) = wire::read(&mut stream, &mut rest).await? {
        if (request.method.as_str(), request.path.as_str()) != ("POST", "/v1/chat/completions") {
            let unknown = json!({ "error": { "message": "no such route" } }).to_string();
            wire::whole(&mut stream, 404, &[], "application/json", &unknown).await?;
            continue;
        }
        let model = request.body["model"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        let number = shared.begin(&model, client, &request);
        let script = script(&request, &model);
        match (Play {
            stream: &mut stream,
            shared,
            model: &model,
            request: &request,
        })
        .play(&script)
        .await
        {
            Ok(After::KeepOpen) => shared.end(number, "answered"),
            Ok(After::HangUpLater) => {
                wire::hung_up(&mut stream).await;
                shared.end(number, "hung up");
                return Ok(());
            }
            Ok(After::BreakOff) => {
                shared.end(number, "broken off");
                return stream.shutdown().await;
            }
            Ok(After::Reset) => {
                shared.end(number, "broken off");
                return stream.set_zero_linger();
            }
            Err(error) => {
                shared.end(number, "hung up");
                return Err(error);
            }
        }
    }
    Ok(())
}

/// The script of a call: the model's name, or, for `scripted-NAME`, what the prompt says after `[NAME:`.
fn script(request: &Request, model: &str) -> String {
    let Some(name) = model.strip_prefix("scripted-") else {
        return model.split('/').next().unwrap_or_default().to_owned();
    };
    let prompt = request.body["messages"].to_string();
    let told = prompt
        .split(&format!("[{name}:"))
        .nth(1)
        .and_then(|rest| rest.split(']').next());
    told.unwrap_or("good").to_owned()
}

struct Play<'a> {
    stream: &'a mut TcpStream,
    shared: &'a Shared,
    model: &'a str,
    request: &'a Request,
}

impl Play<'_> {
    async fn play(mut self, script: &str) -> io::Result<After> {
        let (before, since) = self.shared.history(self.model);
        let is_first = before == 0;
        let number = |prefix: &str| {
            script
                .strip_prefix(prefix)
                .and_then(|rest| rest.parse::<u64>().ok())
        };
        if let Some(millis) = number("late-") {
            return self.late(Duration::from_millis(millis)).await;
        }
        if let Some(millis) = number("down-") {
            let is_down = since < Duration::from_millis(millis);
            return if is_down {
                self.status(503, &[]).await
            } else {
                self.good().await
            };
        }
        if let Some(seconds) = number("429-after-") {
            return if is_first {
                self.limited(seconds.to_string()).await
            } else {
                self.good().await
            };
        }
        if let Some(seconds) = number("429-always-") {
            return self.limited(seconds.to_string()).await;
        }
        match script {
            "429-date" if is_first => {
                // Dates have whole seconds: rounded up, it is at least two seconds from now.
                let at = SystemTime::now() + Duration::from_secs(3);
                self.limited(httpdate::fmt_http_date(at)).await
            }
            "500-once" if is_first => self.status(500, &[]).await,
            "reset-once" if is_first => Ok(After::Reset),
            "reset" => Ok(After::Reset),
            "silent" => Ok(After::HangUpLater),
            "late" => self.late(Duration::from_secs(5)).await,
            "slow" => {
                sleep(Duration::from_secs(1)).await;
                self.good().await
            }
            "empty" | "html" | "error-in-200" => self.odd(script).await,
            "headers-only" | "error-first" | "error-midway" | "cut" | "stall" | "malformed"
            | "malformed-end" | "no-done" | "no-done-no-usage" | "slow-tokens" | "empty-reason"
            | "pings" => self.stream(script).await,
            "context" | "filter" | "quota" | "refuses" => self.refuse(script).await,
            "no-prefill" if self.is_prefilled() => self.refuse("refuses").await,
            _ => match script.parse::<u16>() {
                Ok(status) => self.status(status, &[]).await,
                Err(_) => self.answer(script).await,
            },
        }
    }

    fn is_prefilled(&self) -> bool {
        let last = self.request.body["messages"]
            .as_array()
            .and_then(|messages| messages.last());
        last.is_some_and(|message| message["role"] == "assistant")
    }

    fn wants_stream(&self) -> bool {
        self.request.body["stream"] == true
    }

    async fn status(&mut self, status: u16, headers: &[(&str, String)]) -> io::Result<After> {
        let body =
            json!({ "error": { "message": "as scripted", "type": "server_error", "code": null } });
        wire::whole(
            self.stream,
            status,
            headers,
            "application/json",
            &body.to_string(),
        )
        .await?;
        Ok(After::KeepOpen)
    }

    async fn limited(&mut self, retry_after: String) -> io::Result<After> {
        self.status(429, &[("retry-after", retry_after)]).await
    }

    async fn refuse(&mut self, script: &str) -> io::Result<After> {
        let (status, code, message) = match script {
            "context" => (
                400,
                "context_length_exceeded",
                "This model's maximum context length is 8192 tokens.",
            ),
            "filter" => (400, "content_filter", "The prompt was filtered."),
            "quota" => (
                429,
                "insufficient_quota",
                "You exceeded your current quota.",
            ),
            _ => (
                400,
                "invalid_value",
                "This model does not support assistant message prefill.",
            ),
        };
        let error = json!({ "message": message, "type": "invalid_request_error", "param": "messages", "code": code });
        let body = json!({ "error": error }).to_string();
        wire::whole(self.stream, status, &[], "application/json", &body).await?;
        Ok(After::KeepOpen)
    }

    async fn odd(&mut self, script: &str) -> io::Result<After> {
        let (kind, body) = match script {
            "html" => ("text/html", "<html>Bad gateway</html>".to_owned()),
            "empty" => (
                "application/json",
                json!({ "model": self.model, "choices": [] }).to_string(),
            ),
            _ => (
                "application/json",
                json!({ "error": { "message": "overloaded", "code": 503 } }).to_string(),
            ),
        };
        wire::whole(self.stream, 200, &[], kind, &body).await?;
        Ok(After::KeepOpen)
    }

    async fn good(&mut self) -> io::Result<After> {
        self.answer("good").await
    }

    /// A whole answer, streamed if that was asked for.
    async fn answer(&mut self, script: &str) -> io::Result<After> {
        let reason = match script {
            "length" => "length",
            "filtered" => "content_filter",
            "tool" => "tool_calls",
            "interrupted" => "insufficient_system_resource",
            _ => "stop",
        };
        let message = self.message(script);
        if !self.wants_stream() || script == "json" {
            let choice = json!({ "index": 0, "message": message, "finish_reason": reason, "logprobs": null });
            let mut body = self.chunk(&json!([choice]));
            body["object"] = json!("chat.completion");
            body["usage"] = usage();
            wire::whole(self.stream, 200, &[], "application/json", &body.to_string()).await?;
            return Ok(After::KeepOpen);
        }
        let mut events: Vec<_> = deltas(&message)
            .iter()
            .map(|delta| self.piece(delta, None))
            .collect();
        events.extend([
            self.piece(&json!({}), Some(reason)),
            self.usage_chunk(),
            "[DONE]".to_owned(),
        ]);
        let events: Vec<_> = events
            .into_iter()
            .map(|data| format!("data: {data}\n\n"))
            .collect();
        wire::begin_events(self.stream).await?;
        wire::raw(self.stream, &events.concat()).await?;
        wire::end_events(self.stream).await?;
        Ok(After::KeepOpen)
    }

    async fn late(&mut self, wait: Duration) -> io::Result<After> {
        wire::begin_events(self.stream).await?;
        wire::event(
            self.stream,
            &self.piece(&json!({ "role": "assistant", "content": "" }), None),
        )
        .await?;
        tokio::select! {
            () = sleep(wait) => {}
            () = wire::hung_up(self.stream) => return Err(io::ErrorKind::ConnectionAborted.into()),
        }
        for delta in deltas(&self.message("good")) {
            wire::event(self.stream, &self.piece(&delta, None)).await?;
        }
        self.finish(true).await
    }

    /// A stream with something wrong in it.
    async fn stream(&mut self, script: &str) -> io::Result<After> {
        wire::begin_events(self.stream).await?;
        match script {
            "headers-only" => return Ok(After::HangUpLater),
            "error-first" => {
                wire::event(
                    self.stream,
                    &json!({ "error": { "message": "overloaded", "code": 503 } }).to_string(),
                )
                .await?;
                wire::end_events(self.stream).await?;
                return Ok(After::KeepOpen);
            }
            _ => {}
        }
        let deltas = deltas(&self.message("good"));
        let middle = deltas.len() / 2;
        for (at, delta) in deltas.iter().enumerate() {
            if at == middle {
                match script {
                    "cut" | "empty-reason" => return Ok(After::BreakOff),
                    "pings" => return self.ping().await,
                    "stall" => return Ok(After::HangUpLater),
                    "malformed" => {
                        wire::event(self.stream, "{\"choices\":[{\"delta\":{\"cont").await?;
                        continue;
                    }
                    "error-midway" => {
                        let error = json!({ "error": { "message": "overloaded", "code": 503 } })
                            .to_string();
                        wire::event(self.stream, &error).await?;
                        wire::end_events(self.stream).await?;
                        return Ok(After::KeepOpen);
                    }
                    _ => {}
                }
            }
            if script == "slow-tokens" {
                sleep(Duration::from_millis(100)).await;
            }
            let reason = (script == "empty-reason").then_some("");
            wire::event(self.stream, &self.piece(delta, reason)).await?;
        }
        if let "no-done" | "no-done-no-usage" = script {
            wire::event(self.stream, &self.piece(&json!({}), Some("stop"))).await?;
            if script == "no-done" {
                wire::event(self.stream, &self.usage_chunk()).await?;
            }
            return Ok(After::HangUpLater);
        }
        if script == "malformed-end" {
            wire::event(self.stream, &self.piece(&json!({}), Some("stop"))).await?;
            wire::event(self.stream, "{\"choices\":[{\"del").await?;
            wire::event(self.stream, &self.usage_chunk()).await?;
            wire::event(self.stream, "[DONE]").await?;
            wire::end_events(self.stream).await?;
            return Ok(After::KeepOpen);
        }
        self.finish(true).await
    }

    /// Pings until the client hangs up.
    async fn ping(&mut self) -> io::Result<After> {
        loop {
            wire::raw(self.stream, "event: ping\ndata: {}\n\n").await?;
            sleep(Duration::from_millis(50)).await;
        }
    }

    async fn finish(&mut self, with_usage: bool) -> io::Result<After> {
        wire::event(self.stream, &self.piece(&json!({}), Some("stop"))).await?;
        if with_usage {
            wire::event(self.stream, &self.usage_chunk()).await?;
        }
        wire::event(self.stream, "[DONE]").await?;
        wire::end_events(self.stream).await?;
        Ok(After::KeepOpen)
    }

    fn message(&self, script: &str) -> Value {
        let is_assessment = self.request.body["messages"]
            .to_string()
            .contains("recommended_actions");
        let text = match script {
            "prose" => "I am sorry, but I cannot answer with JSON.".to_owned(),
            "filtered" => String::new(),
            "echo" => self.request.body.to_string(),
            "fenced" => format!("```json\n{}\n```", assessment("routine")),
            "self_care" | "urgent" | "emergency" => assessment(script).to_string(),
            _ if is_assessment => assessment("routine").to_string(),
            _ => format!(
                "The scripted answer of {}, from the first word to the last.",
                self.model
            ),
        };
        if script == "tool" {
            let name = &self.request.body["tools"][0]["function"]["name"];
            let function = json!({ "name": name, "arguments": "{\"city\": \"Wuhan\"}" });
            let call = json!({ "id": "call_1", "type": "function", "function": function });
            return json!({ "role": "assistant", "content": null, "tool_calls": [call] });
        }
        json!({ "role": "assistant", "content": text, "refusal": null })
    }

    fn chunk(&self, choices: &Value) -> Value {
        // As providers do, it names the version that answered.
        let model = format!("{}-2026", self.model);
        json!({ "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1_790_000_000, "model": model,
            "choices": choices })
    }

    fn piece(&self, delta: &Value, reason: Option<&str>) -> String {
        self.chunk(
            &json!([{ "index": 0, "delta": delta, "logprobs": null, "finish_reason": reason }]),
        )
        .to_string()
    }

    fn usage_chunk(&self) -> String {
        let mut chunk = self.chunk(&json!([]));
        chunk["usage"] = usage();
        chunk.to_string()
    }
}

/// The message in pieces: the role, then a few words at a time.
fn deltas(message: &Value) -> Vec<Value> {
    if let Some(calls) = message["tool_calls"].as_array() {
        let mut call = calls[0].clone();
        call["index"] = json!(0);
        let arguments = call["function"]["arguments"].take();
        call["function"]["arguments"] = json!("");
        let rest =
            json!({ "tool_calls": [{ "index": 0, "function": { "arguments": arguments } }] });
        return vec![
            json!({ "role": "assistant", "content": null, "tool_calls": [call] }),
            rest,
        ];
    }
    let text: Vec<char> = message["content"]
        .as_str()
        .unwrap_or_default()
        .chars()
        .collect();
    let size = text.len().div_ceil(8).max(1);
    let pieces = text
        .chunks(size)
        .map(|piece| json!({ "content": piece.iter().collect::<String>() }));
    std::iter::once(json!({ "role": "assistant", "content": "" }))
        .chain(pieces)
        .collect()
}

fn usage() -> Value {
    json!({ "prompt_tokens": 11, "completion_tokens": 22, "total_tokens": 33 })
}

fn assessment(urgency: &str) -> Value {
    json!({
        "summary": "The scripted summary.",
        "possible_causes": ["a cause"],
        "urgency": urgency,
        "red_flags": [],
        "recommended_actions": ["rest and drink"],
        "questions": ["Since when?"],
    })
}
