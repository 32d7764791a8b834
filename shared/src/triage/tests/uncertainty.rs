//! What is left open, what is over, and what happened to others or long ago.

use super::super::Urgency::{Emergency, Routine, Urgent};
use super::{Case, case, check_cases};

const CASES: &[Case] = &[
    case(
        "not sure if",
        "not sure if I have chest pain",
        Urgent,
        &["?chest_pain"],
    ),
    case(
        "don't know whether",
        "I don't know whether this is chest pain",
        Urgent,
        &["?chest_pain"],
    ),
    case("maybe", "maybe chest pain", Urgent, &["?chest_pain"]),
    case(
        "might be a stroke",
        "this might be a stroke",
        Urgent,
        &["?stroke_signs"],
    ),
    case(
        "maybe a seizure",
        "possibly a seizure",
        Urgent,
        &["?seizure"],
    ),
    case("不确定", "不确定有没有胸痛", Urgent, &["?chest_pain"]),
    case("不知道是不是", "不知道是不是胸痛", Urgent, &["?chest_pain"]),
    case("可能", "可能有点胸痛", Urgent, &["?chest_pain"]),
    case("可能中风", "可能是中风", Urgent, &["?stroke_signs"]),
    case("有没有", "有没有胸痛说不清", Urgent, &["?chest_pain"]),
    case(
        "no longer",
        "I no longer have chest pain",
        Urgent,
        &["?chest_pain"],
    ),
    case("gone", "my chest pain has gone", Urgent, &["?chest_pain"]),
    case("好了", "胸痛已经好了", Urgent, &["?chest_pain"]),
    case("消失", "胸痛消失了", Urgent, &["?chest_pain"]),
    case(
        "maybe then fact",
        "maybe a cold, chest pain since this morning",
        Urgent,
        &["chest_pain"],
    ),
    case(
        "don't know why",
        "I don't know why I have chest pain",
        Urgent,
        &["chest_pain"],
    ),
    case("不知道为什么", "不知道为什么胸痛", Urgent, &["chest_pain"]),
    case(
        "father died",
        "my father died of a heart attack",
        Routine,
        &["!"],
    ),
    case("父亲史", "我父亲有心梗史", Routine, &["!"]),
    case("stroke in 2010", "I had a stroke in 2010", Routine, &["!"]),
    case("leading year", "In 2010, I had a stroke", Routine, &["!"]),
    case("十年前", "十年前中风过", Routine, &["!"]),
    case("as a child", "I had seizures as a child", Routine, &["!"]),
    case(
        "past and now",
        "I had a stroke ten years ago and now the same again",
        Emergency,
        &["stroke_signs"],
    ),
    case(
        "father now",
        "my father has chest pain",
        Urgent,
        &["chest_pain"],
    ),
    case(
        "父亲现在",
        "我父亲突然说话不清",
        Emergency,
        &["stroke_signs"],
    ),
    case(
        "son",
        "my son has a fever and a stiff neck",
        Emergency,
        &["meningitis_signs"],
    ),
    case(
        "孩子",
        "孩子发烧，脖子僵硬",
        Emergency,
        &["meningitis_signs"],
    ),
];

#[test]
fn open_findings_are_uncertain_and_remote_ones_absent() {
    check_cases(CASES);
}
