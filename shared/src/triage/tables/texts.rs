//! Words and phrases that are found by their hash.

use super::numbers::{Numbers, TableReader};
use crate::triage::compiler::text_table::{EMPTY_HASH, STEM_MARK, hash_byte, hash_bytes};

/// A table of texts, which are numbered.
#[derive(Debug, Clone, Copy)]
pub(in crate::triage) struct TextTable {
    /// The number of a text and one more; 0 where there is none.
    slots: Numbers,
    starts: Numbers,
    text: &'static str,
}

impl TextTable {
    /// Takes the next lists as those of a table.
    pub(in crate::triage) fn take(reader: &mut TableReader) -> Self {
        Self {
            slots: reader.take_list(),
            starts: reader.take_list(),
            text: reader.text,
        }
    }

    /// The text of a number.
    pub(in crate::triage) fn text(self, number: usize) -> Option<&'static str> {
        let start = self.starts.place(number)?;
        let end = self.starts.place(number + 1)?;
        self.text.get(start..end)
    }

    /// The number of the text of this hash that is the right one.
    pub(in crate::triage) fn find(
        self,
        hash: u32,
        is_right: impl Fn(&'static str) -> bool,
    ) -> Option<usize> {
        let mask = self.slots.len().checked_sub(1)?;
        let first = hash as usize & mask;

        // A table has more slots than texts, so that the row of taken ones ends.
        let slots = (first..=first + mask).map_while(|at| self.slots.place(at & mask));
        let mut numbers = slots.map_while(|slot| slot.checked_sub(1));
        numbers.find(|number| self.text(*number).is_some_and(&is_right))
    }

    /// The number of a word.
    pub(in crate::triage) fn number_of(self, word: &str) -> Option<usize> {
        self.find(hash_bytes(word.as_bytes()), |text| text == word)
    }

    /// The numbers of the beginnings of a word, each with its length, the shortest first.
    pub(in crate::triage) fn stems_of(self, word: &str) -> impl Iterator<Item = (usize, usize)> {
        let mut hash = EMPTY_HASH;
        let lengths = word.bytes().zip(1..);

        lengths.filter_map(move |(byte, len)| {
            hash = hash_byte(hash, byte);
            let hash = hash_byte(hash, STEM_MARK);
            let stem = word.get(..len)?;
            let number = self.find(hash, |text| is_stem(text, stem))?;
            Some((number, len))
        })
    }
}

/// Whether a text of the table is this beginning of words, with its mark.
fn is_stem(text: &str, stem: &str) -> bool {
    let marked = text.as_bytes().split_last();
    marked == Some((&STEM_MARK, stem.as_bytes()))
}
