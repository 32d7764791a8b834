//! Every finding of a complaint with its status.

use std::collections::HashSet;
use std::sync::LazyLock;

use super::breaks::BreakReading;
use super::classifier;
use super::complaint::Complaint;
use super::context;
use super::cue_lexicon;
use super::finding::{Finding, FindingStatus};
use super::letters::{join_broken_words, join_letters};
use super::lexicon::{RISK_PATTERNS, SYMPTOM_PATTERNS, VOCABULARY_TABLES};
use super::normalise::normalise_text;
use super::pattern::PatternMatch;
use super::quantities::{self, InfantAge};
use super::readings::{Reading, cut_words, read_text};
use super::seams::{KnownWords, join_seams};
use super::tokens::{Token, TokenKind};
use super::tolerant::{CorrectedText, ReadAs, Vocabulary, correct_text};
use super::urgency::Urgency;
use super::word_class::WordClass;
use crate::text::SEAM;

/// Patterns of two words that many write as one. Where decoration parts these, they are two.
const RUN_TOGETHER: &[&str] = &["chestpain"];

/// The words of all patterns and cues.
struct LexiconWords {
    /// Words that only cues have.
    whole: HashSet<&'static str>,
    /// Beginnings of words that only cues have.
    stems: HashSet<&'static str>,
}

static LEXICON_WORDS: LazyLock<LexiconWords> = LazyLock::new(|| {
    let (stems, whole) = context::cue_words().partition::<Vec<_>, _>(|word| word.is_prefix);

    let whole = whole.iter().map(|word| word.text);
    LexiconWords {
        whole: whole.chain(cue_lexicon::all_words()).collect(),
        stems: stems.iter().map(|word| word.text).collect(),
    }
});

static VOCABULARY: LazyLock<Vocabulary> =
    LazyLock::new(|| Vocabulary::of_tables(VOCABULARY_TABLES));

impl KnownWords for LexiconWords {
    fn knows(&self, word: &str) -> bool {
        let is_word = SYMPTOM_PATTERNS.has_word(word)
            || RISK_PATTERNS.has_word(word)
            || self.whole.contains(word);

        is_word && !RUN_TOGETHER.contains(&word) || WordClass::of_word(word) != WordClass::default()
    }

