//! What the codes of a font mean: their characters, and how far they move the pen.

use std::collections::BTreeMap;

use hayro_cmap::{BfString, CMap, CMapName, CidFamily, WritingMode, load_embedded};
use hayro_syntax::object::{Array, Dict, Name, Object, Stream, String as PdfString};

use super::UNKNOWN;
use super::encoding::{Encoding, character_of_glyph, is_wide};

/// The largest table of codes that is read, in bytes.
const MAX_CMAP_BYTES: usize = 4 * 1024 * 1024;

/// The most bytes of one code.
const MAX_CODE_BYTES: usize = 4;

/// Widths are given in thousandths of the font's height.
const THOUSANDTH: f64 = 0.001;

/// The width of a glyph, in heights of the font, of fonts that every reader has, whose files may
/// leave it out.
const NARROW_WIDTH: f64 = 0.3;
const USUAL_WIDTH: f64 = 0.55;
const FIXED_WIDTH: f64 = 0.6;

/// One code of a text that is shown.
pub(super) struct ShownCode {
    pub(super) characters: String,
    /// How far the pen moves, in heights of the font: to the right, or down if it is vertical.
    pub(super) advance: f64,
    /// Whether it is the code that the spacing of words applies to.
    pub(super) is_space: bool,
}

/// A font.
pub(super) enum Font {
    /// One byte for each character.
    Simple(Box<SimpleFont>),
    /// A table tells how many bytes a code has: Chinese, and most of what is made today.
    Composite(Box<CompositeFont>),
}

pub(super) struct SimpleFont {
    to_unicode: Option<CMap>,
    /// By code.
    characters: Vec<Option<char>>,
    /// In heights of the font, from the code `first_code`.
    widths: Vec<f64>,
    first_code: usize,
    has_fixed_width: bool,
}

pub(super) struct CompositeFont {
    /// From codes to glyphs.
    encoding: CMap,
    to_unicode: Option<CMap>,
    /// From the glyphs of a well-known collection to characters.
    collection: Option<CMap>,
    widths: GlyphWidths,
}

/// Widths of glyphs, in thousandths.
struct GlyphWidths {
    /// From the first glyph of a range to its last one and their width.
    ranges: BTreeMap<u32, (u32, f64)>,
    default: f64,
}

impl Font {
    /// Reads a font. What is missing or wrong in it is unknown, and nothing more.
    pub(super) fn read(dict: &Dict<'_>) -> Self {
        let kind = dict.get::<Name<'_>>("Subtype");
        let is_composite = kind.is_some_and(|kind| *kind == *b"Type0");
        if is_composite {
            Self::Composite(Box::new(CompositeFont::read(dict)))
        } else {
            Self::Simple(Box::new(SimpleFont::read(dict)))
        }
    }

    /// Whether lines go down.
    pub(super) fn is_vertical(&self) -> bool {
        let Self::Composite(font) = self else {
            return false;
        };
        font.encoding.metadata().writing_mode == Some(WritingMode::Vertical)
    }

    /// The codes of a text that is shown.
    pub(super) fn codes<'t>(&'t self, text: &'t [u8]) -> impl Iterator<Item = ShownCode> + 't {
        let mut rest = text;
        std::iter::from_fn(move || {
            let (code, length) = match self {
                Self::Simple(_) => (u32::from(*rest.first()?), 1),
                Self::Composite(font) => font.first_code(rest)?,
            };
            rest = rest.get(length..)?;
            Some(match self {
                Self::Simple(font) => font.show(code),
                Self::Composite(font) => font.show(code, length),
            })
        })
    }
}

impl SimpleFont {
    fn read(dict: &Dict<'_>) -> Self {
        let widths: Vec<f64> = dict.get("Widths").unwrap_or_default();
        // The fonts whose glyphs are drawn by operators have a scale of their own.
        let matrix: Option<Vec<f64>> = dict.get("FontMatrix");
        let scale = matrix.and_then(|it| it.first().copied());
        let scale = scale.unwrap_or(THOUSANDTH);
        let name = dict.get::<Name<'_>>("BaseFont");
        let name = name.as_ref().map(Name::as_str).unwrap_or_default();

        Self {
            to_unicode: read_to_unicode(dict),
            characters: read_encoding(dict, name),
            widths: widths.iter().map(|width| width * scale).collect(),
            first_code: dict.get("FirstChar").unwrap_or_default(),
            has_fixed_width: name.contains("Courier"),
        }
    }

