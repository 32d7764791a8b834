//! An answer that is passed on as it comes, and continued by another tier when one breaks midway.
//!
//! The text is passed on word by word, so that a continuation begins with a whole one. Tool calls
//! wait until the answer is whole, since half of one is of no use. The chunks after a seam keep the
//! answer's `id`; their `model` is the one that made them.

use std::collections::{HashMap, VecDeque};

use serde_json::{Map, Value, json};

use super::attempt::ChainRequest;
use super::chain::Chain;
use super::chunk::{has_token, is_finish_reason};
use super::content;
use super::continuation::Continuation;
use super::fault::Fault;
use super::live_stream::LiveStream;
use super::outcome::{Answer, TierFailure};
use super::seam::{Seam, SeamJoiner};
use super::usage::{PartUsage, estimate_tokens};
use super::word_buffer::WordBuffer;
use crate::telemetry::metrics;

/// The most seams of one answer.
const MAX_SEAMS: usize = 3;

/// How often one tier may break before it is not asked again.
const MAX_BREAKS: u32 = 2;

/// A live answer that outlives its tier.
pub struct ResumedStream {
    live: LiveStream,
    given: GivenText,
    joiner: SeamJoiner,
    /// Chunks with tool calls, and those after them.
    held_chunks: Vec<Value>,
    ready: VecDeque<ResumedItem>,
    /// Faults of each tier in this call.
    breaks: HashMap<String, u32>,
    seams: Vec<Seam>,
    /// What the parts before the last seam have used.
    earlier_usage: Option<PartUsage>,
    /// How many of them have not said what their prompts took.
    unknown_prompts: u64,
    identity: Map<String, Value>,
}

/// What comes next of an answer.
pub enum ResumedItem {
    /// A chunk.
    Chunk(Value),
    /// Another tier goes on.
    Seam(Seam),
}

/// The text that the client was given.
#[derive(Default)]
struct GivenText {
    text: String,
    buffer: WordBuffer,
    /// Bytes of it before the last seam.
    earlier_bytes: usize,
}

impl ResumedStream {
    /// Wraps an answer that has begun; `failures` are the tiers that could not begin one.
    pub fn new(live: LiveStream, failures: &[TierFailure]) -> Self {
        let names = failures.iter().map(|failure| (failure.tier.clone(), 1));
        Self {
            live,
            given: GivenText::default(),
            joiner: SeamJoiner::new(String::new(), String::new()),
            held_chunks: Vec::new(),
            ready: VecDeque::new(),
            breaks: names.collect(),
            seams: Vec::new(),
            earlier_usage: None,
            unknown_prompts: 0,
            identity: Map::new(),
        }
    }

    /// The tier that gives the answer now.
    pub fn tier(&self) -> &str {
        self.live.tier()
    }

    /// The number of tokens used by all parts, as far as it is known.
    pub fn total_tokens(&self) -> Option<u64> {
        let Some(earlier) = self.earlier_usage else {
            return self.live.total_tokens();
        };
        let Some(last) = self.live.usage() else {
            return Some(earlier.total().saturating_add(self.estimate_part()));
        };

        // The last prompt is the first one with the text so far.
        let prompt = last.prompt.saturating_sub(earlier.completion);
        let unknown = prompt.saturating_mul(self.unknown_prompts);
        Some(
            earlier
                .total()
                .saturating_add(last.total())
                .saturating_add(unknown),
        )
    }

    /// The next item; `None` when the answer is complete. An error is the end: no tier of `chain`
    /// could go on, and what came before is no complete answer.
    pub async fn next_item(
        &mut self,
        chain: &Chain,
        request: &ChainRequest<'_>,
    ) -> Result<Option<ResumedItem>, Fault> {
        loop {
            if let Some(item) = self.ready.pop_front() {
                return Ok(Some(item));
            }

            match self.live.next_chunk().await {
                Ok(Some(chunk)) => self.take_chunk(chunk),
                Ok(None) => {
                    self.flush();
                    return Ok(self.ready.pop_front());
                }
                Err(fault) => self.resume(fault, chain, request).await?,
            }
        }
    }

