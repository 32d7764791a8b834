//! A text that is long enough to tell more than the complaint.

use std::ops::Range;

use super::context_cues::{ContextCue, find_context_cues};
use crate::triage::tokens::{Token, TokenKind};

/// Words that make a text a letter, a Han character being half a word.
const MIN_WORDS: usize = 45;

/// A text that is long enough for more than the complaint.
pub(super) struct Letter {
    sentences: Vec<Sentence>,
}

struct Sentence {
    place: Range<usize>,
    /// Whether a person is told of by a pronoun: "he", 她.
    has_third_person: bool,
}

impl Letter {
    /// `None` for a text that is too short.
    pub(super) fn of_tokens(tokens: &[Token<'_>]) -> Option<Self> {
        if !is_letter(tokens) {
            return None;
        }

        let mut sentences = Vec::new();
        let mut start = 0;
        for (at, token) in tokens.iter().enumerate() {
            if token.ends_sentence() {
                sentences.push(Sentence::of_tokens(tokens, start..at));
                start = at + 1;
            }
        }
        sentences.push(Sentence::of_tokens(tokens, start..tokens.len()));

        Some(Self { sentences })
    }

    /// Whether a person of the sentence at `at` is in no other one: not in the first, which tells
    /// whom the letter is about, and by no pronoun in the next.
    pub(super) fn is_aside(&self, at: usize) -> bool {
        let holds = |sentence: &Sentence| sentence.place.contains(&at);
        let Some(number) = self.sentences.iter().position(holds) else {
            return false;
        };

        let mut told = self.sentences.iter().filter(|other| !holds(other));
        number > 0 && told.all(|other| !other.has_third_person)
    }
}

impl Sentence {
    fn of_tokens(tokens: &[Token<'_>], place: Range<usize>) -> Self {
        let words = tokens.get(place.clone()).unwrap_or(&[]);
        let has_third_person = words.iter().any(|token| {
            matches!(
                token.text,
                "he" | "hes" | "she" | "shes" | "him" | "his" | "her" | "hers" | "他" | "她"
            )
        });

        Self {
            place,
            has_third_person,
        }
    }
}

/// Whether a text is a letter that tells of nothing sudden and of nothing that happens right now.
pub(in crate::triage) fn is_unhurried_letter(tokens: &[Token<'_>]) -> bool {
    let is_sudden = |cue: ContextCue| matches!(cue, ContextCue::EventNow | ContextCue::Onset);

    is_letter(tokens)
        && !find_context_cues(tokens)
            .iter()
            .any(|cue| is_sudden(cue.key))
}

/// Whether a text is long enough for more than the complaint.
fn is_letter(tokens: &[Token<'_>]) -> bool {
    let half_words: usize = tokens.iter().map(half_words).sum();

    half_words >= 2 * MIN_WORDS
}

fn half_words(token: &Token<'_>) -> usize {
    match token.kind {
        TokenKind::Word | TokenKind::Number => 2,
        TokenKind::Han => 1,
        _ => 0,
    }
}
