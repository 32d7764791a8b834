//! What a reader sees of a text: decoration that stands in the way of its words is folded.
//!
//! Patients write with rich-text editors, chat keyboards and generators of fancy letters. What
//! looks at words (the rules of triage, the guess of the language) reads [`plain_text`]; what is
//! stored and shown stays as it was sent.
//!
//! | decoration | becomes | file |
//! |---|---|---|
//! | `&nbsp;`, `&#30171;` | the character | `entities` |
//! | `<b>`, `<br>`, `<td>` | nothing, a line break, a bar | `tags` |
//! | zero-width and combining characters | nothing | `invisible`, `styled` |
//! | styled letters and digits | plain ones | `styled` |
//! | `**x**`, `_x_`, `# x`, `> x`, `[x](url)` | `x` | `markdown` |
//!
//! Decoration between two letters may stand within a word (`che**st**`) or between two
//! (`have**chest pain**`), and only a reader of words can tell: [`seamed_text`] keeps a [`SEAM`]
//! there.

mod emoji;
mod entities;
mod han;
mod html;
mod invisible;
mod markdown;
mod seam;
mod styled;
mod tags;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

pub(crate) use emoji::is_emoji;
pub(crate) use han::is_han;
pub(crate) use invisible::is_invisible;
pub(crate) use seam::SEAM;

/// Whether a text shows nothing: white space, characters without a glyph, and empty HTML.
pub(crate) fn is_blank(text: &str) -> bool {
    let decoded = entities::decode_entities(text);
    let shown = tags::strip_tags(&decoded);

    shown.chars().all(invisible::is_blank)
}

/// The text without decoration; a text without any is borrowed.
pub(crate) fn plain_text(text: &str) -> Cow<'_, str> {
    let seamed = seamed_text(text);
    if seamed.contains(SEAM) {
        return Cow::Owned(seamed.replace(SEAM, ""));
    }

    seamed
}

/// The text of an HTML document: headings begin with `#`, items of a list with `-`; scripts, styles
/// and the head are gone.
pub(crate) fn text_of_html(html: &str) -> String {
    let body = html::without_unseen(html);
    let lines = html::lines_of_blocks(&body);
    entities::decode_entities(&lines).into_owned()
}

/// The text without decoration, and with seams.
pub(crate) fn seamed_text(text: &str) -> Cow<'_, str> {
    if text.chars().all(is_plain) {
        return Cow::Borrowed(text);
    }

    let decoded = entities::decode_entities(text);
    let untagged = tags::strip_tags(&decoded);
    let unstyled = styled::fold_styles(&untagged);
    Cow::Owned(markdown::strip_marks(&unstyled))
}

/// Whether a character takes part in no decoration: nearly all that patients write.
fn is_plain(c: char) -> bool {
    let is_mark = matches!(
        c,
        '&' | '<' | '>' | '*' | '_' | '`' | '#' | '[' | '＊' | '＿' | '＃' | '＞'
    );

    !is_mark
        && matches!(
            c,
            '\0'..='~' | '°' | '·' | '℃'
                // Dashes, quotation marks and dots.
                | '\u{2010}'..='\u{2027}'
                // CJK punctuation, ideographs and full-width forms.
                | '\u{3000}'..='\u{303f}'
                | '\u{3400}'..='\u{9fff}'
                | '\u{ff01}'..='\u{ff5e}'
        )
}
