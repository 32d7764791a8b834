//! The characters of fonts with one byte for each: their encodings, and the names of glyphs.

use unicode_normalization::UnicodeNormalization;

/// The characters of `WinAnsiEncoding` from 0x80 to 0x9f; a space where there is none. From 0xa0
/// they are those of Latin-1.
const WIN_ANSI: &str = "€ ‚ƒ„…†‡ˆ‰Š‹Œ Ž  ‘’“”•–—˜™š›œ žŸ";

/// The characters of `MacRomanEncoding` from 0x80.
const MAC_ROMAN: &str = "ÄÅÇÉÑÖÜáàâäãåçéèêëíìîïñóòôöõúùûü†°¢£§•¶ß®©™´¨≠ÆØ∞±≤≥¥µ∂∑∏π∫ªºΩæø\
    ¿¡¬√ƒ≈∆«»… ÀÃÕŒœ–—“”‘’÷◊ÿŸ⁄€‹›ﬁﬂ‡·‚„‰ÂÊÁËÈÍÎÏÌÓÔ ÒÚÛÙıˆ˜¯˘˙˚¸˝˛ˇ";

/// The characters of `StandardEncoding` from 0xa1; a space where there is none.
const STANDARD: &str = "¡¢£⁄¥ƒ§¤'“«‹›ﬁﬂ –†‡· ¶•‚„”»…‰ ¿ `´ˆ˜¯˘˙¨ ˚¸ ˝˛ˇ—                \
    Æ ª    ŁØŒº     æ   ı  łøœß";

/// The letters of the font Symbol, from A and from a.
const SYMBOL_UPPER: &str = "ΑΒΧΔΕΦΓΗΙϑΚΛΜΝΟΠΘΡΣΤΥςΩΞΨΖ";
const SYMBOL_LOWER: &str = "αβχδεφγηιϕκλμνοπθρστυϖωξψζ";

/// Its digits and signs: code, character.
const SYMBOL_SIGNS: [(u8, char); 20] = [
    (0x2d, '−'),
    (0x40, '≅'),
    (0x7e, '∼'),
    (0xa2, '′'),
    (0xa3, '≤'),
    (0xa5, '∞'),
    (0xac, '←'),
    (0xad, '↑'),
    (0xae, '→'),
    (0xaf, '↓'),
    (0xb0, '°'),
    (0xb1, '±'),
    (0xb2, '″'),
    (0xb3, '≥'),
    (0xb4, '×'),
    (0xb7, '•'),
    (0xb8, '÷'),
    (0xb9, '≠'),
    (0xbb, '≈'),
    (0xbc, '…'),
];

/// Names of glyphs that are not a letter with an accent: a name, a space and its character.
const NAMES: &str = include_str!("glyph_names.txt");

/// How names of accented letters end, and the accent as it combines with the letter.
const ACCENTS: [(&str, char); 14] = [
    ("grave", '\u{300}'),
    ("acute", '\u{301}'),
    ("circumflex", '\u{302}'),
    ("tilde", '\u{303}'),
    ("macron", '\u{304}'),
    ("breve", '\u{306}'),
    ("dotaccent", '\u{307}'),
    ("dieresis", '\u{308}'),
    ("ring", '\u{30a}'),
    ("hungarumlaut", '\u{30b}'),
    ("caron", '\u{30c}'),
    ("commaaccent", '\u{326}'),
    ("cedilla", '\u{327}'),
    ("ogonek", '\u{328}'),
];

/// An encoding of characters in one byte.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    /// Of most fonts.
    WinAnsi,
    /// Of old Macintoshes.
    MacRoman,
    /// Of fonts that name no encoding.
    Standard,
    /// Greek letters and signs of mathematics: a dose in µg is written with it.
    Symbol,
    /// Of its characters nothing is known.
    Unknown,
}

impl Encoding {
    /// The encoding with this name.
    pub(super) fn named(name: &[u8]) -> Option<Self> {
        match name {
            b"WinAnsiEncoding" => Some(Self::WinAnsi),
            b"MacRomanEncoding" => Some(Self::MacRoman),
            b"StandardEncoding" => Some(Self::Standard),
            _ => None,
        }
    }

    /// The character with this code.
    pub(super) fn character(self, code: u8) -> Option<char> {
        let ascii = (0x20..0x7f).contains(&code).then_some(char::from(code));
        match self {
            Self::WinAnsi if code >= 0xa0 => Some(char::from(code)),
            Self::WinAnsi => ascii.or_else(|| nth(WIN_ANSI, code, 0x80)),
            Self::MacRoman => ascii.or_else(|| nth(MAC_ROMAN, code, 0x80)),
            Self::Standard if code == b'\'' => Some('’'),
            Self::Standard if code == b'`' => Some('‘'),
            Self::Standard => ascii.or_else(|| nth(STANDARD, code, 0xa1)),
            Self::Symbol => symbol(code),
            Self::Unknown => None,
        }
    }
}

