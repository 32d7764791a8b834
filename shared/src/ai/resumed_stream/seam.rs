//! Where one tier's text ends and another one's goes on.
//!
//! A model that continues a text often repeats the end of it, or all of it. What it repeats is
//! trimmed: its beginning is held back as long as it stands in the text so far, and then cut by the
//! longest part that ends that text.

use serde::Serialize;

use super::word_buffer::is_ideograph;

/// The shortest repeated text that is trimmed, in bytes: one longer English word, which is not
/// written twice in a row by intention.
const MIN_OVERLAP_BYTES: usize = 5;

/// The same with Chinese characters: three. Two are often doubled in Chinese.
const MIN_IDEOGRAPH_BYTES: usize = 9;

/// How a model begins what it only thinks, and ends it.
const THOUGHTS: [&str; 2] = ["<think>", "</think>"];

/// How the lines of lists, headings, tables and code begin.
const BLOCK_MARKS: [&str; 6] = ["- ", "* ", "+ ", "#", "|", "```"];

/// A seam of an answer, as its reader is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Seam {
    /// The length of the text before it, in characters.
    pub offset: usize,
    /// The tier that broke.
    pub from: String,
    /// How it broke.
    pub fault: String,
    /// The tier that went on.
    pub to: String,
}

/// Joins a continuation to the text before it.
#[derive(Default)]
pub(super) struct SeamJoiner {
    /// The text before, without white space at its end.
    before: String,
    /// White space that came behind it, and was not passed on.
    space: String,
    /// Whether white space behind the text before was passed on.
    is_space_given: bool,
    /// Whether the tier was given the text before as the beginning of its own, which it then goes
    /// on with exactly.
    is_prefilled: bool,
    /// The beginning of the continuation, until it is known what of it is new.
    held: String,
    /// Where in `before` a text begins that goes on as the continuation does; none until the
    /// continuation has begun.
    candidates: Option<Vec<usize>>,
    /// The bytes of the continuation that the candidates were compared with.
    compared: usize,
    /// Where in `before` its last parts begin that the continuation repeats.
    repeated: Vec<usize>,
    is_joined: bool,
}

impl SeamJoiner {
    /// Behind this text, which includes what the client put into the model's mouth, and this white
    /// space, which was not passed on.
    pub(super) fn new(before: String, space: String) -> Self {
        Self {
            is_joined: before.is_empty(),
            before,
            space,
            ..Self::default()
        }
    }

    /// The same behind white space that was passed on.
    pub(super) fn with_space_given(mut self, is_given: bool) -> Self {
        self.is_space_given = is_given;
        self
    }

    /// The same for a tier that was given the beginning of its answer.
    pub(super) fn for_prefilled(mut self, is_prefilled: bool) -> Self {
        self.is_prefilled = is_prefilled;
        self
    }

    pub(super) const fn is_joined(&self) -> bool {
        self.is_joined
    }

    /// White space that has not been passed on yet.
    pub(super) fn take_space(&mut self) -> String {
        if self.is_joined {
            String::new()
        } else {
            std::mem::take(&mut self.space)
        }
    }

    /// Adds a piece of the continuation; what of it is new, as far as that is known.
    pub(super) fn push(&mut self, piece: &str) -> String {
        if self.is_joined {
            return piece.to_owned();
        }
        self.held.push_str(piece);
        if self.is_thinking() {
            return String::new();
        }

        let begun = self.held.trim_start();
        let is_undecided = begun.is_empty() || may_begin_block(begun);
        if self.may_be_repetition() || is_undecided {
            return String::new();
        }
        self.join()
    }

    /// Whether the continuation begins with thoughts that have not ended; those that have are left
    /// out.
    fn is_thinking(&mut self) -> bool {
        let [opening, closing] = THOUGHTS;
        let begun = self.held.trim_start();
        if !begun.is_empty() && opening.starts_with(begun) {
            return true;
        }
        if !begun.starts_with(opening) {
            return false;
        }

        match begun.split_once(closing) {
            Some((_, spoken)) => {
                self.held = spoken.to_owned();
                false
            }
            None => true,
        }
    }

