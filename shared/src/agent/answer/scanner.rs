//! A reader of JSON that forgives what models get wrong, wherever only one reading is left.
//!
//! It takes trailing commas, control characters in texts, single quotes, bare keys, Python's
//! `None`, `True` and `False`, comments, full-width colons and commas, and needless escapes. It
//! completes nothing: what is cut off, a quote within a text that is not escaped, a missing comma
//! and a bare value are errors, since each could be read in several ways.
//!
//! The crates for JSON5 refuse raw line breaks in texts and hide a key that stands twice, and those
//! that "repair" JSON close what is open, which would present half an answer as whole.

use super::repair::{Repair, Repairs};
use super::text::is_invisible;

/// The deepest nesting that is read: deeper than any answer, and far from the stack's end.
const MAX_DEPTH: usize = 24;

/// How much of a text is repeated to say where it is broken, in characters.
const MAX_EXCERPT_CHARS: usize = 24;

/// A value. It has no `Debug`: it holds a model's words.
#[derive(Clone, PartialEq)]
#[cfg_attr(test, derive(Debug))]
pub(super) enum Node {
    Null,
    Bool(bool),
    /// As it is written.
    Number(String),
    Text(String),
    List(Vec<Node>),
    Object(Vec<Member>),
}

/// One key of an object with its value. A key may stand in an object twice.
#[derive(Clone, PartialEq)]
#[cfg_attr(test, derive(Debug))]
pub(super) struct Member {
    pub(super) key: String,
    pub(super) value: Node,
}

/// An object at the beginning of a text.
pub(super) struct ScannedObject<'a> {
    pub(super) members: Vec<Member>,
    /// What stands behind it.
    pub(super) rest: &'a str,
    pub(super) repairs: Repairs,
    /// What stands in its comments.
    pub(super) comments: String,
}

/// Why an object cannot be read.
#[derive(PartialEq)]
#[cfg_attr(test, derive(Debug))]
pub(super) enum SyntaxError {
    /// The text ends before the object does.
    CutOff,
    /// It is nested too deeply.
    TooDeep,
    /// It is one of more objects than an answer may be repeated in.
    TooMany,
    /// It is broken here; the beginning of what could not be read.
    Broken(String),
}

impl SyntaxError {
    /// What the model is told about it.
    pub(super) fn feedback(&self) -> String {
        match self {
            Self::CutOff => "The JSON ends before its last brace is closed.".to_owned(),
            Self::TooDeep => "The JSON is nested too deeply.".to_owned(),
            Self::TooMany => "There are too many JSON objects: one is wanted.".to_owned(),
            Self::Broken(rest) => {
                format!("The JSON cannot be read from here on: {rest}")
            }
        }
    }
}

/// Reads the object with which a text begins.
pub(super) fn scan_object(text: &str) -> Result<ScannedObject<'_>, SyntaxError> {
    let mut scanner = Scanner {
        rest: text,
        repairs: Repairs::new(),
        comments: String::new(),
    };
    let members = scanner.read_object(0)?;

    Ok(ScannedObject {
        members,
        rest: scanner.rest,
        repairs: scanner.repairs,
        comments: scanner.comments,
    })
}

/// Whether a brace begins an object, and not a word in braces.
pub(super) fn begins_object(text: &str) -> bool {
    let mut scanner = Scanner {
        rest: text,
        repairs: Repairs::new(),
        comments: String::new(),
    };
    if !scanner.take('{') {
        return false;
    }

    scanner.rest = scanner.rest.trim_start_matches(is_space);
    if scanner.rest.starts_with(['"', '\'', '/']) {
        return true;
    }
    let has_key = scanner.read_bare_key().is_ok();
    scanner.rest = scanner.rest.trim_start_matches(is_space);

    has_key && scanner.rest.starts_with([':', '：'])
}

struct Scanner<'a> {
    /// What is not read yet.
    rest: &'a str,
    repairs: Repairs,
    comments: String,
}

