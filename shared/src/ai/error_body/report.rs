//! What an error says, wherever its endpoint puts it.
//!
//! | form | for example |
//! |---|---|
//! | `{"error": {"message", "type", "param", "code"}}` | `OpenAI`; with `innererror` Azure |
//! | `{"error": {"code", "message", "metadata"}}` | `OpenRouter` |
//! | `[{"error": {"code", "message", "status", "details"}}]` | Gemini |
//! | `{"code", "error": "…"}` | xAI; the text may hold JSON |
//! | `{"object": "error", "message", "type", "code"}` | `vLLM` of old |
//! | `{"detail": "…"}`, `{"detail": [{"msg"}]}` | `FastAPI` |
//! | `{"message", "code"}`, `{"errors": […]}`, text | gateways |
//! | `{"base_resp": {"status_code", "status_msg"}}` | `MiniMax` |
//! | `{"error_code", "error_msg"}` | Qianfan |
//! | `{"Response": {"Error": {"Code", "Message"}}}`, `{"ErrorMsg": {"Code", "Msg"}}` | Tencent |
//! | `{"promptFeedback": {"blockReason"}}` | Gemini, of a prompt that it blocked |
//!
//! Only fields that are known to hold codes or an endpoint's own words are read: others may repeat
//! the patient's.

use serde_json::{Map, Value, json};

/// How deep an error is read.
const MAX_DEPTH: usize = 8;

/// The longest text without a form that is passed on, in bytes.
const MAX_PLAIN_TEXT_BYTES: usize = 2_000;

/// Fields that hold a code. Names are compared in small letters, without anything between these.
const CODE_FIELDS: [&str; 9] = [
    "blockreason",
    "code",
    "errorcode",
    "errortype",
    "httpcode",
    "reason",
    "status",
    "statuscode",
    "type",
];

/// Fields that say how something went.
const OUTCOME_FIELDS: [&str; 7] = [
    "code",
    "errcode",
    "errorcode",
    "errortype",
    "httpcode",
    "status",
    "statuscode",
];

/// Outcomes, in small letters without anything between these, of what is no error.
const GOOD_OUTCOMES: [&str; 25] = [
    "accepted",
    "active",
    "allow",
    "allowed",
    "approved",
    "clean",
    "complete",
    "completed",
    "done",
    "finished",
    "inprogress",
    "none",
    "normal",
    "ok",
    "pass",
    "passed",
    "pending",
    "processing",
    "queued",
    "ready",
    "running",
    "safe",
    "started",
    "succeeded",
    "success",
];

/// Fields that only errors have.
const ERROR_FIELDS: [&str; 4] = ["detail", "errormessage", "errormsg", "errors"];

/// Fields that hold an endpoint's words, or further fields.
const TEXT_FIELDS: [&str; 14] = [
    "baseresp",
    "detail",
    "details",
    "error",
    "errormessage",
    "errormsg",
    "errors",
    "innererror",
    "message",
    "metadata",
    "msg",
    "promptfeedback",
    "raw",
    "statusmsg",
];

/// What an error says. It has no `Debug`: its text may repeat a patient's words.
#[derive(Default)]
pub(super) struct ErrorReport {
    /// `OpenAI`'s error object, or what comes nearest to it.
    fields: Map<String, Value>,
    codes: Vec<String>,
    text: String,
    retry_fields: Vec<RetryField>,
}

/// A field about trying again.
pub(super) struct RetryField {
    /// In small letters, without anything between these.
    pub(super) name: String,
    pub(super) value: Value,
}

impl ErrorReport {
    /// What this says, which is known to be an error.
    pub(super) fn of(error: &Value) -> Self {
        let mut report = Self {
            fields: error_fields(error, MAX_DEPTH),
            ..Self::default()
        };
        report.read(error, MAX_DEPTH);

        report
    }

    /// What the body of an answer says that is an error by its status. A page of a proxy says
    /// nothing.
    pub(super) fn of_failure(body: &[u8]) -> Self {
        if let Ok(body) = serde_json::from_slice::<Value>(body) {
            return Self::of(&body);
        }

        let text = String::from_utf8_lossy(body);
        let text = text.trim();
        if text.starts_with('<') || text.len() > MAX_PLAIN_TEXT_BYTES {
            return Self::default();
        }

        Self::of(&json!(text))
    }

    /// The error that a body or a chunk with status 200 is, or has beside its answer; none if the
    /// error's fields are all empty.
    pub(super) fn in_answer(body: &Value) -> Option<Self> {
        if let Value::Array(items) = body {
            return items.iter().find_map(Self::in_answer);
        }
        let fields = body.as_object()?;

        if let Some(reason) = filter_without_answer(fields) {
            return Some(Self::of(
                &json!({ "code": "content_filter", "message": reason }),
            ));
        }

        let is_named_error = ["object", "type"]
            .into_iter()
            .any(|name| is_text(fields, name, "error"));
        let is_error = has_content(fields.get("error"))
            || is_named_error
            || has_content(body.pointer("/base_resp/status_code"))
            || (!has_choices(fields) && is_foreign_error(body));

        is_error.then(|| Self::of(body))
    }

