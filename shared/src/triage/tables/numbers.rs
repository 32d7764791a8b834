//! Lists of numbers that stand one behind the other.

use crate::triage::compiler::writer::CompiledTables;

/// Compiled tables that live as long as the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::triage) struct Tables {
    numbers: &'static [[u8; 4]],
    pub(super) text: &'static str,
}

impl Tables {
    /// Tables that are part of the binary.
    pub(in crate::triage) const fn of_binary(numbers: &'static [u8], text: &'static str) -> Self {
        let (numbers, _) = numbers.as_chunks();
        Self { numbers, text }
    }

    /// Tables that are compiled at first use. They are never freed, as those of the binary are not.
    pub(in crate::triage) fn of_compiled(compiled: CompiledTables) -> Self {
        Self {
            numbers: compiled.numbers.leak(),
            text: compiled.text.leak(),
        }
    }

    pub(in crate::triage) fn reader(self) -> TableReader {
        TableReader {
            rest: self.numbers,
            text: self.text,
        }
    }
}

/// Takes the lists of tables in the order in which they were written.
#[derive(Debug)]
pub(in crate::triage) struct TableReader {
    rest: &'static [[u8; 4]],
    pub(super) text: &'static str,
}

impl TableReader {
    /// The next list; empty behind the last one.
    pub(in crate::triage) fn take_list(&mut self) -> Numbers {
        let (count, rest) = self.rest.split_first().unwrap_or((&[0; 4], &[]));
        let count = u32::from_le_bytes(*count) as usize;
        let (list, rest) = rest.split_at_checked(count).unwrap_or((rest, &[]));

        self.rest = rest;
        Numbers(list)
    }

    /// The next two lists, which are many in one.
    pub(in crate::triage) fn take_lists(&mut self) -> NumberLists {
        NumberLists {
            starts: self.take_list(),
            all: self.take_list(),
        }
    }
}

/// A list of numbers.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::triage) struct Numbers(&'static [[u8; 4]]);

impl Numbers {
    pub(in crate::triage) fn len(self) -> usize {
        self.0.len()
    }

    pub(in crate::triage) fn get(self, at: usize) -> Option<u32> {
        self.0.get(at).map(|bytes| u32::from_le_bytes(*bytes))
    }

    /// The number at a place, which is itself a place.
    pub(in crate::triage) fn place(self, at: usize) -> Option<usize> {
        self.get(at).map(|number| number as usize)
    }

    /// The numbers from one place to another, which may not be reached; empty where there are none.
    pub(in crate::triage) fn between(self, start: usize, end: usize) -> Self {
        Self(self.0.get(start..end).unwrap_or(&[]))
    }

    pub(in crate::triage) fn iter(self) -> impl Iterator<Item = u32> {
        self.0.iter().map(|bytes| u32::from_le_bytes(*bytes))
    }

    /// The place of a number in a list that is in order.
    pub(in crate::triage) fn search(self, number: u32) -> Option<usize> {
        self.search_by(number, |other| other)
    }

    /// The place of the number with this key in a list that is in the order of the keys.
    pub(in crate::triage) fn search_by(
        self,
        key: u32,
        key_of: impl Fn(u32) -> u32,
    ) -> Option<usize> {
        let key_of = |bytes: &[u8; 4]| key_of(u32::from_le_bytes(*bytes));
        self.0.binary_search_by_key(&key, key_of).ok()
    }
}

/// Many lists of numbers.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::triage) struct NumberLists {
    starts: Numbers,
    all: Numbers,
}

impl NumberLists {
    /// How many lists there are.
    pub(in crate::triage) fn len(self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    /// A list; empty if there is none at this place.
    pub(in crate::triage) fn list(self, at: usize) -> Numbers {
        let range = self.starts.place(at).zip(self.starts.place(at + 1));
        range.map_or(Numbers::default(), |(start, end)| {
            self.all.between(start, end)
        })
    }
}
