//! What age, sex, history and temperature change.

use super::super::Sex::{Female, Male};
use super::super::Urgency::{self, Emergency, Routine, Urgent};
use super::super::{FlagStatus, Sex};
use super::{patient, status_of};

type Patient = (
    &'static str,
    Option<&'static str>,
    Option<u8>,
    Option<Sex>,
    Urgency,
    &'static str,
);

const PATIENTS: &[Patient] = &[
    (
        "my 2 month old baby has a fever",
        None,
        None,
        None,
        Emergency,
        "infant_fever_under_3_months",
    ),
    (
        "My two-month-old has a temperature of 38.2",
        None,
        Some(0),
        None,
        Emergency,
        "infant_fever_under_3_months",
    ),
    (
        "宝宝2个月，发烧38.5度",
        None,
        None,
        None,
        Emergency,
        "infant_fever_under_3_months",
    ),
    (
        "宝宝六周大，体温38.1℃",
        None,
        None,
        None,
        Emergency,
        "infant_fever_under_3_months",
    ),
    (
        "5个月宝宝发烧39.5℃",
        None,
        Some(0),
        None,
        Urgent,
        "infant_fever_3_to_6_months",
    ),
    (
        "my 4 month old daughter has 39.5 °C",
        None,
        None,
        None,
        Urgent,
        "infant_fever_3_to_6_months",
    ),
    (
        "baby is 10 weeks old, 102F",
        None,
        None,
        None,
        Emergency,
        "infant_fever_under_3_months",
    ),
    (
        "宝宝发烧",
        None,
        Some(0),
        None,
        Urgent,
        "infant_fever_under_3_months",
    ),
    (
        "发烧",
        Some("乳腺癌化疗中"),
        Some(50),
        None,
        Emergency,
        "immunosuppressed_fever",
    ),
    (
        "fever",
        Some("on chemotherapy"),
        Some(50),
        None,
        Emergency,
        "immunosuppressed_fever",
    ),
    (
        "I bumped my head",
        Some("takes warfarin"),
        Some(70),
        None,
        Emergency,
        "head_injury_danger",
    ),
    (
        "摔到头了",
        Some("服用华法林"),
        Some(70),
        None,
        Emergency,
        "head_injury_danger",
    ),
    (
        "vaginal bleeding",
        Some("10 weeks pregnant"),
        Some(30),
        Some(Female),
        Emergency,
        "bleeding_in_pregnancy",
    ),
    (
        "下身出血",
        Some("怀孕8周"),
        Some(30),
        Some(Female),
        Emergency,
        "bleeding_in_pregnancy",
    ),
    (
        "vomiting a lot",
        Some("type 1 diabetes"),
        Some(20),
        None,
        Emergency,
        "diabetic_ketoacidosis",
    ),
    (
        "一直呕吐",
        Some("1型糖尿病"),
        Some(20),
        None,
        Emergency,
        "diabetic_ketoacidosis",
    ),
    (
        "chest tightness",
        Some("冠心病支架术后"),
        Some(60),
        None,
        Emergency,
        "cardiac_chest_pain",
    ),
    (
        "睾丸剧痛",
        None,
        Some(14),
        Some(Male),
        Emergency,
        "testicular_torsion",
    ),
];

#[test]
fn data_and_history_raise_the_urgency() {
    for &(text, history, age, sex, urgency, code) in PATIENTS {
        let found = patient(text, history, age, sex);
        assert_eq!(found.urgency, urgency, "{text}: {found:?}");
        assert!(status_of(&found, code).is_some(), "{text}: {found:?}");
    }
}

#[test]
fn an_infant_of_unknown_months_is_uncertain() {
    let found = patient("发烧38.5度", None, Some(0), None);
    assert_eq!(
        status_of(&found, "infant_fever_under_3_months"),
        Some(FlagStatus::Uncertain)
    );
}

#[test]
fn calm_patients_stay_routine() {
    let calm: &[(&str, Option<&str>, Option<u8>)] = &[
        ("孩子发烧38.2度，精神好", None, Some(4)),
        (
            "my son has a fever of 38.3 and plays normally",
            None,
            Some(4),
        ),
        ("咳嗽2个月", None, Some(30)),
        (
            "cough",
            Some("heart attack and chest pain in the past"),
            Some(50),
        ),
        ("咳嗽", Some("曾有胸痛、呕血"), Some(50)),
        ("fever 38.2, no chemo", Some("not pregnant"), Some(30)),
        ("发烧38.2", Some("未怀孕，没有糖尿病"), Some(30)),
        ("37.2度", None, Some(0)),
    ];
    for &(text, history, age) in calm {
        let found = patient(text, history, age, None);
        assert_eq!(
            (found.urgency, found.red_flags.len()),
            (Routine, 0),
            "{text}: {found:?}"
        );
    }
}

#[test]
fn sex_spares_what_cannot_be() {
    let found = patient("balls hurt", None, Some(30), Some(Female));
    assert!(status_of(&found, "testicular_torsion").is_none());
}
