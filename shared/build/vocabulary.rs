//! The words that misspelt ones may stand for, by what a misspelling keeps of them.

use std::collections::{BTreeMap, HashSet};

use crate::compiler::initials::INITIALS;
use crate::compiler::sound_key::MAX_PHRASE_CHARS;
use crate::compiler::syntax::{Pattern, PatternWord};
use crate::compiler::text_table::{hash_key, write_texts, write_words};
use crate::compiler::writer::{CompiledTables, TableWriter, number};
use crate::han_phrases::han_phrases;
use crate::sounds::SoundList;

/// Shorter words have too many neighbours.
const MIN_WORD_LEN: usize = 4;
/// Shorter beginnings of words are near to anything.
const MIN_STEM_LEN: usize = 5;

/// The words and phrases of a lexicon.
pub struct VocabularyList<'s> {
    sounds: &'s SoundList,
    /// Words that deny: no misspelt word becomes a denial.
    negators: &'s HashSet<&'s str>,
    known: HashSet<&'s str>,
    words: WordsByInitial<'s>,
    stems: WordsByInitial<'s>,
    /// Known words that no misspelt one is read as.
    others: Vec<&'s str>,
    phrases: PhrasesBySound,
    /// Words of denial and doubt, for texts that are pinyin throughout.
    cues: PhrasesBySound,
}

type WordsByInitial<'s> = BTreeMap<u8, Vec<&'s str>>;
type PhrasesBySound = BTreeMap<u64, String>;

impl<'s> VocabularyList<'s> {
    pub fn new(sounds: &'s SoundList, negators: &'s HashSet<&'s str>) -> Self {
        Self {
            sounds,
            negators,
            known: HashSet::new(),
            words: BTreeMap::new(),
            stems: BTreeMap::new(),
            others: Vec::new(),
            phrases: BTreeMap::new(),
            cues: BTreeMap::new(),
        }
    }

    /// Adds the words of a pattern.
    pub fn add_words(&mut self, pattern: &Pattern<'s>) {
        let phrases = pattern.atoms.iter().flat_map(|atom| &atom.phrases);
        for word in phrases.flatten() {
            self.add_word(*word);
        }
    }

    fn add_word(&mut self, word: PatternWord<'s>) {
        let text = word.text;
        let initial = text.bytes().next().filter(|byte| INITIALS.contains(byte));
        let Some(initial) = initial.filter(|_| self.known.insert(text)) else {
            return;
        };

        if self.negators.contains(text) {
            self.others.push(text);
        } else if word.is_prefix && text.len() >= MIN_STEM_LEN {
            self.stems.entry(initial).or_default().push(text);
        } else if !word.is_prefix && text.len() >= MIN_WORD_LEN {
            self.words.entry(initial).or_default().push(text);
        } else {
            self.others.push(text);
        }
    }

    /// Adds the Chinese phrases of a pattern.
    pub fn add_phrases(&mut self, pattern: &Pattern<'_>) {
        for phrase in han_phrases(pattern) {
            add_by_sound(&mut self.phrases, self.sounds, phrase);
        }
    }

    /// Adds a Chinese word of denial or doubt.
    pub fn add_cue(&mut self, cue: String) {
        add_by_sound(&mut self.cues, self.sounds, cue);
    }

    /// The tables of the vocabulary: all words, those of each initial side by side; where the words
    /// and then the beginnings of words of each initial begin; the phrases and the cues by sound.
    pub fn compile(&self) -> CompiledTables {
        let mut writer = TableWriter::default();
        let mut texts: Vec<&str> = Vec::new();

        let mut starts = Vec::new();
        for list in [&self.words, &self.stems] {
            for initial in INITIALS {
                starts.push(number(texts.len()));
                texts.extend(list.get(&initial).into_iter().flatten());
            }
            starts.push(number(texts.len()));
        }
        texts.extend(&self.others);

        write_words(&mut writer, texts);
        writer.push_list(&starts);
        for phrases in [&self.phrases, &self.cues] {
            let hashed = phrases
                .iter()
                .map(|(key, phrase)| (hash_key(*key), phrase.as_str()));
            write_texts(&mut writer, hashed);
        }
        writer.finish()
    }
}

/// The first phrase of a sound stays.
fn add_by_sound(phrases: &mut PhrasesBySound, sounds: &SoundList, phrase: String) {
    let count = phrase.chars().count();

    if (2..=MAX_PHRASE_CHARS).contains(&count)
        && let Some(key) = sounds.key_of(&phrase)
    {
        phrases.entry(key).or_insert(phrase);
    }
}
