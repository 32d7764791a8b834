//! The Chinese phrases of a pattern: what characters of the same sound may stand for.

use crate::compiler::syntax::{GapKind, Pattern, PatternPhrase};
use crate::text::is_han;

/// No more phrases are made of two atoms.
const MAX_COMBINATIONS: usize = 300;

/// The Chinese phrases of a pattern, and those that two of its neighbouring atoms make together.
pub fn han_phrases(pattern: &Pattern<'_>) -> Vec<String> {
    let mut phrases = Vec::new();
    let mut before: Vec<String> = Vec::new();

    for atom in &pattern.atoms {
        if matches!(atom.gap_before, GapKind::Item | GapKind::List) {
            before.clear();
        }

        let texts = atom.phrases.iter().map(text_of);
        let alternatives: Vec<String> = texts.filter(|text| text.chars().all(is_han)).collect();
        phrases.extend(alternatives.iter().cloned());
        if before.len() * alternatives.len() <= MAX_COMBINATIONS {
            let joined = before.iter().flat_map(|first| {
                let seconds = alternatives.iter();
                seconds.map(move |second| format!("{first}{second}"))
            });
            phrases.extend(joined);
        }
        before = alternatives;
    }

    phrases
}

fn text_of(phrase: &PatternPhrase<'_>) -> String {
    phrase.iter().map(|word| word.text).collect()
}
