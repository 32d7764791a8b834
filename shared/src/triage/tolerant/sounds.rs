//! The sounds of Han characters, and of syllables in pinyin, without their tones.

use std::sync::LazyLock;

use crate::triage::compiler::sound_key::{extend_key, han_place};
use crate::triage::tables::{Numbers, Tables, TextTable};

/// The sounds, by their spelling and by their characters. They are numbered from 1.
struct Sounds {
    syllables: TextTable,
    /// By the character's place; 0 for one without a sound.
    by_char: Numbers,
}

static SOUNDS: LazyLock<Sounds> = LazyLock::new(|| {
    let numbers = include_bytes!(concat!(env!("OUT_DIR"), "/triage_sounds.bin"));
    let text = include_str!(concat!(env!("OUT_DIR"), "/triage_sounds.txt"));
    let mut reader = Tables::of_binary(numbers, text).reader();

    Sounds {
        syllables: TextTable::take(&mut reader),
        by_char: reader.take_list(),
    }
});

/// The number of a character's sound.
fn sound_of(c: char) -> Option<u32> {
    let sound = SOUNDS.by_char.get(han_place(c)?);
    sound.filter(|sound| *sound > 0)
}

/// The number of a syllable in pinyin without its tone.
pub(super) fn sound_of_syllable(syllable: &str) -> Option<u32> {
    let number = SOUNDS.syllables.number_of(syllable)?;
    u32::try_from(number + 1).ok()
}

/// The sound of a phrase as one number; `None` if a character has no known sound.
pub(super) fn sound_key(mut chars: impl Iterator<Item = char>) -> Option<u64> {
    chars.try_fold(0, |key, c| Some(extend_key(key, sound_of(c)?)))
}
