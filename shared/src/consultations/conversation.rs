//! What was said in a consultation, in order.

use serde::Serialize;
use time::OffsetDateTime;

use super::assessment::{Assessment, ServedBy};
use super::consultation::{Consultation, ConsultationStatus};
use super::trace::Trace;

/// One text of a turn. It has no `Debug`: it holds a patient's words.
pub(super) struct TurnText {
    /// Odd for the patient's, even for the answer: in the order of the conversation, from 1.
    pub(super) number: i16,
    pub(super) at: OffsetDateTime,
    pub(super) text: Text,
}

/// Who said what.
pub(super) enum Text {
    Message(String),
    Answer(Box<Assessment>),
}

/// The messages after the complaint and the answers before the last one, in order. It has no
/// `Debug`: it holds a patient's words.
#[derive(Default)]
pub struct Conversation {
    texts: Vec<TurnText>,
}

/// One text, as a prompt has it.
#[derive(Serialize)]
#[serde(untagged)]
pub enum SaidBefore<'c> {
    /// A message of the patient.
    Patient {
        /// Its words.
        patient: &'c str,
    },
    /// What was answered.
    Assistant {
        /// The answer's summary.
        assistant: &'c str,
        /// What was asked.
        questions: &'c [String],
    },
}

impl SaidBefore<'_> {
    /// What it takes of a prompt, in characters.
    fn length(&self) -> usize {
        match self {
            Self::Patient { patient } => patient.chars().count(),
            Self::Assistant {
                assistant,
                questions,
            } => {
                let questions = questions.iter().map(|it| it.chars().count());
                assistant.chars().count() + questions.sum::<usize>()
            }
        }
    }
}

impl Conversation {
    pub(super) fn new(mut texts: Vec<TurnText>) -> Self {
        texts.sort_by_key(|text| text.number);
        Self { texts }
    }

    /// Adds a message that has just come.
    pub fn add_message(&mut self, text: &str) {
        let last = self.texts.last().map_or(1, |last| last.number);
        self.texts.push(TurnText {
            number: last + 1,
            at: OffsetDateTime::now_utc(),
            text: Text::Message(text.to_owned()),
        });
    }

    /// The patient's messages after the complaint, the earliest first.
    pub fn messages(&self) -> Vec<&str> {
        let texts = self.texts.iter();
        texts
            .filter_map(|text| match &text.text {
                Text::Message(words) => Some(words.as_str()),
                Text::Answer(_) => None,
            })
            .collect()
    }

    /// The latest texts that fit into so many characters, the earliest of them first.
    pub fn latest(&self, max_chars: usize) -> Vec<SaidBefore<'_>> {
        let mut left = max_chars;
        let mut latest: Vec<_> = self
            .texts
            .iter()
            .rev()
            .map(said_before)
            .take_while(|said| {
                let fits = said.length() <= left;
                left = left.saturating_sub(said.length());
                fits
            })
            .collect();
        latest.reverse();
        latest
    }
}

fn said_before(text: &TurnText) -> SaidBefore<'_> {
    match &text.text {
        Text::Message(patient) => SaidBefore::Patient { patient },
        Text::Answer(answer) => SaidBefore::Assistant {
            assistant: &answer.summary,
            questions: &answer.questions,
        },
    }
}

/// One text, as the API shows it. It has no `Debug`: it holds a patient's words.
#[derive(Serialize, schemars::JsonSchema)]
pub struct MessageView {
    /// The turn that it belongs to, from 1.
    turn: i16,
    #[serde(with = "time::serde::rfc3339")]
    #[schemars(with = "crate::schema::Timestamp")]
    at: OffsetDateTime,
    #[serde(flatten)]
    text: MessageText,
}

/// Who said what.
#[derive(Serialize, schemars::JsonSchema)]
#[serde(tag = "role", rename_all = "snake_case")]
enum MessageText {
    Patient { text: String },
    Assistant { assessment: Box<Assessment> },
}

impl Conversation {
    /// The whole conversation, from the complaint to the last answer that is there.
    pub fn into_view(self, consultation: &Consultation) -> Vec<MessageView> {
        let complaint = MessageView {
            turn: 1,
            at: consultation.created_at,
            text: MessageText::Patient {
                text: consultation.symptoms.clone(),
            },
        };
        let kept = self.texts.into_iter().map(MessageView::of_text);
        let mut views: Vec<_> = [complaint].into_iter().chain(kept).collect();

        let is_answered = consultation.status == ConsultationStatus::Completed;
        let answer = consultation.current_assessment().filter(|_| is_answered);
        views.extend(answer.map(|answer| MessageView {
            turn: consultation.turns,
            at: consultation.updated_at,
            text: MessageText::Assistant {
                assessment: Box::new(answer.without_trace()),
            },
        }));
        views
    }

    /// What was done for each answer that is there, in order.
    pub fn traces(&self, consultation: &Consultation) -> Vec<TurnTrace> {
        let kept = self.texts.iter().filter_map(|text| match &text.text {
            Text::Answer(answer) => Some(trace_of(turn_of(text.number), text.at, answer)),
            Text::Message(_) => None,
        });
        let mut traces: Vec<_> = kept.collect();

        let is_answered = consultation.status == ConsultationStatus::Completed;
        let answer = consultation.assessment.as_ref().filter(|_| is_answered);
        let (turn, at) = (consultation.turns, consultation.updated_at);
        traces.extend(answer.map(|answer| trace_of(turn, at, answer)));
        traces
    }
}

/// What was done for the answer of one turn, as the API shows it.
#[derive(Serialize, schemars::JsonSchema)]
pub struct TurnTrace {
    /// The turn, from 1.
    pub turn: i16,
    /// When the answer was there.
    #[serde(with = "time::serde::rfc3339")]
    #[schemars(with = "crate::schema::Timestamp")]
    pub at: OffsetDateTime,
    /// What made it.
    pub served_by: ServedBy,
    /// The steps; empty for answers from before they were kept.
    #[serde(flatten)]
    pub trace: Trace,
}

/// The turn that a text belongs to.
const fn turn_of(number: i16) -> i16 {
    (number + 1) / 2
}

fn trace_of(turn: i16, at: OffsetDateTime, answer: &Assessment) -> TurnTrace {
    TurnTrace {
        turn,
        at,
        served_by: answer.served_by.clone(),
        trace: answer.trace.clone().unwrap_or_default(),
    }
}

impl MessageView {
    fn of_text(text: TurnText) -> Self {
        Self {
            turn: turn_of(text.number),
            at: text.at,
            text: match text.text {
                Text::Message(text) => MessageText::Patient { text },
                Text::Answer(assessment) => MessageText::Assistant {
                    assessment: Box::new(assessment.without_trace()),
                },
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conversation_of(messages: &[&str]) -> Conversation {
        let mut conversation = Conversation::default();
        for message in messages {
            conversation.add_message(message);
        }
        conversation
    }

    #[test]
    fn the_oldest_messages_are_left_out_first() {
        let conversation = conversation_of(&["aaaa", "bbbb", "cccc"]);

        let latest = |chars| serde_json::to_string(&conversation.latest(chars)).unwrap();
        assert_eq!(latest(11), r#"[{"patient":"bbbb"},{"patient":"cccc"}]"#);
        assert_eq!(latest(3), "[]");
        assert_eq!(conversation.messages(), ["aaaa", "bbbb", "cccc"]);
    }
}
