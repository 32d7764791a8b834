//! A table of texts that are found by a hash: open addressing, so that most look-ups read one slot.

use super::writer::TableWriter;

/// The hash of an empty text.
pub const EMPTY_HASH: u32 = 0x811c_9dc5;
const HASH_PRIME: u32 = 0x0100_0193;

/// Ends the beginning of a word (`faint*`) in a table; no word of a text has it.
pub const STEM_MARK: u8 = b'*';

/// Each text takes so many slots at least.
const SLOTS_PER_TEXT: usize = 2;

/// The hash of a text with one more byte (FNV-1a; Fowler, Noll and Vo).
pub fn hash_byte(hash: u32, byte: u8) -> u32 {
    (hash ^ u32::from(byte)).wrapping_mul(HASH_PRIME)
}

pub fn hash_bytes(bytes: &[u8]) -> u32 {
    bytes
        .iter()
        .fold(EMPTY_HASH, |hash, byte| hash_byte(hash, *byte))
}

/// The hash of a phrase that is found by its sound.
pub fn hash_key(key: u64) -> u32 {
    hash_bytes(&key.to_le_bytes())
}

/// Writes texts, each with its hash; they are numbered in their order.
///
/// The lists are: the slots, each the number of a text and one more, or 0; and where each text
/// begins.
pub fn write_texts<'t>(writer: &mut TableWriter, texts: impl IntoIterator<Item = (u32, &'t str)>) {
    let mut starts = Vec::new();
    let mut hashes = Vec::new();
    for (hash, text) in texts {
        starts.push(writer.push_text(text));
        hashes.push(hash);
    }
    starts.push(writer.text_len());

    let slot_count = (hashes.len() * SLOTS_PER_TEXT).next_power_of_two();
    let mut slots = vec![0; slot_count];
    for (hash, text) in hashes.iter().zip(1..) {
        let first = *hash as usize & (slot_count - 1);
        let (head, tail) = slots.split_at_mut(first);
        let mut from_first = tail.iter_mut().chain(head);
        if let Some(free) = from_first.find(|slot| **slot == 0) {
            *free = text;
        }
    }

    writer.push_list(&slots);
    writer.push_list(&starts);
}

/// Writes words by their letters.
pub fn write_words<'t>(writer: &mut TableWriter, words: impl IntoIterator<Item = &'t str>) {
    let words = words.into_iter();
    write_texts(
        writer,
        words.map(|word| (hash_bytes(word.as_bytes()), word)),
    );
}
