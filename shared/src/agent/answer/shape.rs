//! From the members of an object to an answer.

use super::ModelAnswer;
use super::names::Field;
use super::repair::{Repair, Repairs};
use super::scanner::{Member, Node};
use super::text::{is_blank, is_placeholder, split_marked_lines, tidy_list, tidy_text};
use super::urgency_name::{highest_degree, urgency_of};
use crate::ai::InvalidAnswer;
use crate::triage::Urgency;

/// The longest summary that is shown, in characters.
pub(super) const MAX_SUMMARY_CHARS: usize = 4_000;

/// The longest item of a list that is shown, in characters.
pub(super) const MAX_ITEM_CHARS: usize = 1_000;

/// How much of an urgency that is unknown is repeated to the model, in characters.
const MAX_EXCERPT_CHARS: usize = 40;

/// The degrees, as the model is told them.
const DEGREES: &str = "self_care, routine, urgent or emergency";

/// What is wrong with an answer: all of it, since the model is asked once more only.
#[derive(Default)]
pub(super) struct Problems {
    list: Vec<Problem>,
}

struct Problem {
    field: Field,
    reason: &'static str,
    feedback: String,
}

impl Problems {
    /// Notes the first problem of a field; those after it follow from it.
    fn add(&mut self, field: Field, reason: &'static str, feedback: String) {
        if self.list.iter().all(|known| known.field != field) {
            self.list.push(Problem {
                field,
                reason,
                feedback,
            });
        }
    }

    fn into_result(self) -> Result<(), InvalidAnswer> {
        let Some(first) = self.list.first() else {
            return Ok(());
        };

        let feedback: Vec<_> = self.list.iter().map(|problem| &*problem.feedback).collect();
        Err(InvalidAnswer::mendable(first.reason, feedback.join(" ")))
    }
}

/// Reads an answer of any spelling.
pub(super) fn read_members(
    members: Vec<Member>,
    repairs: &mut Repairs,
) -> Result<ModelAnswer, InvalidAnswer> {
    let mut reader = FieldReader::new(members, repairs);
    let urgency = reader.read_urgency();

    let mut answer = ModelAnswer {
        summary: reader.read_text(Field::Summary),
        possible_causes: reader.read_list(Field::PossibleCauses),
        // Without one there is a problem, and so no answer.
        urgency: urgency.unwrap_or(Urgency::Emergency),
        red_flags: reader.read_list(Field::RedFlags),
        recommended_actions: reader.read_list(Field::RecommendedActions),
        questions: reader.read_list(Field::Questions),
        recommended_department: reader.read_optional_text(Field::RecommendedDepartment),
        chief_complaint: reader.read_optional_text(Field::ChiefComplaint),
        present_illness: reader.read_optional_text(Field::PresentIllness),
        past_history: reader.read_optional_text(Field::PastHistory),
        findings: reader.read_optional_list(Field::Findings),
    };

    let problems = reader.problems;
    tidy_fields(&mut answer, repairs, problems)?;
    Ok(answer)
}

/// Brings an answer into the form in which it is shown, and checks that something is in it.
pub(super) fn tidy_answer(
    answer: &mut ModelAnswer,
    repairs: &mut Repairs,
) -> Result<(), InvalidAnswer> {
    tidy_fields(answer, repairs, Problems::default())
}

fn tidy_fields(
    answer: &mut ModelAnswer,
    repairs: &mut Repairs,
    mut problems: Problems,
) -> Result<(), InvalidAnswer> {
    let summary = std::mem::take(&mut answer.summary);
    answer.summary = tidy_text(summary, MAX_SUMMARY_CHARS, repairs);

    note_placeholders(answer, &mut problems);
    let lists = [
        &mut answer.possible_causes,
        &mut answer.red_flags,
        &mut answer.recommended_actions,
        &mut answer.questions,
    ];
    for list in lists {
        tidy_list(list, MAX_ITEM_CHARS, repairs);
    }
    tidy_note(answer, repairs);

    if answer.summary.is_empty() {
        let feedback = "summary is missing or empty: it must be a text.";
        problems.add(Field::Summary, "no summary", feedback.to_owned());
    }
    if answer.recommended_actions.is_empty() {
        let feedback = "recommended_actions is missing or empty: it must be a list of at least \
                        one text.";
        let field = Field::RecommendedActions;
        problems.add(field, "no recommended action", feedback.to_owned());
    }

    problems.into_result()
}

