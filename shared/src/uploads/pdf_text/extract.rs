//! Pages and their operators: what is shown, and where.

use std::collections::HashMap;
use std::io::{self, Write};
use std::rc::Rc;

use hayro_syntax::Pdf;
use hayro_syntax::content::TypedIter;
use hayro_syntax::content::ops::TypedInstruction;
use hayro_syntax::object::{Dict, Name, Number, Object, ObjectIdentifier, Stream};
use hayro_syntax::page::Resources;

use super::font::Font;
use super::layout::{PageText, PlacedGlyph, Vector};

/// The most objects of a file that is read.
const MAX_OBJECTS: usize = 500_000;

/// The most pages that are read.
const MAX_PAGES: usize = 500;

/// The most operators of a file. Large drawings have many, and no text.
const MAX_OPERATORS: usize = 5_000_000;

/// How deep forms may stand in forms, and saved states in saved states.
const MAX_FORMS: usize = 8;
const MAX_SAVED_STATES: usize = 64;

/// Writes the text of each page, up to `max_bytes` in all, with a blank line between two. A file
/// that is none, or needs a password, has no text.
pub(super) fn write_text(
    pdf: Vec<u8>,
    max_bytes: usize,
    output: &mut impl Write,
) -> io::Result<()> {
    let Ok(pdf) = Pdf::new(pdf) else {
        return Ok(());
    };
    if pdf.len() > MAX_OBJECTS {
        return Ok(());
    }

    let mut reader = PageReader {
        fonts: HashMap::new(),
        operators_left: MAX_OPERATORS,
        page_bytes_left: 0,
        text: PageText::default(),
    };
    let mut bytes_left = max_bytes;
    for page in pdf.pages().iter().take(MAX_PAGES) {
        reader.page_bytes_left = bytes_left;
        reader.text = PageText::default();
        let mut state = GraphicsState::default();
        reader.read(page.typed_operations(), page.resources(), &mut state, 0);

        let text = std::mem::take(&mut reader.text).into_text();
        let text = text.trim();
        if !text.is_empty() {
            write!(output, "{text}\n\n")?;
            output.flush()?; // it stays if the next page is too much
        }
        bytes_left = bytes_left.saturating_sub(text.len() + 2);
        if bytes_left == 0 || reader.operators_left == 0 {
            break;
        }
    }
    Ok(())
}

/// Six numbers that move a place: `x' = a x + c y + e`, `y' = b x + d y + f`.
#[derive(Clone, Copy)]
struct Matrix {
    a: f64,
    b: f64,
    c: f64,
    d: f64,
    e: f64,
    f: f64,
}

impl Matrix {
    const IDENTITY: Self = Self::new([1.0, 0.0, 0.0, 1.0, 0.0, 0.0]);

    #[expect(
        clippy::many_single_char_names,
        reason = "the letters that the PDF specification gives them"
    )]
    const fn new([a, b, c, d, e, f]: [f64; 6]) -> Self {
        Self { a, b, c, d, e, f }
    }

    const fn translation(x: f64, y: f64) -> Self {
        Self::new([1.0, 0.0, 0.0, 1.0, x, y])
    }

    fn of(numbers: [Number; 6]) -> Self {
        Self::new(numbers.map(|it| it.as_f64()))
    }

    /// First `self`, then `next`.
    fn then(self, next: Self) -> Self {
        Self {
            a: self.a.mul_add(next.a, self.b * next.c),
            b: self.a.mul_add(next.b, self.b * next.d),
            c: self.c.mul_add(next.a, self.d * next.c),
            d: self.c.mul_add(next.b, self.d * next.d),
            e: self.e.mul_add(next.a, self.f * next.c) + next.e,
            f: self.e.mul_add(next.b, self.f * next.d) + next.f,
        }
    }
}

/// What `q` saves and `Q` restores, and the place of the text.
#[derive(Clone)]
struct GraphicsState {
    page: Matrix,
    font: Option<Rc<Font>>,
    size: f64,
    character_spacing: f64,
    word_spacing: f64,
    /// A share of the usual width.
    stretch: f64,
    leading: f64,
    line: Matrix,
    pen: Matrix,
}

impl Default for GraphicsState {
    fn default() -> Self {
        Self {
            page: Matrix::IDENTITY,
            font: None,
            size: 0.0,
            character_spacing: 0.0,
            word_spacing: 0.0,
            stretch: 1.0,
            leading: 0.0,
            line: Matrix::IDENTITY,
            pen: Matrix::IDENTITY,
        }
    }
}

impl GraphicsState {
    fn next_line(&mut self, x: f64, y: f64) {
        self.line = Matrix::translation(x, y).then(self.line);
        self.pen = self.line;
    }

    /// Moves the pen along the line, by a part of the text's own space.
    fn advance(&mut self, by: f64) {
        let is_vertical = self.font.as_ref().is_some_and(|font| font.is_vertical());
        let step = if is_vertical {
            Matrix::translation(0.0, -by)
        } else {
            Matrix::translation(by * self.stretch, 0.0)
        };
        self.pen = step.then(self.pen);
    }

    fn place(&self) -> Vector {
        let matrix = self.pen.then(self.page);
        Vector {
            x: matrix.e,
            y: matrix.f,
        }
    }
}

/// Reads pages. Fonts are read once.
struct PageReader {
    fonts: HashMap<ObjectIdentifier, Rc<Font>>,
    operators_left: usize,
    page_bytes_left: usize,
    text: PageText,
}

