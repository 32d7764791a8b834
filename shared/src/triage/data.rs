//! Reads the word lists under `data/`.
//!
//! A list is a text file of one entry a line. An empty line, and a line that begins with `#`, is
//! left out. A line in brackets opens a section, which the entries below it belong to.

use std::fmt;

use crate::text::is_han;

/// A list that is compiled into the binary.
#[derive(Debug, Clone, Copy)]
pub(super) struct WordList {
    /// The file's name, for messages.
    pub(super) name: &'static str,
    pub(super) text: &'static str,
}

/// A line of a list that cannot be read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct WordListError {
    list: &'static str,
    /// Counted from 1.
    line: usize,
    problem: LineProblem,
}

/// Why a line cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LineProblem {
    /// The line is no comment, no section and no entry.
    UnknownFormat,
    /// The reader of the list does not know the section.
    UnknownSection,
    /// The entry stands before any section, or a section stands in a list without sections.
    MisplacedLine,
}

impl fmt::Display for WordListError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let problem = match self.problem {
            LineProblem::UnknownFormat => "is no comment, section or entry",
            LineProblem::UnknownSection => "opens an unknown section",
            LineProblem::MisplacedLine => "stands outside of its section",
        };

        write!(f, "{}, line {} {problem}", self.list, self.line)
    }
}

/// The content of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ListLine {
    Comment,
    Section(&'static str),
    Entry(&'static str),
}

impl WordList {
    /// The entries of a list without sections, in order.
    pub(super) fn entries(self) -> Vec<&'static str> {
        read_compiled(self.parse_entries())
    }

    /// The entries of a list with sections, in order, each with the key of its section.
    pub(super) fn sections<K: Copy>(
        self,
        key_of: impl Fn(&'static str) -> Option<K>,
    ) -> Vec<(K, &'static str)> {
        read_compiled(self.parse_sections(key_of))
    }

    fn parse_entries(self) -> Result<Vec<&'static str>, WordListError> {
        let mut entries = Vec::new();

        for (number, line) in self.numbered_lines() {
            match self.parse_line(number, line)? {
                ListLine::Comment => {}
                ListLine::Entry(entry) => entries.push(entry),
                ListLine::Section(_) => return Err(self.fault(number, LineProblem::MisplacedLine)),
            }
        }

        Ok(entries)
    }

    fn parse_sections<K: Copy>(
        self,
        key_of: impl Fn(&'static str) -> Option<K>,
    ) -> Result<Vec<(K, &'static str)>, WordListError> {
        let mut entries = Vec::new();
        let mut current_key = None;

        for (number, line) in self.numbered_lines() {
            match self.parse_line(number, line)? {
                ListLine::Comment => {}
                ListLine::Section(name) => {
                    let key = key_of(name);
                    current_key = Some(key.ok_or(self.fault(number, LineProblem::UnknownSection))?);
                }
                ListLine::Entry(entry) => {
                    let key = current_key.ok_or(self.fault(number, LineProblem::MisplacedLine))?;
                    entries.push((key, entry));
                }
            }
        }

        Ok(entries)
    }

    fn numbered_lines(self) -> impl Iterator<Item = (usize, &'static str)> {
        (1..).zip(self.text.lines())
    }

    fn parse_line(self, number: usize, line: &'static str) -> Result<ListLine, WordListError> {
        if line.is_empty() || line.starts_with('#') {
            return Ok(ListLine::Comment);
        }

        let section = line
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'));
        if let Some(name) = section.filter(|name| is_entry(name)) {
            return Ok(ListLine::Section(name));
        }

        if is_entry(line) {
            Ok(ListLine::Entry(line))
        } else {
            Err(self.fault(number, LineProblem::UnknownFormat))
        }
    }

    fn fault(self, line: usize, problem: LineProblem) -> WordListError {
        WordListError {
            list: self.name,
            line,
            problem,
        }
    }
}

/// The entries of a list that is part of the binary.
#[expect(
    clippy::panic,
    reason = "the list is part of the binary, and every list is read by a test"
)]
fn read_compiled<T>(parsed: Result<T, WordListError>) -> T {
    match parsed {
        Ok(entries) => entries,
        Err(error) => panic!("{error}"),
    }
}

/// Words in lower case or Han text, parted by single spaces, with the marks of the pattern
/// language.
fn is_entry(line: &str) -> bool {
    let mut after_space = true;

    for c in line.chars() {
        let is_space = c == ' ';
        if is_space && after_space || !is_space && !is_entry_character(c) {
            return false;
        }
        after_space = is_space;
    }

    !after_space
}

fn is_entry_character(c: char) -> bool {
    let is_mark = matches!(
        c,
        '_' | '*' | '|' | '!' | '.' | '@' | '-' | '/' | ':' | '+' | '×' | '√' | '□'
    );

    is_word_character(c) || is_mark
}

/// Whether a word of a normalised text, a number or a Han character can have this character.
pub(super) fn is_word_character(c: char) -> bool {
    c.is_ascii_lowercase() || c.is_ascii_digit() || is_han(c)
}

/// The words of an entry as the tokeniser cuts them: English words, or single Han characters.
pub(super) fn split_words(entry: &'static str) -> Vec<&'static str> {
    if entry.is_ascii() {
        return entry.split_whitespace().collect();
    }

    let characters = entry.split("");
    characters.filter(|c| !c.trim().is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::{LineProblem, WordList};

    fn list(text: &'static str) -> WordList {
        WordList {
            name: "test.txt",
            text,
        }
    }

    fn number_of(section: &str) -> Option<u8> {
        match section {
            "first" => Some(1),
            "second" => Some(2),
            _ => None,
        }
    }

    /// A text with the line that cannot be read, and why.
    struct BadList {
        text: &'static str,
        line: usize,
        problem: LineProblem,
    }

    #[test]
    fn sections_key_their_entries() {
        let text = "# comment\n\n[first]\ndont know\n\n[second]\n不知道\n小时 !候";
        let parsed = list(text).parse_sections(number_of);

        assert_eq!(
            parsed,
            Ok(vec![(1, "dont know"), (2, "不知道"), (2, "小时 !候")])
        );
    }

    #[test]
    fn unknown_line_formats_are_rejected() {
        let bad_lines = [
            " indented",
            "trailing ",
            "two  spaces",
            "tab\there",
            "Upper case",
            "quoted \"word\"",
            "inline # comment",
            "key = value",
            "one, two",
            "胸痛，头痛",
            "[unclosed",
            "unopened]",
            "[]",
        ];

        for line in bad_lines {
            let error = list(line).parse_entries().expect_err(line);
            assert_eq!(error.problem, LineProblem::UnknownFormat, "{line}");
        }
    }

    #[test]
    fn lines_outside_of_their_section_are_rejected() {
        let bad_lists = [
            BadList {
                text: "[first]\none\n[third]\n",
                line: 3,
                problem: LineProblem::UnknownSection,
            },
            BadList {
                text: "# comment\none\n[first]\n",
                line: 2,
                problem: LineProblem::MisplacedLine,
            },
        ];

        for bad in bad_lists {
            let error = list(bad.text)
                .parse_sections(number_of)
                .expect_err(bad.text);
            assert_eq!((error.line, error.problem), (bad.line, bad.problem));
        }

        let error = list("one\n[first]\n").parse_entries().expect_err("section");
        assert_eq!(error.problem, LineProblem::MisplacedLine);
    }

    #[test]
    fn errors_name_list_and_line() {
        let error = list("one\n\nTwo").parse_entries().expect_err("upper case");
        assert_eq!(
            error.to_string(),
            "test.txt, line 3 is no comment, section or entry"
        );
    }
}
