//! Characters that are not seen.

use unicode_normalization::char::is_combining_mark;

/// Whether a character is to be ignored when a text is shown.
///
/// The property `Default_Ignorable_Code_Point` of the Unicode Character Database, version 17.0
/// (`DerivedCoreProperties.txt`): joiners, marks of direction, variation selectors, fillers, tags.
/// It reserves whole ranges for characters to come, so that this table does not grow old.
pub(crate) fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fff8}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

/// Whether a text of this character alone shows nothing.
pub(super) fn is_blank(c: char) -> bool {
    c.is_whitespace() || is_invisible(c) || has_empty_glyph(c) || is_combining_mark(c)
}

/// Characters that take up room and show nothing, but are no white space to Unicode: a pattern of
/// Braille without dots, a note without a head, and two hieroglyphs.
pub(super) fn has_empty_glyph(c: char) -> bool {
    matches!(c, '\u{2800}' | '\u{1d159}' | '\u{13441}' | '\u{13442}')
}
