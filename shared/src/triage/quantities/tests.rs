//! Vital signs in the words of patients, parents and triage notes.

use proptest::prelude::*;

use crate::triage::{Complaint, Urgency, assess};

/// What the rules make of a text, for a patient of this age.
fn urgency_of(symptoms: &str, age: Option<u8>) -> Urgency {
    let complaint = Complaint {
        symptoms,
        history: None,
        age,
        sex: None,
    };
    assess(&complaint).urgency
}

/// The codes that a text raises, for an adult.
fn codes_of(symptoms: &str) -> Vec<String> {
    let complaint = Complaint {
        symptoms,
        history: None,
        age: Some(40),
        sex: None,
    };
    let flags = assess(&complaint).red_flags;
    flags.iter().map(|flag| flag.code.to_string()).collect()
}

#[test]
fn each_spelling_of_a_vital_sign_is_read() {
    let cases = [
        ("low_blood_pressure", "82/44 and cold sweat"),
        ("low_blood_pressure", "bp seventy over forty"),
        ("low_blood_pressure", "血压72/40"),
        ("low_blood_pressure", "高压六十八、低压四十"),
        ("hypertensive_emergency", "血压260"),
        ("hypertensive_emergency", "BP: 226/134"),
        ("very_high_blood_pressure", "量到180/110"),
        ("very_high_blood_pressure", "bp is one eighty over one ten"),
        ("very_high_blood_pressure", "高压一百八"),
        ("very_high_blood_pressure", "血压从150升到185"),
        ("low_oxygen", "血氧82"),
        ("low_oxygen", "sats 85"),
        ("low_oxygen", "SpO2 88%"),
        ("low_oxygen", "O2 sat of 86 percent"),
        ("low_oxygen", "85% on room air"),
        ("low_oxygen", "sats ok this morning but 84 now"),
        ("low_oxygen", "oxygen was fine yesterday, 84 now"),
        ("low_oxygen", "血氧仪只有百分之八十五"),
        ("low_oxygen", "his oxygen dropped from 97 to 84"),
        ("pulse_danger", "HR 190"),
        ("pulse_danger", "her heart is going at 180 bpm"),
        ("pulse_danger", "心率每分钟35次"),
        ("breathing_rate_danger", "RR 36"),
        ("breathing_rate_danger", "呼吸40次/分"),
        ("breathing_rate_danger", "45 breaths a minute"),
        ("glucose_crisis", "sugar 520"),
        ("glucose_crisis", "血糖28.5"),
        ("glucose_crisis", "glucose 29 mmol/L"),
        ("very_low_glucose", "blood glucose of 42 mg/dL"),
        ("very_low_glucose", "血糖2.3"),
        ("reduced_consciousness_score", "GCS 12/15"),
        ("extreme_temperature", "temp 41.3"),
        ("overdose", "I took 100 paracetamol"),
        ("overdose", "swallowed 200 ibuprofen an hour ago"),
        ("overdose", "took paracetamol 200 tablets"),
        ("severe_pain_score", "stomach pain, 9 out of 10"),
    ];

    let missed: Vec<_> = cases
        .iter()
        .filter(|(code, text)| !codes_of(text).iter().any(|found| found == code))
        .map(|(code, text)| format!("{code}: {text} gave {:?}", codes_of(text)))
        .collect();
    assert!(missed.is_empty(), "{missed:#?}");
}

#[test]
fn other_numbers_are_no_vital_signs() {
    let texts = [
        "blood pressure for 10 years",
        "高血压10年",
        "血压120/80，体重60公斤",
        "I use 70/30 insulin",
        "20/20 vision",
        "24/7",
        "the bottom number is 84",
        "sugar 3 times a day",
        "I checked my blood pressure 3 times: 118/76, 121/80, 119/79",
        "oxygen 98%",
        "heart rate of 72",
        "心率75次/分，律齐",
        "呼吸平稳，18次/分",
        "my A1c is 6.1 and fasting glucose 5.4",
        "血压50天没量了",
    ];

    let alarmed: Vec<_> = texts
        .iter()
        .map(|text| (text, codes_of(text)))
        .filter(|(_, codes)| !codes.is_empty())
        .collect();
    assert!(alarmed.is_empty(), "{alarmed:#?}");
}