    /// What a body or a chunk with status 200 says that has no answer, and may be an error.
    pub(super) fn beside_no_answer(body: &Value) -> Option<Self> {
        let fields = body.as_object()?;
        let is_answer = fields.contains_key("choices") || fields.contains_key("usage");

        (!is_answer && may_be_error(fields)).then(|| Self::of(body))
    }

    /// The error's codes, in small letters without anything between these; a number stands behind
    /// the name of its field, such as `code429`.
    pub(super) fn codes(&self) -> impl Iterator<Item = &str> {
        self.codes.iter().map(String::as_str)
    }

    /// The error's words, in small letters.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn retry_fields(&self) -> impl Iterator<Item = &RetryField> {
        self.retry_fields.iter()
    }

    /// `OpenAI`'s error object, or what comes nearest to it.
    pub(super) fn into_fields(self) -> Map<String, Value> {
        self.fields
    }

    fn read(&mut self, value: &Value, depth: usize) {
        let Some(depth) = depth.checked_sub(1) else {
            return;
        };

        match value {
            Value::Object(fields) => self.read_fields(fields, depth),
            Value::Array(items) => items.iter().for_each(|item| self.read(item, depth)),
            Value::String(text) => match embedded_json(text) {
                Some(inner) => self.read(&inner, depth),
                None => self.add_text(text),
            },
            _ => {}
        }
    }

    /// Reads an object: its own codes before those of what it holds.
    fn read_fields(&mut self, fields: &Map<String, Value>, depth: usize) {
        let names = || fields.iter().map(|(name, value)| (squeezed(name), value));
        for (name, value) in names() {
            if name.starts_with("retry") {
                let value = value.clone();
                self.retry_fields.push(RetryField { name, value });
            } else if CODE_FIELDS.contains(&name.as_str()) {
                self.add_code(&name, value);
            }
        }
        if let Some(Value::Number(status)) =
            fields.get("base_resp").and_then(|r| r.get("status_code"))
        {
            // MiniMax: its numbers mean what they mean in its field alone.
            self.codes.push(format!("baseresp{status}"));
        }
        if fields.contains_key("flagged_input") && has_content(fields.get("reasons")) {
            // OpenRouter: what its moderation found.
            self.codes.push("flaggedreasons".to_owned());
        }

        for (name, value) in names() {
            // As Tencent has it; a text of that name may be an answer's.
            let is_envelope = name == "response" && value.is_object();
            if is_envelope || TEXT_FIELDS.contains(&name.as_str()) {
                self.read(value, depth);
            }
        }
    }

    fn add_code(&mut self, name: &str, value: &Value) {
        if !has_content(Some(value)) {
            return;
        }
        if name == "blockreason" {
            self.codes.push(name.to_owned()); // whichever it is
        }

        match value {
            Value::Number(number) => self.codes.push(format!("{name}{number}")),
            Value::String(text) if text.bytes().all(|byte| byte.is_ascii_digit()) => {
                self.codes.push(format!("{name}{text}"));
            }
            Value::String(text) => self.codes.push(squeezed(text)),
            _ => {}
        }
    }

    fn add_text(&mut self, text: &str) {
        let text = text.to_lowercase().replace('’', "'");
        self.text.push_str(&text.trim().replace('\n', " "));
        self.text.push('\n');
    }
}

/// Whether a value holds anything that is not null, false, 0 or empty.
fn has_content(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null) => false,
        Some(Value::Bool(is_set)) => *is_set,
        Some(Value::Number(number)) => number.as_f64() != Some(0.0),
        Some(Value::String(text)) => !matches!(text.trim(), "" | "0"),
        Some(Value::Array(items)) => items.iter().any(|item| has_content(Some(item))),
        Some(Value::Object(fields)) => fields.values().any(|field| has_content(Some(field))),
    }
}

fn is_text(fields: &Map<String, Value>, name: &str, text: &str) -> bool {
    fields.get(name).and_then(Value::as_str) == Some(text)
}

fn has_choices(fields: &Map<String, Value>) -> bool {
    let choices = fields.get("choices").and_then(Value::as_array);
    choices.is_some_and(|choices| !choices.is_empty())
}

