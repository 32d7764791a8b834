//! What of a live answer is passed on, and when.
//!
//! Text goes word by word. A tool call, and an answer that is JSON, wait until they are whole: half
//! of one is of no use, and cannot be continued.

use std::collections::VecDeque;

use serde_json::{Map, Value, json};

use super::seam::{Seam, SeamJoiner};
use super::word_buffer::{BrokenWord, WordBuffer};
use crate::ai::chunk::{has_token, is_finish_reason};
use crate::ai::content;

/// How an answer in JSON begins, if not with a bracket.
const JSON_FENCE: &str = "```json";

/// Characters behind which an answer may end.
const SENTENCE_ENDS: &str = ".!?:;。！？：；…)）]】」』\"”'’`*|~_>";

/// What the client was given of an answer, and what is held back of it.
#[derive(Default)]
pub(super) struct ResumeBuffer {
    /// The text that the client was given.
    text: String,
    seams: Vec<Seam>,
    joiner: SeamJoiner,
    words: WordBuffer,
    form: Form,
    /// Whether the text is known to be whole: a tool call came behind it.
    is_text_whole: bool,
    /// Whether the part behind a seam must bring words: what came before stops in mid-sentence.
    awaits_words: bool,
    /// Chunks that wait, and those after them.
    held: Vec<Value>,
    ready: VecDeque<Value>,
    identity: Map<String, Value>,
}

/// What kind of answer a tier gives.
#[derive(Default)]
enum Form {
    /// It has not said enough yet: the beginning of its text.
    Unknown(String),
    #[default]
    Text,
    /// JSON, or tool calls: the rest waits.
    Whole,
}

/// What is left of a part that broke.
pub(super) struct BrokenPart {
    /// The text that the client was given, without white space at its end.
    pub(super) text: String,
    /// White space that came behind it, and was not passed on.
    pub(super) space: String,
    /// Whether white space behind it was passed on.
    pub(super) is_space_given: bool,
    /// Whether it stops in mid-sentence.
    pub(super) is_unfinished: bool,
}

/// How the next tier goes on.
pub(super) struct NextPart {
    pub(super) seam: Seam,
    /// The beginning of the answer that the client gave itself; empty if it gave none.
    pub(super) client_prefill: String,
    /// Whether the tier was given the beginning of its answer.
    pub(super) is_prefilled: bool,
}

impl ResumeBuffer {
    /// Of an answer of which nothing has come yet.
    pub(super) fn new() -> Self {
        Self {
            form: Form::Unknown(String::new()),
            joiner: SeamJoiner::new(String::new(), String::new()),
            ..Self::default()
        }
    }

    /// The next chunk that may be passed on.
    pub(super) fn pop(&mut self) -> Option<Value> {
        self.ready.pop_front()
    }

    pub(super) fn seams(&self) -> &[Seam] {
        &self.seams
    }

    /// The length of the text that the client was given, in characters.
    pub(super) fn char_count(&self) -> usize {
        self.text.chars().count()
    }

    /// Takes in a chunk.
    pub(super) fn push_chunk(&mut self, mut chunk: Value) {
        self.write_identity(&mut chunk);
        self.write_seams(&mut chunk);

        if has_tool_call(&chunk) && !matches!(self.form, Form::Whole) {
            // The text before a tool call is whole.
            self.release_held();
            self.flush_text();
            self.is_text_whole = true;
            self.form = Form::Whole;
        }
        match &mut self.form {
            Form::Text => self.pass_on(chunk),
            Form::Whole => self.held.push(chunk),
            Form::Unknown(begun) => {
                begun.push_str(text_of(&chunk).unwrap_or_default());
                let is_json = is_json(begun);
                let is_blank = begun.trim().is_empty();
                self.take_first(chunk, is_json, is_blank);
            }
        }
    }