    /// Makes of a chunk what the client is given now.
    fn take_chunk(&mut self, mut chunk: Value) {
        self.write_identity(&mut chunk);
        self.write_usage(&mut chunk);

        let has_ended = has_ended(&chunk);
        if let Some(fields) = chunk.as_object_mut()
            && has_ended
            && !self.seams.is_empty()
        {
            fields.insert("seams".to_owned(), json!(self.seams));
        }

        let delta = chunk.pointer_mut("/choices/0/delta");
        let delta = delta.and_then(Value::as_object_mut);
        let has_calls = delta.as_ref().is_some_and(|delta| has_tool_call(delta));
        if has_calls {
            // The text before a tool call is whole.
            self.flush_text();
        }
        if has_calls || !self.held_chunks.is_empty() {
            self.held_chunks.push(chunk);
            return;
        }

        if let Some(delta) = delta {
            self.rewrite_delta(delta, has_ended);
        }
        self.push_chunk(chunk);
    }

    /// Leaves of a delta what may be passed on.
    fn rewrite_delta(&mut self, delta: &mut Map<String, Value>, is_text_whole: bool) {
        if !self.seams.is_empty() {
            delta.remove("role"); // it was said
        }

        let content = delta.get("content").cloned().unwrap_or_default();
        let mut text = match &content {
            Value::String(piece) => self.given.buffer.push(&self.joiner.push(piece)),
            Value::Array(parts) => {
                // Parts that are no text have their place: what was held back comes before them.
                self.flush_text();
                self.given.text += &content::text_of_parts(parts);
                return;
            }
            _ => String::new(),
        };
        if is_text_whole {
            text += &self.take_held_text();
        }

        self.given.text += &text;
        if !text.is_empty() || content.is_string() {
            delta.insert("content".to_owned(), Value::String(text));
        }
    }

    fn take_held_text(&mut self) -> String {
        let rest = self.joiner.finish();
        self.given.buffer.push(&rest) + &self.given.buffer.take_all()
    }

    /// Passes on a chunk that brings anything, or is the first one.
    fn push_chunk(&mut self, chunk: Value) {
        let is_first = self.given.text.is_empty() && self.seams.is_empty();
        let has_usage = chunk.get("usage").is_some_and(Value::is_object);
        let has_choice = chunk.pointer("/choices/0").is_some();

        if is_first || has_usage || !has_choice || has_token(&chunk) {
            self.ready.push_back(ResumedItem::Chunk(chunk));
        }
    }

    /// Passes on the text that was held back.
    fn flush_text(&mut self) {
        let text = self.take_held_text();
        if text.is_empty() {
            return;
        }
        self.given.text += &text;

        let delta = json!({ "content": text });
        let choices = json!([{ "index": 0, "delta": delta, "finish_reason": null }]);
        let mut chunk = self.identity.clone();
        chunk.insert("choices".to_owned(), choices);
        let chunk = Value::Object(chunk);
        self.ready.push_back(ResumedItem::Chunk(chunk));
    }

    /// Passes on all that was held back of an answer that is complete.
    fn flush(&mut self) {
        self.flush_text();
        let held = std::mem::take(&mut self.held_chunks);
        self.ready.extend(held.into_iter().map(ResumedItem::Chunk));
    }

    /// Lets another tier go on.
    async fn resume(
        &mut self,
        fault: Fault,
        chain: &Chain,
        request: &ChainRequest<'_>,
    ) -> Result<(), Fault> {
        let from = self.live.tier().to_owned();
        *self.breaks.entry(from.clone()).or_default() += 1;
        let tiers = self.tiers_to_ask(chain, request);
        if is_final(&fault, request) || tiers.is_empty() || self.seams.len() >= MAX_SEAMS {
            return Err(fault);
        }

        let space = self.drop_broken_end();
        let continuation = Continuation {
            text: self.given.text.trim_end().to_owned(),
        };
        let next = request.continuing(&continuation, &tiers);
        let outcome = chain.start_stream(&next).await;
        let Some(answer) = outcome.answer else {
            count_resumption(&from, "failed");
            return Err(fault);
        };

        count_resumption(&from, "resumed");
        self.adopt(answer, &fault, space);
        Ok(())
    }

