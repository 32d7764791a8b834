//! Passes on a text word by word, so that it never stops in the middle of one: then another tier
//! can go on behind the last whole word.

/// The longest word that is waited for, in bytes: an address or a hash has no end to wait for.
const MAX_WORD_BYTES: usize = 64;

/// Holds the end of a text back until the word there is whole.
#[derive(Default)]
pub(super) struct WordBuffer {
    held: String,
}

impl WordBuffer {
    /// Adds a piece; the part of the text that may be passed on.
    pub(super) fn push(&mut self, piece: &str) -> String {
        self.held.push_str(piece);

        let end = start_of_tail(&self.held);
        if self.held.len() - end > MAX_WORD_BYTES {
            return self.take_all();
        }
        let rest = self.held.split_off(end);
        std::mem::replace(&mut self.held, rest)
    }

    /// The rest of a text that is whole.
    pub(super) fn take_all(&mut self) -> String {
        std::mem::take(&mut self.held)
    }

    /// Gives up the rest of a text that broke: a word that may not be whole, and the white space
    /// before it.
    pub(super) fn give_up(&mut self) -> BrokenWord {
        let held = self.take_all();
        let word = held.trim_start();
        let (space, _) = held.split_at(held.len() - word.len());
        BrokenWord {
            space: space.to_owned(),
            word: word.to_owned(),
        }
    }
}

/// The end of a text that broke, which was not passed on.
pub(super) struct BrokenWord {
    pub(super) space: String,
    /// A word that may not be whole; empty if the text stopped behind one.
    pub(super) word: String,
}

/// Where the last white space and the word behind it begin.
fn start_of_tail(text: &str) -> usize {
    let mut word_start = text.len();
    for (at, c) in text.char_indices().rev() {
        let before = text.get(..at).and_then(|before| before.chars().next_back());
        if !is_in_word(c, before) {
            break;
        }
        word_start = at;
    }

    let before = text.get(..word_start).unwrap_or_default();
    before.trim_end().len()
}

/// Whether a character may stand in the middle of a word or a number.
fn is_in_word(c: char, before: Option<char>) -> bool {
    let follows_digit = before.is_some_and(|before| before.is_ascii_digit());
    match c {
        '.' | ',' | ':' => follows_digit,
        '\'' | '’' | '-' | '_' | '/' | '%' => true,
        _ => c.is_alphanumeric() && !is_ideograph(c),
    }
}

/// Whether each character is a word of its own, as in Chinese.
pub(super) const fn is_ideograph(c: char) -> bool {
    matches!(c, '\u{2e80}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passed_on(pieces: &[&str]) -> Vec<String> {
        let mut buffer = WordBuffer::default();
        pieces.iter().map(|piece| buffer.push(piece)).collect()
    }

    #[test]
    fn a_word_is_passed_on_when_it_is_whole() {
        let pieces = ["Re", "st", " and", " drink", ". ", "Then"];
        assert_eq!(passed_on(&pieces), ["", "", "Rest", " and", " drink.", ""]);
    }

    #[test]
    fn a_number_is_not_cut() {
        assert_eq!(
            passed_on(&["at 39", ".", "5", " °C"]),
            ["at", "", "", " 39.5 °"]
        );
        assert_eq!(passed_on(&["500", " mg."]), ["", "500 mg."]);
    }

    #[test]
    fn each_chinese_character_is_a_word() {
        assert_eq!(passed_on(&["多喝", "水，", "39"]), ["多喝", "水，", ""]);
    }

    #[test]
    fn what_has_no_end_is_not_waited_for() {
        let long = "x".repeat(MAX_WORD_BYTES + 1);
        assert_eq!(passed_on(&[&long]), [long.as_str()]);
    }

    #[test]
    fn a_broken_text_gives_up_its_last_word() {
        let mut buffer = WordBuffer::default();
        assert_eq!(buffer.push("Rest.\n\nDri"), "Rest.");
        let BrokenWord { space, word } = buffer.give_up();
        assert_eq!((space.as_str(), word.as_str()), ("\n\n", "Dri"));
        assert_eq!(buffer.take_all(), "");
    }
}
