//! An answer that is passed on as it comes, and continued by another tier when one breaks midway.
//!
//! | file | knows |
//! |---|---|
//! | `resume_buffer` | what of an answer is passed on, and when |
//! | `word_buffer` | passes on a text word by word |
//! | `seam` | where one tier's text ends and another one's goes on |
//!
//! The chunks after a seam keep the answer's `id`; their `model` is the one that made them.

mod resume_buffer;
mod seam;
mod word_buffer;

use std::collections::HashMap;

use serde_json::Value;

use super::attempt::ChainRequest;
use super::chain::Chain;
use super::continuation::Continuation;
use super::fault::Fault;
use super::live_stream::LiveStream;
use super::outcome::{Answer, TierFailure};
use super::usage::{PartUsage, UsedTokens};
use crate::telemetry::metrics;
use resume_buffer::{NextPart, ResumeBuffer};

pub use seam::Seam;

/// The most seams of one answer.
const MAX_SEAMS: usize = 3;

/// How often one tier may break before it is not asked again.
const MAX_BREAKS: u32 = 2;

/// A live answer that outlives its tier.
pub struct ResumedStream {
    live: LiveStream,
    buffer: ResumeBuffer,
    /// Faults of each tier in this call.
    breaks: HashMap<String, u32>,
    /// What the parts before the last seam have used; none before the first seam.
    earlier_usage: Option<PartUsage>,
}

/// What comes next of an answer.
pub enum ResumedItem {
    /// A chunk.
    Chunk(Value),
    /// Another tier goes on.
    Seam(Seam),
}

impl ResumedStream {
    /// Wraps an answer that has begun; `failures` are the tiers that could not begin one.
    pub fn new(live: LiveStream, failures: &[TierFailure]) -> Self {
        let mut breaks = HashMap::new();
        count_breaks(&mut breaks, failures);
        Self {
            live,
            buffer: ResumeBuffer::new(),
            breaks,
            earlier_usage: None,
        }
    }

    /// The tier that gives the answer now.
    pub fn tier(&self) -> &str {
        self.live.tier()
    }

    /// The tokens used so far by the tier that gives the answer now. What earlier ones have used is
    /// written down in the request's ledger.
    pub fn used_tokens(&self) -> Option<UsedTokens> {
        self.live.used_tokens()
    }

    /// The next item; `None` when the answer is complete. An error is the end: no tier of `chain`
    /// could go on, and what came before is no complete answer.
    pub async fn next_item(
        &mut self,
        chain: &Chain,
        request: &ChainRequest<'_>,
    ) -> Result<Option<ResumedItem>, Fault> {
        loop {
            if let Some(chunk) = self.buffer.pop() {
                return Ok(Some(ResumedItem::Chunk(chunk)));
            }

            match self.live.next_chunk().await {
                Ok(Some(mut chunk)) => {
                    self.write_usage(&mut chunk);
                    self.buffer.push_chunk(chunk);
                }
                // It stops in mid-sentence: what was asked for was the rest.
                Ok(None) if self.buffer.is_unfinished() => {
                    let seam = self.resume(Fault::Truncated, chain, request).await?;
                    return Ok(Some(ResumedItem::Seam(seam)));
                }
                Ok(None) => {
                    self.buffer.flush();
                    return Ok(self.buffer.pop().map(ResumedItem::Chunk));
                }
                Err(fault) => {
                    let seam = self.resume(fault, chain, request).await?;
                    return Ok(Some(ResumedItem::Seam(seam)));
                }
            }
        }
    }

    /// Lets another tier go on.
    async fn resume(
        &mut self,
        fault: Fault,
        chain: &Chain,
        request: &ChainRequest<'_>,
    ) -> Result<Seam, Fault> {
        let from = self.live.tier().to_owned();
        *self.breaks.entry(from.clone()).or_default() += 1;
        let tiers = self.tiers_to_ask(chain, request);
        let has_all_seams = self.buffer.seams().len() >= MAX_SEAMS;
        if is_final(&fault, request) || tiers.is_empty() || has_all_seams {
            return Err(fault);
        }

        let broken = self.buffer.drop_broken_end();
        let continuation = Continuation {
            text: broken.text.clone(),
        };
        let next = request.continuing(&continuation, &tiers);
        let outcome = chain.start_stream(&next).await;
        count_breaks(&mut self.breaks, &outcome.failures);
        let Some(answer) = outcome.answer else {
            count_resumption(&from, "failed");
            return Err(fault);
        };

        count_resumption(&from, "resumed");
        self.add_broken_part();
        let seam = self.declare_seam(&answer, &fault);

        let prefill = request.chat.split_prefill();
        let next = NextPart {
            seam: seam.clone(),
            client_prefill: prefill.map(|(_, text)| text).unwrap_or_default(),
            is_prefilled: answer.content.is_prefilled(),
        };
        self.live = answer.content;
        self.buffer.begin_part(broken, next);
        Ok(seam)
    }

    /// The tiers that may go on: those that did not fail in this call first.
    fn tiers_to_ask(&self, chain: &Chain, request: &ChainRequest<'_>) -> Vec<String> {
        let breaks_of = |name: &String| self.breaks.get(name).copied().unwrap_or(0);
        let mut tiers = chain.tier_names(request);
        tiers.retain(|name| breaks_of(name) < MAX_BREAKS);
        tiers.sort_by_key(breaks_of); // it is stable: the chain's order stands
        tiers
    }

    fn declare_seam(&self, answer: &Answer<LiveStream>, fault: &Fault) -> Seam {
        let seam = Seam {
            offset: self.buffer.char_count(),
            from: self.live.tier().to_owned(),
            fault: fault.to_string(),
            to: answer.tier.clone(),
        };
        tracing::warn!(from = seam.from, to = seam.to, fault = %fault, "a stream was resumed");
        seam
    }

    /// Adds what the part that broke has used; if it has not said so, what its text tells.
    fn add_broken_part(&mut self) {
        let completion = self.live.estimated_tokens();
        let all = self
            .live
            .used_tokens()
            .map_or(completion, UsedTokens::number);
        let estimate = PartUsage {
            prompt: all.saturating_sub(completion),
            completion,
        };

        let part = self.live.usage().unwrap_or(estimate);
        let earlier = self.earlier_usage.unwrap_or_default();
        self.earlier_usage = Some(earlier.plus(part));
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
}

/// Whether no other tier may go on.
fn is_final(fault: &Fault, request: &ChainRequest<'_>) -> bool {
    match fault {
        Fault::ContentFiltered(_) => request.stops_at_content_filter,
        Fault::ResponseTooLarge => true, // the answer has no end
        _ => false,
    }
}

/// Counts the tiers that could not begin an answer; a tier that was not asked has not failed.
fn count_breaks(breaks: &mut HashMap<String, u32>, failures: &[TierFailure]) {
    for failure in failures
        .iter()
        .filter(|failure| failure.fault.reached_tier())
    {
        *breaks.entry(failure.tier.clone()).or_default() += 1;
    }
}

fn count_resumption(tier: &str, outcome: &str) {
    metrics::count("StreamResumed", &[("tier", tier), ("outcome", outcome)]);
}
