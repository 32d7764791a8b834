//! Decides where decoration stood within a word, and where between two: che**st**, have**chest
//! pain**. The words that the rules know tell.

use crate::text::SEAM;

/// No word is cut by more seams.
const MAX_PIECES: usize = 16;

/// The words that the rules know.
pub(super) trait KnownWords {
    /// Whether this is one of them.
    fn knows(&self, word: &str) -> bool;

    /// Length of its shortest beginning by which one of them is known (`faint*`).
    fn stem_len(&self, word: &str) -> Option<usize>;

    /// Whether it begins as one of them does.
    fn knows_beginning(&self, word: &str) -> bool {
        self.stem_len(word).is_some()
    }

    /// Whether it denies, as "no" does, which may be the beginning of any word as well.
    fn denies(&self, word: &str) -> bool;
}

/// A normalised text whose letters are joined or parted at its seams.
pub(super) fn join_seams(text: &str, known: &impl KnownWords) -> String {
    let is_part = |c: char| c.is_ascii_alphabetic() || c == SEAM;
    let mut joined = String::with_capacity(text.len());
    for chunk in text.split_inclusive(|c| !is_part(c)) {
        let word = chunk.trim_end_matches(|c| !is_part(c));
        let (_, end) = chunk.split_at_checked(word.len()).unwrap_or((chunk, ""));
        push_words(word, known, &mut joined);
        joined.push_str(end);
    }

    joined
}

/// Pushes a row of letters with seams, as the longest words that are known.
fn push_words(row: &str, known: &impl KnownWords, joined: &mut String) {
    let pieces: Vec<&str> = row.split(SEAM).filter(|piece| !piece.is_empty()).collect();
    let mut rest = pieces.as_slice();
    let mut before: Option<Word> = None;

    while !rest.is_empty() {
        let (word, len) = first_word(rest, known);
        rest = rest.get(len..).unwrap_or_default();

        if before.is_some_and(|before| stands_apart(&before, &word, known)) {
            joined.push(' ');
        }
        joined.push_str(&word.text);
        before = Some(word);
    }
}

struct Word {
    text: String,
    is_known: bool,
}

/// Whether two words are two, rather than pieces of one that nobody knows. Beside letters that are
/// no word a word stands by itself, unless it is short or denies.
fn stands_apart(word: &Word, next: &Word, known: &impl KnownWords) -> bool {
    let is_lone = |word: &Word| word.is_known && word.text.len() > 1 && !known.denies(&word.text);

    word.is_known && next.is_known || is_lone(word) || is_lone(next)
}

/// The longest known word that begins with the first piece, and of how many pieces it is.
fn first_word(pieces: &[&str], known: &impl KnownWords) -> (Word, usize) {
    let longest = pieces.len().min(MAX_PIECES);

    for len in (1..=longest).rev() {
        let parts = pieces.get(..len).unwrap_or_default();
        let text = parts.concat();
        let are_words = || len > 1 && parts.iter().all(|part| known.knows(part));
        if known.knows(&text) || known.knows_beginning(&text) && !are_words() {
            let is_known = true;
            return (Word { text, is_known }, len);
        }
    }

    let text = pieces.first().copied().unwrap_or_default().to_owned();
    let is_known = false;
    (Word { text, is_known }, 1)
}
