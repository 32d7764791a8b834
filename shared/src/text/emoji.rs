//! Emoji and other pictographs.

/// Whether a character is a pictograph, or a part of one.
///
/// Whole blocks, which hold the characters of `emoji-data.txt` (Unicode 17.0) that stand in texts
/// as pictures: miscellaneous technical, miscellaneous symbols and dingbats, arrows and stars, and
/// the blocks from mahjong tiles to pictographs extended A. Left out are the numbers in circles
/// (U+2776 to U+2793), which number the items of a list.
pub(crate) fn is_emoji(c: char) -> bool {
    matches!(
        c,
        '\u{203c}'
            | '\u{2049}'
            | '\u{2300}'..='\u{23ff}'
            | '\u{2600}'..='\u{2775}'
            | '\u{2794}'..='\u{27bf}'
            | '\u{2b00}'..='\u{2bff}'
            | '\u{1f000}'..='\u{1faff}'
    )
}
