//! The summary while a model still writes it: its whole sentences, for those who wait.
//!
//! What is shown is part of no accepted answer yet. So nothing is shown before the model has named
//! an urgency, nor if that is below the rules'; and what turns out not to be an answer is taken
//! back.

use std::time::{Duration, Instant};

use parking_lot::Mutex;
use serde_json::Value;
use tokio::sync::watch;

use super::citations;
use crate::realtime::events::SummaryPart;
use crate::triage::Urgency;

/// From one look at a growing answer to the next: each reads all of it.
const LOOK_INTERVAL: Duration = Duration::from_millis(150);

/// The longest text that is shown before the answer is whole, in characters.
const MAX_CHARS: usize = 1_500;

/// The summary that the models of one assessment write. A text that is shown is replaced by the
/// next one; an empty one takes it back.
#[derive(Default)]
pub struct LiveSummary {
    shown: watch::Sender<SummaryPart>,
    writers: Mutex<Writers>,
}

/// Of several models that are asked at the same time, the words of one are shown.
#[derive(Default)]
struct Writers {
    /// How many there have been.
    count: u64,
    /// The number of the one whose words are shown.
    current: Option<u64>,
}

/// One model that writes.
pub(super) struct Writer<'s> {
    live: &'s LiveSummary,
    number: u64,
    /// No text may be shown that belongs to a lower one.
    least_urgency: Urgency,
    looked_at: Mutex<Option<Instant>>,
}

impl LiveSummary {
    /// Hears of each text that is to be shown, or only of the last one if several came meanwhile.
    pub fn subscribe(&self) -> watch::Receiver<SummaryPart> {
        self.shown.subscribe()
    }

    /// A model that is asked.
    pub(super) fn new_writer(&self, least_urgency: Urgency) -> Writer<'_> {
        let mut writers = self.writers.lock();
        writers.count += 1;
        Writer {
            live: self,
            number: writers.count,
            least_urgency,
            looked_at: Mutex::default(),
        }
    }

    fn show(&self, part: SummaryPart) {
        self.shown.send_if_modified(|shown| {
            let is_new = *shown != part;
            *shown = part;
            is_new
        });
    }
}

impl Writer<'_> {
    /// More of an answer has come. `read` gives all of it, as it is, if it may be one.
    pub(super) fn note_part(&self, read: impl FnOnce() -> Option<String>) {
        if !self.may_look() {
            return;
        }
        let part = read().and_then(|answer| AnswerPart::read(&answer));
        let shown = part.and_then(|part| part.showable(self.least_urgency));
        let Some(shown) = shown else {
            return;
        };

        let mut writers = self.live.writers.lock();
        if *writers.current.get_or_insert(self.number) == self.number {
            self.live.show(shown);
        }
    }

    fn may_look(&self) -> bool {
        let mut looked_at = self.looked_at.lock();
        let is_early = looked_at.is_some_and(|last| last.elapsed() < LOOK_INTERVAL);
        if !is_early {
            *looked_at = Some(Instant::now());
        }
        !is_early
    }

    /// What was shown is no answer.
    pub(super) fn withdraw(&self) {
        let mut writers = self.live.writers.lock();
        if writers.current == Some(self.number) {
            writers.current = None;
            self.live.show(SummaryPart::default());
        }
    }

    /// What was shown belongs to an answer that is accepted.
    pub(super) fn keep(&self) {
        let mut writers = self.live.writers.lock();
        if writers.current == Some(self.number) {
            // Nobody's: whoever still writes shows nothing any more.
            writers.current = Some(0);
        }
    }
}

/// A model that is not asked any more has given no answer, unless it was accepted.
impl Drop for Writer<'_> {
    fn drop(&mut self) {
        self.withdraw();
    }
}

/// What can be read of an answer that is not whole yet.
struct AnswerPart {
    urgency: Urgency,
    summary: String,
    /// Whether the model has ended the summary, and writes other members.
    is_ended: bool,
}

impl AnswerPart {
    /// None unless the answer is one JSON object so far, with an urgency and a summary. Other forms
    /// of answers are shown when they are whole.
    fn read(answer: &str) -> Option<Self> {
        let value: Value = serde_json::from_str(&closed(answer.trim_start())?).ok()?;
        let urgency = serde_json::from_value(value.get("urgency")?.clone()).ok()?;
        let summary = value.get("summary")?.as_str()?;
        let begun = summary.strip_suffix(CUT_OFF);
        Some(Self {
            urgency,
            summary: begun.unwrap_or(summary).to_owned(),
            is_ended: begun.is_none(),
        })
    }

    /// Its whole sentences, if they may be shown: not to somebody whom the rules send to a doctor
    /// sooner than the model does.
    fn showable(&self, least_urgency: Urgency) -> Option<SummaryPart> {
        if self.urgency < least_urgency {
            return None;
        }

        let start: String = self.summary.chars().take(MAX_CHARS).collect();
        let is_whole = self.is_ended && start.len() == self.summary.len();
        let sentences = if is_whole {
            start.trim()
        } else {
            whole_sentences(&start)
        };
        let text = citations::without_marks(sentences);
        let part = SummaryPart {
            text,
            urgency: Some(self.urgency),
        };
        Some(part).filter(|part| !part.text.is_empty())
    }
}

