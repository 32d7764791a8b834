//! A long list of words, searched where it stands: nothing is built when a function starts.

/// Words in the order of their bytes, one a line, behind a header that an empty line ends.
#[derive(Debug, Clone, Copy)]
pub(super) struct SortedWords {
    words: &'static str,
}

impl SortedWords {
    /// The words of a list that is compiled into the binary.
    pub(super) fn of_list(text: &'static str) -> Self {
        let words = text.split_once("\n\n").map_or(text, |(_, words)| words);
        Self { words }
    }

    /// Whether the list has the word.
    pub(super) fn contains(self, word: &str) -> bool {
        let mut rest = self.words;

        while !rest.is_empty() {
            let (before, line, behind) = middle_line(rest);
            match word.cmp(line) {
                std::cmp::Ordering::Equal => return true,
                std::cmp::Ordering::Less => rest = before,
                std::cmp::Ordering::Greater => rest = behind,
            }
        }
        false
    }
}

/// The line in the middle of a text, with what stands before and behind it.
fn middle_line(text: &str) -> (&str, &str, &str) {
    let bytes = text.as_bytes();
    let middle = bytes.len() / 2;

    let is_end = |byte: &u8| *byte == b'\n';
    let begin = bytes
        .get(..middle)
        .and_then(|head| head.iter().rposition(is_end))
        .map_or(0, |at| at + 1);
    let end = bytes
        .get(middle..)
        .and_then(|tail| tail.iter().position(is_end))
        .map_or(bytes.len(), |at| middle + at);

    let before = text.get(..begin).unwrap_or_default();
    let line = text.get(begin..end).unwrap_or_default();
    let behind = text.get(end + 1..).unwrap_or_default();
    (before, line, behind)
}

#[cfg(test)]
mod tests {
    use super::SortedWords;

    #[test]
    fn every_word_is_found_and_no_other() {
        let list = SortedWords::of_list("# header\n\nache\nbelly\nchest\nzebra\n胸口\n");

        for word in ["ache", "belly", "chest", "zebra", "胸口"] {
            assert!(list.contains(word), "{word}");
        }
        for word in ["", "ach", "aches", "chess", "header", "zzz", "胸"] {
            assert!(!list.contains(word), "{word}");
        }
    }
}
