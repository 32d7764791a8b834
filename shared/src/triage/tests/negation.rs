//! Denials, their scope, and words that only look like denials.

use super::super::Urgency::{Emergency, Routine, SelfCare, Urgent};
use super::{Case, case, check_cases};

const DENIED: &[Case] = &[
    case("denies", "Patient denies chest pain.", Routine, &["!"]),
    case(
        "no with or",
        "no chest pain or shortness of breath",
        Routine,
        &["!"],
    ),
    case(
        "no with comma list",
        "no chest pain, shortness of breath, or fainting",
        Routine,
        &["!"],
    ),
    case(
        "denies with comma list",
        "denies chest pain, shortness of breath, fainting",
        Routine,
        &["!"],
    ),
    case("without", "a cough without chest pain", Routine, &["!"]),
    case("answer after colon", "chest pain: no", Routine, &["!"]),
    case(
        "answer after question",
        "Chest pain? No. Cough? Yes.",
        Routine,
        &["!"],
    ),
    case(
        "not short of breath",
        "I'm not short of breath",
        Routine,
        &["!"],
    ),
    case("don't have", "I don't have any chest pain", Routine, &["!"]),
    case("dont have", "i dont have chest pain", Routine, &["!"]),
    case(
        "curly apostrophe",
        "I don\u{2019}t have chest pain",
        Routine,
        &["!"],
    ),
    case("doesn't hurt", "my chest doesn't hurt", Routine, &["!"]),
    case(
        "isn't",
        "my neck isn't stiff but I have a fever",
        Routine,
        &["!"],
    ),
    case("never had", "I have never had chest pain", Routine, &["!"]),
    case(
        "neither nor",
        "I have neither chest pain nor shortness of breath",
        Routine,
        &["!"],
    ),
    case("no adjective", "no sudden severe headache", Routine, &["!"]),
    case("negative for", "negative for chest pain", Routine, &["!"]),
    case(
        "no signs of",
        "there are no signs of a seizure",
        Routine,
        &["!"],
    ),
    case(
        "repeated no",
        "no chest pain, no fainting, no vomiting blood",
        Routine,
        &["!"],
    ),
    case(
        "only a cough",
        "no chest pain, just a cough",
        Routine,
        &["!"],
    ),
    case(
        "not suicidal",
        "I feel low but I am not suicidal",
        Routine,
        &["!"],
    ),
    case("没有", "没有胸痛", Routine, &["!"]),
    case("没有，只是", "没有胸痛，只是咳嗽", Routine, &["!"]),
    case("无 with 、", "无胸痛、呼吸困难", Routine, &["!"]),
    case("未见", "未见胸痛", Routine, &["!"]),
    case("否认", "否认胸痛", Routine, &["!"]),
    case("否认 list", "否认胸痛、呼吸困难及晕厥", Routine, &["!"]),
    case("胸不痛", "胸不痛，就是有点咳嗽", Routine, &["!"]),
    case("胸口不疼", "胸口不疼", Routine, &["!"]),
    case("没有明显", "没有明显胸痛", Routine, &["!"]),
    case("没有和", "没有胸痛和气短", Routine, &["!"]),
    case("没有或者", "没有呕血或者黑便", Routine, &["!"]),
    case(
        "traditional 沒有",
        "沒有胸痛，沒有呼吸困難",
        Routine,
        &["!"],
    ),
    case("答案在后", "胸痛：无；呼吸困难：无", Routine, &["!"]),
    case("括号负号", "胸痛（-），呼吸困难（-）", Routine, &["!"]),
    case("也没有", "没有胸痛，也没有呼吸困难", Routine, &["!"]),
    case("从来没有", "从来没有抽搐过", Routine, &["!"]),
    case("呼吸不困难", "呼吸不困难，有点流鼻涕", SelfCare, &["!"]),
    case("没有自杀念头", "心情不好，没有自杀的想法", Routine, &["!"]),
    case("不伴", "头痛，不伴呕吐和颈部僵硬", Routine, &["!"]),
];

