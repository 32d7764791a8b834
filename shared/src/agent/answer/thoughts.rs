//! What a model thought aloud within its text.
//!
//! Thoughts may hold drafts of the answer, so nothing in them is read. The marks are those of chat
//! templates: `<think>` and its kin (`DeepSeek`, Qwen, Seed, EXAONE), `[THINK]` (Magistral),
//! `◁think▷` (Kimi), `<|START_THINKING|>` (Command A), and the channels of gpt-oss and Gemma.

use super::scanner::{self, SyntaxError};

/// Parts of names of tags that enclose thoughts, as in `<think>` and `<|begin_of_thought|>`.
const TAG_STEMS: [&str; 10] = [
    "think",
    "thought",
    "reason",
    "reflect",
    "analy",
    "scratch",
    "monolog",
    "deliberat",
    "brainstorm",
    "critique",
];

/// Words in names of tags that enclose thoughts or another's words, as in `<patient_input>`.
const TAG_WORDS: [&str; 14] = [
    "plan", "planning", "draft", "cot", "notes", "user", "patient", "input", "symptoms", "history",
    "quote", "quoted", "example", "context",
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

/// How many braces among thoughts are tried that begin nothing readable.
const MAX_BROKEN_OBJECTS: usize = 64;

/// A text, parted into what is spoken and what is not.
#[derive(Default)]
pub(super) struct Speech<'a> {
    /// The parts that are no thoughts, in order. An answer lies within one of them.
    pub(super) parts: Vec<&'a str>,
    /// What stands before a closing mark that has no opening one.
    pub(super) set_aside: Vec<&'a str>,
    /// Thoughts behind a part that may hold an answer: the patient may have written the mark.
    pub(super) afterthoughts: Vec<&'a str>,
    /// Whether a part may hold an object.
    has_brace: bool,
}

impl<'a> Speech<'a> {
    fn speak(&mut self, part: &'a str) {
        self.has_brace |= part.contains('{');
        self.parts.push(part);
    }

    fn think(&mut self, thoughts: &'a str) {
        if self.has_brace {
            self.afterthoughts.push(thoughts);
        }
    }
}

/// Parts a text at the marks of thoughts. What looks like a mark within an object belongs to the
/// object: a model may quote there what a patient wrote.
///
/// Chat templates often put the opening mark into the prompt, so all that stands before a closing
/// mark without an opening one is set aside. Nothing after an opening mark that is never closed is
/// an answer.
///
/// # Errors
///
/// An object that begins outside thoughts and cannot be read: whether a mark behind it belongs to
/// it is unknown.
pub(super) fn split_speech(text: &str) -> Result<Speech<'_>, SyntaxError> {
    let mut speech = Speech::default();
    let mut objects = ObjectSkipper::default();
    let mut rest = text;

    while let Some(MarkedText {
        before,
        mark,
        after,
    }) = split_at_mark(rest, &mut objects)?
    {
        match (mark.is_closing, objects.is_thinking) {
            (true, true) => {
                speech.think(before);
                objects.is_thinking = false;
            }
            (true, false) => {
                speech.set_aside.append(&mut speech.parts);
                speech.set_aside.push(before);
            }
            (false, true) => speech.think(before),
            (false, false) => {
                speech.speak(before);
                objects.is_thinking = true;
            }
        }
        rest = after;
    }

    if objects.is_thinking {
        speech.think(rest);
    } else {
        speech.speak(rest);
    }
    Ok(speech)
}

struct MarkedText<'a> {
    before: &'a str,
    mark: Mark,
    after: &'a str,
}

/// The first mark of a text that stands outside its objects and is not quoted.
fn split_at_mark<'a>(
    text: &'a str,
    objects: &mut ObjectSkipper,
) -> Result<Option<MarkedText<'a>>, SyntaxError> {
    let mut unread = text;

    while let Some(start) = unread.find(['<', '[', '◁', '{']) {
        let (_, here) = unread.split_at(start);
        let Some(mark) = mark_at(here) else {
            unread = objects.skip(here)?;
            continue;
        };

        let (before, _) = text.split_at(text.len() - here.len());
        let (_, after) = here.split_at(mark.length);
        if is_quoted(before, after) {
            unread = after;
            continue;
        }
        return Ok(Some(MarkedText {
            before,
            mark,
            after,
        }));
    }

    Ok(None)
}

