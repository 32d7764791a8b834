//! The table of the sounds of Han characters, and of syllables in pinyin, without their tones.

use std::collections::HashMap;

use crate::compiler::sound_key::{HAN_CHARS, extend_key, han_place};
use crate::compiler::text_table::write_words;
use crate::compiler::writer::{CompiledTables, TableWriter};
use crate::data::WordList;

const SOUND_LIST: WordList = WordList {
    name: "pinyin.txt",
    text: include_str!("../src/triage/data/pinyin.txt"),
};

/// The sounds of `data/pinyin.txt`, numbered from 1.
pub struct SoundList {
    syllables: Vec<&'static str>,
    by_char: HashMap<char, u32>,
}

impl SoundList {
    pub fn read() -> Self {
        let mut syllables = Vec::new();
        let mut by_char = HashMap::new();

        for (number, entry) in (1..).zip(SOUND_LIST.entries()) {
            let (syllable, characters) = entry.split_once(' ').unwrap_or((entry, ""));
            syllables.push(syllable);
            let characters = characters.chars().filter(|c| han_place(*c).is_some());
            by_char.extend(characters.map(|c| (c, number)));
        }
        Self { syllables, by_char }
    }

    /// The sound of a phrase as one number; `None` if a character has no known sound.
    pub fn key_of(&self, phrase: &str) -> Option<u64> {
        let mut sounds = phrase.chars().map(|c| self.by_char.get(&c));
        sounds.try_fold(0, |key, sound| Some(extend_key(key, *sound?)))
    }

    /// The tables of the sounds: the syllables in their order, and the sound of each character of
    /// the unified block, 0 for one without.
    pub fn compile(&self) -> CompiledTables {
        let mut writer = TableWriter::default();
        write_words(&mut writer, self.syllables.iter().copied());

        let mut by_place = vec![0; HAN_CHARS];
        for (c, sound) in &self.by_char {
            if let Some(known) = han_place(*c).and_then(|place| by_place.get_mut(place)) {
                *known = *sound;
            }
        }
        writer.push_list(&by_place);
        writer.finish()
    }
}
