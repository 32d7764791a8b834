//! Every finding of a complaint with its status.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use super::breaks::BreakReading;
use super::complaint::Complaint;
use super::context;
use super::cue_lexicon;
use super::finding::{Finding, FindingStatus};
use super::letters::{join_broken_words, join_letters};
use super::normalise::normalise_text;
use super::pattern::{PatternMatch, han_phrases};
use super::pattern_set::PatternSet;
use super::quantities::{self, InfantAge};
use super::readings::{Reading, cut_words, read_text};
use super::rule::LexiconEntry;
use super::rules;
use super::seams::{KnownWords, join_seams};
use super::tokens::Token;
use super::tolerant::{CorrectedText, ReadAs, Vocabulary, correct_text};
use super::word_class::WordClass;
use crate::text::SEAM;

static SYMPTOM_PATTERNS: LazyLock<PatternSet<Finding>> =
    LazyLock::new(|| compile_lexicon(rules::symptom_lexicon()));
static RISK_PATTERNS: LazyLock<PatternSet<Finding>> =
    LazyLock::new(|| compile_lexicon(rules::risk_lexicon()));

/// Patterns of two words that many write as one. Where decoration parts these, they are two.
const RUN_TOGETHER: &[&str] = &["chestpain"];

/// The words of all patterns and cues.
#[derive(Default)]
struct LexiconWords {
    whole: HashSet<&'static str>,
    /// Beginnings of words.
    stems: HashSet<&'static str>,
}

static LEXICON_WORDS: LazyLock<LexiconWords> = LazyLock::new(|| {
    let mut words = LexiconWords::default();

    let lexicon = SYMPTOM_PATTERNS.words().chain(RISK_PATTERNS.words());
    for word in lexicon.chain(context::cue_words()) {
        if word.is_prefix {
            words.stems.insert(word.text);
        } else {
            words.whole.insert(word.text);
        }
    }
    words.whole.extend(cue_lexicon::all_words());
    words.whole.retain(|word| !RUN_TOGETHER.contains(word));

    words
});

/// The words that misspelt ones may stand for.
static VOCABULARY: LazyLock<Vocabulary> = LazyLock::new(|| {
    let mut vocabulary = Vocabulary::default();

    for word in SYMPTOM_PATTERNS.words() {
        vocabulary.add_word(word);
    }
    let patterns = rules::symptom_lexicon().flat_map(|entry| entry.zh);
    for phrase in patterns.flat_map(|pattern| han_phrases(pattern)) {
        vocabulary.add_phrase(phrase);
    }
    for cue in cue_lexicon::han_cues() {
        vocabulary.add_cue(cue);
    }
    vocabulary
});

impl KnownWords for LexiconWords {
    fn knows(&self, word: &str) -> bool {
        self.whole.contains(word) || WordClass::of_word(word) != WordClass::default()
    }

    fn stem_len(&self, word: &str) -> Option<usize> {
        let mut lengths = 1..=word.len();
        lengths.find(|len| {
            let len = *len;
            word.get(..len)
                .is_some_and(|stem| self.stems.contains(stem))
        })
    }

    fn denies(&self, word: &str) -> bool {
        WordClass::of_word(word).has(WordClass::NEGATOR)
    }
}

/// The patient's age in completed years, given or told.
pub(super) fn patient_age(complaint: &Complaint<'_>, reading: &Reading<'_>) -> Option<u8> {
    let is_infant = || quantities::infant_age(&reading.tokens, false).map(|_| 0);

    complaint
        .age
        .or_else(|| quantities::told_age(&reading.tokens))
        .or_else(is_infant)
}

/// A patient's text in one spelling, with its words joined or parted where decoration stood.
pub(super) fn normalise_words(text: &str) -> String {
    let mut normalised = normalise_text(text);
    join_letters(&mut normalised, &*LEXICON_WORDS);
    join_broken_words(&mut normalised, &*LEXICON_WORDS);
    if !normalised.contains(SEAM) {
        return normalised;
    }

    join_seams(&normalised, &*LEXICON_WORDS)
}

/// The patterns of a lexicon.
pub(super) fn compile_lexicon(
    entries: impl Iterator<Item = &'static LexiconEntry>,
) -> PatternSet<Finding> {
    let sources = entries.flat_map(|entry| {
        let patterns = entry.en.iter().chain(entry.zh);
        patterns.map(|pattern| (entry.finding, *pattern))
    });

    PatternSet::compile(sources)
}

/// The readings of a patient's normalised symptoms.
pub(super) fn read_symptoms(symptoms: &str) -> Vec<Reading<'_>> {
    read_text(symptoms, &SYMPTOM_PATTERNS)
}

