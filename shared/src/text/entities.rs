//! HTML's character references.

use std::borrow::Cow;

/// Text that went through several editors is escaped several times: `&amp;lt;br&amp;gt;`.
const MAX_ROUNDS: usize = 3;

/// No reference is longer, without its `&`: `NegativeVeryThinSpace`.
const MAX_REFERENCE_BYTES: usize = 21;

/// The names that editors write, of spaces and of characters without a glyph all (HTML Living
/// Standard, section 13.5).
const NAMED: &[(&str, char)] = &[
    ("af", '\u{2061}'),
    ("amp", '&'),
    ("apos", '\''),
    ("ApplyFunction", '\u{2061}'),
    ("ast", '*'),
    ("bull", '•'),
    ("CenterDot", '·'),
    ("colon", ':'),
    ("comma", ','),
    ("dash", '‐'),
    ("deg", '°'),
    ("emsp", ' '),
    ("emsp13", ' '),
    ("emsp14", ' '),
    ("ensp", ' '),
    ("excl", '!'),
    ("grave", '`'),
    ("gt", '>'),
    ("hairsp", ' '),
    ("hellip", '…'),
    ("hyphen", '‐'),
    ("ic", '\u{2063}'),
    ("InvisibleComma", '\u{2063}'),
    ("InvisibleTimes", '\u{2062}'),
    ("it", '\u{2062}'),
    ("ldquo", '“'),
    ("lowbar", '_'),
    ("lpar", '('),
    ("lrm", '\u{200e}'),
    ("lsqb", '['),
    ("lsquo", '‘'),
    ("lt", '<'),
    ("mdash", '—'),
    ("MediumSpace", ' '),
    ("middot", '·'),
    ("nbsp", ' '),
    ("ndash", '–'),
    ("NegativeMediumSpace", '\u{200b}'),
    ("NegativeThickSpace", '\u{200b}'),
    ("NegativeThinSpace", '\u{200b}'),
    ("NegativeVeryThinSpace", '\u{200b}'),
    ("NewLine", '\n'),
    ("NoBreak", '\u{2060}'),
    ("NonBreakingSpace", ' '),
    ("num", '#'),
    ("numsp", ' '),
    ("period", '.'),
    ("puncsp", ' '),
    ("quest", '?'),
    ("quot", '"'),
    ("rdquo", '”'),
    ("rlm", '\u{200f}'),
    ("rpar", ')'),
    ("rsqb", ']'),
    ("rsquo", '’'),
    ("semi", ';'),
    ("shy", '\u{ad}'),
    ("sol", '/'),
    ("Tab", '\t'),
    ("ThickSpace", ' '),
    ("thinsp", ' '),
    ("ThinSpace", ' '),
    ("times", '×'),
    ("vert", '|'),
    ("VeryThinSpace", ' '),
    ("ZeroWidthSpace", '\u{200b}'),
    ("zwj", '\u{200d}'),
    ("zwnj", '\u{200c}'),
];

/// A reference with its `&`, at the beginning of a text.
struct Reference {
    character: char,
    /// In bytes.
    len: usize,
}

/// The text with its references read.
pub(super) fn decode_entities(text: &str) -> Cow<'_, str> {
    let mut decoded = Cow::Borrowed(text);

    for _ in 0..MAX_ROUNDS {
        match decode_once(&decoded) {
            Some(next) => decoded = Cow::Owned(next),
            None => break,
        }
    }
    decoded
}

/// `None` when there is nothing to read.
fn decode_once(text: &str) -> Option<String> {
    let mut decoded = String::new();
    let mut copied = 0;

    for (at, _) in text.match_indices('&') {
        let Some(reference) = text.get(at..).and_then(parse_reference) else {
            continue;
        };

        decoded.push_str(text.get(copied..at).unwrap_or_default());
        decoded.push(reference.character);
        copied = at + reference.len;
    }

    decoded.push_str(text.get(copied..).unwrap_or_default());
    (copied > 0).then_some(decoded)
}

fn parse_reference(rest: &str) -> Option<Reference> {
    let body = rest.strip_prefix('&')?;
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'#';
    let parts = body.bytes().take(MAX_REFERENCE_BYTES).take_while(is_part);

    let name_len = parts.count();
    let name = body.get(..name_len)?;
    let is_closed = body.as_bytes().get(name_len) == Some(&b';');

    let character = match name.strip_prefix('#') {
        Some(number) => numbered_character(number)?,
        None => named_character(name, is_closed)?,
    };
    Some(Reference {
        character,
        len: 1 + name_len + usize::from(is_closed),
    })
}

/// A control character but for a line break stays as it is written.
fn numbered_character(number: &str) -> Option<char> {
    let code = match number.strip_prefix(['x', 'X']) {
        Some(hex) => u32::from_str_radix(hex, 16).ok()?,
        None => number.parse().ok()?,
    };

    let character = char::from_u32(code)?;
    let is_shown = !character.is_control() || matches!(character, '\n' | '\t');
    is_shown.then_some(character)
}

/// Browsers read some names without a semicolon as well; of these, a space and a soft hyphen are
/// written most often.
fn named_character(name: &str, is_closed: bool) -> Option<char> {
    if !is_closed && !matches!(name, "nbsp" | "shy") {
        return None;
    }

    let mut entries = NAMED.iter();
    let found = entries.find(|(known, _)| known.eq_ignore_ascii_case(name));
    found.map(|(_, character)| *character)
}
