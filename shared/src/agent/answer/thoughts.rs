//! What a model thought aloud within its text.
//!
//! Thoughts may hold drafts of the answer, so nothing in them is read. The marks are those of chat
//! templates: `<think>` and its kin (`DeepSeek`, Qwen, Seed, EXAONE), `[THINK]` (Magistral),
//! `◁think▷` (Kimi), `<|START_THINKING|>` (Command A), and the channels of gpt-oss and Gemma.

/// The names of the tags that enclose thoughts, as in `<think>` and `</think>`.
const TAG_NAMES: [&str; 8] = [
    "think",
    "thinking",
    "thought",
    "thoughts",
    "reasoning",
    "reflection",
    "analysis",
    "seed:think",
];

/// The longest tag that is looked at, in characters; tags may have attributes.
const MAX_TAG_CHARS: usize = 60;

/// What begins thoughts, besides tags.
const OPENING_MARKS: [&str; 6] = [
    "<|channel|>analysis",
    "<|channel|>commentary",
    "<|channel>thought",
    "<|START_THINKING|>",
    "[THINK]",
    "◁think▷",
];

/// What ends thoughts, besides tags.
const CLOSING_MARKS: [&str; 5] = [
    "<|channel|>final",
    "<channel|>",
    "<|END_THINKING|>",
    "[/THINK]",
    "◁/think▷",
];

/// A mark at the beginning of a text.
#[derive(Clone, Copy)]
struct Mark {
    is_closing: bool,
    /// In bytes.
    length: usize,
}

/// The parts of a text that are no thoughts, in order. An answer must lie within one of them.
///
/// Chat templates often put the opening mark into the prompt, so all that stands before a closing
/// mark without an opening one is thought. Nothing after an opening mark that is never closed is
/// an answer.
pub(super) fn spoken_parts(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut is_thinking = false;
    let mut rest = text;

    while let Some((before, mark, after)) = split_at_mark(rest) {
        match (mark.is_closing, is_thinking) {
            (true, true) => is_thinking = false,
            (true, false) => parts.clear(),
            (false, true) => {}
            (false, false) => {
                parts.push(before);
                is_thinking = true;
            }
        }
        rest = after;
    }

    if !is_thinking {
        parts.push(rest);
    }
    parts
}

/// What stands before the first mark, the mark, and what stands after it.
fn split_at_mark(text: &str) -> Option<(&str, Mark, &str)> {
    for (start, _) in text.match_indices(['<', '[', '◁']) {
        let (before, from_mark) = text.split_at(start);
        if let Some(mark) = mark_at(from_mark) {
            let (_, after) = from_mark.split_at(mark.length);
            return Some((before, mark, after));
        }
    }

    None
}

fn mark_at(text: &str) -> Option<Mark> {
    let begins_with = |mark: &&str| {
        let beginning = text.get(..mark.len());
        beginning.is_some_and(|beginning| beginning.eq_ignore_ascii_case(mark))
    };
    let find = |marks: &[&str], is_closing| {
        let found = marks.iter().copied().find(|mark| begins_with(mark))?;
        let length = found.len();
        Some(Mark { is_closing, length })
    };

    find(&CLOSING_MARKS, true)
        .or_else(|| find(&OPENING_MARKS, false))
        .or_else(|| tag_at(text))
}

/// A tag such as `<think>`, `</Think>` or `<thinking depth="2">`.
fn tag_at(text: &str) -> Option<Mark> {
    let inner = text.strip_prefix('<')?;
    let mut chars = inner.char_indices().take(MAX_TAG_CHARS);
    let (end, _) = chars.find(|(_, c)| *c == '>')?;
    let (tag, _) = inner.split_at(end);

    let is_closing = tag.trim_start().starts_with('/');
    let tag = tag.trim_start_matches([' ', '/']);
    let name = tag.split_whitespace().next()?;
    let is_known = TAG_NAMES
        .iter()
        .any(|known| name.eq_ignore_ascii_case(known));

    is_known.then_some(Mark {
        is_closing,
        length: end + 2,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Case {
        text: &'static str,
        spoken: &'static [&'static str],
    }

    #[rustfmt::skip]
    const CASES: [Case; 14] = [
        Case { text: "a", spoken: &["a"] },
        Case { text: "<think>x</think>a", spoken: &["", "a"] },
        Case { text: "<THINK>x</Think >a", spoken: &["", "a"] },
        Case { text: "<thinking depth=\"2\">x</thinking>a", spoken: &["", "a"] },
        Case { text: "x</think>a", spoken: &["a"] },
        Case { text: "a<think>x", spoken: &["a"] },
        Case { text: "<think>x", spoken: &[""] },
        Case { text: "a<think>x</think>b", spoken: &["a", "b"] },
        Case { text: "<think>the tag </think> ends it</think>a", spoken: &["a"] },
        Case { text: "<think>no <think> here</think>a", spoken: &["", "a"] },
        Case { text: "[THINK]x[/THINK]a", spoken: &["", "a"] },
        Case { text: "◁think▷x◁/think▷a", spoken: &["", "a"] },
        Case { text: "<|channel|>analysis x<|end|><|channel|>final a", spoken: &["", " a"] },
        Case { text: "1 < 2 and <b>a</b>", spoken: &["1 < 2 and <b>a</b>"] },
    ];

    #[test]
    fn thoughts_are_no_part_of_what_is_spoken() {
        for case in CASES {
            assert_eq!(spoken_parts(case.text), case.spoken, "{}", case.text);
        }
    }
}