#[test]
fn a_word_that_looks_like_a_value_is_none() {
    let cases = [
        "heart failure with an EF of 38%",
        "用血糖仪测了一下饭后8.2",
        "血糖一般都挺好",
        "sugar normal, testosterone 520",
        "can I take ibuprofen 400 with paracetamol 500 for my back",
        "my record is d104b34d-c41c-47c8-8376-8c4e7f149111",
        "档案号e44ee851bc8441b394b2c1aff43c8bd2，想复诊",
    ];

    for text in cases {
        let codes = codes_of(text);
        assert!(codes.is_empty(), "{text} gave {codes:?}");
    }
}

#[test]
fn a_childs_pulse_and_breathing_are_read_by_age() {
    assert_eq!(urgency_of("pulse 150", Some(0)), Urgency::Routine);
    assert_eq!(urgency_of("pulse 155", Some(40)), Urgency::Emergency);
    assert_eq!(urgency_of("breathing rate 36", Some(2)), Urgency::Routine);
    assert_eq!(
        urgency_of("breathing rate 36", Some(40)),
        Urgency::Emergency
    );
    assert_eq!(urgency_of("呼吸频率55次/分", Some(1)), Urgency::Emergency);
}

#[test]
fn pregnancy_lowers_the_bound_of_the_pressure() {
    assert_eq!(urgency_of("BP 150/95", Some(30)), Urgency::Routine);
    assert_eq!(
        urgency_of("32 weeks pregnant, BP 150/95", Some(30)),
        Urgency::Urgent
    );
    assert_eq!(
        urgency_of("32 weeks pregnant, BP 165/95", Some(30)),
        Urgency::Emergency
    );
}

/// A vital sign with the range of a living body, and the side that is worse.
#[derive(Debug, Clone, Copy)]
struct Scale {
    name: &'static str,
    low: u32,
    high: u32,
    greater_is_worse: bool,
}

const SCALES: &[Scale] = &[
    Scale {
        name: "blood pressure",
        low: 125,
        high: 290,
        greater_is_worse: true,
    },
    Scale {
        name: "blood pressure",
        low: 45,
        high: 120,
        greater_is_worse: false,
    },
    Scale {
        name: "oxygen saturation",
        low: 45,
        high: 100,
        greater_is_worse: false,
    },
    Scale {
        name: "pulse",
        low: 80,
        high: 290,
        greater_is_worse: true,
    },
    Scale {
        name: "pulse",
        low: 21,
        high: 75,
        greater_is_worse: false,
    },
    Scale {
        name: "respiratory rate",
        low: 16,
        high: 110,
        greater_is_worse: true,
    },
    Scale {
        name: "respiratory rate",
        low: 3,
        high: 14,
        greater_is_worse: false,
    },
    Scale {
        name: "blood glucose",
        low: 90,
        high: 900,
        greater_is_worse: true,
    },
    Scale {
        name: "blood glucose",
        low: 36,
        high: 90,
        greater_is_worse: false,
    },
    Scale {
        name: "temperature",
        low: 37,
        high: 43,
        greater_is_worse: true,
    },
    Scale {
        name: "GCS",
        low: 3,
        high: 15,
        greater_is_worse: false,
    },
];

proptest! {
    #[test]
    fn a_worse_value_never_lowers_the_urgency(
        scale in prop::sample::select(SCALES),
        one in 0_u32..1_000,
        other in 0_u32..1_000,
        age in prop::option::of(0_u8..100),
        words in prop::sample::select(&["", ", I am pregnant", ", I fainted", ", chest pain"][..]),
    ) {
        let value = |permille: u32| scale.low + (scale.high - scale.low) * permille / 1_000;
        let (milder, worse) = if (value(one) < value(other)) == scale.greater_is_worse {
            (value(one), value(other))
        } else {
            (value(other), value(one))
        };

        let text = |value: u32| format!("{} is {value}{words}", scale.name);
        let (milder, worse) = (text(milder), text(worse));
        prop_assert!(
            urgency_of(&worse, age) >= urgency_of(&milder, age),
            "{worse} is less than {milder}"
        );
    }
}
