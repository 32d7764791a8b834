//! What a message says besides its answer, and whether that casts doubt on the answer.
//!
//! A model may quote an object that the patient wrote, correct itself behind its object, or give
//! the true urgency in words or under another key. So what stands around an object is harmless
//! only if nothing in it names a higher urgency, quotes, or takes back. A refusal costs one more
//! question; a patient's own `self_care` taken for the model's could cost a life.

use super::scanner::{Member, Node};
use super::text::{fold_name, is_blank};
use super::urgency_name::urgency_of;
use super::wording::Wording;
use crate::ai::InvalidAnswer;
use crate::triage::Urgency;

/// How much of what stands before an object says where the object comes from, in characters.
const MAX_INTRODUCTION_CHARS: usize = 200;

/// The longest that words behind an object may be, in characters: a closing such as "Get well".
const MAX_CLOSING_CHARS: usize = 120;

/// The longest value of a key that tells of the message and not of the patient, in characters.
const MAX_METADATA_CHARS: usize = 60;

/// Keys, folded, that tell of the message and not of the patient.
const METADATA: [&str; 17] = [
    "id",
    "model",
    "type",
    "name",
    "status",
    "version",
    "created",
    "object",
    "confidence",
    "role",
    "index",
    "language",
    "lang",
    "locale",
    "timestamp",
    "createdat",
    "finishreason",
];

/// Parts of keys, folded, that tell how urgent something is, or take another value back.
const URGENCY_KEYS: [&str; 18] = [
    "urgen", "triage", "severity", "priority", "acuity", "correct", "final", "revis", "overrid",
    "紧急", "緊急", "分诊", "严重", "优先", "最终", "更正", "修正", "结论",
];

/// Parts of keys, folded, around an object that is not the model's answer.
const QUOTING_KEYS: [&str; 20] = [
    "input",
    "quot",
    "example",
    "sample",
    "draft",
    "thought",
    "thinking",
    "reasoning",
    "patient",
    "user",
    "said",
    "wrote",
    "symptom",
    "history",
    "输入",
    "患者",
    "病人",
    "用户",
    "原文",
    "示例",
];

/// What a message says besides its answer. It has no `Debug`: it holds a model's words.
#[derive(Default)]
pub(super) struct Remainder {
    /// The words before the first object that may be the answer.
    pub(super) before: String,
    /// The words behind it, but for objects.
    pub(super) after: String,
    /// What stands in comments within objects.
    pub(super) comments: String,
    /// The keys of objects that are around the answer.
    pub(super) wrappers: Vec<String>,
    /// Keys of the answer that mean no field.
    pub(super) extras: Vec<Member>,
    /// What stands beside the answer in the objects around it, and in other objects.
    pub(super) others: Vec<Member>,
    /// What counts only if it names a higher urgency: drafts, and arguments of other tools.
    pub(super) asides: Vec<Member>,
    /// Thoughts behind an object.
    pub(super) afterthoughts: String,
    /// Lines that a mark breaks off that ends thoughts which nothing began.
    pub(super) unfinished_lines: Vec<String>,
}

impl Remainder {
    pub(super) fn extend(&mut self, other: Self) {
        self.before.push_str(&other.before);
        self.after.push_str(&other.after);
        self.comments.push_str(&other.comments);
        self.afterthoughts.push_str(&other.afterthoughts);
        self.wrappers.extend(other.wrappers);
        self.extras.extend(other.extras);
        self.others.extend(other.others);
        self.asides.extend(other.asides);
        self.unfinished_lines.extend(other.unfinished_lines);
    }

    /// Whether words stand behind an object.
    pub(super) fn has_words_after(&self) -> bool {
        self.after.contains(char::is_alphanumeric)
    }

    /// Accepts an answer of this urgency if nothing else in the message casts doubt on it.
    pub(super) fn check(&self, urgency: Urgency) -> Result<(), InvalidAnswer> {
        if self.is_quotation() {
            return Err(doubt("a quoted JSON object"));
        }
        if self.takes_back() {
            return Err(doubt("words after the JSON object"));
        }
        if self.others.iter().any(has_content) {
            return Err(doubt("texts beside the JSON object"));
        }
        if self.names_higher(urgency) || self.has_another_urgency(urgency) {
            return Err(doubt("an urgency besides the answer's"));
        }
        Ok(())
    }

