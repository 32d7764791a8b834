//! Where words and lines end: a PDF places glyphs, and need not write spaces.

use unicode_normalization::UnicodeNormalization;

use super::UNKNOWN;
use super::encoding::is_wide;

/// A gap that is a space, in heights of the font.
const SPACE_GAP: f64 = 0.25;

/// A gap that is a space also between characters of Chinese, which justified lines move apart.
const WIDE_SPACE_GAP: f64 = 1.0;

/// A move across the line that begins another one.
const LINE_GAP: f64 = 0.5;

/// A move back that does not go on with the same word: printing a glyph twice makes it bold.
const BACK_GAP: f64 = -0.5;

/// A place or a move on the page.
#[derive(Clone, Copy)]
pub(super) struct Vector {
    pub(super) x: f64,
    pub(super) y: f64,
}

impl Vector {
    fn minus(self, other: Self) -> Self {
        Self {
            x: self.x - other.x,
            y: self.y - other.y,
        }
    }

    fn dot(self, other: Self) -> f64 {
        self.x.mul_add(other.x, self.y * other.y)
    }
}

/// A glyph on the page.
pub(super) struct PlacedGlyph<'g> {
    pub(super) characters: &'g str,
    pub(super) start: Vector,
    pub(super) end: Vector,
    /// One unit of the text's own space along the line, on the page.
    pub(super) direction: Vector,
    /// The height of the font, in the text's own space.
    pub(super) height: f64,
}

/// The text of a page so far.
#[derive(Default)]
pub(super) struct PageText {
    text: String,
    last_end: Option<Vector>,
}

impl PageText {
    /// Bytes.
    pub(super) const fn len(&self) -> usize {
        self.text.len()
    }

    pub(super) fn into_text(self) -> String {
        self.text
    }

    pub(super) fn push(&mut self, glyph: &PlacedGlyph<'_>) {
        if let Some(last_end) = self.last_end {
            self.push_gap(last_end, glyph);
        }
        self.last_end = Some(glyph.end);
        self.text.extend(plain_characters(glyph.characters));
    }

    fn push_gap(&mut self, last_end: Vector, glyph: &PlacedGlyph<'_>) {
        let direction = glyph.direction;
        // A move's product with the direction, divided by this, is the move in heights of the font.
        let unit = direction.dot(direction) * glyph.height;
        let gap = glyph.start.minus(last_end);
        if !(unit.is_finite() && unit > 0.0) || self.text.ends_with(['\n']) {
            return;
        }

        let across = Vector {
            x: -direction.y,
            y: direction.x,
        };
        if gap.dot(across).abs() / unit > LINE_GAP {
            while self.text.ends_with(' ') {
                self.text.pop();
            }
            self.text.push('\n');
            return;
        }

        let is_wide_pair = self.text.chars().next_back().is_some_and(is_wide)
            && glyph.characters.chars().next().is_some_and(is_wide);
        let space = if is_wide_pair {
            WIDE_SPACE_GAP
        } else {
            SPACE_GAP
        };
        let along = gap.dot(direction) / unit;
        let is_apart = along > space || along < BACK_GAP;
        if is_apart && !self.text.ends_with(' ') && !glyph.characters.starts_with(' ') {
            self.text.push(' ');
        }
    }
}

/// Without controls; spaces of any width as one; ligatures and radicals as the letters that they
/// stand for.
fn plain_characters(characters: &str) -> impl Iterator<Item = char> + '_ {
    let plain = characters.chars().flat_map(|it| {
        let is_compatible = matches!(it,
            '\u{fb00}'..='\u{fb06}' | '\u{2e80}'..='\u{2fdf}' | '\u{f900}'..='\u{faff}');
        let compatible = is_compatible.then(|| std::iter::once(it).nfkc());
        let itself = (!is_compatible).then_some(it);
        compatible.into_iter().flatten().chain(itself)
    });
    plain.filter_map(|it| match it {
        it if it.is_whitespace() => Some(' '), // there are wide and narrow ones
        '\u{ad}' => None,
        it if it.is_control() => None,
        '\u{e000}'..='\u{f8ff}' => Some(UNKNOWN), // what a font makes of them, nobody else knows
        it => Some(it),
    })
}
