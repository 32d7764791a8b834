//! The small pattern language of the lexicon.
//!
//! A pattern is a row of atoms parted by spaces:
//!
//! - `pain|ache` — either alternative; `_` joins the words of one alternative (`stiff_neck`).
//! - `faint*` — any English word with that beginning.
//! - `..` — up to four words (six Han characters) may stand here, inside one list item.
//! - `...` — up to seven words (ten Han characters), also across "and", "or" and `、`.
//! - `!heat` — first or last atom only: this must *not* stand right before or after.
//! - `@cant` — a group of alternatives from `data/pattern_groups.txt`.
//!
//! Between two atoms, words that change nothing ("my", "very", 很, 了) are skipped. The first
//! alternative that lets the rest of its pattern match counts.

use std::error::Error;
use std::fmt;

use super::super::data::is_word_character;
use super::groups::group_alternatives;
use super::text_table::STEM_MARK;

/// The tokens that may stand between an atom and the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GapKind {
    /// Nothing: the gap before the first atom.
    Closed,
    /// Words that change nothing.
    Fillers,
    /// `..`: words of the same list item.
    Item,
    /// `...`: words of the same list.
    List,
}

/// A word of a pattern, or the beginning of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PatternWord<'s> {
    pub text: &'s str,
    pub is_prefix: bool,
}

/// One alternative of an atom.
pub type PatternPhrase<'s> = Vec<PatternWord<'s>>;

/// Alternatives, of which one stands behind the gap.
#[derive(Debug, PartialEq, Eq)]
pub struct PatternAtom<'s> {
    pub gap_before: GapKind,
    pub phrases: Vec<PatternPhrase<'s>>,
}

/// A pattern as it is written.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Pattern<'s> {
    /// What must not stand right before a match.
    pub not_before: Vec<PatternPhrase<'s>>,
    pub atoms: Vec<PatternAtom<'s>>,
    /// What must not stand right behind one.
    pub not_after: Vec<PatternPhrase<'s>>,
}

/// Why a pattern cannot be read.
#[derive(Debug, PartialEq, Eq)]
enum PatternProblem {
    NoAtom,
    /// A gap begins or ends the pattern, follows another, or stands beside a barred phrase.
    MisplacedGap,
    /// A barred phrase is neither the first nor the last part.
    MisplacedBar(String),
    UnknownGroup(String),
    /// No word of a normalised text looks so.
    ImpossibleWord(String),
}

impl<'s> PatternWord<'s> {
    /// A word of a table, in which a mark ends the beginning of words.
    pub fn of_text(text: &'s str) -> Self {
        let stem = text.strip_suffix(char::from(STEM_MARK));

        Self {
            text: stem.unwrap_or(text),
            is_prefix: stem.is_some(),
        }
    }
}

/// A pattern that cannot be read.
#[derive(Debug, PartialEq, Eq)]
pub struct PatternError {
    /// What the pattern belongs to, for messages.
    place: String,
    pattern: String,
    problem: PatternProblem,
}

impl Error for PatternError {}

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            place,
            pattern,
            problem,
        } = self;

        write!(f, "{place}: the pattern {pattern:?} {problem}")
    }
}

impl fmt::Display for PatternProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoAtom => write!(f, "has no atom"),
            Self::MisplacedGap => write!(f, "has a gap that is not between two atoms"),
            Self::MisplacedBar(part) => write!(f, "bars a phrase in its middle: {part}"),
            Self::UnknownGroup(name) => write!(f, "names no group: {name}"),
            Self::ImpossibleWord(word) => write!(f, "has a word that no text can have: {word:?}"),
        }
    }
}

impl<'s> Pattern<'s> {
    /// Reads a pattern; `place` tells an error what it belongs to.
    pub fn parse(place: &str, source: &'s str) -> Result<Self, PatternError> {
        Self::read(source).map_err(|problem| PatternError {
            place: place.to_owned(),
            pattern: source.to_owned(),
            problem,
        })
    }

