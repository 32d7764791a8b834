//! Where the words of each initial stand among those of a vocabulary.

use std::ops::RangeInclusive;

/// The letters that a word can begin with.
pub const INITIALS: RangeInclusive<u8> = b'a'..=b'z';

/// The lists of words by their initial, in the order of a vocabulary.
#[derive(Debug, Clone, Copy)]
pub enum InitialList {
    Words,
    /// Beginnings of words.
    Stems,
}

/// The place at which a vocabulary tells where the words of an initial start; they end where the
/// next place tells. Each list has one place more than there are letters.
pub fn place_of_initial(list: InitialList, initial: u8) -> Option<usize> {
    let letter = initial.checked_sub(*INITIALS.start())?;
    let count = INITIALS.end() - INITIALS.start() + 1;
    if letter >= count {
        return None;
    }

    let first = match list {
        InitialList::Words => 0,
        InitialList::Stems => count + 1,
    };
    Some(usize::from(first + letter))
}
