//! The past beside the present, as records write it down.

use super::super::Urgency::{Emergency, Routine, Urgent};
use super::{Case, case, check_cases};

const NOTES_EN: &[Case] = &[
    case(
        "PMH",
        "PMH: HTN, DM. c/o SOB x 2 days, denies CP",
        Emergency,
        &["breathlessness", "!chest_pain"],
    ),
    case(
        "PMH stroke",
        "PMH: HTN, stroke, seizures. c/o cough",
        Routine,
        &["!"],
    ),
    case(
        "PMH then pain",
        "PMH: stroke 2015. CC: chest pain",
        Urgent,
        &["chest_pain", "!stroke_signs"],
    ),
    case(
        "FH",
        "FH: father MI, mother stroke. Presents with sore knee.",
        Routine,
        &["!"],
    ),
    case(
        "hour history",
        "presents with a 2 hour history of crushing chest pain",
        Emergency,
        &["cardiac_chest_pain"],
    ),
    case(
        "day history",
        "3-day history of headache, fever and neck stiffness",
        Emergency,
        &["meningitis_signs"],
    ),
    case(
        "History heading",
        "History: chest pain for 3 hours, sweating",
        Emergency,
        &["cardiac_chest_pain"],
    ),
    case(
        "history of stroke",
        "67M, history of stroke, with a dry cough",
        Routine,
        &["!"],
    ),
    case(
        "h/o",
        "h/o CVA, now slurred speech",
        Emergency,
        &["stroke_signs"],
    ),
    case(
        "s/p",
        "72F s/p hip replacement, sudden SOB, calf swollen",
        Emergency,
        &["pulmonary_embolism"],
    ),
    case(
        "medicines",
        "Meds: warfarin, bisoprolol. Fell and hit head.",
        Emergency,
        &["head_injury_danger"],
    ),
    case(
        "History",
        "History: crushing chest pain",
        Emergency,
        &["cardiac_chest_pain"],
    ),
    case(
        "previous",
        "previous stroke, can't move my arm",
        Emergency,
        &["stroke_signs"],
    ),
    case(
        "presenting",
        "60M with PMH of HTN presenting with CP and SOB",
        Emergency,
        &["cardiac_chest_pain"],
    ),
    case(
        "p/w",
        "60F PMHx HTN, AF on apixaban p/w sudden R sided weakness",
        Emergency,
        &["stroke_signs"],
    ),
    case(
        "own lines",
        "Past medical history:\nStroke 2015\nAsthma\nCC:\nearache",
        Routine,
        &["!"],
    ),
    case(
        "allergies",
        "Allergies: penicillin (anaphylaxis). C/o earache",
        Routine,
        &["!"],
    ),
    case(
        "PMH asthma",
        "PMH asthma, T2DM, CVA 2019. Woke up with left facial droop",
        Emergency,
        &["stroke_signs"],
    ),
    case(
        "epileptic",
        "known history of seizures, here for repeat prescription",
        Routine,
        &["!"],
    ),
    case(
        "no PMH",
        "No past medical history. Sudden onset facial droop.",
        Emergency,
        &["stroke_signs"],
    ),
    case("no history", "no history of chest pain", Routine, &["!"]),
    case(
        "hx of chest pain",
        "hx of chest pain",
        Urgent,
        &["?chest_pain"],
    ),
];

const NOTES_ZH: &[Case] = &[
    case(
        "三段",
        "主诉：胸痛2小时。现病史：患者2小时前突发胸痛，伴大汗。\
         既往史：高血压10年，否认糖尿病、冠心病史。",
        Emergency,
        &["cardiac_chest_pain"],
    ),
    case(
        "既往脑梗",
        "主诉：咳嗽3天。既往史：高血压10年，脑梗死5年，癫痫。",
        Routine,
        &["!"],
    ),
    case(
        "既往分号",
        "既往史：高血压10年；脑梗死。现病史：咳嗽两天",
        Routine,
        &["!"],
    ),
    case(
        "既往在前",
        "既往史：高血压、脑梗死。主诉：胸痛1小时",
        Emergency,
        &["chest_pain", "!stroke_signs"],
    ),
    case(
        "既往史后突发",
        "既往史：高血压10年，突发言语不清1小时",
        Emergency,
        &["stroke_signs"],
    ),
    case(
        "手术史",
        "手术史：阑尾切除。现病史：喘不上气",
        Emergency,
        &["severe_breathlessness"],
    ),
    case(
        "病史无时间",
        "病史：胸痛伴大汗",
        Emergency,
        &["cardiac_chest_pain"],
    ),
    case(
        "现病史无冒号",
        "现病史 胸痛伴大汗",
        Emergency,
        &["cardiac_chest_pain"],
    ),
    case("曾患", "曾患脑梗，来续方", Routine, &["!"]),
    case("误服史", "误服农药史半小时", Emergency, &["poisoning"]),
    case(
        "遗留",
        "患者5年前患脑梗死，遗留左侧肢体无力",
        Urgent,
        &["?stroke_signs"],
    ),
    case(
        "停药后",
        "既往癫痫病史，停药后今晨抽搐一次",
        Emergency,
        &["seizure"],
    ),
    case(
        "意识丧失",
        "患者既往体健，1小时前无明显诱因突发意识丧失",
        Emergency,
        &["unresponsive"],
    ),
    case(
        "平素",
        "高血压病史10余年，平素口服硝苯地平，半小时前突发剧烈头痛",
        Emergency,
        &["thunderclap_headache"],
    ),
    case(
        "无病史",
        "无胸痛病史，突发胸痛1小时",
        Emergency,
        &["chest_pain"],
    ),
    case(
        "家族史",
        "家族史：父亲心梗，母亲脑出血。主诉：膝盖痛",
        Routine,
        &["!"],
    ),
    case(
        "否认病史",
        "否认高血压、糖尿病病史，突发头痛",
        Emergency,
        &["thunderclap_headache"],
    ),
    case(
        "否认胸痛",
        "发热咳嗽3天，否认胸痛、咯血、呼吸困难",
        Routine,
        &["!"],
    ),
    case(
        "病史冒号",
        "病史：胸痛2小时，冷汗",
        Emergency,
        &["cardiac_chest_pain"],
    ),
    case("既往无逗号", "既往有脑梗死病史，来开药", Routine, &["!"]),
    case(
        "用药",
        "长期服用华法林，今天摔倒撞到头",
        Emergency,
        &["head_injury_danger"],
    ),
    case(
        "房颤",
        "房颤病史5年，突发左侧肢体无力3小时",
        Emergency,
        &["stroke_signs"],
    ),
    case(
        "个人史",
        "个人史：吸烟20年。现病史：咯血1天",
        Urgent,
        &["coughing_blood"],
    ),
    case("反复病史", "反复胸痛病史", Urgent, &["?chest_pain"]),
    case(
        "产后",
        "既往体健，产后10天，发热1天",
        Emergency,
        &["postpartum_fever"],
    ),
];

#[test]
fn records_head_the_past() {
    check_cases(NOTES_EN);
    check_cases(NOTES_ZH);
}
