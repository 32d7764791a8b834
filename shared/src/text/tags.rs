//! HTML's tags.
//!
//! A patient writes `<` for "less than", and words in angle brackets. Only what is plainly the tag
//! of a known element goes: its name, and attributes of the form `name="value"`. So "<38" and
//! "<i have chest pain>" stay.

use std::borrow::Cow;

use super::seam::push_seam;

/// No tag is longer, in bytes.
const MAX_TAG_BYTES: usize = 512;

/// Elements that begin a line.
pub(super) const BLOCK_ELEMENTS: &[&str] = &[
    "address",
    "article",
    "blockquote",
    "br",
    "center",
    "dd",
    "div",
    "dl",
    "dt",
    "figure",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hr",
    "li",
    "main",
    "ol",
    "p",
    "pre",
    "section",
    "table",
    "tbody",
    "tfoot",
    "thead",
    "tr",
    "ul",
];

/// Elements that stand within a line.
const INLINE_ELEMENTS: &[&str] = &[
    "a", "abbr", "b", "big", "code", "del", "em", "font", "i", "img", "ins", "kbd", "label",
    "mark", "q", "s", "samp", "small", "span", "strike", "strong", "sub", "sup", "tt", "u", "wbr",
];

/// The effect of a tag on the text around it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum TagEffect {
    /// Nothing is seen.
    Joined,
    /// `<br>`: each one ends a line.
    LineBreak,
    /// Begins a line, unless one begins there already.
    NewLine,
    /// Begins a cell of a table.
    Cell,
}

/// A tag at the beginning of a text.
struct Tag {
    effect: TagEffect,
    /// In bytes.
    len: usize,
}

/// The text without tags.
pub(super) fn strip_tags(text: &str) -> Cow<'_, str> {
    if !text.contains('<') {
        return Cow::Borrowed(text);
    }

    let mut stripped = String::with_capacity(text.len());
    let mut comments = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        let (before, from_mark) = rest.split_at_checked(at).unwrap_or((rest, ""));
        stripped.push_str(before);

        if let Some(comment) = parse_comment(from_mark).filter(|c| c.parts_text(&stripped)) {
            push_seam(&mut stripped);
            comments.push_str(comment.words);
            comments.push_str("\n\n");
            rest = comment.behind;
            continue;
        }
        let Some(tag) = parse_tag(from_mark) else {
            stripped.push('<');
            rest = from_mark.get(1..).unwrap_or_default();
            continue;
        };

        rest = from_mark.get(tag.len..).unwrap_or_default();
        apply_effect(tag.effect, &mut stripped, &mut rest);
    }

    stripped.push_str(rest);
    if !comments.trim().is_empty() {
        stripped.push_str("\n\n");
        stripped.push_str(&comments);
    }
    Cow::Owned(stripped)
}

/// A comment at the beginning of a text.
struct Comment<'t> {
    words: &'t str,
    behind: &'t str,
}

impl Comment<'_> {
    /// Whether words stand on both sides of the comment, so that it may stand within one. Its own
    /// words are put behind the text: a patient may have meant them.
    fn parts_text(&self, before: &str) -> bool {
        let is_shown = |text: &str| text.contains(char::is_alphanumeric);
        let begins = self
            .behind
            .get(..self.behind.floor_char_boundary(MAX_TAG_BYTES));

        !before.trim().is_empty() && begins.is_some_and(is_shown)
    }
}

/// `<!-- x -->`, with words or without.
fn parse_comment(text: &str) -> Option<Comment<'_>> {
    let body = text.strip_prefix("<!--")?;
    let window = body.get(..body.floor_char_boundary(MAX_TAG_BYTES))?;
    let (words, _) = window.split_once("-->")?;

    let behind = body.get(words.len() + "-->".len()..)?;
    Some(Comment { words, behind })
}

/// A line break in the source counts for nothing beside that of a tag.
fn apply_effect(effect: TagEffect, stripped: &mut String, rest: &mut &str) {
    match effect {
        TagEffect::Joined => {
            push_seam(stripped);
            return;
        }
        TagEffect::Cell => {
            stripped.push('|');
            return;
        }
        TagEffect::NewLine if stripped.trim_end_matches(' ').ends_with('\n') => {}
        TagEffect::NewLine | TagEffect::LineBreak => stripped.push('\n'),
    }

    let behind = rest.trim_start_matches([' ', '\r']);
    *rest = behind.strip_prefix('\n').unwrap_or(rest);
}

fn parse_tag(text: &str) -> Option<Tag> {
    if let Some(len) = blank_comment_len(text) {
        let effect = TagEffect::Joined;
        return Some(Tag { effect, len });
    }

    let window_len = text.len().min(MAX_TAG_BYTES);
    let end = text.as_bytes().get(..window_len)?.iter();
    let end = end.take_while(|byte| **byte != b'>').count();
    let inner = text.get(1..end).filter(|_| end < window_len)?;

    let inner = inner.strip_prefix('/').unwrap_or(inner);
    let name_len = inner.find(|c: char| !c.is_ascii_alphanumeric());
    let (name, attributes) = inner.split_at_checked(name_len.unwrap_or(inner.len()))?;

    let effect = effect_of(name)?;
    are_attributes(attributes).then_some(Tag {
        effect,
        len: end + 1,
    })
}

fn effect_of(name: &str) -> Option<TagEffect> {
    let is_one_of = |names: &[&str]| names.iter().any(|known| known.eq_ignore_ascii_case(name));

    if is_one_of(&["br"]) {
        Some(TagEffect::LineBreak)
    } else if is_one_of(BLOCK_ELEMENTS) {
        Some(TagEffect::NewLine)
    } else if is_one_of(&["td", "th"]) {
        Some(TagEffect::Cell)
    } else if is_one_of(INLINE_ELEMENTS) {
        Some(TagEffect::Joined)
    } else {
        None
    }
}

/// `<!-- -->` without words, which page generators leave between two texts.
fn blank_comment_len(text: &str) -> Option<usize> {
    let body = text.strip_prefix("<!--")?;
    let end = body.trim_start().strip_prefix("-->")?;

    Some(text.len() - end.len())
}

/// Whether the rest of a tag is a row of `name="value"`, perhaps with a slash at its end.
fn are_attributes(text: &str) -> bool {
    let mut rest = text.trim_end_matches('/').trim();

    while !rest.is_empty() {
        match behind_attribute(rest) {
            Some(behind) => rest = behind.trim_start(),
            None => return false,
        }
    }
    true
}

fn behind_attribute(text: &str) -> Option<&str> {
    let (name, value) = text.split_once('=')?;
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | ':');
    if name.is_empty() || !name.chars().all(is_name) {
        return None;
    }

    for quote in ['"', '\''] {
        if let Some(quoted) = value.strip_prefix(quote) {
            return quoted.split_once(quote).map(|(_, behind)| behind);
        }
    }
    let end = value.find(char::is_whitespace).unwrap_or(value.len());
    value.get(end..)
}
