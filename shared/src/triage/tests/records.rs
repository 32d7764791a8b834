//! The past beside the present: how patients tell it, and how records write it down.

use super::super::Urgency::{Emergency, Routine, Urgent};
use super::{Case, case, check};

const PATIENTS_EN: &[Case] = &[
    case(
        "past and present",
        "I had a heart attack 3 years ago and have crushing chest pain",
        Emergency,
        &["cardiac_chest_pain"],
    ),
    case(
        "relative now",
        "My dad has a history of COPD and can't breathe",
        Emergency,
        &["severe_breathlessness"],
    ),
    case(
        "no comma",
        "my dad with a history of COPD can't breathe",
        Emergency,
        &["severe_breathlessness"],
    ),
    case(
        "seizure in baby",
        "there was a seizure in my baby",
        Emergency,
        &["seizure"],
    ),
    case(
        "his chest",
        "my father has crushing pain in his chest",
        Emergency,
        &["cardiac_chest_pain"],
    ),
    case(
        "father's then mine",
        "My father died of a stroke and I have chest pain",
        Urgent,
        &["chest_pain", "!stroke_signs"],
    ),
    case(
        "father's list",
        "my father died of a heart attack, my mum of a stroke in 2001",
        Routine,
        &["!"],
    ),
    case(
        "mum in sixties",
        "my mum had a stroke in her sixties",
        Routine,
        &["!"],
    ),
    case(
        "bypass, pain",
        "bypass 3 years ago, chest pain",
        Emergency,
        &["cardiac_chest_pain"],
    ),
    case(
        "bypass pain",
        "I had a bypass 3 years ago chest pain again today",
        Emergency,
        &["cardiac_chest_pain"],
    ),
    case(
        "since",
        "chest pain since my bypass 3 years ago",
        Emergency,
        &["cardiac_chest_pain"],
    ),
    case(
        "pain years ago",
        "I had chest pain two years ago",
        Routine,
        &["!"],
    ),
    case(
        "lead and symptom",
        "Two years ago, I had chest pain",
        Routine,
        &["!"],
    ),
    case(
        "fainted then",
        "I fainted in 2015, today I only have a cold",
        Routine,
        &["!"],
    ),
    case("when I was", "I had fits when I was a kid", Routine, &["!"]),
    case(
        "like years ago",
        "he is having a seizure like 3 years ago",
        Urgent,
        &["?seizure"],
    ),
    case(
        "mum died, pills",
        "my mum passed away. I took 30 paracetamol",
        Emergency,
        &["overdose"],
    ),
    case(
        "two statements",
        "bypass 3 years ago heart attack",
        Urgent,
        &["?cardiac_chest_pain"],
    ),
    case(
        "dad without commas",
        "dad history of angina chest pain",
        Urgent,
        &["?chest_pain"],
    ),
    case(
        "in the shower",
        "When I was in the shower I fainted",
        Urgent,
        &["fainting"],
    ),
    case(
        "dizzy",
        "When I was a little dizzy I fell and hit my head",
        Urgent,
        &["head_injury"],
    ),
    case(
        "when I was 12",
        "when I was 12 I had a seizure, now I have hay fever",
        Routine,
        &["!"],
    ),
    case("came back", "chest pain came back", Urgent, &["chest_pain"]),
    case(
        "collapsed",
        "my husband has a heart history and collapsed",
        Urgent,
        &["fainting"],
    ),
    case(
        "mum now",
        "My mum, history of stroke, is now confused",
        Emergency,
        &["confusion"],
    ),
    case(
        "this one",
        "I get headaches, this one is the worst I have ever had",
        Emergency,
        &["thunderclap_headache"],
    ),
    case("no i have", "no i have chest pain", Urgent, &["chest_pain"]),
    case(
        "No, I have",
        "No, I have chest pain",
        Urgent,
        &["chest_pain"],
    ),
    case("no my chest", "no my chest hurts", Urgent, &["chest_pain"]),
    case("no I don't", "no i dont have chest pain", Routine, &["!"]),
    case(
        "no there is no",
        "no there is no chest pain",
        Routine,
        &["!"],
    ),
    case(
        "litotes",
        "not a mild headache, it is the worst ever",
        Emergency,
        &["thunderclap_headache"],
    ),
    case(
        "pronoun",
        "I have a headache. It's the worst of my life",
        Emergency,
        &["thunderclap_headache"],
    ),
    case(
        "not usual",
        "this is not my usual headache",
        Routine,
        &["!"],
    ),
    case(
        "racing heart",
        "my heart is racing and I am short of breath",
        Emergency,
        &["palpitations_breathless"],
    ),
    case(
        "palpitations and pain",
        "palpitations with chest pain",
        Emergency,
        &["palpitations_breathless"],
    ),
    case(
        "can't move legs",
        "I woke up and can't move my legs",
        Emergency,
        &["leg_paralysis"],
    ),
    case(
        "sudden legs",
        "sudden weakness in both legs",
        Emergency,
        &["leg_paralysis"],
    ),
];