    /// Takes in a chunk of an answer whose form shows now, or not yet.
    fn take_first(&mut self, chunk: Value, is_json: Option<bool>, is_blank: bool) {
        match is_json {
            Some(true) => {
                self.form = Form::Whole;
                self.held.push(chunk);
            }
            Some(false) => {
                self.release_held();
                self.pass_on(chunk);
            }
            None if is_blank => self.pass_on(chunk), // a role, or thoughts
            None => self.held.push(chunk),
        }
    }

    /// Passes on, as text, what waited for its form to show.
    fn release_held(&mut self) {
        self.form = Form::Text;
        for chunk in std::mem::take(&mut self.held) {
            self.pass_on(chunk);
        }
    }

    fn pass_on(&mut self, mut chunk: Value) {
        let has_ended = has_ended(&chunk);
        let delta = chunk.pointer_mut("/choices/0/delta");
        if let Some(delta) = delta.and_then(Value::as_object_mut) {
            self.rewrite_delta(delta, has_ended);
        }

        if has_ended && self.awaits_words {
            // Not its end, if nothing came: the rest is asked for elsewhere.
            self.form = Form::Whole;
            self.held.push(chunk);
            return;
        }

        let is_first = self.text.is_empty() && self.seams.is_empty();
        let has_usage = chunk.get("usage").is_some_and(Value::is_object);
        let has_choice = chunk.pointer("/choices/0").is_some();
        if is_first || has_usage || !has_choice || has_token(&chunk) {
            self.ready.push_back(chunk);
        }
    }

    /// Leaves of a delta what may be passed on.
    fn rewrite_delta(&mut self, delta: &mut Map<String, Value>, is_text_whole: bool) {
        if !self.seams.is_empty() {
            delta.remove("role"); // it was said
        }

        let content = delta.get("content").cloned().unwrap_or_default();
        let mut text = match &content {
            Value::String(piece) => self.words.push(&self.joiner.push(piece)),
            Value::Array(parts) => {
                let parts = self.pass_on_parts(parts);
                delta.insert("content".to_owned(), Value::Array(parts));
                return;
            }
            _ => String::new(),
        };
        if is_text_whole {
            text += &self.take_held_text();
        }

        self.give(&text);
        if !text.is_empty() || content.is_string() {
            delta.insert("content".to_owned(), Value::String(text));
        }
    }

    /// Parts that are no text have their place: what was held back comes before them. Texts behind
    /// a seam are joined like others.
    fn pass_on_parts(&mut self, parts: &[Value]) -> Vec<Value> {
        let is_joined = self.joiner.is_joined() || self.seams.is_empty();
        if is_joined {
            self.flush_text();
            self.give(&content::text_of_parts(parts));
            return parts.to_vec();
        }

        let new = self.joiner.push(&content::text_of_parts(parts));
        self.give(&new);
        let others = parts.iter().filter(|part| !content::is_plain_text(part));
        let mut passed_on: Vec<Value> = others.cloned().collect();
        if !new.is_empty() {
            passed_on.insert(0, json!({ "type": "text", "text": new }));
        }
        passed_on
    }

    /// Notes a text that the client is given.
    fn give(&mut self, text: &str) {
        self.text += text;
        if !text.trim().is_empty() {
            self.awaits_words = false;
        }
    }

    /// Whether the answer, which has ended, stops in mid-sentence all the same.
    pub(super) fn is_unfinished(&mut self) -> bool {
        self.flush_text();
        self.awaits_words
    }

    fn take_held_text(&mut self) -> String {
        let rest = self.joiner.finish();
        self.words.push(&rest) + &self.words.take_all()
    }

    /// Passes on the text that was held back.
    fn flush_text(&mut self) {
        let text = self.take_held_text();
        if text.is_empty() {
            return;
        }
        self.give(&text);

        let delta = json!({ "content": text });
        let choices = json!([{ "index": 0, "delta": delta, "finish_reason": null }]);
        let mut chunk = self.identity.clone();
        chunk.insert("choices".to_owned(), choices);
        self.ready.push_back(Value::Object(chunk));
    }

    /// Passes on all that was held back of an answer that is complete.
    pub(super) fn flush(&mut self) {
        self.flush_text();
        self.ready.extend(std::mem::take(&mut self.held));
    }

