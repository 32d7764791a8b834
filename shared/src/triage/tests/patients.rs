//! What age, sex, history and temperature change.

use super::super::Sex::{Female, Male};
use super::super::Urgency::{self, Emergency, Routine, Urgent};
use super::super::{Complaint, FlagStatus, assess};
use super::{status_of, symptoms_alone};

/// A patient with the flag that the data or the history raises.
struct PatientCase {
    complaint: Complaint<'static>,
    urgency: Urgency,
    flag: &'static str,
}

/// A patient who tells nothing.
const UNKNOWN: Complaint<'static> = symptoms_alone("");

const PATIENTS: &[PatientCase] = &[
    PatientCase {
        complaint: Complaint {
            symptoms: "my 2 month old baby has a fever",
            ..UNKNOWN
        },
        urgency: Emergency,
        flag: "infant_fever_under_3_months",
    },
    PatientCase {
        complaint: Complaint {
            symptoms: "My two-month-old has a temperature of 38.2",
            age: Some(0),
            ..UNKNOWN
        },
        urgency: Emergency,
        flag: "infant_fever_under_3_months",
    },
    PatientCase {
        complaint: Complaint {
            symptoms: "宝宝2个月，发烧38.5度",
            ..UNKNOWN
        },
        urgency: Emergency,
        flag: "infant_fever_under_3_months",
    },
    PatientCase {
        complaint: Complaint {
            symptoms: "宝宝六周大，体温38.1℃",
            ..UNKNOWN
        },
        urgency: Emergency,
        flag: "infant_fever_under_3_months",
    },
    PatientCase {
        complaint: Complaint {
            symptoms: "5个月宝宝发烧39.5℃",
            age: Some(0),
            ..UNKNOWN
        },
        urgency: Urgent,
        flag: "infant_fever_3_to_6_months",
    },
    PatientCase {
        complaint: Complaint {
            symptoms: "my 4 month old daughter has 39.5 °C",
            ..UNKNOWN
        },
        urgency: Urgent,
        flag: "infant_fever_3_to_6_months",
    },
    PatientCase {
        complaint: Complaint {
            symptoms: "baby is 10 weeks old, 102F",
            ..UNKNOWN
        },
        urgency: Emergency,
        flag: "infant_fever_under_3_months",
    },
    PatientCase {
        complaint: Complaint {
            symptoms: "宝宝发烧",
            age: Some(0),
            ..UNKNOWN
        },
        urgency: Urgent,
        flag: "infant_fever_under_3_months",
    },
    PatientCase {
        complaint: Complaint {
            symptoms: "发烧",
            history: Some("乳腺癌化疗中"),
            age: Some(50),
            ..UNKNOWN
        },
        urgency: Emergency,
        flag: "immunosuppressed_fever",
    },
    PatientCase {
        complaint: Complaint {
            symptoms: "fever",
            history: Some("on chemotherapy"),
            age: Some(50),
            ..UNKNOWN
        },
        urgency: Emergency,
        flag: "immunosuppressed_fever",
    },
    PatientCase {
        complaint: Complaint {
            symptoms: "I bumped my head",
            history: Some("takes warfarin"),
            age: Some(70),
            ..UNKNOWN
        },
        urgency: Emergency,
        flag: "head_injury_danger",
    },
    PatientCase {
        complaint: Complaint {
            symptoms: "摔到头了",
            history: Some("服用华法林"),
            age: Some(70),
            ..UNKNOWN
        },
        urgency: Emergency,
        flag: "head_injury_danger",
    },
    PatientCase {
        complaint: Complaint {
            symptoms: "vaginal bleeding",
            history: Some("10 weeks pregnant"),
            age: Some(30),
            sex: Some(Female),
        },
        urgency: Emergency,
        flag: "bleeding_in_pregnancy",
    },
    PatientCase {
        complaint: Complaint {
            symptoms: "下身出血",
            history: Some("怀孕8周"),
            age: Some(30),
            sex: Some(Female),
        },
        urgency: Emergency,
        flag: "bleeding_in_pregnancy",
    },
    PatientCase {
        complaint: Complaint {
            symptoms: "vomiting a lot",
            history: Some("type 1 diabetes"),
            age: Some(20),
            ..UNKNOWN
        },
        urgency: Emergency,
        flag: "diabetic_ketoacidosis",
    },
    PatientCase {
        complaint: Complaint {
            symptoms: "一直呕吐",
            history: Some("1型糖尿病"),
            age: Some(20),
            ..UNKNOWN
        },
        urgency: Emergency,
        flag: "diabetic_ketoacidosis",
    },
    PatientCase {
        complaint: Complaint {
            symptoms: "chest tightness",
            history: Some("冠心病支架术后"),
            age: Some(60),
            ..UNKNOWN
        },
        urgency: Emergency,
        flag: "cardiac_chest_pain",
    },
    PatientCase {
        complaint: Complaint {
            symptoms: "睾丸剧痛",
            age: Some(14),
            sex: Some(Male),
            ..UNKNOWN
        },
        urgency: Emergency,
        flag: "testicular_torsion",
    },
];

const CALM_PATIENTS: &[Complaint<'static>] = &[
    Complaint {
        symptoms: "孩子发烧38.2度，精神好",
        age: Some(4),
        ..UNKNOWN
    },
    Complaint {
        symptoms: "my son has a fever of 38.3 and plays normally",
        age: Some(4),
        ..UNKNOWN
    },
    Complaint {
        symptoms: "咳嗽2个月",
        age: Some(30),
        ..UNKNOWN
    },
    Complaint {
        symptoms: "cough",
        history: Some("heart attack and chest pain in the past"),
        age: Some(50),
        ..UNKNOWN
    },
    Complaint {
        symptoms: "咳嗽",
        history: Some("曾有胸痛、呕血"),
        age: Some(50),
        ..UNKNOWN
    },
    Complaint {
        symptoms: "fever 38.2, no chemo",
        history: Some("not pregnant"),
        age: Some(30),
        ..UNKNOWN
    },
    Complaint {
        symptoms: "发烧38.2",
        history: Some("未怀孕，没有糖尿病"),
        age: Some(30),
        ..UNKNOWN
    },
    Complaint {
        symptoms: "37.2度",
        age: Some(0),
        ..UNKNOWN
    },
];

#[test]
fn data_and_history_raise_the_urgency() {
    for case in PATIENTS {
        let symptoms = case.complaint.symptoms;
        let found = assess(&case.complaint);

        assert_eq!(found.urgency, case.urgency, "{symptoms}: {found:?}");
        assert!(
            status_of(&found, case.flag).is_some(),
            "{symptoms}: {found:?}"
        );
    }
}

#[test]
fn an_infant_of_unknown_months_is_uncertain() {
    let found = assess(&Complaint {
        symptoms: "发烧38.5度",
        age: Some(0),
        ..UNKNOWN
    });

    assert_eq!(
        status_of(&found, "infant_fever_under_3_months"),
        Some(FlagStatus::Uncertain)
    );
}

#[test]
fn calm_patients_stay_routine() {
    for complaint in CALM_PATIENTS {
        let symptoms = complaint.symptoms;
        let found = assess(complaint);

        assert_eq!(found.urgency, Routine, "{symptoms}: {found:?}");
        assert!(found.red_flags.is_empty(), "{symptoms}: {found:?}");
    }
}

#[test]
fn sex_spares_what_cannot_be() {
    let found = assess(&Complaint {
        symptoms: "balls hurt",
        age: Some(30),
        sex: Some(Female),
        ..UNKNOWN
    });

    assert!(status_of(&found, "testicular_torsion").is_none());
}
