//! What the patient's answers change.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::fmt;

use super::question_by_code;
use crate::triage::answer::{Answer, Answers};
use crate::triage::rules;
use crate::triage::urgency::Urgency;
use crate::triage::verdict::{FlagStatus, RedFlag, Triage};

/// An answer to a question that there is not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownQuestion {
    /// The code that was given.
    pub code: String,
}

impl fmt::Display for UnknownQuestion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("there is no question with this code")
    }
}

impl std::error::Error for UnknownQuestion {}

impl Triage {
    /// The decision when these answers are known as well. It is never less urgent than before, the
    /// same answers change nothing more, and an answer that was more alarming before stands.
    ///
    /// # Errors
    ///
    /// If an answer is to a question that there is not; nothing is decided then.
    pub fn answered(&self, answers: &Answers) -> Result<Self, UnknownQuestion> {
        let mut decided = self.clone();

        for (code, answer) in answers {
            let question = question_by_code(code).ok_or_else(|| UnknownQuestion {
                code: code.to_string(),
            })?;

            let code = Cow::Borrowed(question.code);
            decided.questions.retain(|open| *open != code);
            let kept = decided.answers.entry(code).or_insert(*answer);
            *kept = (*kept).max(*answer);
            if let Some(flag) = flag_of(question.raises, *kept) {
                decided.raise(flag);
            }
        }

        if decided.urgency == Urgency::Emergency {
            decided.questions.clear();
        }
        Ok(decided)
    }

    /// Adds a flag, or keeps the more alarming of two with one code.
    pub(in crate::triage) fn raise(&mut self, flag: RedFlag) {
        self.urgency = self.urgency.max(flag.urgency);

        let mut flags = self.red_flags.iter_mut();
        match flags.find(|known| known.code == flag.code) {
            Some(known) if known.is_less_alarming_than(&flag) => *known = flag,
            Some(_) => {}
            None => self.red_flags.push(flag),
        }
        self.red_flags.sort_by_key(|flag| Reverse(flag.urgency));
    }
}

/// The flag that an answer raises.
fn flag_of(rule: &str, answer: Answer) -> Option<RedFlag> {
    let rule = rules::rule_by_code(rule)?;
    let (status, urgency) = match answer {
        Answer::Yes => (FlagStatus::Present, rule.urgency),
        Answer::Unsure => (FlagStatus::Uncertain, rule.uncertain_urgency()),
        Answer::No => return None,
    };

    Some(RedFlag {
        code: Cow::Borrowed(rule.code),
        urgency,
        status,
    })
}