    fn show(&self, code: u32) -> ShownCode {
        let index = usize::try_from(code).unwrap_or_default();
        let known = self.characters.get(index).copied().flatten();
        let characters = to_unicode(self.to_unicode.as_ref(), code)
            .or_else(|| known.map(String::from))
            .unwrap_or_else(|| UNKNOWN.to_string());

        let width = index.checked_sub(self.first_code);
        let width = width.and_then(|index| self.widths.get(index).copied());
        let estimate = || match characters.chars().next() {
            _ if self.has_fixed_width => FIXED_WIDTH,
            Some(it) if is_wide(it) => 1.0,
            Some(' ' | 'i' | 'l' | 'j' | 't' | 'f' | 'r' | 'I' | '.' | ',' | ':' | ';' | '\'') => {
                NARROW_WIDTH
            }
            _ => USUAL_WIDTH,
        };
        ShownCode {
            advance: width.unwrap_or_else(estimate),
            is_space: code == u32::from(b' '),
            characters,
        }
    }
}

/// The characters of a font with one byte for each, by code.
fn read_encoding(dict: &Dict<'_>, font_name: &str) -> Vec<Option<char>> {
    // A subset's name has six letters and a plus sign in front.
    let font_name = font_name
        .split_once('+')
        .map_or(font_name, |(_, name)| name);
    let kind = dict.get::<Name<'_>>("Subtype");
    let by_itself = match kind.as_deref() {
        _ if font_name.starts_with("Symbol") => Encoding::Symbol,
        _ if font_name.contains("Dingbats") => Encoding::Unknown,
        Some(b"Type3") => Encoding::Unknown,
        Some(b"TrueType") => Encoding::WinAnsi,
        _ => Encoding::Standard,
    };

    let (base, changes) = match dict.get::<Object<'_>>("Encoding") {
        Some(Object::Name(name)) => (Encoding::named(&name), None),
        Some(Object::Dict(encoding)) => {
            let base = encoding.get::<Name<'_>>("BaseEncoding");
            let base = base.and_then(|name| Encoding::named(&name));
            (base, encoding.get::<Array<'_>>("Differences"))
        }
        _ => (None, None),
    };
    let is_symbol = by_itself == Encoding::Symbol;
    let encoding = base.filter(|_| !is_symbol).unwrap_or(by_itself);

    let codes = 0..=u8::MAX;
    let mut characters: Vec<_> = codes.map(|code| encoding.character(code)).collect();
    let mut code = 0;
    for change in changes.iter().flat_map(Array::iter::<Object<'_>>) {
        match change {
            Object::Number(number) => code = usize::try_from(number.as_i64()).unwrap_or(256),
            Object::Name(name) => {
                if let Some(place) = characters.get_mut(code) {
                    *place = character_of_glyph(name.as_str());
                }
                code += 1;
            }
            _ => {}
        }
    }
    characters
}

impl CompositeFont {
    fn read(dict: &Dict<'_>) -> Self {
        let descendants = dict.get::<Array<'_>>("DescendantFonts");
        let glyphs = descendants.and_then(|it| it.iter::<Dict<'_>>().next());
        let glyphs = glyphs.unwrap_or_default();
        let encoding = match dict.get::<Object<'_>>("Encoding") {
            Some(Object::Name(name)) => predefined(CMapName::from_bytes(&name)),
            Some(Object::Stream(table)) => parse(&table),
            _ => None,
        };

        Self {
            encoding: encoding.unwrap_or_else(CMap::identity_h),
            to_unicode: read_to_unicode(dict),
            collection: read_collection(&glyphs),
            widths: GlyphWidths::read(&glyphs),
        }
    }