const CONTRASTED: &[Case] = &[
    case(
        "没有但是",
        "没有胸痛但是呼吸困难",
        Urgent,
        &["!chest_pain", "breathlessness"],
    ),
    case(
        "没有，但",
        "没有胸痛，但呼吸困难",
        Urgent,
        &["!chest_pain", "breathlessness"],
    ),
    case(
        "不过",
        "没有胸痛，不过刚才晕倒了",
        Urgent,
        &["!chest_pain", "fainting"],
    ),
    case(
        "new clause",
        "没有胸痛，呼吸困难",
        Urgent,
        &["!chest_pain", "breathlessness"],
    ),
    case("negated verb", "没有吃药，胸痛", Urgent, &["chest_pain"]),
    case(
        "negated verb without comma",
        "没睡好胸痛",
        Urgent,
        &["chest_pain"],
    ),
    case(
        "negated verbs listed",
        "不想吃饭、呕血",
        Emergency,
        &["vomiting_blood"],
    ),
    case("no appetite", "没有胃口、胸痛", Urgent, &["chest_pain"]),
    case(
        "but",
        "no chest pain but I am short of breath",
        Urgent,
        &["!chest_pain", "breathlessness"],
    ),
    case(
        "however",
        "no fever, however I have chest pain",
        Urgent,
        &["chest_pain"],
    ),
    case(
        "although",
        "No chest pain although I fainted this morning",
        Urgent,
        &["!chest_pain", "fainting"],
    ),
    case(
        "full stop",
        "No cough. Chest pain since this morning.",
        Urgent,
        &["chest_pain"],
    ),
    case(
        "unclosed comma list",
        "I have no fever, chest pain since this morning",
        Urgent,
        &["chest_pain"],
    ),
    case(
        "line break",
        "no cough\nchest pain",
        Urgent,
        &["chest_pain"],
    ),
    case(
        "don't smoke",
        "I don't smoke, chest pain since yesterday",
        Urgent,
        &["chest_pain"],
    ),
    case(
        "not radiating",
        "chest pain not radiating to the arm",
        Urgent,
        &["chest_pain", "!cardiac_chest_pain"],
    ),
    case(
        "没有放射",
        "胸痛，没有放射到左臂，没有出汗",
        Urgent,
        &["chest_pain", "!cardiac_chest_pain"],
    ),
];

const ASSERTED: &[Case] = &[
    case(
        "not without",
        "not without chest pain",
        Urgent,
        &["chest_pain"],
    ),
    case(
        "can't deny",
        "I can't deny chest pain",
        Urgent,
        &["chest_pain"],
    ),
    case("不是没有", "不是没有胸痛", Urgent, &["chest_pain"]),
    case("并非没有", "并非没有胸痛", Urgent, &["chest_pain"]),
    case(
        "not only",
        "Not only chest pain but also fainting",
        Emergency,
        &["fainting_with_chest_pain"],
    ),
    case("不仅", "不仅胸痛，还咳嗽", Urgent, &["chest_pain"]),
    case(
        "no relief",
        "no relief of chest pain",
        Urgent,
        &["chest_pain"],
    ),
    case(
        "not going away",
        "chest pain not going away",
        Emergency,
        &["chest_pain"],
    ),
    case("没有缓解", "胸痛没有缓解", Emergency, &["chest_pain"]),
    case("胸痛不止", "胸痛不止", Urgent, &["chest_pain"]),
    case(
        "does not stop",
        "chest pain that does not stop",
        Emergency,
        &["chest_pain"],
    ),
    case(
        "cannot breathe",
        "I cannot breathe",
        Emergency,
        &["severe_breathlessness"],
    ),
    case(
        "can't breathe",
        "I can\u{2019}t breathe",
        Emergency,
        &["severe_breathlessness"],
    ),
    case(
        "can't move arm",
        "I can't move my arm",
        Emergency,
        &["stroke_signs"],
    ),
    case("不能说话", "突然不能说话", Emergency, &["stroke_signs"]),
    case(
        "无法呼吸",
        "无法呼吸",
        Emergency,
        &["severe_breathlessness"],
    ),
    case("没有意识", "他没有意识了", Emergency, &["unresponsive"]),
    case(
        "unable to drink",
        "my baby is unable to drink",
        Emergency,
        &["child_danger_signs"],
    ),
    case(
        "no pulse",
        "there is no pulse",
        Emergency,
        &["unresponsive"],
    ),
    case(
        "no feeling",
        "no feeling in my legs",
        Urgent,
        &["leg_weakness"],
    ),
    case(
        "胎动没有了",
        "胎动没有了",
        Emergency,
        &["fetal_movement_absent"],
    ),
    case(
        "not breathing",
        "he is not breathing",
        Emergency,
        &["severe_breathlessness"],
    ),
    case("叫不醒", "孩子叫不醒", Emergency, &["unresponsive"]),
    case("不停", "胸口不停地疼", Urgent, &["chest_pain"]),
    case(
        "no change",
        "no change in my chest pain",
        Urgent,
        &["chest_pain"],
    ),
];

#[test]
fn denied_findings_raise_no_flag() {
    check_cases(DENIED);
}

#[test]
fn a_denial_ends_with_its_clause() {
    check_cases(CONTRASTED);
}

#[test]
fn words_that_only_look_like_denials_assert() {
    check_cases(ASSERTED);
}