/// The text up to the last end of a sentence. What stands there last may go on: a full stop is one
/// only before a space.
fn whole_sentences(text: &str) -> &str {
    let characters: Vec<_> = text.char_indices().collect();
    let ends = characters.windows(2).rev();
    let end = ends.filter_map(|pair| match pair {
        [(at, '\n' | '。' | '！' | '？' | '；'), _] => Some(at),
        [(at, '.' | '!' | '?'), (_, next)] if next.is_whitespace() => Some(at),
        _ => None,
    });
    let end = end.map(|at| at + text[*at..].chars().next().map_or(0, char::len_utf8));
    text.get(..end.into_iter().next().unwrap_or(0))
        .unwrap_or_default()
        .trim()
}

/// Stands where a text was cut off: no model writes it, it is for private use.
const CUT_OFF: char = '\u{f8ff}';

/// A beginning of a JSON object with what closes its last text, behind [`CUT_OFF`], and all that is
/// open. It may not be JSON all the same, such as behind a key without its value.
fn closed(beginning: &str) -> Option<String> {
    if !beginning.starts_with('{') {
        return None;
    }

    let mut closers = Vec::new();
    let mut is_in_text = false;
    let mut escape_at = None;
    for (at, byte) in beginning.bytes().enumerate() {
        if escape_at.take().is_some() {
            continue; // it belongs to the backslash
        }
        match byte {
            b'\\' if is_in_text => escape_at = Some(at),
            b'"' => is_in_text = !is_in_text,
            b'{' if !is_in_text => closers.push('}'),
            b'[' if !is_in_text => closers.push(']'),
            b'}' | b']' if !is_in_text => drop(closers.pop()),
            _ => {}
        }
    }

    let mut whole = beginning
        .get(..escape_at.unwrap_or(beginning.len()))?
        .to_owned();
    if is_in_text {
        whole.push(CUT_OFF);
        whole.push('"');
    }
    whole.extend(closers.iter().rev());
    Some(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &str = r#"{"urgency": "urgent", "summary": "This may be \"angina\" [p1]. See a doctor today.\nNow.", "red_flags": ["x"]}"#;

    fn shown(answer: &str, least_urgency: Urgency) -> Option<String> {
        let part = AnswerPart::read(answer)?.showable(least_urgency)?;
        Some(part.text)
    }

    #[test]
    fn only_whole_sentences_are_shown_and_each_part_begins_the_next_one() {
        let mut last = String::new();
        let ends = ANSWER.char_indices().map(|(at, _)| at);
        for end in ends.chain([ANSWER.len()]) {
            // In the middle of a name nothing can be read, and so nothing is shown anew.
            let Some(text) = shown(&ANSWER[..end], Urgency::Routine) else {
                continue;
            };
            assert!(text.starts_with(&last), "{text:?} after {last:?}");
            assert!(text.ends_with(['.', '!']), "{text:?}");
            last = text;
        }
        assert_eq!(last, "This may be \"angina\". See a doctor today.\nNow.");
    }

    #[test]
    fn nothing_below_the_rules_is_shown_nor_before_the_urgency_is_known() {
        assert_eq!(shown(ANSWER, Urgency::Emergency), None);
        let unknown = r#"{"summary": "All is well. Really. "#;
        assert_eq!(shown(unknown, Urgency::SelfCare), None);
        let cut_off = r#"{"summary": "All is well. Really. ", "urgency": "emer"#;
        assert_eq!(shown(cut_off, Urgency::SelfCare), None);
    }

    #[test]
    fn chinese_sentences_end_without_a_space() {
        let answer = r#"{"urgency": "routine", "summary": "可能是感冒。请多休息，如果"#;
        let text = shown(answer, Urgency::Routine);
        assert_eq!(text.as_deref(), Some("可能是感冒。"));
    }

    #[test]
    fn other_forms_are_not_shown() {
        for answer in [
            "",
            "Here it is: {",
            "```json\n{",
            "[{",
            "{\"summary\": 5",
            "\\u",
        ] {
            assert_eq!(shown(answer, Urgency::SelfCare), None, "{answer}");
        }
    }

    #[test]
    fn the_words_of_one_model_are_shown_until_they_are_taken_back() {
        let live = LiveSummary::default();
        let heard = live.subscribe();
        let whole = || Some(ANSWER.to_owned());
        let first = live.new_writer(Urgency::Routine);
        let second = live.new_writer(Urgency::Routine);
        first.note_part(whole);
        let text = heard.borrow().text.clone();
        assert!(text.starts_with("This may be"));

        second.withdraw();
        second.note_part(|| Some(r#"{"urgency": "urgent", "summary": "Another. x"#.to_owned()));
        assert_eq!(heard.borrow().text, text, "the first one's words stand");

        drop(first);
        assert_eq!(heard.borrow().text, "");
        let third = live.new_writer(Urgency::Routine);
        third.note_part(whole);
        third.keep();
        drop(third);
        assert_eq!(heard.borrow().text, text, "an accepted answer's words stay");
    }
}