fn is_quoted(before: &str, after: &str) -> bool {
    let is_quote = |c: char| matches!(c, '"' | '\'' | '`' | '“' | '”' | '‘' | '’' | '「' | '」');
    before.ends_with(is_quote) && after.starts_with(is_quote)
}

/// Skips objects, and bounds how many are tried.
#[derive(Default)]
struct ObjectSkipper {
    is_thinking: bool,
    broken_count: usize,
}

impl ObjectSkipper {
    /// What stands behind the object with which a text begins, or behind its first character.
    fn skip<'a>(&mut self, text: &'a str) -> Result<&'a str, SyntaxError> {
        let mut chars = text.chars();
        chars.next();
        let behind_first = chars.as_str();
        if !scanner::begins_object(text) {
            return Ok(behind_first);
        }

        match scanner::scan_object(text) {
            Ok(object) => Ok(object.rest),
            // Thoughts may break off in the middle of a draft.
            Err(_) if self.is_thinking && self.broken_count < MAX_BROKEN_OBJECTS => {
                self.broken_count += 1;
                Ok(behind_first)
            }
            Err(error) => Err(error),
        }
    }
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

/// A tag such as `<think>`, `</Think>`, `<thinking depth="2">` or `<|end_of_thought|>`.
fn tag_at(text: &str) -> Option<Mark> {
    let inner = text.strip_prefix('<')?;
    let mut chars = inner.char_indices().take(MAX_TAG_CHARS);
    let (end, _) = chars.find(|(_, c)| *c == '>')?;
    let (tag, _) = inner.split_at(end);

    let tag = tag.trim_matches([' ', '|']);
    let has_slash = tag.starts_with('/');
    let tag = tag.trim_start_matches([' ', '/', '|']).to_lowercase();
    let name = tag.split_whitespace().next()?;

    let mut words = name.split(['_', '-', ':', '|', '.']);
    let is_ending = has_slash || words.clone().next() == Some("end");
    let has_stem = TAG_STEMS.iter().any(|stem| name.contains(stem));
    let is_known = has_stem || words.any(|word| TAG_WORDS.contains(&word));

    is_known.then_some(Mark {
        is_closing: is_ending,
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
    const CASES: [Case; 22] = [
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
        Case { text: "<|begin_of_thought|>x<|end_of_thought|>a", spoken: &["", "a"] },
        Case { text: "<scratchpad>x</scratchpad>a", spoken: &["", "a"] },
        Case { text: "<patient_input>x</patient_input>a", spoken: &["", "a"] },
        Case { text: "<answer>a</answer>", spoken: &["<answer>a</answer>"] },
        Case { text: "{\"a\":\"</think>\"}", spoken: &["{\"a\":\"</think>\"}"] },
        Case { text: "{'a':'[/THINK]',}b", spoken: &["{'a':'[/THINK]',}b"] },
        Case { text: "<think>{\"a\":\"</think>\"}x</think>a", spoken: &["", "a"] },
        Case { text: "<think>it says \"</think>\" there", spoken: &[""] },
        Case { text: "1 < 2 and <b>a</b>", spoken: &["1 < 2 and <b>a</b>"] },
    ];

    #[test]
    fn thoughts_are_no_part_of_what_is_spoken() {
        for case in CASES {
            let speech = split_speech(case.text).unwrap_or_default();
            assert_eq!(speech.parts, case.spoken, "{}", case.text);
        }
    }

    #[test]
    fn no_mark_is_sought_behind_a_broken_object() {
        let is_refused = |text: &str| split_speech(text).is_err();

        assert!(is_refused("{\"a\":\"x\" \"y\" </think>b"));
        assert!(is_refused("<think>x</think>{\"a\":\"</think>b"));
        assert!(!is_refused("<think>{\"a\":\"x</think>b"));
        let many = format!("<think>{}", "{/*".repeat(MAX_BROKEN_OBJECTS + 1));
        assert!(is_refused(&many));
    }
}