const PATIENTS_ZH: &[Case] = &[
    case(
        "既往体健",
        "既往体健，突发胸痛2小时，大汗",
        Emergency,
        &["cardiac_chest_pain"],
    ),
    case("高血压病史", "高血压病史，胸痛", Urgent, &["chest_pain"]),
    case("搭桥", "去年搭桥，胸痛", Emergency, &["cardiac_chest_pain"]),
    case(
        "病史无逗号",
        "高血压病史10年突发胸痛2小时",
        Urgent,
        &["chest_pain"],
    ),
    case(
        "父亲脑梗去世",
        "我父亲脑梗去世，我胸痛",
        Urgent,
        &["chest_pain", "!stroke_signs"],
    ),
    case(
        "父亲病史突然",
        "我爸有高血压病史，突然说话不清",
        Emergency,
        &["stroke_signs"],
    ),
    case(
        "爸爸走的时候",
        "爸爸走路的时候胸口痛",
        Urgent,
        &["chest_pain"],
    ),
    case("母亲癫痫史", "母亲有癫痫史", Routine, &["!"]),
    case("得过", "三年前得过脑梗", Routine, &["!"]),
    case("曾", "去年曾晕厥过，这几天感冒", Routine, &["!"]),
    case("小时候", "小时候抽搐过", Routine, &["!"]),
    case("小时候病", "小时候得过脑膜炎，头痛三天", Routine, &["!"]),
    case("前年无过", "前年胸痛", Urgent, &["?chest_pain"]),
    case("突发在前", "5年前突发脑梗", Urgent, &["?stroke_signs"]),
    case(
        "又犯了",
        "十年前中风过，现在嘴又歪了",
        Emergency,
        &["stroke_signs"],
    ),
    case("天前", "3天前开始胸痛", Urgent, &["chest_pain"]),
    case(
        "过敏",
        "去年查出高血压，吃药后胸痛过敏",
        Urgent,
        &["chest_pain"],
    ),
    case(
        "心慌气短",
        "心慌，喘不上气",
        Emergency,
        &["palpitations_breathless"],
    ),
    case(
        "双腿动不了",
        "双腿突然动不了",
        Emergency,
        &["leg_paralysis"],
    ),
    case(
        "慢慢没劲",
        "半年来双腿无力",
        Urgent,
        &["leg_weakness", "!leg_paralysis"],
    ),
    case(
        "不是普通",
        "不是普通的头痛，这是我这辈子最痛的一次",
        Emergency,
        &["thunderclap_headache"],
    ),
    case("没有我", "没有 我胸口痛", Urgent, &["chest_pain"]),
    case(
        "停药",
        "高血压，自己停了药，今早突然半边身子动不了",
        Emergency,
        &["stroke_signs"],
    ),
];

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
        "主诉：胸痛2小时。现病史：患者2小时前突发胸痛，伴大汗。既往史：高血压10年，否认糖尿病、冠心病史。",
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
        Urgent,
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
        Urgent,
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
        &["postpartum_danger"],
    ),
];

#[test]
fn patients_tell_the_past_beside_the_present() {
    check(PATIENTS_EN);
    check(PATIENTS_ZH);
}

#[test]
fn records_head_the_past() {
    check(NOTES_EN);
    check(NOTES_ZH);
}