    fn read(source: &'s str) -> Result<Self, PatternProblem> {
        let mut pattern = Self::default();
        let mut gap = GapKind::Fillers;

        for part in source.split_whitespace() {
            let opened = match part {
                ".." => GapKind::Item,
                "..." => GapKind::List,
                _ => {
                    pattern.add_part(part, gap)?;
                    gap = GapKind::Fillers;
                    continue;
                }
            };
            if gap != GapKind::Fillers || pattern.atoms.is_empty() {
                return Err(PatternProblem::MisplacedGap);
            }
            gap = opened;
        }

        if gap != GapKind::Fillers {
            return Err(PatternProblem::MisplacedGap);
        }
        if pattern.atoms.is_empty() {
            return Err(PatternProblem::NoAtom);
        }
        Ok(pattern)
    }

    fn add_part(&mut self, part: &'s str, gap: GapKind) -> Result<(), PatternProblem> {
        let is_first = self.atoms.is_empty();
        let is_barred_before = !self.not_before.is_empty();
        let barred = part.strip_prefix('!');

        // Nothing stands behind what must not follow.
        if !self.not_after.is_empty() || barred.is_some() && is_first && is_barred_before {
            let barred = self.not_after.first().into_iter().flatten();
            let words: Vec<&str> = barred.map(|word| word.text).collect();
            return Err(PatternProblem::MisplacedBar(format!(
                "{} {part}",
                words.join("_")
            )));
        }

        let Some(barred) = barred else {
            let gap_before = if is_first { GapKind::Closed } else { gap };
            let phrases = parse_alternatives(part)?;
            self.atoms.push(PatternAtom {
                gap_before,
                phrases,
            });
            return Ok(());
        };

        if gap != GapKind::Fillers {
            return Err(PatternProblem::MisplacedGap);
        }
        let phrases = parse_alternatives(barred)?;
        if is_first {
            self.not_before = phrases;
        } else {
            self.not_after = phrases;
        }
        Ok(())
    }
}

fn parse_alternatives(part: &str) -> Result<Vec<PatternPhrase<'_>>, PatternProblem> {
    let mut phrases = Vec::new();

    for alternative in part.split('|') {
        if !alternative.starts_with('@') {
            phrases.push(parse_phrase(alternative)?);
            continue;
        }
        let group = group_alternatives(alternative);
        let group = group.ok_or_else(|| PatternProblem::UnknownGroup(alternative.to_owned()))?;
        for alternative in group {
            phrases.push(parse_phrase(alternative)?);
        }
    }

    Ok(phrases)
}

/// Cuts an alternative into the words, numbers and single Han characters that the tokeniser yields.
fn parse_phrase(source: &str) -> Result<PatternPhrase<'_>, PatternProblem> {
    let mut words = Vec::new();

    for part in source.split('_') {
        let stem = part.strip_suffix('*');
        let text = stem.unwrap_or(part);
        if !is_possible(text, stem.is_some()) {
            return Err(PatternProblem::ImpossibleWord(part.to_owned()));
        }

        words.extend(cut_runs(text).into_iter().map(|text| PatternWord {
            text,
            is_prefix: false,
        }));
        if let Some(last) = words.last_mut() {
            last.is_prefix = stem.is_some();
        }
    }

    Ok(words)
}

/// Cuts 12小时 into a number and two characters, and "b12" into a word and a number.
fn cut_runs(text: &str) -> Vec<&str> {
    let mut runs = Vec::new();
    let mut rest = text;

    while let Some(first) = rest.chars().next() {
        let belongs = |c: char| {
            let is_word = first.is_ascii_lowercase() && c.is_ascii_lowercase();
            is_word || first.is_ascii_digit() && c.is_ascii_digit()
        };
        let end = rest.find(|c| !belongs(c)).unwrap_or(rest.len());
        let (run, behind) = rest.split_at(end.max(first.len_utf8()));

        runs.push(run);
        rest = behind;
    }
    runs
}

