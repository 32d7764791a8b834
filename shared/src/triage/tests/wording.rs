//! The classifier speaks where the rules are silent, and only there.

use super::super::Urgency::{Emergency, Routine, Urgent};
use super::{Case, case, check_cases};

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
        "my wound from the operation is red and weeping and I feel shivery today",
        Urgent,
        &["wound_infection", "!urgent_wording"],
    ),
    case(
        "what is denied resembles nothing",
        "no chest pain, no trouble breathing, no fainting, no weakness, no bleeding, no fever, no \
         headache, no rash, I only ask for the date of my next check",
        Routine,
        &["!"],
    ),
];

#[test]
fn the_classifier_speaks_where_the_rules_are_silent() {
    check_cases(WORDINGS);
}
