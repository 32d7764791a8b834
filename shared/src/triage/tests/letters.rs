//! A letter tells of fears, relatives and old events beside the complaint; a short text does not.

use super::super::Urgency::{Emergency, Routine, Urgent};
use super::super::{Mention, mentions};
use super::{Case, assert_at_least, assess_text, case, check_cases, symptoms_alone};

/// What makes a letter of a sentence, and tells nothing.
const BEFORE: &str = "Dear doctor, thank you for the appointment last month and for the leaflet \
    about cholesterol, which I have kept on the fridge ever since. I walk to the shop and back each \
    day and I have joined the choir again, which keeps me busy.";
const HAN_BEFORE: &str = "医生您好，我是上个月在您门诊开过降脂药的那个老病号，谢谢您上次那么耐心地给我讲解，\
    我回家以后都照您说的做，每天早晚走路，晚饭吃得清淡，合唱团也重新参加了，日子过得挺充实，孩子们也都放心。";

fn letter(sentence: &str) -> String {
    let before = if sentence.is_ascii() {
        BEFORE
    } else {
        HAN_BEFORE
    };
    format!("{before} {sentence}")
}

#[test]
fn what_a_letter_fears_reads_of_or_tells_of_others_raises_nothing() {
    let asides = [
        "My neighbour was told it was vertigo and it was a stroke in fact.",
        "Is there a risk of a heart attack with this tablet?",
        "I have read that it can cause a stroke.",
        "I am a bit worried about sepsis, like in the news.",
        "我担心以后会心梗。",
        "网上说这个药吃久了会引起中风，是真的吗？",
    ];

    for aside in asides {
        let triage = assess_text(&letter(aside));
        assert!(triage.urgency < Emergency, "{aside}: {triage:?}");
    }
}

#[test]
fn what_happens_now_counts_in_a_letter() {
    let events = [
        "My husband is having a stroke, his face has dropped on one side.",
        "My husband has crushing chest pain and is grey.",
        "My daughter swallowed 30 tablets.",
        "My wife cannot breathe and her lips are blue.",
        "This morning my right arm went weak and I could not get my words out.",
        "I have crushing chest pain right now and I am soaked in sweat.",
        "我老公突然说不出话，右边胳膊抬不起来。",
        "今天早上胸口像压了块石头，出了一身冷汗。",
    ];
    let letters: Vec<String> = events.iter().map(|event| letter(event)).collect();
    let letters: Vec<&str> = letters.iter().map(String::as_str).collect();

    assert_at_least(Emergency, &letters);
}

#[test]
fn the_second_clause_of_an_old_event_is_as_old() {
    let told = letter(
        "I got a head injury 11 years ago in a bike accident, was unconscious for some minutes, \
         and I recovered completely.",
    );

    let triage = assess_text(&told);
    assert!(triage.urgency < Emergency, "{triage:?}");
}

const SHORT: &[Case] = &[
    case(
        "a fear that is all that is told is taken seriously",
        "I'm scared it's a heart attack",
        Emergency,
        &["cardiac_chest_pain"],
    ),
    case(
        "a single sign in a short text",
        "my arm is weak on one side",
        Emergency,
        &["stroke_signs"],
    ),
];

#[test]
fn a_short_text_is_taken_at_its_word() {
    check_cases(SHORT);
}

const GENERAL: &[Case] = &[
    case("what is", "What is secondary drowning?", Routine, &["!"]),
    case(
        "difference",
        "what's the difference between cardiac arrest and a heart attack",
        Routine,
        &["!"],
    ),
    case("mortality", "热射病死亡率高吗", Routine, &["!"]),
    case(
        "a sign may be one's own",
        "胸痛是怎么引起的",
        Urgent,
        &["chest_pain"],
    ),
    case(
        "and is, beside another",
        "what is crushing chest pain with sweating",
        Emergency,
        &["cardiac_chest_pain"],
    ),
    case(
        "somebody is meant",
        "What is wrong, he is unconscious?",
        Emergency,
        &["unresponsive"],
    ),
];

#[test]
fn a_question_right_beside_a_name_is_about_nobody() {
    check_cases(GENERAL);
}

const ANIMALS: &[Case] = &[
    case("an animal", "my dog is choking on a bone", Routine, &["!"]),
    case(
        "what it did",
        "my dog has bitten my hand",
        Urgent,
        &["rabies_exposure"],
    ),
    case(
        "somebody beside it",
        "the dog is barking and dad cant breathe",
        Emergency,
        &["severe_breathlessness"],
    ),
];

#[test]
fn an_animal_is_no_patient() {
    check_cases(ANIMALS);
}

const LEFT_OPEN: &[Case] = &[case(
    "one sign in a letter that reads like no emergency",
    "For the last couple of years I have had a stiff knee after gardening, and the physiotherapist \
     gave me exercises which I do most days. My cholesterol is 5.1 and my blood pressure 132/78, \
     both taken in May. My appointment is in three weeks. My hand is weak after the operation on my \
     wrist. Should I carry on with the exercises, or would a scan be useful? Thank you for your help.",
    Urgent,
    &["?stroke_signs"],
)];

#[test]
fn a_single_emergency_in_a_calm_letter_is_left_open() {
    check_cases(LEFT_OPEN);
}

#[test]
fn an_explanation_names_each_finding_with_its_words_and_status() {
    let told = mentions(&symptoms_alone("no fever, but chest pain"));

    let mention = |finding: &str, words: &str, status: &str| Mention {
        finding: finding.to_owned(),
        words: words.to_owned(),
        status: status.to_owned(),
    };
    assert!(
        told.contains(&mention("Fever", "fever", "Denied")),
        "{told:?}"
    );
    assert!(
        told.contains(&mention("ChestPain", "chest pain", "Present")),
        "{told:?}"
    );
}
