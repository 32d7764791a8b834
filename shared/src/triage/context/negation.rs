//! Decides for each mention of a finding whether it is there, left open or denied.

use std::collections::HashMap;

use super::check_marks;
use super::cue_reader::CueReader;
use super::post_cues::{self, StatusBounds};
use super::scope::NegationScope;
use crate::triage::breaks::Pause;
use crate::triage::cue_lexicon::CueEffect;
use crate::triage::finding::FindingStatus;
use crate::triage::pattern::PatternMatch;
use crate::triage::tokens::Token;

/// Statuses of the mentions, in their order, as far as negation and doubt decide them.
pub(in crate::triage) fn negation_statuses<K>(
    tokens: &[Token<'_>],
    mentions: &[PatternMatch<K>],
) -> Vec<FindingStatus> {
    let reader = CueReader::new(tokens, mentions);
    let leading_statuses = leading_statuses(&reader);
    // Several findings often end with the same word.
    let mut bounds_by_end: HashMap<usize, StatusBounds> = HashMap::new();

    mentions
        .iter()
        .map(|mention| {
            if let Some(status) = check_marks::entry_status(tokens, mention.start, mention.end) {
                return status;
            }
            let leading = leading_statuses.get(mention.start).copied();
            let before = leading.unwrap_or(FindingStatus::Present);
            let within = status_within(&reader, mention);
            let bounds = bounds_by_end
                .entry(mention.end)
                .or_insert_with(|| post_cues::status_bounds(tokens, mention.end));

            before.min(within).max(bounds.least).min(bounds.greatest)
        })
        .collect()
}

/// For each token, the status of a finding that begins there, as far as the words before tell.
fn leading_statuses(reader: &CueReader<'_, '_>) -> Vec<FindingStatus> {
    let tokens = reader.tokens();
    let mut statuses = Vec::with_capacity(tokens.len());
    let mut scope: Option<NegationScope> = None;

    while let Some(token) = tokens.get(statuses.len()) {
        let at = statuses.len();
        if token.pause > Pause::None {
            scope = scope.and_then(|scope| scope.past_pause(reader, at, token.pause));
        }
        let status = scope.map_or(FindingStatus::Present, |scope| scope.status_at(reader, at));

        if let Some(cue) = reader.cue_at(at) {
            scope = NegationScope::after_cue(scope, cue, reader);
            statuses.resize(cue.end, status);
        } else {
            scope = scope.and_then(|scope| scope.after_token(reader, at, token));
            statuses.push(status);
        }
    }

    statuses
}

/// A negator between the words of the finding itself: "my chest does not hurt", 胸不痛.
fn status_within<K>(reader: &CueReader<'_, '_>, mention: &PatternMatch<K>) -> FindingStatus {
    let mut status = FindingStatus::Present;
    let mut next = 0;

    for &at in &mention.gaps {
        if at < next {
            continue;
        }
        let Some(cue) = reader.cue_at(at) else {
            continue;
        };

        next = cue.end;
        status = match cue.effect {
            CueEffect::Doubt | CueEffect::Hedge | CueEffect::Resolved => {
                FindingStatus::Uncertain.min(status)
            }
            effect if effect.is_denial() => FindingStatus::Denied,
            _ => status,
        };
    }

    status
}