/// Whether what is no answer may be an error: an event of another kind says that it went well, or
/// says nothing of that.
fn may_be_error(fields: &Map<String, Value>) -> bool {
    let outcomes = || {
        let fields = fields.iter();
        fields.filter(|(name, _)| OUTCOME_FIELDS.contains(&squeezed(name).as_str()))
    };
    if outcomes().any(|(_, outcome)| is_good_word(outcome)) {
        return false;
    }

    let is_error_field = |name: &str| ERROR_FIELDS.contains(&squeezed(name).as_str());
    let kind = fields.get("type").and_then(Value::as_str);

    outcomes().any(|(_, outcome)| is_bad(outcome))
        || kind.is_some_and(|kind| squeezed(kind).contains("error"))
        || fields.get("success") == Some(&Value::Bool(false))
        || fields
            .iter()
            .any(|(name, value)| is_error_field(name) && has_content(Some(value)))
}

fn is_good_word(outcome: &Value) -> bool {
    let word = outcome.as_str().map(squeezed);
    word.is_some_and(|word| GOOD_OUTCOMES.contains(&word.as_str()))
}

fn is_bad(outcome: &Value) -> bool {
    let text = outcome.as_str().map(str::trim);
    let number = outcome.as_u64().or_else(|| text?.parse().ok());
    has_content(Some(outcome)) && !number.is_some_and(|number| (200..300).contains(&number))
}

/// Whether a body without an answer is an error as Qianfan, Gemini or Tencent have it.
fn is_foreign_error(body: &Value) -> bool {
    let has = |pointer: &str| has_content(body.pointer(pointer));
    has("/error_code")
        || has("/promptFeedback/blockReason")
        || has("/Response/Error")
        || has("/ErrorMsg/Code")
}

/// The reason of an answer in one piece that says only that a filter stopped it, as Gemini's do:
/// its choices have no message.
fn filter_without_answer(fields: &Map<String, Value>) -> Option<&str> {
    if is_text(fields, "object", "chat.completion.chunk") {
        return None;
    }
    let choices = fields.get("choices")?.as_array()?;

    let reasons: Option<Vec<&str>> = choices.iter().map(filter_reason).collect();

    reasons?.first().copied()
}

fn filter_reason(choice: &Value) -> Option<&str> {
    let has_answer = choice.get("message").is_some() || choice.get("delta").is_some();
    let reason = choice.get("finish_reason")?.as_str()?;
    let is_filter = !has_answer && reason.starts_with("content_filter");
    is_filter.then_some(reason)
}

/// Small letters and digits only.
fn squeezed(text: &str) -> String {
    let chars = text.chars().filter(|char| char.is_alphanumeric());
    chars.flat_map(char::to_lowercase).collect()
}

/// The object or list that a text holds, if it holds one.
fn embedded_json(text: &str) -> Option<Value> {
    let is_json = text.trim_start().starts_with(['{', '[']);
    is_json.then(|| serde_json::from_str(text).ok()).flatten()
}

/// What is passed on of an error: its object, or its text as one.
fn error_fields(error: &Value, depth: usize) -> Map<String, Value> {
    let Some(depth) = depth.checked_sub(1) else {
        return Map::new();
    };

    match error {
        Value::Object(fields) => fields_of_object(fields, depth),
        Value::Array(items) => {
            let first = items.iter().find(|item| has_content(Some(item)));
            first
                .map(|first| error_fields(first, depth))
                .unwrap_or_default()
        }
        Value::String(text) => match embedded_json(text) {
            Some(inner) => error_fields(&inner, depth),
            None => Map::from_iter([("message".to_owned(), json!(text))]),
        },
        _ => Map::new(),
    }
}

fn fields_of_object(fields: &Map<String, Value>, depth: usize) -> Map<String, Value> {
    match fields.get("error") {
        Some(Value::Object(error)) => return error.clone(),
        Some(error @ (Value::String(_) | Value::Array(_))) if has_content(Some(error)) => {
            let mut error = error_fields(error, depth);
            for (name, value) in top_level_fields(fields) {
                error.entry(name).or_insert(value);
            }
            return error;
        }
        _ => {}
    }

    for name in [
        "errors",
        "detail",
        "base_resp",
        "Response",
        "Error",
        "ErrorMsg",
    ] {
        if let Some(inner) = fields.get(name).filter(|inner| has_content(Some(inner))) {
            return error_fields(inner, depth);
        }
    }

    top_level_fields(fields)
}

/// `OpenAI`'s four fields, by whatever names they have here.
fn top_level_fields(fields: &Map<String, Value>) -> Map<String, Value> {
    let names: [(&str, &[&str]); 4] = [
        (
            "message",
            &[
                "message",
                "msg",
                "error_msg",
                "error_message",
                "status_msg",
                "Message",
                "Msg",
            ],
        ),
        ("type", &["type", "error_type"]),
        ("param", &["param"]),
        ("code", &["code", "error_code", "status_code", "Code"]),
    ];

    let known = names.into_iter().filter_map(|(name, aliases)| {
        let mut values = aliases.iter().filter_map(|alias| fields.get(*alias));
        Some((name.to_owned(), values.next()?.clone()))
    });
    known.collect()
}