    fn is_quotation(&self) -> bool {
        let introduction = last_chars(&self.before, MAX_INTRODUCTION_CHARS);
        let has_quoting_key = |key: &String| {
            let key = fold_name(key);
            QUOTING_KEYS.iter().any(|part| key.contains(part))
        };
        let is_quoting_line = |line: &String| {
            let wording = Wording::of(line);
            wording.quotes() || wording.names_speaker()
        };

        has_quote_at_seam(&self.before, &self.after)
            || Wording::of(introduction).quotes()
            || self.wrappers.iter().any(has_quoting_key)
            || self.unfinished_lines.iter().any(is_quoting_line)
    }

    fn takes_back(&self) -> bool {
        let closing = Wording::of(&self.after);
        let is_long = self.after.trim().chars().nth(MAX_CLOSING_CHARS).is_some();

        is_long
            || closing.corrects()
            || closing.quotes()
            || closing.highest_urgency().is_some()
            || Wording::of(&self.comments).corrects()
    }

    fn names_higher(&self, urgency: Urgency) -> bool {
        let members = [&self.extras, &self.others, &self.asides];
        let mut words = String::new();
        for member in members.into_iter().flatten() {
            collect_words(member, &mut words);
        }

        let lines = self.unfinished_lines.iter();
        let texts = [&self.before, &self.comments, &self.afterthoughts, &words];
        let mut texts = texts.into_iter().chain(lines);
        texts.any(|text| Wording::of(text).highest_urgency() > Some(urgency))
    }

    /// Whether a key that is no field gives another urgency, or one that is not known.
    fn has_another_urgency(&self, urgency: Urgency) -> bool {
        let is_other = |member: &Member| {
            let key = fold_name(&member.key);
            let is_urgency = URGENCY_KEYS.iter().any(|part| key.contains(part));
            let known = match &member.value {
                Node::Null => return false,
                Node::Text(text) => urgency_of(text),
                _ => None,
            };
            is_urgency && known.is_none_or(|known| known > urgency)
        };
        self.extras.iter().chain(&self.others).any(is_other)
    }
}

fn doubt(reason: &'static str) -> InvalidAnswer {
    let feedback = "Answer with the JSON object alone: no words, quotations, comments or other \
                    objects around it, no keys but those that were asked for, and the urgency \
                    that you mean in its urgency field.";
    InvalidAnswer::mendable(reason, feedback.to_owned())
}

fn last_chars(text: &str, count: usize) -> &str {
    let text = text.trim_end();
    let start = text.char_indices().nth_back(count.saturating_sub(1));
    let (_, last) = text.split_at(start.map_or(0, |(start, _)| start));
    last
}

/// Whether quotation marks stand directly around an object.
fn has_quote_at_seam(before: &str, after: &str) -> bool {
    let is_quote = |c: char| {
        matches!(
            c,
            '"' | '\'' | '“' | '”' | '‘' | '’' | '«' | '»' | '「' | '」' | '『' | '』'
        )
    };
    let is_quoted_line = before.lines().last().is_some_and(|line| {
        // Markdown's mark of a quotation.
        line.trim_start().starts_with('>')
    });

    is_quoted_line
        || before.trim_end().ends_with(is_quote)
        || after.trim_start().starts_with(is_quote)
}

/// Whether a member holds words that may be the model's, and not only tells of the message.
fn has_content(member: &Member) -> bool {
    let is_metadata = METADATA.contains(&&*fold_name(&member.key));
    match &member.value {
        Node::Text(text) if is_metadata => text.chars().nth(MAX_METADATA_CHARS).is_some(),
        value => has_text(value),
    }
}

fn has_text(node: &Node) -> bool {
    match node {
        Node::Null | Node::Bool(_) | Node::Number(_) => false,
        Node::Text(text) => !is_blank(text),
        Node::List(items) => items.iter().any(has_text),
        Node::Object(members) => members.iter().any(|member| has_text(&member.value)),
    }
}

fn collect_words(member: &Member, words: &mut String) {
    words.push_str(&member.key);
    words.push('\n');
    collect_texts(&member.value, words);
}

fn collect_texts(node: &Node, words: &mut String) {
    match node {
        Node::Null | Node::Bool(_) => {}
        Node::Text(text) | Node::Number(text) => {
            words.push_str(text);
            words.push('\n');
        }
        Node::List(items) => items.iter().for_each(|item| collect_texts(item, words)),
        Node::Object(members) => members.iter().for_each(|it| collect_words(it, words)),
    }
}
