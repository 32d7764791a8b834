//! Where in a text the answer stands.

use super::names::Field;
use super::repair::{Repair, Repairs};
use super::scanner::{self, Member, Node, ScannedObject, SyntaxError};
use super::text::{is_blank, is_invisible};
use super::thoughts::spoken_parts;

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
    /// Whether words follow it.
    pub(super) has_words_after: bool,
}

/// What stands before and after an object in its text.
struct Surroundings<'a> {
    before: &'a str,
    after: &'a str,
}

/// All objects of a text that have fields of an answer, thoughts left out. An object that begins
/// and cannot be read is an error, wherever it stands: it may be the answer.
pub(super) fn find_candidates(text: &str) -> Result<Vec<Candidate>, SyntaxError> {
    // JSON within a JSON text.
    if let Some(inner) = encoded_text(text) {
        let mut candidates = find_candidates_in(&inner)?;
        note_all(&mut candidates, Repair::Encoded);
        return Ok(candidates);
    }

    find_candidates_in(text)
}

/// Notes a repair that each candidate needed.
pub(super) fn note_all(candidates: &mut [Candidate], repair: Repair) {
    for candidate in candidates {
        candidate.repairs.insert(repair);
    }
}

fn encoded_text(text: &str) -> Option<String> {
    let text = text.trim();
    let is_encoded = text.starts_with('"') && text.ends_with('"');
    is_encoded
        .then(|| serde_json::from_str(text).ok())
        .flatten()
}

fn find_candidates_in(text: &str) -> Result<Vec<Candidate>, SyntaxError> {
    let parts = spoken_parts(text);
    let has_thoughts = parts.first().is_none_or(|part| part.len() < text.len());

    let mut candidates = Vec::new();
    for part in parts {
        find_in_part(part, &mut candidates)?;
    }

    if has_thoughts {
        note_all(&mut candidates, Repair::Thoughts);
    }
    Ok(candidates)
}

fn find_in_part(part: &str, candidates: &mut Vec<Candidate>) -> Result<(), SyntaxError> {
    let mut rest = part;

    while let Some(start) = rest.find('{') {
        let (_, from_brace) = rest.split_at(start);
        if !scanner::begins_object(from_brace) {
            rest = from_brace.strip_prefix('{').unwrap_or_default();
            continue;
        }

        let object = scanner::scan_object(from_brace)?;
        let (before, _) = part.split_at(part.len() - from_brace.len());
        let after = object.rest;
        rest = after;
        candidates.extend(candidate_of(object, Surroundings { before, after })?);

        if candidates.len() > MAX_CANDIDATES {
            return Err(SyntaxError::TooMany);
        }
    }

    Ok(())
}

fn candidate_of(
    object: ScannedObject<'_>,
    surroundings: Surroundings<'_>,
) -> Result<Option<Candidate>, SyntaxError> {
    let mut repairs = object.repairs;
    let Some(members) = unwrap_answer(object.members, &mut repairs) else {
        return Ok(None);
    };

    // A list may stand within a fence, and a fence within a list.
    let surroundings = surroundings
        .without_fence(&mut repairs)
        .without_list(&mut repairs)?
        .without_fence(&mut repairs);
    let has_words_after = !is_blank(surroundings.after);
    if has_words_after || !is_blank(surroundings.before) {
        repairs.insert(Repair::Prose);
    }
    let has_invisible = |text: &str| is_blank(text) && text.contains(is_invisible);
    if has_invisible(surroundings.before) || has_invisible(surroundings.after) {
        repairs.insert(Repair::Invisible);
    }

    Ok(Some(Candidate {
        members,
        repairs,
        has_words_after,
    }))
}

/// The object with the answer's fields: this one, or the only one that it is around.
fn unwrap_answer(mut members: Vec<Member>, repairs: &mut Repairs) -> Option<Vec<Member>> {
    for _ in 0..=MAX_WRAPPERS {
        if members.iter().any(has_field) {
            return Some(members);
        }

        let mut inner = members
            .into_iter()
            .filter_map(|member| only_object(member.value));
        members = inner.next()?;
        if inner.next().is_some() {
            return None;
        }
        repairs.insert(Repair::Wrapped);
    }

    None
}

fn has_field(member: &Member) -> bool {
    Field::of_key(&member.key).is_some()
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