    /// Compares what has come since with the places where it may stand in the text before.
    fn may_be_repetition(&mut self) -> bool {
        let begun = self.held.trim_start();
        let new = begun.get(self.compared..).unwrap_or_default();
        let candidates = self.candidates.take().unwrap_or_else(|| {
            let starts = self.before.char_indices();
            starts.map(|(at, _)| at).collect()
        });

        let (compared, before) = (self.compared, &self.before);
        let mut left = Vec::new();
        for at in candidates {
            let rest = before.get(at + compared..).unwrap_or_default();
            if rest.len() < new.len() {
                if new.starts_with(rest) {
                    self.repeated.push(at);
                }
            } else if rest.starts_with(new) {
                left.push(at);
            }
        }

        self.compared = begun.len();
        let may_go_on = !left.is_empty();
        self.candidates = Some(left);
        may_go_on
    }

    /// The rest of a continuation that has ended.
    pub(super) fn finish(&mut self) -> String {
        if self.is_joined || self.held.is_empty() {
            return String::new();
        }

        let end = self.before.len();
        let candidates = self.candidates.take().unwrap_or_default();
        let at_end = candidates
            .into_iter()
            .filter(|at| at + self.compared == end);
        self.repeated.extend(at_end);
        self.join()
    }

    fn join(&mut self) -> String {
        self.is_joined = true;
        let held = std::mem::take(&mut self.held);
        let begun = held.trim_start();

        let overlap = self.overlap_length(begun);
        if overlap > 0 {
            return begun.get(overlap..).unwrap_or_default().to_owned();
        }
        if begun.len() < held.len() && !self.is_space_given {
            return held; // it brings white space of its own
        }

        let space = if self.is_space_given {
            ""
        } else if !self.space.is_empty() {
            &self.space
        } else if begins_block(begun) {
            "\n"
        } else if needs_space(&self.before, begun) {
            " "
        } else {
            ""
        };
        format!("{space}{begun}")
    }

    /// The length of the longest text that ends `before` and begins the continuation, if it is long
    /// enough to be a repetition, or all of `before`. Without a letter it is none: rows of a table
    /// and rules of dashes repeat themselves.
    fn overlap_length(&self, begun: &str) -> usize {
        let overlaps = self.repeated.iter().filter_map(|at| {
            let (head, tail) = self.before.split_at_checked(*at)?;
            let is_repetition = (*at == 0 || self.may_be_repeated(head, tail))
                && tail.chars().any(char::is_alphabetic)
                && !is_word_cut(head, tail)
                && !is_word_cut(tail, begun.get(tail.len()..).unwrap_or_default());
            is_repetition.then_some(tail.len())
        });
        overlaps.max().unwrap_or(0)
    }

    /// Whether the end of a text, behind its `head`, is a repetition if it comes once more. A text
    /// that repeats itself there goes on to do so.
    fn may_be_repeated(&self, head: &str, tail: &str) -> bool {
        let min_bytes = if tail.chars().any(is_ideograph) {
            MIN_IDEOGRAPH_BYTES
        } else {
            MIN_OVERLAP_BYTES
        };
        let tail = tail.trim();
        let repeats_itself = head.trim_end().ends_with(tail);
        !self.is_prefilled && tail.len() >= min_bytes && !repeats_itself
    }
}

/// Whether a text begins with a line of a list, a table, a heading or code.
fn begins_block(text: &str) -> bool {
    let number = text.trim_start_matches(|c: char| c.is_ascii_digit());
    let is_numbered = number.len() < text.len() && number.starts_with(". ");
    is_numbered || BLOCK_MARKS.iter().any(|mark| text.starts_with(mark))
}

/// Whether a text may be the beginning of such a line.
fn may_begin_block(text: &str) -> bool {
    let number = text.trim_start_matches(|c: char| c.is_ascii_digit());
    let is_number = number.len() < text.len() && matches!(number, "" | ".");
    is_number
        || BLOCK_MARKS
            .iter()
            .any(|mark| *mark != text && mark.starts_with(text))
}

/// Whether a word goes on from one text into the other.
fn is_word_cut(left: &str, right: &str) -> bool {
    let is_word = |c: char| c.is_alphanumeric() && !is_ideograph(c);
    left.chars().next_back().is_some_and(is_word) && right.chars().next().is_some_and(is_word)
}