    /// The first code, and its bytes.
    fn first_code(&self, text: &[u8]) -> Option<(u32, usize)> {
        text.first()?;
        let mut code = 0;
        for (index, byte) in text.iter().take(MAX_CODE_BYTES).enumerate() {
            code = (code << 8) | u32::from(*byte);
            let length = index + 1;
            let bytes = u8::try_from(length).ok()?;
            if self.encoding.lookup_cid_code(code, bytes).is_some() {
                return Some((code, length));
            }
        }
        Some((0, 1))
    }

    fn show(&self, code: u32, length: usize) -> ShownCode {
        let bytes = u8::try_from(length).unwrap_or_default();
        let glyph = self.encoding.lookup_cid_code(code, bytes).unwrap_or(0);
        let characters = to_unicode(self.to_unicode.as_ref(), code)
            .or_else(|| to_unicode(self.collection.as_ref(), glyph));
        ShownCode {
            characters: characters.unwrap_or_else(|| UNKNOWN.to_string()),
            advance: self.widths.of(glyph) * THOUSANDTH,
            is_space: length == 1 && code == u32::from(b' '),
        }
    }
}

impl GlyphWidths {
    /// `[first [width …] …]` or `[first last width …]`.
    fn read(glyphs: &Dict<'_>) -> Self {
        let mut ranges = BTreeMap::new();
        let array = glyphs.get::<Array<'_>>("W");
        let mut items = array.iter().flat_map(Array::iter::<Object<'_>>);
        while let (Some(first), Some(second)) = (items.next(), items.next()) {
            let Some(first) = number(first) else { break };
            match second {
                Object::Array(widths) => {
                    for (glyph, width) in (first..).zip(widths.iter::<f64>()) {
                        ranges.insert(glyph, (glyph, width));
                    }
                }
                last => {
                    let (Some(last), Some(width)) = (number(last), items.next()) else {
                        break;
                    };
                    let width = width.into_number().map(|it| it.as_f64());
                    ranges.insert(first, (last, width.unwrap_or_default()));
                }
            }
        }

        Self {
            ranges,
            default: glyphs.get("DW").unwrap_or(1000.0),
        }
    }

    fn of(&self, glyph: u32) -> f64 {
        let range = self.ranges.range(..=glyph).next_back();
        let range = range.filter(|(_, (last, _))| glyph <= *last);
        range.map_or(self.default, |(_, (_, width))| *width)
    }
}

fn number(object: Object<'_>) -> Option<u32> {
    u32::try_from(object.into_number()?.as_i64()).ok()
}

/// The characters of the collection that the glyphs are from, such as Adobe's for GB.
fn read_collection(glyphs: &Dict<'_>) -> Option<CMap> {
    let system = glyphs.get::<Dict<'_>>("CIDSystemInfo")?;
    let registry = system.get::<PdfString<'_>>("Registry")?;
    let ordering = system.get::<PdfString<'_>>("Ordering")?;
    let family = CidFamily::from_registry_ordering(registry.as_bytes(), ordering.as_bytes());
    predefined(family.ucs2_cmap()?)
}

fn read_to_unicode(font: &Dict<'_>) -> Option<CMap> {
    parse(&font.get::<Stream<'_>>("ToUnicode")?)
}

fn parse(table: &Stream<'_>) -> Option<CMap> {
    let table = table.decoded_data().ok()?;
    let table = table.get(..).filter(|it| it.len() <= MAX_CMAP_BYTES)?;
    CMap::parse(table, load_embedded)
}

fn predefined(name: CMapName<'_>) -> Option<CMap> {
    match name {
        CMapName::IdentityH => Some(CMap::identity_h()),
        CMapName::IdentityV => Some(CMap::identity_v()),
        name => CMap::parse(load_embedded(name)?, load_embedded),
    }
}

fn to_unicode(table: Option<&CMap>, code: u32) -> Option<String> {
    let characters = match table?.lookup_bf_string(code)? {
        BfString::Char(character) => character.to_string(),
        BfString::String(characters) => characters,
    };
    let is_known = characters != "\0" && !characters.is_empty();
    is_known.then_some(characters)
}