/// What an answer can do without is left out if it is a placeholder.
fn tidy_note(answer: &mut ModelAnswer, repairs: &mut Repairs) {
    let texts = [
        &mut answer.recommended_department,
        &mut answer.chief_complaint,
        &mut answer.present_illness,
        &mut answer.past_history,
    ];
    for text in texts {
        let whole = std::mem::take(text);
        if !is_placeholder(&whole) {
            *text = tidy_text(whole, MAX_SUMMARY_CHARS, repairs);
        }
    }

    answer.findings.retain(|finding| !is_placeholder(finding));
    tidy_list(&mut answer.findings, MAX_ITEM_CHARS, repairs);
}

/// An example or a schema that is repeated is no answer.
fn note_placeholders(answer: &ModelAnswer, problems: &mut Problems) {
    let reason = "a placeholder";
    let mut add = |field: Field| {
        let feedback = format!("{} has a placeholder: write what you mean.", field.name());
        problems.add(field, reason, feedback);
    };

    if is_placeholder(&answer.summary) {
        add(Field::Summary);
    }
    let lists = [
        (Field::PossibleCauses, &answer.possible_causes),
        (Field::RedFlags, &answer.red_flags),
        (Field::RecommendedActions, &answer.recommended_actions),
        (Field::Questions, &answer.questions),
    ];
    for (field, list) in lists {
        if list.iter().any(|item| is_placeholder(item)) {
            add(field);
        }
    }
}

/// Takes the fields out of an object, one by one.
struct FieldReader<'a> {
    values: Vec<FieldValue>,
    repairs: &'a mut Repairs,
    problems: Problems,
}

struct FieldValue {
    field: Field,
    value: Node,
}

impl<'a> FieldReader<'a> {
    /// Keys that mean no field are passed over.
    fn new(members: Vec<Member>, repairs: &'a mut Repairs) -> Self {
        let mut values = Vec::new();
        for Member { key, value } in members {
            let Some(field) = Field::of_key(&key) else {
                continue;
            };
            if key != field.name() {
                repairs.insert(Repair::KeyName);
            }
            values.push(FieldValue { field, value });
        }

        Self {
            values,
            repairs,
            problems: Problems::default(),
        }
    }

    /// The higher one, if it stands there twice.
    fn read_urgency(&mut self) -> Option<Urgency> {
        let field = Field::Urgency;
        let values = self.take_values(field);
        let is_absent = |value: &Node| *value == Node::Null;
        if values.iter().all(is_absent) {
            let feedback = format!("urgency is missing: it must be {DEGREES}.");
            self.problems.add(field, "no urgency", feedback);
            return None;
        }

        let mut highest = None;
        for value in values {
            let urgency = self.urgency_of_value(&value);
            if urgency.is_none() {
                let feedback = format!("urgency {}: it must be {DEGREES}.", in_words(&value));
                self.problems.add(field, "an unknown urgency", feedback);
                return None;
            }
            highest = highest.max(urgency);
        }

        highest
    }

    fn urgency_of_value(&mut self, value: &Node) -> Option<Urgency> {
        match value {
            Node::Text(text) => {
                let urgency = urgency_of(text)?;
                if text != urgency.as_str() {
                    self.repairs.insert(Repair::UrgencyName);
                }
                Some(urgency)
            }
            Node::List(items) => {
                self.repairs.insert(Repair::UrgencyName);
                let degrees = items.iter().map(|item| match item {
                    Node::Text(text) => urgency_of(text),
                    _ => None,
                });
                let degrees: Option<Vec<_>> = degrees.collect();
                highest_degree(degrees?)
            }
            _ => None,
        }
    }

