//! Questions find what the words did not tell.

use std::borrow::Cow;
use std::collections::HashSet;

use super::super::checklist::QUESTIONS;
use super::super::{
    Answer, Answers, Complaint, FlagStatus, RedFlag, Sex, Triage, Urgency, assess, checklist, rules,
};
use super::assert_no_faults;

/// No complaint is asked more.
const MAX_GENERAL_QUESTIONS: usize = 8;

fn answers(code: &'static str, answer: Answer) -> Answers {
    Answers::from([(Cow::Borrowed(code), answer)])
}

/// A complaint in which no rule finds anything.
fn vague(age: Option<u8>) -> Triage {
    assess(&Complaint {
        symptoms: "I feel unwell",
        history: None,
        age,
        sex: Some(Sex::Female),
    })
}

#[test]
fn a_yes_to_its_question_finds_every_emergency() {
    let asked: HashSet<&str> = QUESTIONS
        .iter()
        .flat_map(|question| question.covers.iter().chain([&question.raises]))
        .copied()
        .collect();
    let unasked: Vec<String> = rules::all_rules()
        .filter(|rule| rule.urgency == Urgency::Emergency && !asked.contains(rule.code))
        .map(|rule| format!("no question asks after {}", rule.code))
        .collect();
    assert_no_faults(&unasked);

    for question in QUESTIONS {
        let confirmed = vague(None)
            .answered(&answers(question.code, Answer::Yes))
            .unwrap();
        let rule = rules::rule_by_code(question.raises).unwrap();
        assert_eq!(
            confirmed.urgency,
            rule.urgency.max(vague(None).urgency),
            "{}",
            question.code
        );
        assert!(
            confirmed
                .red_flags
                .iter()
                .any(|flag| flag.code == question.raises)
        );
    }
}

#[test]
fn the_general_danger_signs_come_first() {
    let asked = vague(Some(30)).questions;
    assert!(
        !asked.is_empty() && asked.len() <= MAX_GENERAL_QUESTIONS,
        "{asked:?}"
    );

    let emergency = assess(&Complaint {
        symptoms: "crushing chest pain, sweating",
        history: None,
        age: Some(60),
        sex: None,
    });
    assert!(emergency.questions.is_empty());
}

#[test]
fn answers_only_raise() {
    let before = vague(Some(40));
    let code = QUESTIONS[0].code;

    let denied = before.answered(&answers(code, Answer::No)).unwrap();
    assert_eq!(denied.urgency, before.urgency);
    assert!(!denied.questions.iter().any(|open| open == code));

    let unsure = denied.answered(&answers(code, Answer::Unsure)).unwrap();
    assert_eq!(unsure.urgency, Urgency::Urgent);
    assert_eq!(unsure.red_flags[0].status, FlagStatus::Uncertain);

    let confirmed = unsure.answered(&answers(code, Answer::Yes)).unwrap();
    assert_eq!(confirmed.urgency, Urgency::Emergency);
    assert!(confirmed.questions.is_empty());

    // The same again changes nothing, and no later "no" takes it back.
    for answer in [Answer::Yes, Answer::No] {
        assert_eq!(
            confirmed.answered(&answers(code, answer)).unwrap(),
            confirmed
        );
    }
}

/// A doubt in the text is settled by asking; what the text plainly says is not asked.
#[test]
fn a_sign_that_is_left_open_is_asked_after() {
    let doubted = assess(&Complaint {
        symptoms: "I am not sure whether I am gasping for air",
        history: None,
        age: Some(40),
        sex: None,
    });
    let flag = &doubted.red_flags[0];
    assert_eq!(flag.status, FlagStatus::Uncertain);

    let mut questions = QUESTIONS.iter();
    let question = questions.find(|question| question.raises == flag.code);
    let code = Cow::Borrowed(question.unwrap().code);
    assert!(doubted.questions.contains(&code), "{doubted:?}");
}

/// A sign that the text left open is confirmed, also when that makes it no more urgent.
#[test]
fn a_yes_settles_a_doubt() {
    let question = &QUESTIONS[0];
    let rule = rules::rule_by_code(question.raises).unwrap();
    let mut doubted = vague(None);
    doubted.red_flags.push(RedFlag {
        code: Cow::Borrowed(rule.code),
        urgency: rule.urgency,
        status: FlagStatus::Uncertain,
    });

    let confirmed = doubted.answered(&answers(question.code, Answer::Yes));
    let flags = confirmed.unwrap().red_flags;
    assert_eq!(flags.len(), 1);
    assert_eq!(flags[0].status, FlagStatus::Present);
}

#[test]
fn an_answer_to_no_question_is_refused() {
    let refused = vague(None).answered(&answers("no_such_question", Answer::Yes));
    assert_eq!(refused.unwrap_err().code, "no_such_question");
}

#[test]
fn questions_follow_age_and_sex() {
    let of_man: Vec<_> = checklist(Some(40), Some(Sex::Male))
        .map(|question| question.topic)
        .collect();
    assert!(!of_man.contains(&"pregnancy"));

    for question in checklist(Some(40), None) {
        assert!(question.ages.contains(&40), "{}", question.code);
    }
}
