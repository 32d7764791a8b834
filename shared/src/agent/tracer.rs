//! Notes what is done for an answer: names, numbers and times, none of anybody's words.

use std::time::Instant;

use uuid::Uuid;

use crate::ai::{ChainOutcome, CheckedCompletion, ReportedUsage, Step};
use crate::consultations::{TokenUsage, Trace, TraceStep, TracedFailure, TracedPassage};
use crate::knowledge::{FoundPassage, SearchResult, SearchSide};
use crate::telemetry::metrics;

/// Collects the steps of one answer.
#[derive(Default)]
pub(super) struct Tracer {
    trace: Trace,
}

impl Tracer {
    /// The knowledge base was searched since `began`; with no result, it could not be.
    pub(super) fn note_search(&mut self, began: Instant, found: Option<&SearchResult>) {
        let sides = found.map_or(&[][..], |found| &found.searched_by);
        let items = found.map_or(&[][..], |found| &found.items);
        let side_name = |side: &SearchSide| match side {
            SearchSide::Text => "text".to_owned(),
            SearchSide::Vector => "vector".to_owned(),
        };

        self.trace.steps.push(TraceStep::Search {
            milliseconds: milliseconds_since(began),
            searched_by: sides.iter().map(side_name).collect(),
            passages: items.iter().map(traced).collect(),
        });
    }

    /// Models were asked since `began`, and made these steps.
    pub(super) fn note_models<T>(
        &mut self,
        began: Instant,
        steps: Vec<TraceStep>,
        outcome: &ChainOutcome<CheckedCompletion<T>>,
    ) {
        let answer = outcome.answer.as_ref();
        let tier = answer.map(|answer| answer.tier.clone());
        let last = answer.and_then(|answer| answer.content.completion.reported_usage());
        let of_steps = tier
            .as_deref()
            .and_then(|tier| usage_of_steps(&steps, tier));
        let of_one_call = last.map(usage_of).filter(|_| of_steps.is_none());
        let usage = of_steps.or(of_one_call);

        if let Some((tier, usage)) = tier.as_deref().zip(of_one_call) {
            count_tokens(tier, usage);
        }
        for step in &steps {
            if let TraceStep::ModelStep {
                tier,
                usage: Some(usage),
                ..
            } = step
            {
                count_tokens(tier, *usage);
            }
        }
        self.trace.steps.extend(steps);

        let failures = outcome.failures.iter().map(|failure| TracedFailure {
            tier: failure.tier.clone(),
            fault: failure.fault.to_string(),
        });
        self.trace.steps.push(TraceStep::Models {
            milliseconds: milliseconds_since(began),
            tier,
            attempts: outcome.attempts,
            failures: failures.collect(),
            usage,
            wasted_tokens: outcome.wasted_tokens,
        });
    }

    /// So many documents are cited, and so many marks were dropped.
    pub(super) fn note_citations(&mut self, kept: u64, dropped: u64) {
        self.trace
            .steps
            .push(TraceStep::Citations { kept, dropped });
    }

    /// This document is quoted; none if none fits.
    pub(super) fn note_guidance(&mut self, document_id: Option<Uuid>) {
        self.trace.steps.push(TraceStep::Guidance { document_id });
    }

    pub(super) fn finish(self) -> Trace {
        self.trace
    }
}

/// What all steps of a tier used; none if it made no steps, or does not say.
fn usage_of_steps(steps: &[TraceStep], name: &str) -> Option<TokenUsage> {
    let usages = steps.iter().filter_map(|step| match step {
        TraceStep::ModelStep { tier, usage, .. } if tier == name => *usage,
        _ => None,
    });
    usages.reduce(|sum, usage| TokenUsage {
        prompt: sum.prompt.saturating_add(usage.prompt),
        cached: sum.cached.saturating_add(usage.cached),
        completion: sum.completion.saturating_add(usage.completion),
    })
}

fn count_tokens(tier: &str, usage: TokenUsage) {
    metrics::add("PromptTokens", &[("tier", tier)], usage.prompt);
    metrics::add("CachedPromptTokens", &[("tier", tier)], usage.cached);
    metrics::add("CompletionTokens", &[("tier", tier)], usage.completion);
}

/// What a model has done in one step: which tools it called, or none for an answer in words.
pub(super) fn model_step(tier: &str, step: &Step<'_>, calls: Vec<String>) -> TraceStep {
    TraceStep::ModelStep {
        tier: tier.to_owned(),
        number: step.number,
        milliseconds: step.milliseconds,
        calls,
        usage: step.completion.reported_usage().map(usage_of),
    }
}

/// A passage as a trace names it.
pub(super) const fn traced(passage: &FoundPassage) -> TracedPassage {
    TracedPassage {
        document_id: passage.document_id,
        position: passage.position,
    }
}

const fn usage_of(usage: ReportedUsage) -> TokenUsage {
    TokenUsage {
        prompt: usage.prompt,
        cached: usage.cached,
        completion: usage.completion,
    }
}

pub(super) fn milliseconds_since(began: Instant) -> u64 {
    u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX)
}
