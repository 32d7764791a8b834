//! Minor complaints, and all that keeps a complaint from being one.

use super::super::Urgency::{Routine, SelfCare};
use super::patient;

#[test]
fn minor_complaints_need_no_doctor() {
    for text in [
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
    ] {
        let found = patient(text, None, Some(30), None);
        assert_eq!(found.urgency, SelfCare, "{text}: {found:?}");
    }
}

#[test]
fn doubt_makes_a_minor_complaint_routine() {
    let doubtful: &[(&str, Option<&str>, Option<u8>)] = &[
        ("runny nose and sneezing", None, None),
        ("runny nose", None, Some(1)),
        ("runny nose", None, Some(70)),
        ("runny nose", Some("pregnant"), Some(30)),
        ("轻微感冒", Some("怀孕三个月"), Some(30)),
        ("轻微感冒", Some("正在化疗"), Some(30)),
        ("mild sore throat for two weeks", None, Some(30)),
        ("mild sore throat for 9 days", None, Some(30)),
        ("sore throat", None, Some(30)),
        ("mosquito bite and a lump in my breast", None, Some(30)),
        ("sprained my ankle", None, Some(30)),
        ("扭伤了脚踝", None, Some(30)),
        ("扭伤了脚踝，不能走路", None, Some(30)),
        ("轻微感冒，越来越严重", None, Some(30)),
        ("mild cold, getting worse", None, Some(30)),
        ("cold sore", None, Some(30)),
    ];
    for &(text, history, age) in doubtful {
        let found = patient(text, history, age, None);
        assert_eq!(found.urgency, Routine, "{text}: {found:?}");
    }
}