    /// A text; the lines of a list of texts.
    fn read_text(&mut self, field: Field) -> String {
        match self.take_value(field) {
            None | Some(Node::Null) => String::new(),
            Some(Node::Text(text)) => text,
            Some(Node::List(items)) => {
                self.repairs.insert(Repair::JoinedText);
                let lines: Option<Vec<_>> = items.into_iter().map(text_of).collect();
                lines.map_or_else(|| self.refuse_text(field), |lines| lines.join("\n"))
            }
            Some(_) => self.refuse_text(field),
        }
    }

    /// A text that an answer can do without: nothing else is taken for it.
    fn read_optional_text(&mut self, field: Field) -> String {
        let value = self.take_values(field).pop();
        value.and_then(text_of).unwrap_or_default()
    }

    /// The texts of a list that an answer can do without.
    fn read_optional_list(&mut self, field: Field) -> Vec<String> {
        match self.take_values(field).pop() {
            Some(Node::List(items)) => items.into_iter().filter_map(text_of).collect(),
            Some(Node::Text(text)) => split_marked_lines(text),
            _ => Vec::new(),
        }
    }

    fn refuse_text(&mut self, field: Field) -> String {
        let feedback = format!("{} must be a text.", field.name());
        self.problems
            .add(field, "a field that is no text", feedback);
        String::new()
    }

    /// A list of texts; none if it is missing, and one or its marked lines if it is a text.
    fn read_list(&mut self, field: Field) -> Vec<String> {
        match self.take_value(field) {
            None | Some(Node::Null) => {
                self.repairs.insert(Repair::MissingList);
                Vec::new()
            }
            Some(Node::Text(text)) => {
                self.repairs.insert(Repair::SingleText);
                split_marked_lines(text)
            }
            Some(Node::List(items)) => {
                let texts = items.into_iter().map(|item| self.read_item(item));
                let texts: Option<Vec<_>> = texts.collect();
                texts.unwrap_or_else(|| self.refuse_list(field))
            }
            Some(_) => self.refuse_list(field),
        }
    }

    fn refuse_list(&mut self, field: Field) -> Vec<String> {
        let feedback = format!("{} must be a list of texts.", field.name());
        self.problems
            .add(field, "a field that is no list of texts", feedback);
        Vec::new()
    }

    /// A text, or the texts of an object such as `{"cause": "flu", "likelihood": "high"}`, of which
    /// none is left out. Numbers within such an object rank or weigh it; a truth value could deny
    /// it, so it is not passed over.
    fn read_item(&mut self, item: Node) -> Option<String> {
        let members = match item {
            Node::Null => return Some(String::new()),
            Node::Object(members) => members,
            other => return text_of(other),
        };

        self.repairs.insert(Repair::ObjectItem);
        let mut texts = Vec::new();
        for member in members {
            match member.value {
                Node::Text(text) if !is_blank(&text) => texts.push(text),
                Node::Text(_) | Node::Number(_) | Node::Null => {}
                Node::Bool(_) | Node::List(_) | Node::Object(_) => return None,
            }
        }

        (!texts.is_empty()).then(|| texts.join(" – "))
    }

    /// The value of a field that may stand there only once, or several times with one value.
    fn take_value(&mut self, field: Field) -> Option<Node> {
        let mut values = self.take_values(field);
        let value = values.pop()?;

        if values.iter().any(|other| *other != value) {
            let name = field.name();
            let feedback = format!("{name} stands there twice, with different values.");
            self.problems
                .add(field, "a field that stands there twice", feedback);
        }
        Some(value)
    }

    fn take_values(&mut self, field: Field) -> Vec<Node> {
        let is_of_field = |known: &mut FieldValue| known.field == field;
        let taken = self.values.extract_if(.., is_of_field);
        let values: Vec<_> = taken.map(|taken| taken.value).collect();

        if values.len() > 1 {
            self.repairs.insert(Repair::RepeatedKey);
        }
        values
    }
}

fn text_of(node: Node) -> Option<String> {
    match node {
        Node::Text(text) => Some(text),
        _ => None,
    }
}

/// A value, as the model is told of it.
fn in_words(value: &Node) -> String {
    match value {
        Node::Text(text) => {
            let excerpt: String = text.chars().take(MAX_EXCERPT_CHARS).collect();
            format!("is \"{excerpt}\"")
        }
        _ => "is no text".to_owned(),
    }
}
