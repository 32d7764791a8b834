//! Compiles the patterns of the findings, and the words that misspelt ones may stand for, to the
//! tables that the crate reads.

use std::collections::HashSet;
use std::error::Error;
use std::path::Path;

use crate::compiler::pattern_tables::compile_patterns;
use crate::compiler::syntax::{Pattern, PatternError};
use crate::cue_effect::cue_entries;
use crate::data::{WordList, split_words};
use crate::rule_files::{Finding, RuleBook};
use crate::sounds::SoundList;
use crate::table_files::write_files;
use crate::text::is_han;
use crate::vocabulary::VocabularyList;

/// Findings that no rule asks for: they tell whether a minor complaint is all that a text tells.
/// Their words are wide, and must not stand in the way of the search for denials.
const SELF_CARE_FINDINGS: &[&str] = &["lasting", "minor_companion", "other_symptom", "under_care"];

const CLASS_LIST: WordList = WordList {
    name: "word_classes.txt",
    text: include_str!("../src/triage/data/word_classes.txt"),
};

/// The patterns of a book that are looked for in the same texts.
pub struct LexiconPart {
    /// Names the files of its tables.
    pub name: &'static str,
    holds: fn(&str, &Finding) -> bool,
}

pub const LEXICON_PARTS: &[LexiconPart] = &[
    SYMPTOMS,
    LexiconPart {
        name: "self_care",
        holds: |name, _| SELF_CARE_FINDINGS.contains(&name),
    },
    LexiconPart {
        name: "risks",
        holds: |_, finding| finding.in_history,
    },
];

const SYMPTOMS: LexiconPart = LexiconPart {
    name: "symptoms",
    holds: |name, _| !SELF_CARE_FINDINGS.contains(&name),
};

/// A pattern as it is written, and which finding it tells.
pub struct LexiconSource<'b> {
    /// Number of the finding, in the order of the names.
    pub number: u32,
    pub finding: &'b str,
    pub text: &'b str,
    is_chinese: bool,
}

impl LexiconPart {
    /// The patterns of the part, in the order of their findings.
    pub fn sources<'b>(&self, book: &'b RuleBook) -> Vec<LexiconSource<'b>> {
        let mut sources = Vec::new();

        for (number, (name, finding)) in (0..).zip(&book.findings) {
            if !(self.holds)(name, finding) {
                continue;
            }
            for (patterns, is_chinese) in [(&finding.en, false), (&finding.zh, true)] {
                sources.extend(patterns.iter().map(|text| LexiconSource {
                    number,
                    finding: name,
                    text,
                    is_chinese,
                }));
            }
        }
        sources
    }
}

/// Writes the tables of all parts, of the vocabulary and of the sounds.
pub fn write_tables(book: &RuleBook, out: &Path) -> Result<(), Box<dyn Error>> {
    let mut named = SELF_CARE_FINDINGS.iter();
    if let Some(unknown) = named.find(|name| !book.findings.contains_key(**name)) {
        return Err(format!("there is no finding {unknown}, which self-care looks for").into());
    }

    for part in LEXICON_PARTS {
        let mut patterns = Vec::new();
        for source in part.sources(book) {
            patterns.push((source.number, read_pattern(book, &source)?));
        }
        write_files(out, part.name, compile_patterns(&patterns))?;
    }

    write_vocabulary(book, out)
}

/// Writes the words that misspelt ones may stand for, and the sounds that they are found by.
fn write_vocabulary(book: &RuleBook, out: &Path) -> Result<(), Box<dyn Error>> {
    let sounds = SoundList::read();
    let negators = words_that_deny();
    let mut vocabulary = VocabularyList::new(&sounds, &negators);
    for source in SYMPTOMS.sources(book) {
        let pattern = read_pattern(book, &source)?;
        vocabulary.add_words(&pattern);
        if source.is_chinese {
            vocabulary.add_phrases(&pattern);
        }
    }
    for cue in uncertain_cues() {
        vocabulary.add_cue(cue);
    }

    write_files(out, "vocabulary", vocabulary.compile())?;
    write_files(out, "sounds", sounds.compile())?;
    Ok(())
}

/// Reads a pattern; an error names its file and its finding.
fn read_pattern<'b>(
    book: &RuleBook,
    source: &LexiconSource<'b>,
) -> Result<Pattern<'b>, PatternError> {
    let topic = book.topics_of_findings.get(source.finding);
    let topic = topic.map_or("", String::as_str);

    let place = format!("{topic}.toml, finding {}", source.finding);
    Pattern::parse(&place, source.text)
}

/// Every Chinese cue that makes a finding less certain, in the order of the list.
fn uncertain_cues() -> impl Iterator<Item = String> {
    let cues = cue_entries().into_iter();

    cues.filter(|(effect, _)| !effect.lowers_nothing())
        .map(|(_, entry)| split_words(entry).concat())
        .filter(|cue| cue.chars().all(is_han))
}

fn words_that_deny() -> HashSet<&'static str> {
    let entries = CLASS_LIST.sections(Some);

    let negators = entries.into_iter().filter(|(class, _)| *class == "negator");
    negators.flat_map(|(_, entry)| split_words(entry)).collect()
}