fn symbol(code: u8) -> Option<char> {
    let sign = SYMBOL_SIGNS.iter().find(|(known, _)| *known == code);
    if let Some((_, sign)) = sign {
        return Some(*sign);
    }
    match code {
        b'A'..=b'Z' => nth(SYMBOL_UPPER, code, b'A'),
        b'a'..=b'z' => nth(SYMBOL_LOWER, code, b'a'),
        b' ' | b'0'..=b'9' | b'%' | b'(' | b')' | b'+' | b',' | b'.' | b'/' | b':'..=b'?' => {
            Some(char::from(code))
        }
        _ => None,
    }
}

fn nth(characters: &str, code: u8, first: u8) -> Option<char> {
    let index = code.checked_sub(first)?;
    characters.chars().nth(index.into()).filter(|it| *it != ' ')
}

/// The character of the glyph with this name.
pub(super) fn character_of_glyph(name: &str) -> Option<char> {
    let name = name.split('.').next().filter(|it| !it.is_empty())?; // `a.alt` is an a
    let mut single = name.chars();
    if let (Some(letter), None) = (single.next(), single.next()) {
        return Some(letter);
    }

    let digits = name.strip_prefix("uni").or_else(|| name.strip_prefix('u'));
    let is_code = |it: &&str| it.len() >= 4 && it.bytes().all(|it| it.is_ascii_hexdigit());
    if let Some(digits) = digits.filter(is_code) {
        return char::from_u32(u32::from_str_radix(digits, 16).ok()?);
    }

    let mut lines = NAMES.lines().filter_map(|line| line.split_once(' '));
    if let Some((_, characters)) = lines.find(|(known, _)| *known == name) {
        return characters.chars().next();
    }

    let (letter, accent) = ACCENTS.iter().find_map(|(end, accent)| {
        let letter = name.strip_suffix(end)?;
        let letter = if letter == "dotlessi" { "i" } else { letter };
        (letter.len() == 1).then_some((letter, *accent))
    })?;
    let mut composed = letter.chars().chain([accent]).nfc();
    composed.next().filter(|_| composed.next().is_none())
}

/// Whether a character is as wide as it is high, and stands without spaces between words.
pub(super) fn is_wide(character: char) -> bool {
    matches!(character,
        '\u{2e80}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{ff00}'..='\u{ff60}'
        | '\u{20000}'..='\u{3fffd}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_encoding_has_its_own_upper_half() {
        for (encoding, code, expected) in [
            (Encoding::WinAnsi, 0x80, Some('€')),
            (Encoding::WinAnsi, 0x9f, Some('Ÿ')),
            (Encoding::WinAnsi, 0xb5, Some('µ')),
            (Encoding::WinAnsi, 0x81, None),
            (Encoding::MacRoman, 0x80, Some('Ä')),
            (Encoding::MacRoman, 0xb5, Some('µ')),
            (Encoding::MacRoman, 0xff, Some('ˇ')),
            (Encoding::Standard, 0xa1, Some('¡')),
            (Encoding::Standard, 0xae, Some('ﬁ')),
            (Encoding::Standard, 0xd0, Some('—')),
            (Encoding::Standard, 0xfb, Some('ß')),
            (Encoding::Symbol, b'm', Some('μ')),
            (Encoding::Symbol, b'Z', Some('Ζ')),
            (Encoding::Symbol, 0xb3, Some('≥')),
            (Encoding::Unknown, b'a', None),
        ] {
            assert_eq!(encoding.character(code), expected, "{code:#x}");
        }
    }

    #[test]
    fn names_of_glyphs_are_known_by_table_accent_or_number() {
        for (name, expected) in [
            ("A", Some('A')),
            ("eacute", Some('é')),
            ("Scaron", Some('Š')),
            ("seven", Some('7')),
            ("space", Some(' ')),
            ("bar", Some('|')),
            ("mu", Some('µ')),
            ("uni4E2D", Some('中')),
            ("u1F600", Some('😀')),
            ("lessequal", Some('≤')),
            ("a.alt", Some('a')),
            ("g23", None),
            (".notdef", None),
        ] {
            assert_eq!(character_of_glyph(name), expected, "{name}");
        }
        assert!(NAMES.lines().all(|line| line.split_once(' ').is_some()));
    }
}
