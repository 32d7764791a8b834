//! The places between two letters where decoration stood.

/// Stands between two letters that decoration stood between. No character has this code point.
pub(crate) const SEAM: char = '\u{fdd0}';

/// Puts a seam behind a letter.
pub(super) fn push_seam(text: &mut String) {
    if text.ends_with(|c: char| c.is_ascii_alphabetic()) {
        text.push(SEAM);
    }
}
