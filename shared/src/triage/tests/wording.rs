//! The classifier speaks where the rules are silent, and only there.

use super::super::Urgency::{Emergency, Routine, Urgent};
use super::super::{assess, assess_by_rules, told_text};
use super::{Case, case, check_cases, symptoms_alone};

const WORDINGS: &[Case] = &[
    case(
        "what resembles an emergency is one, and left open",
        "他把信都写好了，药也摆在桌子上，叫我们以后照顾好妈妈",
        Emergency,
        &["?emergency_wording"],
    ),
    case(
        "a few words say too little",
        "他把信都写好了",
        Routine,
        &["!"],
    ),
    case(
        "a rule has found it already",
        "I have crushing chest pain since an hour ago and the sweat is running down my face",
        Emergency,
        &["!emergency_wording", "!urgent_wording"],
    ),
    case(
        "a rule has found that it is urgent",
        "the cut on my foot from the weekend is red and weeping and hot, it throbs since yesterday \
         and I feel shivery today, can it wait until Monday or should somebody look at it",
        Urgent,
        &["spreading_skin_infection", "!urgent_wording"],
    ),
    case(
        "words that weigh when they are told",
        "since this morning chest pain, trouble breathing, fainting, sweating and grey in the \
         face, and now his arm is weak and his speech is slurred",
        Emergency,
        &["stroke_signs"],
    ),
    case(
        "and nothing when they are denied",
        "no chest pain, no trouble breathing, no fainting, no sweating, not grey in the face, no \
         weak arm, no slurred speech; I only ask for the date of my next check and whether I can \
         have it at the other surgery",
        Routine,
        &["!"],
    ),
];

#[test]
fn the_classifier_speaks_where_the_rules_are_silent() {
    check_cases(WORDINGS);
}

/// What the two verdicts of one text differ by is the classifier's.
#[test]
fn the_rules_can_be_asked_alone() {
    let told = symptoms_alone("他把信都写好了，药也摆在桌子上，叫我们以后照顾好妈妈");

    assert_eq!(assess(&told).urgency, Emergency);
    assert_eq!(assess_by_rules(&told).urgency, Routine);
}

#[test]
fn what_is_looked_up_is_what_is_told() {
    let told = told_text(&symptoms_alone("没有胸痛，只是咳嗽三天"));
    assert!(told.contains("咳嗽") && !told.contains("胸痛"), "{told}");

    let told = told_text(&symptoms_alone("I am not sure whether it is chest pain"));
    assert!(
        told.contains("chest pain"),
        "what is left open is told: {told}"
    );

    let told = told_text(&symptoms_alone("a fever of 38.6, no rash, no stiff neck"));
    assert!(told.contains("fever") && !told.contains("neck"), "{told}");
}