    /// Drops what the client was not given of a part that broke: half of a word, half of a tool
    /// call. White space that came after the text is kept.
    pub(super) fn drop_broken_end(&mut self) -> BrokenPart {
        self.held.clear();
        let joiner_space = self.joiner.take_space();
        let BrokenWord { space, word } = self.words.give_up();

        let text = self.text.trim_end();
        let is_space_given = text.len() < self.text.len();
        let is_finished = self.is_text_whole || (word.is_empty() && ends_sentence(text));
        BrokenPart {
            text: text.to_owned(),
            space: if is_space_given {
                String::new()
            } else {
                joiner_space + &space
            },
            is_space_given,
            is_unfinished: self.awaits_words || !is_finished,
        }
    }

    /// Begins the part behind a seam.
    pub(super) fn begin_part(&mut self, broken: BrokenPart, next: NextPart) {
        self.seams.push(next.seam);
        self.is_text_whole = false;
        self.awaits_words = broken.is_unfinished && !broken.text.is_empty();

        if broken.text.is_empty() {
            self.form = Form::Unknown(String::new());
            self.joiner = SeamJoiner::new(String::new(), String::new());
            return;
        }
        self.form = Form::Text;
        let before = next.client_prefill + &broken.text;
        let joiner = SeamJoiner::new(before, broken.space);
        let joiner = joiner.with_space_given(broken.is_space_given);
        self.joiner = joiner.for_prefilled(next.is_prefilled);
    }

    /// Gives every chunk the answer's id: clients tell answers apart by it.
    fn write_identity(&mut self, chunk: &mut Value) {
        let Some(fields) = chunk.as_object_mut() else {
            return;
        };

        for name in ["id", "object", "created"] {
            let known = self.identity.get(name);
            match (known, fields.get(name)) {
                (Some(known), Some(_)) => drop(fields.insert(name.to_owned(), known.clone())),
                (None, Some(value)) => drop(self.identity.insert(name.to_owned(), value.clone())),
                (_, None) => {}
            }
        }
        if let Some(model) = fields.get("model") {
            self.identity.insert("model".to_owned(), model.clone());
        }
    }

    /// Declares the seams where the answer ends.
    fn write_seams(&self, chunk: &mut Value) {
        let is_declared = self.seams.is_empty() || !has_ended(chunk);
        if let Some(fields) = chunk.as_object_mut().filter(|_| !is_declared) {
            fields.insert("seams".to_owned(), json!(self.seams));
        }
    }
}

/// Whether a text stops where a sentence, a line of a list or a block may stop.
fn ends_sentence(text: &str) -> bool {
    let last = text.chars().next_back();
    last.is_some_and(|last| SENTENCE_ENDS.contains(last))
}

fn has_ended(chunk: &Value) -> bool {
    let reason = chunk.pointer("/choices/0/finish_reason");
    reason.is_some_and(is_finish_reason)
}

fn text_of(chunk: &Value) -> Option<&str> {
    chunk.pointer("/choices/0/delta/content")?.as_str()
}

fn has_tool_call(chunk: &Value) -> bool {
    let calls = chunk.pointer("/choices/0/delta/tool_calls");
    let calls = calls.and_then(Value::as_array);
    let function = chunk.pointer("/choices/0/delta/function_call");
    calls.is_some_and(|calls| !calls.is_empty()) || function.is_some_and(Value::is_object)
}

