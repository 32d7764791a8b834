//! The words that misspelt ones may stand for, as `compiler` has written them.

use super::sounds::sound_key;
use crate::triage::compiler::initials::{InitialList, place_of_initial};
use crate::triage::compiler::text_table::hash_key;
use crate::triage::tables::{Numbers, Tables, TextTable};

/// The words and phrases of the lexicon, by what a misspelling keeps of them.
#[derive(Debug)]
pub(in crate::triage) struct Vocabulary {
    /// English words and beginnings of words, those of each initial side by side.
    words: TextTable,
    /// Where the words of each initial begin.
    starts: Numbers,
    /// Chinese phrases by their sound.
    phrases: TextTable,
    /// Chinese words of denial and doubt by their sound, for texts that are pinyin throughout.
    cues: TextTable,
}

impl Vocabulary {
    pub(in crate::triage) fn of_tables(tables: Tables) -> Self {
        let mut reader = tables.reader();

        Self {
            words: TextTable::take(&mut reader),
            starts: reader.take_list(),
            phrases: TextTable::take(&mut reader),
            cues: TextTable::take(&mut reader),
        }
    }

    /// Whether the lexicon has the word.
    pub(super) fn knows(&self, word: &str) -> bool {
        self.words.number_of(word).is_some()
    }

    /// The words that begin with a letter.
    pub(super) fn words_with(&self, initial: u8) -> impl Iterator<Item = &'static str> {
        self.texts_with(InitialList::Words, initial)
    }

    /// The beginnings of words that begin with a letter.
    pub(super) fn stems_with(&self, initial: u8) -> impl Iterator<Item = &'static str> {
        self.texts_with(InitialList::Stems, initial)
    }

    fn texts_with(&self, list: InitialList, initial: u8) -> impl Iterator<Item = &'static str> {
        let place = place_of_initial(list, initial);
        let range = place.and_then(|place| {
            let start = self.starts.place(place)?;
            Some(start..self.starts.place(place + 1)?)
        });

        let numbers = range.unwrap_or_default();
        numbers.filter_map(|number| self.words.text(number))
    }

    /// The phrase of a sound.
    pub(super) fn phrase_of(&self, key: u64) -> Option<&'static str> {
        text_of_sound(self.phrases, key)
    }

    /// The word of denial or doubt of a sound.
    pub(super) fn cue_of(&self, key: u64) -> Option<&'static str> {
        text_of_sound(self.cues, key)
    }
}

fn text_of_sound(texts: TextTable, key: u64) -> Option<&'static str> {
    let number = texts.find(hash_key(key), |text| sound_key(text.chars()) == Some(key));
    texts.text(number?)
}

#[cfg(test)]
mod tests {
    use super::super::sounds::sound_key;
    use super::Vocabulary;
    use crate::triage::lexicon::VOCABULARY_TABLES;

    #[test]
    fn words_stand_under_their_initial() {
        let vocabulary = Vocabulary::of_tables(VOCABULARY_TABLES);
        let mut count = 0;

        for initial in b'a'..=b'z' {
            let words = vocabulary.words_with(initial);
            for word in words.chain(vocabulary.stems_with(initial)) {
                assert_eq!(word.bytes().next(), Some(initial), "{word}");
                assert!(vocabulary.knows(word), "{word}");
                count += 1;
            }
        }
        assert!(count > 1000, "{count}");
        for initial in [b'A', b'1', b'{', 0] {
            assert_eq!(vocabulary.words_with(initial).count(), 0);
        }
    }

    #[test]
    fn phrases_are_found_by_their_sound() {
        let vocabulary = Vocabulary::of_tables(VOCABULARY_TABLES);
        let key_of = |text: &str| sound_key(text.chars()).unwrap();

        assert_eq!(vocabulary.phrase_of(key_of("胸口通")), Some("胸口痛"));
        assert_eq!(vocabulary.cue_of(key_of("没有")), Some("没有"));
        assert_eq!(vocabulary.phrase_of(key_of("桌子椅子")), None);
    }
}
