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

/// The same of a tier that was given the beginning of its answer: it goes on exactly, as a rule.
const MIN_PREFILLED_BYTES: usize = 20;

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
    /// Behind this text, which includes what the client put into the model's mouth.
    pub(super) fn new(before: String, space: String, is_prefilled: bool) -> Self {
        Self {
            is_joined: before.is_empty(),
            before,
            space,
            is_prefilled,
            ..Self::default()
        }
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

        let is_blank = self.held.trim_start().is_empty();
        if is_blank || self.may_be_repetition() {
            return String::new();
        }
        self.join()
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
        if begun.len() < held.len() {
            return held; // it brings white space of its own
        }

        let space = if !self.space.is_empty() {
            &self.space
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
            let is_repetition = (*at == 0 || self.is_long_enough(tail))
                && tail.chars().any(char::is_alphabetic)
                && !is_word_cut(head, tail)
                && !is_word_cut(tail, begun.get(tail.len()..).unwrap_or_default());
            is_repetition.then_some(tail.len())
        });
        overlaps.max().unwrap_or(0)
    }

    fn is_long_enough(&self, overlap: &str) -> bool {
        let min_bytes = if self.is_prefilled {
            MIN_PREFILLED_BYTES
        } else if overlap.chars().any(is_ideograph) {
            MIN_IDEOGRAPH_BYTES
        } else {
            MIN_OVERLAP_BYTES
        };
        overlap.trim().len() >= min_bytes
    }
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
        let mut joiner = SeamJoiner::new(join.before.to_owned(), String::new(), false);
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

    /// A tier that was given the text goes on exactly: a longer word may be meant twice.
    #[test]
    fn a_prefilled_tier_repeats_only_what_is_long() {
        let new = |before: &str, after: &str| {
            let mut joiner = SeamJoiner::new(before.to_owned(), String::new(), true);
            joiner.push(after) + &joiner.finish()
        };
        assert_eq!(new("It hurts, hurts", " hurts a lot."), " hurts a lot.");
        let before = "Rest and drink plenty of water";
        assert_eq!(
            new(before, "drink plenty of water, and sleep."),
            ", and sleep."
        );
        assert_eq!(new("Rest", "Rest and drink."), " and drink.");
    }

    #[test]
    fn white_space_that_had_come_is_not_lost() {
        let mut joiner = SeamJoiner::new("Rest.".to_owned(), "\n\n".to_owned(), false);
        assert_eq!(joiner.push("Drink."), "\n\nDrink.");

        let mut own = SeamJoiner::new("Rest.".to_owned(), "\n\n".to_owned(), false);
        assert_eq!(own.push(" Drink."), " Drink.");
    }
}
