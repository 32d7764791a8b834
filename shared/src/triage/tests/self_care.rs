//! Minor complaints, and all that keeps a complaint from being one.

use super::super::Urgency::{Routine, SelfCare};
use super::super::{Complaint, assess};
use super::symptoms_alone;

/// A patient who may look after a minor complaint alone.
const ADULT: Complaint<'static> = Complaint {
    age: Some(30),
    ..symptoms_alone("")
};

const MINOR_COMPLAINTS: &[&str] = &[
    "runny nose and sneezing",
    "a mild sore throat for two days",
    "a mosquito bite on my arm",
    "a small graze on my knee",
    "sprained my ankle, can walk",
    "mild hay fever",
    "扭伤了脚踝，能走路",
    "流鼻涕、打喷嚏两天",
    "被蚊子咬了个包",
    "轻微感冒",
    "手指擦伤",
    "嗓子有点痛",
];

const DOUBTFUL_COMPLAINTS: &[Complaint<'static>] = &[
    Complaint {
        symptoms: "runny nose and sneezing",
        age: None,
        ..ADULT
    },
    Complaint {
        symptoms: "runny nose",
        age: Some(1),
        ..ADULT
    },
    Complaint {
        symptoms: "runny nose",
        age: Some(70),
        ..ADULT
    },
    Complaint {
        symptoms: "runny nose",
        history: Some("pregnant"),
        ..ADULT
    },
    Complaint {
        symptoms: "轻微感冒",
        history: Some("怀孕三个月"),
        ..ADULT
    },
    Complaint {
        symptoms: "轻微感冒",
        history: Some("正在化疗"),
        ..ADULT
    },
    Complaint {
        symptoms: "mild sore throat for two weeks",
        ..ADULT
    },
    Complaint {
        symptoms: "mild sore throat for 9 days",
        ..ADULT
    },
    Complaint {
        symptoms: "sore throat",
        ..ADULT
    },
    Complaint {
        symptoms: "mosquito bite and a lump in my breast",
        ..ADULT
    },
    Complaint {
        symptoms: "sprained my ankle",
        ..ADULT
    },
    Complaint {
        symptoms: "扭伤了脚踝",
        ..ADULT
    },
    Complaint {
        symptoms: "扭伤了脚踝，不能走路",
        ..ADULT
    },
    Complaint {
        symptoms: "轻微感冒，越来越严重",
        ..ADULT
    },
    Complaint {
        symptoms: "mild cold, getting worse",
        ..ADULT
    },
    Complaint {
        symptoms: "cold sore",
        ..ADULT
    },
];

#[test]
fn minor_complaints_need_no_doctor() {
    for symptoms in MINOR_COMPLAINTS.iter().copied() {
        let found = assess(&Complaint { symptoms, ..ADULT });
        assert_eq!(found.urgency, SelfCare, "{symptoms}: {found:?}");
    }
}

#[test]
fn doubt_makes_a_minor_complaint_routine() {
    for complaint in DOUBTFUL_COMPLAINTS {
        let found = assess(complaint);
        assert_eq!(found.urgency, Routine, "{}: {found:?}", complaint.symptoms);
    }
}
