//! The clinical picture: every finding of a complaint with its status.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::experience::Timeline;
use super::finding::{Entry, Finding};
use super::pattern::{Found, PatternSet};
use super::scope::{self, Status};
use super::text::{self, Token};
use super::{Complaint, measures, rules};

static SYMPTOMS: LazyLock<PatternSet<Finding>> = LazyLock::new(|| compile(rules::lexicon()));
static RISKS: LazyLock<PatternSet<Finding>> = LazyLock::new(|| compile(rules::risk_lexicon()));

fn compile(entries: impl Iterator<Item = &'static Entry>) -> PatternSet<Finding> {
    PatternSet::compile(entries.flat_map(|entry| {
        entry
            .en
            .iter()
            .chain(entry.zh)
            .map(|source| (entry.finding, *source))
    }))
}

/// Statuses of the findings that a complaint mentions; a finding that is missing is unknown.
#[derive(Debug, Default)]
pub(super) struct Picture {
    statuses: HashMap<Finding, Status>,
    /// For each token of the symptoms, whether a minor complaint covers it.
    minor: Vec<bool>,
}

impl Picture {
    pub(super) fn of(complaint: &Complaint<'_>, tokens: &[Token<'_>]) -> Self {
        let mut picture = Self {
            minor: vec![false; tokens.len()],
            ..Self::default()
        };
        let mut mentions = SYMPTOMS.find(tokens);
        mentions.extend(measures::temperatures(tokens));
        mentions.extend(measures::overdoses(tokens));
        picture.add(tokens, &mentions, true);
        picture.cover(&mentions);
        if let Some(history) = complaint.history {
            let history = text::normalise(history);
            let tokens = text::tokenise(&history);
            picture.add(&tokens, &RISKS.find(&tokens), false);
        }
        picture.add_age(complaint.age, tokens);
        picture
    }

    fn add(&mut self, tokens: &[Token<'_>], mentions: &[Found<Finding>], skip_past: bool) {
        let timeline = Timeline::of(tokens);
        for (mention, status) in mentions.iter().zip(scope::statuses(tokens, mentions)) {
            let status = if skip_past {
                status.min(timeline.ceiling(mention))
            } else {
                status
            };
            self.note(mention.key, status);
        }
    }

    /// Keeps the more alarming status.
    fn note(&mut self, finding: Finding, status: Status) {
        let entry = self.statuses.entry(finding).or_insert(status);
        *entry = status.max(*entry);
    }

    fn cover(&mut self, mentions: &[Found<Finding>]) {
        for mention in mentions
            .iter()
            .filter(|mention| mention.key == Finding::MinorComplaint)
        {
            for at in (mention.start..mention.end).filter(|at| !mention.gaps.contains(at)) {
                if let Some(slot) = self.minor.get_mut(at) {
                    *slot = true;
                }
            }
        }
    }

    /// Infants are known by the text, as `age` counts whole years only.
    fn add_age(&mut self, age: Option<u8>, tokens: &[Token<'_>]) {
        let days = measures::infant_days(tokens, age == Some(0));
        if age.is_some_and(|age| age < 5) || days.is_some() {
            self.note(Finding::Under5Years, Status::Present);
        }
        if age.is_some_and(|age| age < 12) {
            self.note(Finding::ChildTold, Status::Present);
        }
        match days {
            Some(days) if days < measures::THREE_MONTHS => {
                self.note(Finding::Under3Months, Status::Present)
            }
            Some(days) if days <= measures::SIX_MONTHS => {
                self.note(Finding::From3To6Months, Status::Present)
            }
            None if age == Some(0) => {
                self.note(Finding::Under3Months, Status::Uncertain);
                self.note(Finding::From3To6Months, Status::Uncertain);
            }
            _ => {}
        }
    }

    /// Status of a finding; `None` when it is unknown.
    pub(super) fn status(&self, finding: Finding) -> Option<Status> {
        self.statuses.get(&finding).copied()
    }

    /// Whether a finding is present or left open.
    pub(super) fn suggests(&self, finding: Finding) -> bool {
        self.status(finding)
            .is_some_and(|status| status > Status::Denied)
    }

    /// The weakest status of the findings; `None` when one of them is unknown.
    pub(super) fn all(&self, findings: &[Finding]) -> Option<Status> {
        findings
            .iter()
            .map(|finding| self.status(*finding))
            .min()
            .flatten()
    }

    /// Whether a minor complaint covers the token at `at`.
    pub(super) fn covers(&self, at: usize) -> bool {
        self.minor.get(at) == Some(&true)
    }
}
