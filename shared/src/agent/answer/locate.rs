//! Where in a text the answer stands.

use super::names::Field;
use super::remainder::Remainder;
use super::repair::{Repair, Repairs};
use super::scanner::{self, Member, Node, ScannedObject, SyntaxError};
use super::text::{is_blank, is_invisible};
use super::thoughts::split_speech;

/// How many objects or lists of one may be around the answer.
const MAX_WRAPPERS: usize = 3;

/// How many candidates a text may have: for each, all that stands before it is looked at.
const MAX_CANDIDATES: usize = 16;

/// The longest name of a language behind a fence, in bytes.
const MAX_LANGUAGE_BYTES: usize = 12;

/// An object that has fields of an answer.
pub(super) struct Candidate {
    pub(super) members: Vec<Member>,
    /// What had to be forgiven to find it.
    pub(super) repairs: Repairs,
}

/// What stands in a text.
#[derive(Default)]
pub(super) struct Located {
    pub(super) candidates: Vec<Candidate>,
    /// What the text says besides.
    pub(super) remainder: Remainder,
}

/// What stands before and after an object in its text.
struct Surroundings<'a> {
    before: &'a str,
    after: &'a str,
}

/// All objects of a text that have fields of an answer, thoughts left out. An object that begins
/// and cannot be read is an error, wherever it stands: it may be the answer.
pub(super) fn find_candidates(text: &str) -> Result<Located, SyntaxError> {
    // JSON within a JSON text.
    if let Some(inner) = encoded_text(text) {
        let mut located = find_candidates_in(&inner)?;
        located.note_all(Repair::Encoded);
        return Ok(located);
    }

    find_candidates_in(text)
}

fn encoded_text(text: &str) -> Option<String> {
    let text = text.trim();
    let is_encoded = text.starts_with('"') && text.ends_with('"');
    is_encoded
        .then(|| serde_json::from_str(text).ok())
        .flatten()
}

fn find_candidates_in(text: &str) -> Result<Located, SyntaxError> {
    let speech = split_speech(text)?;
    let first = speech.parts.first();
    let has_thoughts = first.is_none_or(|part| part.len() < text.len());

    let mut located = Located::default();
    located.remainder.afterthoughts = speech.afterthoughts.join("\n");
    for part in speech.set_aside {
        located.set_aside(part)?;
    }
    for part in speech.parts {
        located.read_part(part)?;
    }

    if has_thoughts {
        located.note_all(Repair::Thoughts);
    }
    Ok(located)
}

impl Located {
    /// Notes a repair that each candidate needed.
    pub(super) fn note_all(&mut self, repair: Repair) {
        for candidate in &mut self.candidates {
            candidate.repairs.insert(repair);
        }
    }

    /// Adds what stands in another text of the message.
    pub(super) fn extend(&mut self, other: Self) {
        self.candidates.extend(other.candidates);
        self.remainder.extend(other.remainder);
    }

    fn read_part(&mut self, part: &str) -> Result<(), SyntaxError> {
        let mut rest = part;

        while let Some(from_brace) = next_object(rest) {
            self.hear(leading(rest, from_brace));
            let object = scanner::scan_object(from_brace)?;
            let before = leading(part, from_brace);
            let after = object.rest;
            rest = after;

            self.remainder.comments.push_str(&object.comments);
            let candidate = self.candidate_of(object, Surroundings { before, after })?;
            self.candidates.extend(candidate);
            if self.candidates.len() > MAX_CANDIDATES {
                return Err(SyntaxError::TooMany);
            }
        }

        self.hear(rest);
        Ok(())
    }

    /// Keeps what a part says that was set aside as thoughts, and may not be thoughts: the urgency
    /// of its objects, and its last line, if the mark stands within it.
    fn set_aside(&mut self, part: &str) -> Result<(), SyntaxError> {
        let mut located = Self::default();
        located.read_part(part)?;
        let members = located.candidates.into_iter().flat_map(|it| it.members);
        let is_urgency = |member: &Member| Field::of_key(&member.key) == Some(Field::Urgency);
        self.remainder.asides.extend(members.filter(is_urgency));

        let last_line = part.rsplit('\n').next().unwrap_or_default();
        self.remainder.unfinished_lines.push(last_line.to_owned());
        Ok(())
    }

    fn hear(&mut self, words: &str) {
        let heard = if self.candidates.is_empty() {
            &mut self.remainder.before
        } else {
            &mut self.remainder.after
        };
        // A token of chat templates that says nothing of a message.
        heard.push_str(&words.replace("<|message|>", " "));
        heard.push('\n');
    }