    fn stem_len(&self, word: &str) -> Option<usize> {
        let mut lengths = 1..=word.len();
        let of_cues = lengths.find(|len| {
            let stem = word.get(..*len);
            stem.is_some_and(|stem| self.stems.contains(stem))
        });

        let of_patterns = [
            SYMPTOM_PATTERNS.stem_len(word),
            RISK_PATTERNS.stem_len(word),
        ];
        of_patterns.into_iter().chain([of_cues]).flatten().min()
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

/// The tokens, in order, of mentions whose status is below `least`, unless another mention that
/// reaches it has them as well.
fn tokens_below(
    least: FindingStatus,
    mentions: &[PatternMatch<Finding>],
    statuses: &[FindingStatus],
) -> Vec<usize> {
    let (below, told): (Vec<_>, Vec<_>) = mentions
        .iter()
        .zip(statuses)
        .partition(|(_, status)| **status < least);
    let told: HashSet<usize> = told
        .iter()
        .flat_map(|(mention, _)| mention.atom_tokens())
        .collect();

    let below = below.iter().flat_map(|(mention, _)| mention.atom_tokens());
    let mut below: Vec<usize> = below.filter(|at| !told.contains(at)).collect();
    below.sort_unstable();
    below.dedup();
    below
}

/// Statuses of the findings that a complaint mentions; a finding that is missing is unknown.
#[derive(Debug)]
pub(super) struct Findings {
    /// By the number of the finding: every rule looks at several.
    statuses: [Option<FindingStatus>; Finding::ALL.len()],
    /// Findings that only a corrected spelling tells.
    corrected: Vec<Finding>,
    /// The misspelt words of findings.
    read_as: Vec<ReadAs>,
    /// Tokens of the first reading that tell only of what is denied, past, another's or open.
    void_tokens: Vec<usize>,
    /// Those of them that tell only of what is denied or another's.
    denied_tokens: Vec<usize>,
}

impl Findings {
    /// Reads a complaint; `readings` are those of its symptoms.
    pub(super) fn of_complaint(complaint: &Complaint<'_>, readings: &[Reading<'_>]) -> Self {
        let mut findings = Self {
            statuses: [None; Finding::ALL.len()],
            corrected: Vec::new(),
            read_as: Vec::new(),
            void_tokens: Vec::new(),
            denied_tokens: Vec::new(),
        };

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
        if reading.is_first() {
            let history = context::tokens_of_history(tokens);
            let mut void = tokens_below(FindingStatus::Present, &mentions, &statuses);
            void.extend(history);
            void.sort_unstable();
            void.dedup();
            self.void_tokens = void;
            self.denied_tokens = tokens_below(FindingStatus::Named, &mentions, &statuses);
        }
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
        if let Some(recorded) = self.statuses.get_mut(finding as usize) {
            *recorded = Some(status).max(*recorded);
        }
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

    /// Raises what the words of the first reading resemble as a whole, which stays uncertain, if it
    /// says more than `known`, the urgency that the rules found. Tells whether it does.
    pub(super) fn read_wording(
        &mut self,
        readings: &[Reading<'_>],
        known: Option<Urgency>,
    ) -> bool {
        let resembled = classifier::resembled(&self.told_words(readings));
        if resembled <= known {
            return false;
        }

        let finding = match resembled {
            Some(Urgency::Emergency) => Finding::EmergencyWording,
            _ => Finding::UrgentWording,
        };
        self.record(finding, FindingStatus::Uncertain);
        true
    }

    /// Whether the first reading is a letter that tells of nothing sudden, and whose words resemble
    /// no emergency.
    pub(super) fn are_of_calm_letter(&self, readings: &[Reading<'_>]) -> bool {
        let first = readings.iter().find(|reading| reading.is_first());
        let is_letter = first.is_some_and(|reading| context::is_unhurried_letter(&reading.tokens));

        is_letter && classifier::are_calm(&self.told_words(readings))
    }

    /// The text of the first reading, without what is denied or another's.
    pub(super) fn told_text(&self, readings: &[Reading<'_>]) -> String {
        let first = readings.iter().find(|reading| reading.is_first());
        let tokens = first.map_or(&[][..], |reading| &reading.tokens);

        let is_denied = |at: &usize| self.denied_tokens.binary_search(at).is_ok();
        let told = tokens.iter().enumerate().filter(|(at, _)| !is_denied(at));
        let mut text = String::new();
        let mut after = 0;
        for (at, token) in told {
            let is_joined = at == after && token.kind == TokenKind::Han;
            if !is_joined {
                text.push(' ');
            }
            text.push_str(token.text);
            after = at + 1;
        }
        text
    }

    /// The sequences of words that the classifier looks at.
    pub(super) fn word_sequences(&self, readings: &[Reading<'_>]) -> Vec<String> {
        let words = self.told_words(readings);

        classifier::sequences(&words)
            .map(classifier::text_of)
            .collect()
    }

    /// The words of the first reading, with gaps where they tell of nothing present.
    fn told_words<'t>(&self, readings: &[Reading<'t>]) -> Vec<classifier::Word<'t>> {
        let first = readings.iter().find(|reading| reading.is_first());
        let tokens = first.map_or(&[][..], |reading| &reading.tokens);

        classifier::words_of(tokens, |at| self.is_void(at))
    }

    fn is_void(&self, token: usize) -> bool {
        self.void_tokens.binary_search(&token).is_ok()
    }

    /// Status of a finding; `None` when it is unknown.
    pub(super) fn status_of(&self, finding: Finding) -> Option<FindingStatus> {
        self.statuses.get(finding as usize).copied().flatten()
    }

    /// Whether a finding is present or left open.
    pub(super) fn suggest(&self, finding: Finding) -> bool {
        self.status_of(finding)
            .is_some_and(|status| status > FindingStatus::Denied)
    }

    /// Every finding that is present or left open.
    pub(super) fn suggested(&self) -> impl Iterator<Item = Finding> {
        let findings = Finding::ALL.iter().copied();
        findings.filter(|finding| self.suggest(*finding))
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