/// Whether an answer that begins like this is JSON; `None` if that does not show yet. A bracket may
/// also begin a reference: "[1] As the guideline says".
fn is_json(begun: &str) -> Option<bool> {
    let begun = begun.trim_start();
    if let Some(list) = begun.strip_prefix('[') {
        let first = list.trim_start().chars().next();
        return first.map(|first| matches!(first, '{' | '[' | '"' | ']'));
    }

    if begun.starts_with('{') || begun.starts_with(JSON_FENCE) {
        Some(true)
    } else if JSON_FENCE.starts_with(begun) {
        None
    } else {
        Some(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text_chunk(text: &str) -> Value {
        let choice = json!({ "index": 0, "delta": { "content": text }, "finish_reason": null });
        json!({ "id": "a", "choices": [choice] })
    }

    fn passed_on(buffer: &mut ResumeBuffer, pieces: &[&str]) -> Vec<String> {
        for piece in pieces {
            buffer.push_chunk(text_chunk(piece));
        }

        let mut texts = Vec::new();
        while let Some(chunk) = buffer.pop() {
            texts.push(text_of(&chunk).unwrap_or_default().to_owned());
        }
        texts
    }

    #[test]
    fn text_is_passed_on_word_by_word() {
        let mut buffer = ResumeBuffer::new();
        let texts = passed_on(&mut buffer, &["", " Re", "st and", " dri"]);
        assert_eq!(texts.concat(), " Rest and");
        assert_eq!(buffer.drop_broken_end().text, " Rest and");
    }

    /// Also in a fence; a fence with another language is text.
    #[test]
    fn json_waits_until_it_is_whole() {
        for pieces in [["{\"a\"", ":1}"], ["``", "`json\n{}"], [" [", "{}]"]] {
            let mut buffer = ResumeBuffer::new();
            assert_eq!(passed_on(&mut buffer, &pieces).concat(), "", "{pieces:?}");
            buffer.flush();
            assert_eq!(passed_on(&mut buffer, &[]), pieces);
        }

        for (pieces, text) in [
            (["``", "`py\nx = 1\n", "y"], "```py\nx = 1"),
            (["[", "1] As the", " guide"], "[1] As the"),
        ] {
            let mut buffer = ResumeBuffer::new();
            assert_eq!(passed_on(&mut buffer, &pieces).concat(), text);
        }
    }

    /// What goes on behind so many characters, by a tier that was given none of them.
    fn next_part(offset: usize) -> NextPart {
        NextPart {
            seam: Seam {
                offset,
                from: "a".to_owned(),
                fault: "cut".to_owned(),
                to: "b".to_owned(),
            },
            client_prefill: String::new(),
            is_prefilled: false,
        }
    }

    /// Also if the tier that was to go on breaks before it is known what of its text is new.
    #[test]
    fn white_space_survives_two_breaks() {
        let mut buffer = ResumeBuffer::new();
        assert_eq!(passed_on(&mut buffer, &["Rest.\n\nDri"]).concat(), "Rest.");

        let broken = buffer.drop_broken_end();
        assert_eq!(broken.space, "\n\n");
        buffer.begin_part(broken, next_part(5));
        assert_eq!(passed_on(&mut buffer, &["Re"]).concat(), "");
        assert_eq!(buffer.drop_broken_end().space, "\n\n");
    }

    /// A continuation without words does not end a sentence that was broken off.
    #[test]
    fn a_sentence_that_was_broken_off_awaits_its_rest() {
        let is_unfinished = |text: &str, rest: &str| {
            let mut buffer = ResumeBuffer::new();
            passed_on(&mut buffer, &[text]);
            let broken = buffer.drop_broken_end();
            buffer.begin_part(broken, next_part(0));
            passed_on(&mut buffer, &[rest]);
            buffer.is_unfinished()
        };

        assert!(is_unfinished("Rest and drink plenty of wat", ""));
        assert!(is_unfinished(
            "Rest and drink plenty of wat",
            "drink plenty of"
        ));
        assert!(!is_unfinished("Rest and drink", " water."));
        assert!(!is_unfinished("Rest and drink. ", ""));
        assert!(!is_unfinished("多休息。", ""));
        assert!(!is_unfinished("", ""));
    }

    #[test]
    fn a_broken_json_leaves_nothing() {
        let mut buffer = ResumeBuffer::new();
        assert_eq!(passed_on(&mut buffer, &["{\"a\":", "1"]).concat(), "");
        assert_eq!(buffer.drop_broken_end().text, "");
    }
}
