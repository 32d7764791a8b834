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
    "itchy eyes and sneezing every June, which tablets?",
    "too much wine last night, dull headache but drinking water",
    "small blister on my heel from new boots, not infected",
    "both thighs stiff after leg day, pee is normal",
    "landed yesterday and wide awake at 3am",
    "cold sore",
    "nosebleed, stopped after five minutes",
    "切菜划了个小口，不流血了",
    "海边晒红了肩膀，没起泡",
    "火锅吃撑了，有点反酸",
    "脚趾缝脱皮发痒，没破没肿",
    "昨天刚飞回来，倒时差睡不着",
];

const DOUBTFUL_COMPLAINTS: &[Complaint<'static>] = &[
    Complaint {
        symptoms: "the baby has a runny nose",
        age: None,
        ..ADULT
    },
    Complaint {
        symptoms: "my grandma is sneezing",
        age: None,
        ..ADULT
    },
    Complaint {
        symptoms: "感冒一周了还没好",
        ..ADULT
    },
    Complaint {
        symptoms: "cut my finger and can't bend it",
        ..ADULT
    },
    Complaint {
        symptoms: "口腔溃疡一个月没好",
        ..ADULT
    },
    Complaint {
        symptoms: "hay fever, and my scan is on Friday",
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
        symptoms: "cold sore close to my eye, which hurts",
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
fn a_minor_complaint_is_minor_without_an_age() {
    // The guidance is written to readers of any age; whoever is at risk would have to be told.
    for symptoms in ["runny nose and sneezing", "蚊子叮了几个包，痒"] {
        let found = assess(&symptoms_alone(symptoms));
        assert_eq!(found.urgency, SelfCare, "{symptoms}: {found:?}");
    }
}

#[test]
fn babies_have_minor_complaints_of_their_own() {
    let baby = |symptoms| Complaint {
        age: Some(0),
        ..symptoms_alone(symptoms)
    };
    for symptoms in [
        "7 month old with nappy rash, feeding well",
        "宝宝7个月，红屁股，吃奶正常",
    ] {
        let found = assess(&baby(symptoms));
        assert_eq!(found.urgency, SelfCare, "{symptoms}: {found:?}");
    }

    let with_cold = assess(&baby("7 month old with a runny nose"));
    assert_eq!(with_cold.urgency, Routine, "{with_cold:?}");
}

#[test]
fn doubt_makes_a_minor_complaint_one_for_a_doctor() {
    for complaint in DOUBTFUL_COMPLAINTS {
        let found = assess(complaint);
        assert!(
            found.urgency >= Routine,
            "{}: {found:?}",
            complaint.symptoms
        );
    }
}
