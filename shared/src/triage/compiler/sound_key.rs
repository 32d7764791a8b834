//! The sound of a Chinese phrase as one number.

/// Longer phrases are not looked for.
pub const MAX_PHRASE_CHARS: usize = 6;
/// A sound takes this many bits of a key: there are some 400.
const SOUND_BITS: u32 = 9;

/// First character of the unified block, and how many it has.
const HAN_FIRST: u32 = 0x4e00;
pub const HAN_CHARS: usize = 0x5200;

/// The place of a character in the unified block.
pub fn han_place(c: char) -> Option<usize> {
    let place = u32::from(c).checked_sub(HAN_FIRST)? as usize;
    (place < HAN_CHARS).then_some(place)
}

/// The key of a phrase with one more sound. Sounds are numbered from 1, so that no phrase has the
/// key of a longer one.
pub fn extend_key(key: u64, sound: u32) -> u64 {
    key << SOUND_BITS | u64::from(sound)
}