/// Every mention of a finding, in words or as a number, with its context still to be applied.
pub(super) fn find_mentions(tokens: &[Token<'_>], age: Option<u8>) -> Vec<PatternMatch<Finding>> {
    let mut mentions = SYMPTOM_PATTERNS.find_all(tokens);
    mentions.extend(quantities::find_quantities(tokens, age));
    mentions
}

/// Statuses of the findings that a complaint mentions; a finding that is missing is unknown.
#[derive(Debug, Default)]
pub(super) struct Findings {
    statuses: HashMap<Finding, FindingStatus>,
    /// Findings that only a corrected spelling tells.
    corrected: Vec<Finding>,
    /// The misspelt words of findings.
    read_as: Vec<ReadAs>,
}

impl Findings {
    /// Reads a complaint; `readings` are those of its symptoms.
    pub(super) fn of_complaint(complaint: &Complaint<'_>, readings: &[Reading<'_>]) -> Self {
        let mut findings = Self::default();

        for reading in readings {
            let age = patient_age(complaint, reading);
            findings.read_symptoms(reading, age);
            findings.read_age(age, &reading.tokens);
        }
        if let Some(history) = complaint.history {
            findings.read_history(history);
        }

        findings
    }

    /// Adds what the symptoms say beyond that when misspelt words are read as those of the lexicon.
    pub(super) fn read_tolerantly(&mut self, symptoms: &str) {
        let tokens = cut_words(symptoms, BreakReading::Ends);
        let Some(corrected) = correct_text(symptoms, &tokens, &VOCABULARY) else {
            return;
        };

        let reading = Reading::with_ends(cut_words(&corrected.text, BreakReading::Ends));
        let mentions = SYMPTOM_PATTERNS.find_all(&reading.tokens);
        let statuses = context::current_statuses(&reading.tokens, &mentions);
        for (mention, status) in mentions.iter().zip(statuses) {
            let is_new = self.status_of(mention.key) < Some(status);
            if is_new && self.add_corrections(mention, &reading, &corrected) {
                self.record(mention.key, status);
                self.corrected.push(mention.key);
            }
        }
    }

    /// Findings that only a corrected spelling tells.
    pub(super) fn corrected(&self) -> &[Finding] {
        &self.corrected
    }

    /// Keeps the corrections that a mention rests on. `false` if it rests on none.
    fn add_corrections(
        &mut self,
        mention: &PatternMatch<Finding>,
        reading: &Reading<'_>,
        corrected: &CorrectedText,
    ) -> bool {
        let tokens = mention
            .atom_tokens()
            .filter_map(|at| reading.tokens.get(at));
        let mut corrections: Vec<ReadAs> = tokens
            .filter_map(|token| corrected.correction_of(token))
            .collect();
        corrections.dedup();

        let rests_on_some = !corrections.is_empty();
        for correction in corrections {
            if !self.read_as.contains(&correction) {
                self.read_as.push(correction);
            }
        }
        rests_on_some
    }

    /// The misspelt words that findings rest on.
    pub(super) fn into_read_as(self) -> Vec<ReadAs> {
        self.read_as
    }

    fn read_symptoms(&mut self, reading: &Reading<'_>, age: Option<u8>) {
        let tokens = reading.tokens.as_slice();
        let mentions = find_mentions(tokens, age);
        let statuses = context::current_statuses(tokens, &mentions);
        self.record_mentions(reading, &mentions, &statuses);
    }

    fn read_history(&mut self, history: &str) {
        let history = normalise_words(history);

        for reading in read_text(&history, &RISK_PATTERNS) {
            let mentions = RISK_PATTERNS.find_all(&reading.tokens);
            let statuses = context::negation_statuses(&reading.tokens, &mentions);
            self.record_mentions(&reading, &mentions, &statuses);
        }
    }

    fn record_mentions(
        &mut self,
        reading: &Reading<'_>,
        mentions: &[PatternMatch<Finding>],
        statuses: &[FindingStatus],
    ) {
        for (mention, status) in mentions.iter().zip(statuses) {
            if reading.tells_of(mention) {
                self.record(mention.key, *status);
            }
        }
    }

    /// Keeps the more alarming status.
    fn record(&mut self, finding: Finding, status: FindingStatus) {
        let recorded = self.statuses.entry(finding).or_insert(status);
        *recorded = status.max(*recorded);
    }

    /// Infants are known by the text, as `age` counts whole years only.
    fn read_age(&mut self, age: Option<u8>, tokens: &[Token<'_>]) {
        let infant_age = quantities::infant_age(tokens, age == Some(0));

        if age.is_some_and(|age| age < 5) || infant_age.is_some() {
            self.record(Finding::Under5Years, FindingStatus::Present);
        }
        if age.is_some_and(|age| age < 12) {
            self.record(Finding::ChildMentioned, FindingStatus::Present);
        }
        if age.is_some_and(|age| age >= 50) {
            self.record(Finding::Over50Years, FindingStatus::Present);
        }
        if age.is_some_and(|age| age >= 65) {
            self.record(Finding::Over65Years, FindingStatus::Present);
        }

        match infant_age {
            Some(InfantAge::Under3Months) => {
                self.record(Finding::Under3Months, FindingStatus::Present);
            }
            Some(InfantAge::From3To6Months) => {
                self.record(Finding::From3To6Months, FindingStatus::Present);
            }
            None if age == Some(0) => {
                self.record(Finding::Under3Months, FindingStatus::Uncertain);
                self.record(Finding::From3To6Months, FindingStatus::Uncertain);
            }
            Some(InfantAge::Older) | None => {}
        }
    }

    /// Status of a finding; `None` when it is unknown.
    pub(super) fn status_of(&self, finding: Finding) -> Option<FindingStatus> {
        self.statuses.get(&finding).copied()
    }

    /// Whether a finding is present or left open.
    pub(super) fn suggest(&self, finding: Finding) -> bool {
        self.status_of(finding)
            .is_some_and(|status| status > FindingStatus::Denied)
    }

    /// Every finding that is present or left open.
    pub(super) fn suggested(&self) -> impl Iterator<Item = Finding> {
        let statuses = self.statuses.iter();

        statuses
            .filter(|(_, status)| **status > FindingStatus::Denied)
            .map(|(finding, _)| *finding)
    }

    /// The weakest status of the findings; `None` when one of them is unknown.
    pub(super) fn weakest_status(&self, findings: &[Finding]) -> Option<FindingStatus> {
        let is_combination = findings.len() > 1;
        let statuses = findings.iter().map(|finding| self.status_of(*finding));
        // An illness that is only named counts beside a sign.
        let counted = statuses.map(|status| match status {
            Some(FindingStatus::Named) if is_combination => Some(FindingStatus::Present),
            other => other,
        });
        counted.min().flatten()
    }
}
