//! A complaint with the messages after it.

use super::complaint::Complaint;
use super::verdict::Triage;
use super::{Urgency, assess, question_by_code};

/// A complaint and the messages after it, as one text.
#[must_use]
pub fn joined_text(complaint: &Complaint<'_>, messages: &[&str]) -> String {
    let mut parts = vec![complaint.symptoms];
    parts.extend(messages);
    parts.join("\n\n")
}

/// Decides over a complaint and the messages after it: over all words together, since signs may
/// stand in different messages, and over each text by itself, since a long one is read otherwise.
#[must_use]
pub fn assess_conversation(complaint: &Complaint<'_>, messages: &[&str]) -> Triage {
    if messages.is_empty() {
        return assess(complaint);
    }

    let whole = assess(&Complaint {
        symptoms: &joined_text(complaint, messages),
        ..*complaint
    });
    let parts = [complaint.symptoms].into_iter();
    parts
        .chain(messages.iter().copied())
        .fold(whole, |decided, symptoms| {
            let by_itself = assess(&Complaint {
                symptoms,
                ..*complaint
            });
            decided.with_flags_of(&by_itself)
        })
}

impl Triage {
    /// The same with the flags of what else the patient wrote. What raises none changes nothing.
    fn with_flags_of(mut self, other: &Self) -> Self {
        for flag in &other.red_flags {
            self.raise(flag.clone());
        }

        let known = std::mem::take(&mut self.read_as);
        let new = other.read_as.iter().filter(|word| !known.contains(word));
        self.read_as = known.iter().chain(new).cloned().collect();
        if self.urgency == Urgency::Emergency {
            self.questions.clear();
        }
        self
    }

    /// The same with what was decided earlier in the conversation: its flags, the answers to its
    /// questions, and at least its urgency.
    #[must_use]
    pub fn with_earlier(self, earlier: &Self) -> Self {
        // A question may have gone with an earlier version of the rules; its flag has been kept.
        let mut answers = earlier.answers.clone();
        answers.retain(|code, _| question_by_code(code).is_some());
        let decided = self.answered(&answers).unwrap_or(self);

        let mut decided = decided.with_flags_of(earlier);
        decided.urgency = decided.urgency.raised_to(earlier.urgency);
        if decided.urgency == Urgency::Emergency {
            decided.questions.clear();
        }
        decided
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaint(symptoms: &str) -> Complaint<'_> {
        Complaint {
            symptoms,
            history: None,
            age: None,
            sex: None,
        }
    }

    fn urgency_of(symptoms: &str, messages: &[&str]) -> Urgency {
        assess_conversation(&complaint(symptoms), messages).urgency
    }

    #[test]
    fn a_message_raises_what_the_complaint_did_not() {
        assert_eq!(urgency_of("my arm aches", &[]), Urgency::Routine);
        let later = [
            "since yesterday",
            "now I have crushing chest pain and cold sweat",
        ];
        assert_eq!(urgency_of("my arm aches", &later), Urgency::Emergency);
        assert_eq!(
            urgency_of("胳膊有点疼", &["现在胸口压榨样疼，出冷汗"]),
            Urgency::Emergency
        );
    }

    #[test]
    fn a_message_that_says_nothing_changes_nothing() {
        let before = urgency_of("a runny nose since yesterday", &[]);
        assert_eq!(
            urgency_of("a runny nose since yesterday", &["thank you"]),
            before
        );
    }

    /// A later denial does not take back what was found.
    #[test]
    fn what_was_decided_earlier_stays() {
        let earlier = assess(&complaint("crushing chest pain, sweating"));
        assert_eq!(earlier.urgency, Urgency::Emergency);

        let now = assess(&complaint("I feel fine now, no pain at all")).with_earlier(&earlier);
        assert_eq!(now.urgency, Urgency::Emergency);
        assert_eq!(now.red_flags, earlier.red_flags);
        assert!(now.questions.is_empty());
    }
}