impl Scanner<'_> {
    fn read_value(&mut self, depth: usize) -> Result<Node, SyntaxError> {
        self.skip_space();

        match self.rest.chars().next() {
            Some('{') => self.read_object(depth).map(Node::Object),
            Some('[') => self.read_list(depth).map(Node::List),
            Some(quote @ ('"' | '\'')) => self.read_text(quote).map(Node::Text),
            Some('-' | '0'..='9') => self.read_number(),
            _ => self.read_word(),
        }
    }

    fn read_object(&mut self, depth: usize) -> Result<Vec<Member>, SyntaxError> {
        self.expect('{')?;
        let mut members = Vec::new();
        let mut has_comma = false;

        loop {
            if self.take_end('}', has_comma) {
                return Ok(members);
            }
            if !has_comma && !members.is_empty() {
                return Err(self.error());
            }

            let key = self.read_key()?;
            self.skip_space();
            self.take_separator(':', '：')?;
            let value = self.read_value(nested(depth)?)?;
            members.push(Member { key, value });
            has_comma = self.take_comma();
        }
    }

    fn read_list(&mut self, depth: usize) -> Result<Vec<Node>, SyntaxError> {
        self.expect('[')?;
        let mut items = Vec::new();
        let mut has_comma = false;

        loop {
            if self.take_end(']', has_comma) {
                return Ok(items);
            }
            if !has_comma && !items.is_empty() {
                return Err(self.error());
            }

            items.push(self.read_value(nested(depth)?)?);
            has_comma = self.take_comma();
        }
    }

    fn read_key(&mut self) -> Result<String, SyntaxError> {
        match self.rest.chars().next() {
            Some(quote @ ('"' | '\'')) => self.read_text(quote),
            _ => self.read_bare_key(),
        }
    }

    fn read_bare_key(&mut self) -> Result<String, SyntaxError> {
        if !self
            .rest
            .starts_with(|c: char| c.is_alphabetic() || c == '_')
        {
            return Err(self.error());
        }
        let key = self.take_while(|c| c.is_alphanumeric() || c == '_' || c == '-');

        self.note(Repair::LooseSyntax);
        Ok(key.to_owned())
    }

    fn read_text(&mut self, quote: char) -> Result<String, SyntaxError> {
        self.expect(quote)?;
        if quote != '"' {
            self.note(Repair::LooseSyntax);
        }

        let mut text = String::new();
        loop {
            let plain = self.take_while(|c| c != quote && c != '\\' && !c.is_control());
            text.push_str(plain);

            match self.take_char().ok_or(SyntaxError::CutOff)? {
                '\\' => text.push(self.read_escape()?),
                end if end == quote => return Ok(text),
                control => {
                    self.note(Repair::RawControl);
                    text.push(control);
                }
            }
        }
    }

    fn read_escape(&mut self) -> Result<char, SyntaxError> {
        let escaped = self.take_char().ok_or(SyntaxError::CutOff)?;

        let meant = match escaped {
            '"' | '\\' | '/' => escaped,
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => return self.read_code_point(),
            needless if needless.is_ascii_punctuation() || needless == '\n' => {
                self.note(Repair::LooseSyntax);
                needless
            }
            _ => return Err(self.error()),
        };
        Ok(meant)
    }

    /// The character of `\uXXXX`, or of two such that are a surrogate pair.
    fn read_code_point(&mut self) -> Result<char, SyntaxError> {
        let first = hexadecimal_unit(self.rest).ok_or_else(|| self.error())?;
        self.rest = self.rest.get(4..).unwrap_or_default();

        let next = self.rest.strip_prefix("\\u").and_then(hexadecimal_unit);
        let is_pair = matches!(first, 0xd800..=0xdbff);
        let second = next.filter(|unit| is_pair && matches!(unit, 0xdc00..=0xdfff));
        if second.is_some() {
            self.rest = self.rest.get(6..).unwrap_or_default();
        }

        let units = [Some(first), second].into_iter().flatten();
        let decoded = char::decode_utf16(units).next();
        if let Some(Ok(c)) = decoded {
            return Ok(c);
        }
        // Half a pair is a character that the model has lost.
        self.note(Repair::LooseSyntax);
        Ok(char::REPLACEMENT_CHARACTER)
    }

    fn read_number(&mut self) -> Result<Node, SyntaxError> {
        let number = self.take_while(|c| c.is_ascii_digit() || "+-.eE".contains(c));
        let is_number = number.parse::<f64>().is_ok();

        is_number
            .then(|| Node::Number(number.to_owned()))
            .ok_or_else(|| self.error())
    }

    fn read_word(&mut self) -> Result<Node, SyntaxError> {
        let before = self.rest;
        let word = self.take_while(char::is_alphanumeric);
        let node = match word {
            "null" | "None" => Node::Null,
            "true" | "True" => Node::Bool(true),
            "false" | "False" => Node::Bool(false),
            _ => {
                self.rest = before;
                return Err(self.error());
            }
        };

        if word.starts_with(|c: char| c.is_ascii_uppercase()) {
            self.note(Repair::LooseSyntax);
        }
        Ok(node)
    }

    /// Takes the end of an object or a list, if it is here.
    fn take_end(&mut self, end: char, has_comma: bool) -> bool {
        self.skip_space();
        let is_end = self.take(end);
        if is_end && has_comma {
            self.note(Repair::TrailingComma);
        }
        is_end
    }

    fn take_comma(&mut self) -> bool {
        self.skip_space();
        self.take_separator(',', '，').is_ok()
    }

    fn take_separator(&mut self, ascii: char, full_width: char) -> Result<(), SyntaxError> {
        if self.take(ascii) {
            return Ok(());
        }

        self.expect(full_width)?;
        self.note(Repair::LooseSyntax);
        Ok(())
    }

    fn skip_space(&mut self) {
        loop {
            let space = self.take_while(is_space);
            if space.contains(is_invisible) {
                self.note(Repair::Invisible);
            }
            if !self.skip_comment() {
                return;
            }
            self.note(Repair::LooseSyntax);
        }
    }

    fn skip_comment(&mut self) -> bool {
        let ends = [("//", "\n"), ("/*", "*/")];
        for (begin, end) in ends {
            let comment = self.rest.strip_prefix(begin);
            if let Some((words, rest)) = comment.and_then(|comment| comment.split_once(end)) {
                self.comments.push_str(words);
                self.comments.push('\n');
                self.rest = rest;
                return true;
            }
        }
        false
    }

    fn expect(&mut self, wanted: char) -> Result<(), SyntaxError> {
        if self.take(wanted) {
            Ok(())
        } else {
            Err(self.error())
        }
    }

    fn take(&mut self, wanted: char) -> bool {
        let rest = self.rest.strip_prefix(wanted);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn take_char(&mut self) -> Option<char> {
        let mut chars = self.rest.chars();
        let next = chars.next();
        self.rest = chars.as_str();
        next
    }

    fn error(&self) -> SyntaxError {
        if self.rest.is_empty() {
            return SyntaxError::CutOff;
        }
        SyntaxError::Broken(self.rest.chars().take(MAX_EXCERPT_CHARS).collect())
    }

    fn note(&mut self, repair: Repair) {
        self.repairs.insert(repair);
    }
}

impl<'a> Scanner<'a> {
    fn take_while(&mut self, is_part: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|c| !is_part(c));
        let (taken, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        taken
    }
}

fn nested(depth: usize) -> Result<usize, SyntaxError> {
    if depth >= MAX_DEPTH {
        return Err(SyntaxError::TooDeep);
    }
    Ok(depth + 1)
}

fn is_space(c: char) -> bool {
    c.is_whitespace() || is_invisible(c)
}

/// The value of the four digits with which a text begins.
fn hexadecimal_unit(text: &str) -> Option<u16> {
    let is_digit = |digit: char| digit.is_ascii_hexdigit();
    let digits = text.get(..4)?;
    let digits = digits.chars().all(is_digit).then_some(digits)?;
    u16::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests;