/// Whether two texts in a script with spaces would run together.
fn needs_space(left: &str, right: &str) -> bool {
    let ends_phrase =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, ',' | '.' | ';' | ':' | '!' | '?' | ')');
    let begins_word = |c: char| c.is_ascii_alphanumeric() || c == '(';
    left.chars().next_back().is_some_and(ends_phrase)
        && right.chars().next().is_some_and(begins_word)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Join {
        before: &'static str,
        after: &'static str,
        new: &'static str,
    }

    const fn join(before: &'static str, after: &'static str, new: &'static str) -> Join {
        Join { before, after, new }
    }

    /// What is new of a continuation that comes in pieces of this many characters.
    fn new_text(join: &Join, size: usize) -> String {
        let mut joiner = SeamJoiner::new(join.before.to_owned(), String::new());
        let after: Vec<char> = join.after.chars().collect();
        let mut new = String::new();
        for piece in after.chunks(size) {
            let piece: String = piece.iter().collect();
            new += &joiner.push(&piece);
        }
        new + &joiner.finish()
    }

    #[test]
    fn what_is_repeated_is_trimmed_and_nothing_else() {
        let joins = [
            join("Rest and drink", " water.", " water."),
            join("Rest and drink", "water.", " water."),
            join("Rest and drink", "Rest and drink water.", " water."),
            join("Rest and drink", "and drink water.", " water."),
            join("Rest and drink", "\n drink water.", " water."),
            join("It is a very", "very common cold.", " very common cold."),
            join("A pain, a pain", "pain is common.", " pain is common."),
            join("Take care", "careful steps.", " careful steps."),
            join("Rest.", "Then drink.", " Then drink."),
            join("Rest (at home)", ", and drink.", ", and drink."),
            join("多休息，多喝", "多喝水。", "多喝水。"),
            join("建议多休息，多喝", "休息，多喝水。", "水。"),
            join("建议多休息", "，多喝水。", "，多喝水。"),
            join("OK", "OK, rest.", ", rest."),
            join("Rest", "Rest", ""),
            join(
                "tick tock tick tock",
                " tick tock tick.",
                " tick tock tick.",
            ),
            join("- Drink water.", "- Rest.", "\n- Rest."),
            join("First rest.", "2. Drink.", "\n2. Drink."),
            join("Rest.", "## Warning", "\n## Warning"),
            join("|---|---|", "---|\n| 1 |", "---|\n| 1 |"),
            join("0000 0000", " 0000 0000 1111", " 0000 0000 1111"),
            join(
                "| 0.00 | 0.00 |",
                " 0.00 | 0.00 |\n| x",
                " 0.00 | 0.00 |\n| x",
            ),
        ];

        for join in &joins {
            for size in [1, 3, 100] {
                let new = new_text(join, size);
                assert_eq!(new, join.new, "{} + {} by {size}", join.before, join.after);
            }
        }
    }

    /// A tier that was given the text goes on exactly: what it says twice is meant, unless it
    /// begins anew.
    #[test]
    fn a_prefilled_tier_repeats_only_the_whole() {
        let new = |before: &str, after: &str| {
            let joiner = SeamJoiner::new(before.to_owned(), String::new());
            let mut joiner = joiner.for_prefilled(true);
            joiner.push(after) + &joiner.finish()
        };
        assert_eq!(new("It hurts, hurts", " hurts a lot."), " hurts a lot.");
        let before = "Rest and drink plenty of water";
        let meant = " drink plenty of water, and sleep.";
        assert_eq!(new(before, meant), meant);
        assert_eq!(new("Rest", "Rest and drink."), " and drink.");
    }

    #[test]
    fn thoughts_before_a_continuation_are_left_out() {
        for size in [1, 5, 100] {
            let thought = join(
                "Rest and",
                "<think>I was cut off.</think>\n\n drink.",
                "\n\n drink.",
            );
            assert_eq!(new_text(&thought, size), thought.new);
        }
    }

    #[test]
    fn white_space_that_had_come_is_not_lost() {
        let mut joiner = SeamJoiner::new("Rest.".to_owned(), "\n\n".to_owned());
        assert_eq!(joiner.push("Drink."), "\n\nDrink.");

        let given = SeamJoiner::new("Let me look.".to_owned(), String::new());
        let mut given = given.with_space_given(true);
        assert_eq!(given.push(" water"), "water");

        let mut own = SeamJoiner::new("Rest.".to_owned(), "\n\n".to_owned());
        assert_eq!(own.push(" Drink."), " Drink.");
    }
}