    fn candidate_of(
        &mut self,
        object: ScannedObject<'_>,
        surroundings: Surroundings<'_>,
    ) -> Result<Option<Candidate>, SyntaxError> {
        let mut repairs = object.repairs;
        let members = unwrap_answer(object.members, &mut repairs, &mut self.remainder);
        let Some(members) = members else {
            return Ok(None);
        };

        // A list may stand within a fence, and a fence within a list.
        let surroundings = surroundings
            .without_fence(&mut repairs)
            .without_list(&mut repairs)?
            .without_fence(&mut repairs);
        surroundings.note(&mut repairs);

        Ok(Some(Candidate { members, repairs }))
    }
}

/// The rest of a text from its first object on.
fn next_object(text: &str) -> Option<&str> {
    let mut rest = text;
    loop {
        let (_, from_brace) = rest.split_at(rest.find('{')?);
        if scanner::begins_object(from_brace) {
            return Some(from_brace);
        }
        rest = from_brace.strip_prefix('{')?;
    }
}

/// What stands in a text before its end.
fn leading<'a>(text: &'a str, end: &str) -> &'a str {
    let (before, _) = text.split_at(text.len() - end.len());
    before
}

/// The object with the answer's fields: this one, or the only one that it is around.
fn unwrap_answer(
    mut members: Vec<Member>,
    repairs: &mut Repairs,
    remainder: &mut Remainder,
) -> Option<Vec<Member>> {
    for _ in 0..=MAX_WRAPPERS {
        if members.iter().any(has_field) {
            let is_extra = |member: &mut Member| !has_field(member);
            remainder.extras.extend(members.extract_if(.., is_extra));
            return Some(members);
        }

        let is_wrapper = |member: &mut Member| has_only_object(&member.value);
        let wrappers: Vec<_> = members.extract_if(.., is_wrapper).collect();
        remainder.others.append(&mut members);
        let wrapper = match <[Member; 1]>::try_from(wrappers) {
            Ok([wrapper]) => wrapper,
            Err(several) => {
                remainder.others.extend(several);
                return None;
            }
        };

        remainder.wrappers.push(wrapper.key);
        members = only_object(wrapper.value)?;
        repairs.insert(Repair::Wrapped);
    }

    remainder.others.append(&mut members);
    None
}

fn has_field(member: &Member) -> bool {
    Field::of_key(&member.key).is_some()
}

fn has_only_object(node: &Node) -> bool {
    match node {
        Node::Object(_) => true,
        Node::List(items) => matches!(items.as_slice(), [item] if has_only_object(item)),
        _ => false,
    }
}

/// The members of an object, or of the one object of a list.
fn only_object(node: Node) -> Option<Vec<Member>> {
    match node {
        Node::Object(members) => Some(members),
        Node::List(mut items) if items.len() == 1 => items.pop().and_then(only_object),
        _ => None,
    }
}

impl Surroundings<'_> {
    fn note(&self, repairs: &mut Repairs) {
        if !is_blank(self.after) || !is_blank(self.before) {
            repairs.insert(Repair::Prose);
        }

        let has_invisible = |text: &str| is_blank(text) && text.contains(is_invisible);
        if has_invisible(self.before) || has_invisible(self.after) {
            repairs.insert(Repair::Invisible);
        }
    }

    /// Without the fence around the object, if there is one.
    fn without_fence(self, repairs: &mut Repairs) -> Self {
        let fences = ["```", "~~~"];
        let before = self.before.trim_end();
        let open = fences
            .into_iter()
            .filter_map(|fence| before.rsplit_once(fence))
            .find(|(_, language)| is_language(language));

        let after = self.after.trim_start();
        let close = fences
            .into_iter()
            .find_map(|fence| after.strip_prefix(fence));

        if open.is_some() || close.is_some() {
            repairs.insert(Repair::Fence);
        }
        Self {
            before: open.map_or(self.before, |(before, _)| before),
            after: close.unwrap_or(self.after),
        }
    }

    /// Without the brackets of a list that has the object alone.
    fn without_list(self, repairs: &mut Repairs) -> Result<Self, SyntaxError> {
        let Some(before) = self.before.trim_end().strip_suffix('[') else {
            return Ok(self);
        };

        let after = self.after.trim_start();
        let after = after.strip_prefix(',').unwrap_or(after).trim_start();
        if after.is_empty() {
            return Err(SyntaxError::CutOff);
        }
        let Some(after) = after.strip_prefix(']') else {
            return Ok(self);
        };

        repairs.insert(Repair::Wrapped);
        Ok(Self { before, after })
    }
}

fn is_language(text: &str) -> bool {
    let text = text.trim();
    let is_word = text.chars().all(char::is_alphanumeric);
    text.len() <= MAX_LANGUAGE_BYTES && is_word
}
