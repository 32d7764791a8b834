//! Questions find what the words did not tell.

use std::borrow::Cow;
use std::collections::HashSet;

use super::super::checklist::QUESTIONS;
use super::super::rule::Rule;
use super::super::{
    Answer, Answers, Complaint, FlagStatus, Question, RedFlag, Sex, Triage, Urgency, assess,
    checklist, question_by_code, rules,
};
use super::assert_no_faults;

/// No complaint is asked more.
const MAX_GENERAL_QUESTIONS: usize = 8;

fn answers(code: &'static str, answer: Answer) -> Answers {
    Answers::from([(Cow::Borrowed(code), answer)])
}

/// A complaint of each topic that tells no danger sign, in English and in Chinese.
#[rustfmt::skip]
const VAGUE_COMPLAINTS: &[(&str, [&str; 2])] = &[
    ("breath", ["my breathing is not right", "最近呼吸不太对劲"]),
    ("heart", ["my heart is not right", "心脏有点不舒服"]),
    ("child", ["my child is not well", "孩子不太舒服"]),
    ("abdomen", ["my stomach is playing up", "肚子不舒服"]),
    ("spine", ["my back is giving me trouble", "腰不太舒服"]),
    ("vessels", ["something is wrong with my calf", "小腿有点不对劲"]),
    ("skin", ["I have a rash", "身上起疹子"]),
    ("allergy", ["I have an allergy", "我有点过敏"]),
    ("senses", ["there is something wrong with my eye", "眼睛不舒服"]),
    ("brain", ["I am a bit dizzy", "有点头晕"]),
    ("pregnancy", ["I am pregnant and do not feel well", "我怀孕了，不太舒服"]),
    ("urinary", ["my bladder is odd", "小便有点不对劲"]),
    ("infection", ["I think I have an infection", "好像感染了"]),
    ("mouth", ["I have trouble with a tooth", "牙不舒服"]),
    ("mind", ["I have been feeling sad", "最近心情不好"]),
    ("metabolic", ["I have diabetes and do not feel well", "我有糖尿病"]),
    ("injury", ["I had a fall", "我摔了一下"]),
    ("exposure", ["I got a burn", "我被烫了一下"]),
    ("bites", ["I have a bite", "被虫子咬了"]),
    ("poison", ["a question about my tablets", "想问一下吃药的事"]),
    ("measures", ["I looked at my blood pressure", "我量了血压"]),
];

/// Ages and sexes of patients who together are asked every question; the first tells nothing.
const PATIENTS: &[(Option<u8>, Option<Sex>)] = &[
    (None, None),
    (Some(0), None),
    (Some(3), Some(Sex::Male)),
    (Some(30), Some(Sex::Female)),
    (Some(30), Some(Sex::Male)),
    (Some(70), Some(Sex::Female)),
];

/// The questions that a patient with this complaint is asked.
fn asked(symptoms: &str, age: Option<u8>, sex: Option<Sex>) -> HashSet<&'static str> {
    let triage = assess(&Complaint {
        symptoms,
        history: None,
        age,
        sex,
    });
    let questions = triage.questions.iter();
    questions
        .filter_map(|code| question_by_code(code))
        .map(|question| question.code)
        .collect()
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

/// What a patient cannot be asked for: that of the classifier names no sign, and the other one
/// tells what somebody has found.
const UNASKABLE: [&str; 2] = ["emergency_wording", "emergency_diagnosis"];

/// The rules of all emergencies that a sign tells of.
fn askable_emergencies() -> impl Iterator<Item = &'static Rule> {
    let emergencies = rules::all_rules().filter(|rule| rule.urgency == Urgency::Emergency);

    emergencies.filter(|rule| !UNASKABLE.contains(&rule.code))
}

#[test]
fn a_yes_to_its_question_finds_every_emergency() {
    let asked: HashSet<&str> = QUESTIONS
        .iter()
        .flat_map(|question| question.covers.iter().chain([&question.raises]))
        .copied()
        .collect();
    let unasked: Vec<String> = askable_emergencies()
        .filter(|rule| !asked.contains(rule.code))
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

/// Every danger sign comes to light by asking, however little the complaint tells of it.
#[test]
fn a_vague_complaint_is_asked_after_every_emergency_of_its_topic() {
    let mut found: HashSet<(&str, usize)> = HashSet::new();
    for (_, texts) in VAGUE_COMPLAINTS {
        for (language, text) in texts.iter().enumerate() {
            let asked = PATIENTS
                .iter()
                .flat_map(|(age, sex)| asked(text, *age, *sex));
            let rules = asked.filter_map(question_by_code).flat_map(Question::rules);
            found.extend(rules.map(|rule| (rule, language)));
        }
    }

    let unasked: Vec<String> = askable_emergencies()
        .flat_map(|rule| [(rule.code, 0), (rule.code, 1)])
        .filter(|wanted| !found.contains(wanted))
        .map(|(rule, language)| format!("no complaint in language {language} asks after {rule}"))
        .collect();
    assert_no_faults(&unasked);
}

/// A topic's own complaint asks each of its questions of some patient.
#[test]
fn every_question_is_asked_of_a_complaint_of_its_topic() {
    let mut faults = Vec::new();
    for (topic, texts) in VAGUE_COMPLAINTS {
        for text in texts {
            let asked: HashSet<&str> = PATIENTS
                .iter()
                .flat_map(|(age, sex)| asked(text, *age, *sex))
                .collect();
            let mut own = QUESTIONS.iter().filter(|own| own.topic == *topic);
            if let Some(missing) = own.find(|question| !asked.contains(question.code)) {
                faults.push(format!("{text:?} does not ask {}", missing.code));
            }
        }
    }
    assert_no_faults(&faults);

    let topics = QUESTIONS.iter().map(|question| question.topic);
    for topic in topics.filter(|topic| *topic != "general") {
        assert!(
            VAGUE_COMPLAINTS.iter().any(|(known, _)| *known == topic),
            "{topic}"
        );
    }
}

/// Of two topics that as many words tell of, each has half of the questions; a topic that more
/// words tell of has more.
#[test]
fn no_topic_crowds_out_another() {
    let count = |text: &str, topic: &str| {
        let asked = asked(text, Some(40), Some(Sex::Male));
        let mut questions = QUESTIONS.iter();
        questions
            .by_ref()
            .filter(|question| asked.contains(question.code) && question.topic == topic)
            .count()
    };

    let even = "my tooth and my eye";
    // The mouth has three questions in all.
    assert_eq!(count(even, "mouth"), 3);
    assert!(count(even, "senses") > 3);

    let uneven = "my eye, my sight, my ear and my tooth";
    assert!(count(uneven, "senses") > count(uneven, "mouth"));
    assert!(count(uneven, "mouth") > 0);
}

#[test]
fn a_topic_that_is_denied_is_not_asked_about() {
    let asked = asked("my tooth is odd, no rash", Some(40), None);
    let mut questions = QUESTIONS.iter();
    assert!(!questions.any(|question| question.topic == "skin" && asked.contains(question.code)));
}

/// Patients read the questions: short, in plain words of their language, and asked once.
#[test]
fn questions_are_short() {
    for question in QUESTIONS {
        let words = question.en.split_whitespace().count();
        assert!(
            (8..=30).contains(&words),
            "{}: {words} words",
            question.code
        );
        assert!(
            question.en.is_ascii() && question.en.ends_with('?'),
            "{}",
            question.code
        );
        assert!(question.zh.ends_with('？'), "{}", question.code);
    }

    let asked = vague(Some(40)).questions;
    let different: HashSet<_> = asked.iter().collect();
    assert_eq!(different.len(), asked.len());
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