    /// The tiers that may go on: those that did not fail in this call first.
    fn tiers_to_ask(&self, chain: &Chain, request: &ChainRequest<'_>) -> Vec<String> {
        let breaks_of = |name: &String| self.breaks.get(name).copied().unwrap_or(0);
        let mut tiers = chain.tier_names(request);
        tiers.retain(|name| breaks_of(name) < MAX_BREAKS);
        tiers.sort_by_key(breaks_of); // it is stable: the chain's order stands
        tiers
    }

    /// Drops what the client was not given: half of a word, half of a tool call. White space that
    /// came after the text is kept.
    fn drop_broken_end(&mut self) -> String {
        self.held_chunks.clear();
        let space = self.given.buffer.give_up();

        let text = &mut self.given.text;
        let length = text.trim_end().len();
        let given_space = text.get(length..).unwrap_or_default().to_owned();
        if given_space.is_empty() {
            space
        } else {
            String::new()
        }
    }

    fn adopt(&mut self, answer: Answer<LiveStream>, fault: &Fault, space: String) {
        self.add_broken_part();
        self.given.earlier_bytes = self.given.text.len();

        let seam = Seam {
            offset: self.given.text.chars().count(),
            from: self.live.tier().to_owned(),
            fault: fault.to_string(),
            to: answer.tier,
        };
        tracing::warn!(from = seam.from, to = seam.to, fault = %fault, "a stream was resumed");

        self.joiner = SeamJoiner::new(self.given.text.trim_end().to_owned(), space);
        self.live = answer.content;
        self.seams.push(seam.clone());
        self.ready.push_back(ResumedItem::Seam(seam));
    }

    /// Adds what the part that broke has used; if it has not said so, what its text tells.
    fn add_broken_part(&mut self) {
        let part = self.live.usage();
        self.unknown_prompts += u64::from(part.is_none());

        let estimate = PartUsage {
            prompt: 0,
            completion: self.estimate_part(),
        };
        let part = part.unwrap_or(estimate);
        let earlier = self.earlier_usage.unwrap_or_default();
        self.earlier_usage = Some(earlier.plus(part));
    }

    fn estimate_part(&self) -> u64 {
        let part = self.given.text.get(self.given.earlier_bytes..);
        estimate_tokens(part.unwrap_or_default())
    }

    /// Makes the usage of the last part that of all parts.
    fn write_usage(&self, chunk: &mut Value) {
        let Some(earlier) = self.earlier_usage else {
            return;
        };
        let usage = chunk.get_mut("usage").filter(|usage| usage.is_object());
        if let Some(usage) = usage
            && let Some(part) = PartUsage::read(usage)
        {
            *usage = earlier.plus(part).to_json();
        }
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
}

/// Whether no other tier may go on.
fn is_final(fault: &Fault, request: &ChainRequest<'_>) -> bool {
    match fault {
        Fault::ContentFiltered(_) => request.stops_at_content_filter,
        Fault::ResponseTooLarge => true, // the answer has no end
        _ => false,
    }
}

fn has_ended(chunk: &Value) -> bool {
    let reason = chunk.pointer("/choices/0/finish_reason");
    reason.is_some_and(is_finish_reason)
}

fn has_tool_call(delta: &Map<String, Value>) -> bool {
    let has_calls = delta.get("tool_calls").and_then(Value::as_array);
    let has_function = delta.get("function_call").is_some_and(Value::is_object);
    has_calls.is_some_and(|calls| !calls.is_empty()) || has_function
}

fn count_resumption(tier: &str, outcome: &str) {
    metrics::count("StreamResumed", &[("tier", tier), ("outcome", outcome)]);
}
