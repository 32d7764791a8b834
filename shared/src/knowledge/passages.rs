//! Cuts a document into passages, where its parts and its sentences end.

use std::ops::Range;

use crate::text::is_han;

/// A passage has no more Han characters than this, or half English words: about as many tokens.
const MAX_WEIGHT: usize = 400;
/// Of a heading, so many characters are part of what a passage means: it has no other bound.
const MAX_HEADING_CHARS: usize = 200;
/// What a Han character weighs, compared with any other.
const HAN_WEIGHT: usize = 3;

/// A piece of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Passage {
    /// The heading of its part; empty before the first.
    pub(super) heading: String,
    pub(super) text: String,
    /// Where it stands in the document, in characters.
    pub(super) place: Range<usize>,
}

/// The passages of a Markdown text, in order. A part that is too long is cut where a sentence ends,
/// and the last sentence before the cut is said again behind it.
pub(super) fn cut_passages(content: &str) -> Vec<Passage> {
    let characters: Vec<char> = content.chars().collect();
    let mut passages = Vec::new();

    for part in parts(&characters) {
        let sentences = sentences(&characters, part.body.clone());
        let mut start = 0;
        while start < sentences.len() {
            let end = fitting(&characters, &sentences, start);
            passages.extend(passage(&characters, &part.heading, &sentences, start..end));
            if end >= sentences.len() {
                break;
            }
            // One sentence of overlap, unless it is all that the passage has.
            start = if end - start > 1 { end - 1 } else { end };
        }
    }
    passages
}

/// What a passage's vector is made of: its words alone say too little of what they are about.
pub(super) fn text_to_embed(title: &str, heading: &str, text: &str) -> String {
    let heading: String = heading.chars().take(MAX_HEADING_CHARS).collect();
    format!("{title}\n{heading}\n{text}")
}

/// A headed part of a document.
struct Part {
    heading: String,
    body: Range<usize>,
}

/// The parts of a text by its headings, the lines that begin with `#`.
fn parts(characters: &[char]) -> Vec<Part> {
    let mut parts = vec![Part {
        heading: String::new(),
        body: 0..0,
    }];

    for line in lines(characters) {
        let text: String = characters.get(line.clone()).unwrap_or(&[]).iter().collect();
        let heading = text
            .strip_prefix('#')
            .map(|rest| rest.trim_start_matches('#').trim());
        if let Some(heading) = heading {
            parts.push(Part {
                heading: heading.to_owned(),
                body: line.end..line.end,
            });
        } else if let Some(part) = parts.last_mut() {
            part.body.end = line.end;
        }
    }
    parts
}

/// Each line with its end, in characters.
fn lines(characters: &[char]) -> Vec<Range<usize>> {
    let mut lines = Vec::new();
    let mut start = 0;
    for (at, character) in characters.iter().enumerate() {
        if *character == '\n' {
            lines.push(start..at + 1);
            start = at + 1;
        }
    }
    lines.push(start..characters.len());
    lines
}

/// The sentences of a part. A line ends one as well, since an item of a list may have no full stop.
/// A text without any end is cut by length.
fn sentences(characters: &[char], body: Range<usize>) -> Vec<Range<usize>> {
    let mut sentences = Vec::new();
    let mut start = body.start;
    let mut weight = 0;

    for at in body.clone() {
        weight += weight_at(characters, at);
        if ends_sentence(characters, at) || weight >= MAX_WEIGHT * HAN_WEIGHT {
            sentences.push(start..at + 1);
            start = at + 1;
            weight = 0;
        }
    }
    sentences.push(start..body.end);
    sentences.retain(|sentence| !is_blank(characters, sentence));
    sentences
}

fn ends_sentence(characters: &[char], at: usize) -> bool {
    let next = characters.get(at + 1);

    match characters.get(at) {
        Some('\n' | '。' | '！' | '？' | '；') => true,
        Some('.' | '!' | '?') => next.is_none_or(|next| next.is_whitespace()),
        _ => false,
    }
}

/// The end of the sentences from `start` on that fit into a passage: one at least.
fn fitting(characters: &[char], sentences: &[Range<usize>], start: usize) -> usize {
    let mut total = 0;

    for (number, sentence) in sentences.iter().enumerate().skip(start) {
        total += weight(characters, sentence);
        if total > MAX_WEIGHT * HAN_WEIGHT && number > start {
            return number;
        }
    }
    sentences.len()
}

fn weight(characters: &[char], range: &Range<usize>) -> usize {
    let places = range.clone();
    places.map(|at| weight_at(characters, at)).sum()
}

/// Half a word of anything but Chinese has about three characters.
fn weight_at(characters: &[char], at: usize) -> usize {
    match characters.get(at) {
        Some(character) if is_han(*character) => HAN_WEIGHT,
        _ => 1,
    }
}

fn is_blank(characters: &[char], range: &Range<usize>) -> bool {
    let characters = characters.get(range.clone()).unwrap_or(&[]);
    characters.iter().all(|character| character.is_whitespace())
}

fn passage(
    characters: &[char],
    heading: &str,
    sentences: &[Range<usize>],
    numbers: Range<usize>,
) -> Option<Passage> {
    let chosen = sentences.get(numbers)?;
    let place = chosen.first()?.start..chosen.last()?.end;
    let text: String = characters.get(place.clone())?.iter().collect();

    Some(Passage {
        heading: heading.to_owned(),
        text: text.trim().to_owned(),
        place,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_is_a_passage_with_its_heading_and_place() {
        let content = "Intro here.\n\n## 何时就医\n\n- 呼吸困难\n- 高烧不退\n";
        let passages = cut_passages(content);

        let told: Vec<(&str, &str)> = passages
            .iter()
            .map(|passage| (passage.heading.as_str(), passage.text.as_str()))
            .collect();
        assert_eq!(
            told,
            [("", "Intro here."), ("何时就医", "- 呼吸困难\n- 高烧不退")]
        );
        for Passage { text, place, .. } in &passages {
            let quoted: String = content
                .chars()
                .skip(place.start)
                .take(place.len())
                .collect();
            assert_eq!(quoted.trim(), text);
        }
    }

    #[test]
    fn a_long_part_is_cut_where_a_sentence_ends_and_repeats_the_last_one() {
        for sentence in [
            "多喝水，注意休息，不要熬夜。",
            "Drink plenty of water and rest well. ",
        ] {
            let content = sentence.repeat(120);
            let passages = cut_passages(&content);

            assert!(passages.len() > 2, "{}", passages.len());
            for pair in passages.windows(2) {
                assert!(pair[1].place.start < pair[0].place.end, "{pair:?}");
                assert!(pair[0].text.ends_with(['。', '.']));
            }
            let end = passages.last().unwrap().place.end;
            assert_eq!(end, content.trim_end().chars().count());
        }
    }

    #[test]
    fn a_word_without_an_end_is_cut_by_length() {
        let passages = cut_passages(&"x".repeat(100_000));

        assert!(passages.len() > 50);
        assert!(
            passages
                .iter()
                .all(|passage| passage.text.len() <= 3 * MAX_WEIGHT)
        );
    }

    #[test]
    fn a_text_of_nothing_has_no_passage() {
        for content in ["", "\n \n", "# A heading\n## And another\n"] {
            assert_eq!(cut_passages(content), []);
        }
    }
}
