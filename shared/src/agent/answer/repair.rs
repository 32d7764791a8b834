//! What had to be forgiven to read an answer.

use std::collections::BTreeSet;

/// The kinds of repair that one answer needed.
pub(super) type Repairs = BTreeSet<Repair>;

/// A deviation from the form that was asked for which leaves only one reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Repair {
    /// The content came in parts.
    ContentParts,
    /// The answer was the arguments of a tool call.
    ToolArguments,
    /// The answer stood where the thoughts belong, and there was no text.
    Reasoning,
    /// The model thought aloud in its text.
    Thoughts,
    /// A Markdown fence was around it.
    Fence,
    /// Words stood before or after it.
    Prose,
    /// A byte order mark or zero-width characters stood in it.
    Invisible,
    /// JSON was a text within JSON.
    Encoded,
    /// The same object stood there more than once.
    Repeated,
    /// An object or an array of one was around it.
    Wrapped,
    /// A comma was the last thing of an object or a list.
    TrailingComma,
    /// A text had line breaks, tabs or other control characters that were not escaped.
    RawControl,
    /// Single quotes, bare keys, Python's words, comments, full-width punctuation, stray escapes.
    LooseSyntax,
    /// A field had another spelling of its name, or its name in Chinese.
    KeyName,
    /// A field stood there twice.
    RepeatedKey,
    /// The urgency had another spelling, or was a Chinese word.
    UrgencyName,
    /// A list was missing or `null`.
    MissingList,
    /// A list was one text.
    SingleText,
    /// A text was a list.
    JoinedText,
    /// An item of a list was an object.
    ObjectItem,
    /// Items of a list were empty, said "none" or stood there twice.
    DroppedItem,
    /// A list was too long.
    ClampedList,
    /// A text was too long.
    ClampedText,
}

impl Repair {
    /// The word by which metrics call it.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::ContentParts => "content_parts",
            Self::ToolArguments => "tool_arguments",
            Self::Reasoning => "reasoning",
            Self::Thoughts => "thoughts",
            Self::Fence => "fence",
            Self::Prose => "prose",
            Self::Invisible => "invisible",
            Self::Encoded => "encoded",
            Self::Repeated => "repeated",
            Self::Wrapped => "wrapped",
            Self::TrailingComma => "trailing_comma",
            Self::RawControl => "raw_control",
            Self::LooseSyntax => "loose_syntax",
            Self::KeyName => "key_name",
            Self::RepeatedKey => "repeated_key",
            Self::UrgencyName => "urgency_name",
            Self::MissingList => "missing_list",
            Self::SingleText => "single_text",
            Self::JoinedText => "joined_text",
            Self::ObjectItem => "object_item",
            Self::DroppedItem => "dropped_item",
            Self::ClampedList => "clamped_list",
            Self::ClampedText => "clamped_text",
        }
    }
}
