//! Texts written against the rules rather than for them.

use super::super::Urgency::{Emergency, Routine, SelfCare, Urgent};
use super::{Case, case, check_cases};

const ENGLISH: &[Case] = &[
    case(
        "elephant",
        "my chest feels like an elephant is sitting on it",
        Emergency,
        &["cardiac_chest_pain"],
    ),
    case(
        "dropped face",
        "the left side of his face has dropped",
        Emergency,
        &["stroke_signs"],
    ),
    case("free", "Chest pain free today", Routine, &["!"]),
    case(
        "none",
        "Chest pain - none. Fever - none. Cough - yes.",
        Routine,
        &["!"],
    ),
    case(
        "negative list",
        "Negative: chest pain, dyspnea, fever",
        Routine,
        &["!"],
    ),
    case(
        "slashes",
        "no chest pain/shortness of breath/palpitations",
        Routine,
        &["!"],
    ),
    case(
        "see a doctor",
        "can't see my GP until Monday, need repeat prescription",
        Routine,
        &["!"],
    ),
    case(
        "talk to",
        "can't talk to anyone about my anxiety",
        Routine,
        &["!"],
    ),
    case(
        "swimming",
        "breast stroke swimming hurt shoulder",
        Routine,
        &["!"],
    ),
    case(
        "killing me",
        "this headache is killing me",
        Routine,
        &["!suicidal_thoughts"],
    ),
    case(
        "no warning",
        "without any warning I passed out",
        Urgent,
        &["fainting"],
    ),
    case(
        "no doubt",
        "no doubt this is a heart attack",
        Emergency,
        &["cardiac_chest_pain"],
    ),
    case(
        "other negation",
        "No known allergies. Sudden numbness on the right side.",
        Emergency,
        &["stroke_signs"],
    ),
    case(
        "and after no",
        "no fever and chest pain since morning",
        Urgent,
        &["chest_pain"],
    ),
    case(
        "superlative",
        "I have never had a headache this severe",
        Emergency,
        &["thunderclap_headache"],
    ),
    case(
        "anymore",
        "My husband doesn't have chest pain anymore",
        Urgent,
        &["?chest_pain"],
    ),
    case(
        "ruled out",
        "doctor ruled out a heart attack",
        Routine,
        &["!"],
    ),
    case(
        "pills counted",
        "took 30 paracetamol tablets last night",
        Emergency,
        &["overdose"],
    ),
    case(
        "pills as told",
        "took 2 paracetamol tablets, no relief",
        Routine,
        &["!"],
    ),
    case(
        "baby feeds badly",
        "3 week old won't feed",
        Emergency,
        &["child_danger_signs"],
    ),
    case(
        "hasn't moved",
        "34 weeks pregnant, the baby hasn't moved",
        Emergency,
        &["fetal_movement_absent"],
    ),
    case(
        "does not respond",
        "doesn't respond to voice",
        Emergency,
        &["unresponsive"],
    ),
    case(
        "stopped smoking",
        "I stopped smoking two years ago and now I get chest pain",
        Urgent,
        &["chest_pain"],
    ),
    case(
        "living",
        "I dont feel like living",
        Emergency,
        &["suicidal_thoughts"],
    ),
    case(
        "slang",
        "chest hurts bad n left arm numb",
        Emergency,
        &["cardiac_chest_pain"],
    ),
    case(
        "trailing denial",
        "headache, not severe, no vomiting, neck not stiff",
        Routine,
        &["!"],
    ),
    case("lump", "I have a lump in my breast", Routine, &["!"]),
];

const CHINESE: &[Case] = &[
    case(
        "无 without marks",
        "无胸闷胸痛，无呼吸困难，无晕厥史",
        Routine,
        &["!"],
    ),
    case(
        "无恶心呕吐",
        "撞到头，无恶心呕吐",
        Urgent,
        &["head_injury", "!head_injury_danger"],
    ),
    case("问答", "胸痛吗？没有", Routine, &["!"]),
    case("等症状", "没有呼吸困难、胸痛、咯血等症状", Routine, &["!"]),
    case("一点都不", "胸口一点都不痛", Routine, &["!"]),
    case("从没过", "从没胸痛过", Routine, &["!"]),
    case("没有了", "没有胸痛了", Urgent, &["?chest_pain"]),
    case("又开始", "胸痛消失后又开始了", Urgent, &["chest_pain"]),
    case(
        "从来没有这么",
        "从来没有这么痛的胸痛",
        Urgent,
        &["chest_pain"],
    ),
    case("没吃早饭", "没吃早饭晕倒了", Urgent, &["fainting"]),
    case("不小心", "不小心撞到头", Urgent, &["head_injury"]),
    case(
        "不知道吃了什么",
        "不知道吃了什么，一直吐血",
        Emergency,
        &["vomiting_blood"],
    ),
    case("医生说不是", "医生说不是心梗", Routine, &["!"]),
    case("不排除", "不排除中风", Urgent, &["?stroke_signs"]),
    case("會不會", "我會不會是中風？", Urgent, &["?stroke_signs"]),
    case(
        "繁體",
        "胸口悶痛、喘不過氣、冒冷汗",
        Emergency,
        &["cardiac_chest_pain"],
    ),
    case("半边发麻", "半边身子发麻", Emergency, &["stroke_signs"]),
    case("二十片", "吃了二十片安眠药", Emergency, &["overdose"]),
    case(
        "血已止住",
        "手指切了个小口子，血已经止住了",
        SelfCare,
        &["!"],
    ),
    case("胎动正常", "怀孕了，胎动正常，没有出血", Routine, &["!"]),
    case(
        "孩子很好",
        "孩子精神很好，不发烧，吃奶正常",
        Routine,
        &["!"],
    ),
    case("头没撞到", "头没撞到", Routine, &["!"]),
    case(
        "咽不下",
        "嗓子疼得咽不下口水",
        Emergency,
        &["airway_swelling"],
    ),
    case("外婆", "外婆去年脑出血去世，我最近头痛", Routine, &["!"]),
    case(
        "以前自杀",
        "以前自杀过，现在又想死",
        Emergency,
        &["suicidal_thoughts"],
    ),
    case("续方", "高血压，吃药控制，想续方", Routine, &["!"]),
];

#[test]
fn english_traps_are_read_right() {
    check_cases(ENGLISH);
}

#[test]
fn chinese_traps_are_read_right() {
    check_cases(CHINESE);
}
