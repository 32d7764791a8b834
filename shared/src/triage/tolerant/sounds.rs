//! The sounds of Han characters, and of syllables in pinyin, without their tones.

use std::sync::LazyLock;

use foldhash::{HashMap, HashMapExt};

use crate::triage::data::WordList;

/// Longer phrases are not looked for.
pub(super) const MAX_PHRASE_CHARS: usize = 6;
/// A sound takes this many bits of a key: there are some 400.
const SOUND_BITS: u32 = 9;

/// First character of the unified block, and how many it has.
const HAN_FIRST: u32 = 0x4e00;
const HAN_CHARS: usize = 0x5200;

const SOUND_LIST: WordList = WordList {
    name: "pinyin.txt",
    text: include_str!("../data/pinyin.txt"),
};

/// The sounds, by their spelling and by their characters. They are numbered from 1.
struct Sounds {
    by_syllable: HashMap<&'static str, u64>,
    /// By the character's place behind [`HAN_FIRST`]; 0 for one without a sound.
    by_char: Vec<u64>,
}

static SOUNDS: LazyLock<Sounds> = LazyLock::new(|| {
    let mut sounds = Sounds {
        by_syllable: HashMap::new(),
        by_char: vec![0; HAN_CHARS],
    };

    for (number, entry) in (1..).zip(SOUND_LIST.entries()) {
        let (syllable, characters) = entry.split_once(' ').unwrap_or((entry, ""));
        sounds.by_syllable.insert(syllable, number);
        for character in characters.chars() {
            if let Some(sound) = han_place(character).and_then(|at| sounds.by_char.get_mut(at)) {
                *sound = number;
            }
        }
    }
    sounds
});

/// The number of a character's sound.
fn sound_of(c: char) -> Option<u64> {
    let sound = SOUNDS.by_char.get(han_place(c)?).copied();
    sound.filter(|sound| *sound > 0)
}

fn han_place(c: char) -> Option<usize> {
    let place = u32::from(c).checked_sub(HAN_FIRST)?;
    usize::try_from(place).ok()
}

/// The number of a syllable in pinyin without its tone.
pub(super) fn sound_of_syllable(syllable: &str) -> Option<u64> {
    SOUNDS.by_syllable.get(syllable).copied()
}

/// The sound of a phrase as one number; `None` if a character has no known sound.
pub(super) fn sound_key(mut chars: impl Iterator<Item = char>) -> Option<u64> {
    chars.try_fold(0, |key, c| Some(extend_key(key, sound_of(c)?)))
}

/// The key of a phrase with one more sound.
pub(super) fn extend_key(key: u64, sound: u64) -> u64 {
    key << SOUND_BITS | sound
}