impl PageReader {
    /// Reads the operators of a page, or of a form in it.
    fn read(
        &mut self,
        mut operators: TypedIter<'_>,
        resources: &Resources<'_>,
        state: &mut GraphicsState,
        depth: usize,
    ) {
        let mut saved = Vec::new();
        while let Some(operator) = operators.next() {
            if self.operators_left == 0 || self.text.len() >= self.page_bytes_left {
                return;
            }
            self.operators_left -= 1;

            match operator {
                TypedInstruction::SaveState(_) if saved.len() < MAX_SAVED_STATES => {
                    saved.push(state.clone());
                }
                TypedInstruction::RestoreState(_) => {
                    if let Some(restored) = saved.pop() {
                        *state = restored;
                    }
                }
                TypedInstruction::XObject(object) if depth < MAX_FORMS => {
                    if let Some(form) = resources.get_x_object(object.0) {
                        self.read_form(&form, resources, state, depth);
                    }
                }
                TypedInstruction::TextFont(font) => {
                    state.font = self.font(resources, font.0);
                    state.size = font.1.as_f64();
                }
                other => self.read_text_operator(&other, state),
            }
        }
    }

    fn read_form(
        &mut self,
        form: &Stream<'_>,
        outer: &Resources<'_>,
        state: &GraphicsState,
        depth: usize,
    ) {
        let dict = form.dict();
        let kind = dict.get::<Name<'_>>("Subtype");
        if kind.is_none_or(|kind| *kind != *b"Form") {
            return; // a picture
        }
        let Ok(content) = form.decoded_data() else {
            return;
        };

        let own = dict.get::<Dict<'_>>("Resources").map(Resources::new);
        let matrix: [f64; 6] = dict.get("Matrix").unwrap_or([1.0, 0.0, 0.0, 1.0, 0.0, 0.0]);
        let mut inner = state.clone();
        inner.page = Matrix::new(matrix).then(state.page);
        let resources = own.as_ref().unwrap_or(outer);
        self.read(TypedIter::new(&content), resources, &mut inner, depth + 1);
    }

    fn font(&mut self, resources: &Resources<'_>, name: &Name<'_>) -> Option<Rc<Font>> {
        let id = resources.fonts.get_ref(name).map(ObjectIdentifier::from);
        if let Some(known) = id.and_then(|id| self.fonts.get(&id)) {
            return Some(Rc::clone(known));
        }
        let font = Rc::new(Font::read(&resources.get_font(name)?));
        if let Some(id) = id {
            self.fonts.insert(id, Rc::clone(&font));
        }
        Some(font)
    }

    fn read_text_operator(
        &mut self,
        operator: &TypedInstruction<'_, '_>,
        state: &mut GraphicsState,
    ) {
        use TypedInstruction as Operator;
        match operator {
            Operator::Transform(it) => {
                let matrix = Matrix::of([it.0, it.1, it.2, it.3, it.4, it.5]);
                state.page = matrix.then(state.page);
            }
            Operator::BeginText(_) => {
                state.line = Matrix::IDENTITY;
                state.pen = Matrix::IDENTITY;
            }
            Operator::CharacterSpacing(it) => state.character_spacing = it.0.as_f64(),
            Operator::WordSpacing(it) => state.word_spacing = it.0.as_f64(),
            Operator::HorizontalScaling(it) => state.stretch = it.0.as_f64() / 100.0,
            Operator::TextLeading(it) => state.leading = it.0.as_f64(),
            Operator::NextLine(it) => state.next_line(it.0.as_f64(), it.1.as_f64()),
            Operator::NextLineAndSetLeading(it) => {
                state.leading = -it.1.as_f64();
                state.next_line(it.0.as_f64(), it.1.as_f64());
            }
            Operator::NextLineUsingLeading(_) => state.next_line(0.0, -state.leading),
            Operator::SetTextMatrix(it) => {
                state.line = Matrix::of([it.0, it.1, it.2, it.3, it.4, it.5]);
                state.pen = state.line;
            }
            Operator::ShowText(it) => self.show(it.0.as_bytes(), state),
            Operator::NextLineAndShowText(it) => {
                state.next_line(0.0, -state.leading);
                self.show(it.0.as_bytes(), state);
            }
            Operator::ShowTextWithParameters(it) => {
                state.word_spacing = it.0.as_f64();
                state.character_spacing = it.1.as_f64();
                state.next_line(0.0, -state.leading);
                self.show(it.2.as_bytes(), state);
            }
            Operator::ShowTexts(it) => {
                for item in it.0.iter::<Object<'_>>() {
                    match item {
                        Object::String(text) => self.show(text.as_bytes(), state),
                        Object::Number(back) => {
                            state.advance(-back.as_f64() / 1000.0 * state.size);
                        }
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }

    fn show(&mut self, text: &[u8], state: &mut GraphicsState) {
        let Some(font) = state.font.clone() else {
            return;
        };
        let is_vertical = font.is_vertical();

        for shown in font.codes(text) {
            if self.text.len() >= self.page_bytes_left {
                return;
            }
            let matrix = state.pen.then(state.page);
            let (along, down) = ((matrix.a, matrix.b), (-matrix.c, -matrix.d));
            let (x, y) = if is_vertical { down } else { along };
            let forward = state.size.signum(); // a size below zero turns the line round
            let start = state.place();

            let advance = if is_vertical { 1.0 } else { shown.advance };
            state.advance(advance * state.size);
            self.text.push(&PlacedGlyph {
                characters: &shown.characters,
                start,
                end: state.place(),
                direction: Vector {
                    x: x * forward,
                    y: y * forward,
                },
                height: state.size.abs(),
            });

            let word = if shown.is_space {
                state.word_spacing
            } else {
                0.0
            };
            state.advance(state.character_spacing + word);
        }
    }
}