/// Whether a normalised text can have such a word: letters, digits and Han characters, or a mark
/// that stands alone.
fn is_possible(text: &str, is_stem: bool) -> bool {
    let mut chars = text.chars();
    let is_mark = text.chars().count() == 1 && !text.chars().any(char::is_uppercase);

    !text.is_empty() && (is_mark || chars.all(is_word_character)) && (!is_stem || text.is_ascii())
}

#[cfg(test)]
mod tests {
    use super::{GapKind, Pattern, PatternProblem};

    fn problem_of(source: &str) -> PatternProblem {
        Pattern::read(source).expect_err(source)
    }

    #[test]
    fn a_pattern_is_read_as_it_is_written() {
        let source = "!no chest|胸_口 .. pain|ach* ... left_arm !again";
        let pattern = Pattern::read(source).unwrap();

        let gaps: Vec<GapKind> = pattern.atoms.iter().map(|atom| atom.gap_before).collect();
        assert_eq!(gaps, [GapKind::Closed, GapKind::Item, GapKind::List]);
        let phrases = pattern.atoms.iter().flat_map(|atom| &atom.phrases);
        let words: Vec<_> = phrases
            .flatten()
            .map(|word| (word.text, word.is_prefix))
            .collect();
        let whole = ["chest", "胸", "口", "pain"].map(|text| (text, false));
        assert_eq!(words.get(..4), Some(&whole[..]));
        assert_eq!(words.get(4), Some(&("ach", true)));
        assert_eq!((pattern.not_before.len(), pattern.not_after.len()), (1, 1));
    }

    #[test]
    fn letters_digits_and_characters_are_cut_as_in_a_text() {
        let pattern = Pattern::read("12小时|b12|stage4*").unwrap();
        let phrases = pattern.atoms.iter().flat_map(|atom| &atom.phrases);
        let texts = phrases.map(|phrase| phrase.iter().map(|word| word.text).collect());
        let texts: Vec<Vec<&str>> = texts.collect();

        let expected: [&[&str]; 3] = [&["12", "小", "时"], &["b", "12"], &["stage", "4"]];
        assert_eq!(texts, expected);
    }

    #[test]
    fn broken_patterns_are_no_patterns() {
        for source in ["", "!no", "!no !yes"] {
            assert_ne!(Pattern::read(source), Ok(Pattern::default()), "{source}");
            assert!(Pattern::read(source).is_err(), "{source}");
        }
        for source in [
            ".. pain",
            "pain ..",
            "pain .. ... arm",
            "pain .. !again",
            "!no .. pain",
        ] {
            assert_eq!(problem_of(source), PatternProblem::MisplacedGap, "{source}");
        }
        for source in ["snake !oil bite", "!no !not pain", "pain !again !twice"] {
            let problem = problem_of(source);
            assert!(
                matches!(problem, PatternProblem::MisplacedBar(_)),
                "{source}"
            );
        }
        for source in [
            "a||b", "|a", "a_", "_", "*", "pain..", "Pain", "OK镜", "cant't", "胸*",
        ] {
            let problem = problem_of(source);
            assert!(
                matches!(problem, PatternProblem::ImpossibleWord(_)),
                "{source}"
            );
        }
        assert_eq!(
            problem_of("@no_such_group"),
            PatternProblem::UnknownGroup("@no_such_group".to_owned())
        );
    }

    #[test]
    fn an_error_names_the_place_and_the_pattern() {
        let error = Pattern::parse("brain.toml, finding stroke", "face||mouth droop").unwrap_err();
        assert_eq!(
            error.to_string(),
            "brain.toml, finding stroke: the pattern \"face||mouth droop\" has a word that no text \
             can have: \"\""
        );
    }
}
