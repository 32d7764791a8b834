//! Every rule can be triggered in both languages, and denied.

use std::collections::HashSet;

use super::super::rules;
use super::{status_of, triage};

/// Code, what triggers it in English and Chinese, and a denial of it.
const RULES: &[(&str, &str, &str, &str)] = &[
    (
        "cardiac_chest_pain",
        "chest pain and I am sweating",
        "胸口痛，大汗",
        "no chest pain, but sweating",
    ),
    (
        "chest_pain",
        "tightness in my chest",
        "胸口压迫",
        "without any tightness in the chest",
    ),
    (
        "fainting_with_chest_pain",
        "I fainted and have palpitations",
        "心慌后晕倒",
        "palpitations but I have not fainted",
    ),
    (
        "aortic_dissection",
        "a tearing pain between my shoulder blades",
        "背部撕裂样疼痛",
        "no tearing pain",
    ),
    (
        "palpitations_breathless",
        "palpitations and breathless",
        "心悸，气短",
        "心悸，没有气短",
    ),
    (
        "palpitations_sweating",
        "palpitations and sweating",
        "心慌出汗",
        "心慌，没有出汗",
    ),
    (
        "pulmonary_embolism",
        "swollen calf and short of breath",
        "左腿肿，气促",
        "swollen calf, not short of breath",
    ),
    (
        "deep_vein_thrombosis",
        "my left calf is swollen and red",
        "右小腿红肿",
        "右小腿没有肿",
    ),
    (
        "cold_pale_limb",
        "my leg is cold and pale",
        "左脚冰冷苍白",
        "my leg is not cold or pale",
    ),
    (
        "collapse_with_back_pain",
        "back pain and then he collapsed",
        "腰痛，晕倒了",
        "腰痛，没有晕倒",
    ),
    (
        "severe_breathlessness",
        "gasping for air",
        "喘不上气",
        "I am not gasping",
    ),
    (
        "breathlessness",
        "short of breath on stairs",
        "走路气促",
        "没有气促",
    ),
    ("blue_lips", "his lips are blue", "嘴唇发紫", "嘴唇没有发紫"),
    (
        "choking",
        "he is choking on a grape",
        "被花生噎住了",
        "no choking",
    ),
    (
        "anaphylaxis",
        "my throat is swelling after peanuts",
        "吃虾后喉咙肿",
        "喉咙没有肿",
    ),
    (
        "facial_swelling",
        "my lips are swollen",
        "嘴唇肿了",
        "my lips are not swollen",
    ),
    ("coughing_blood", "coughing up blood", "咳血", "没有咳血"),
    (
        "stroke_signs",
        "his face is drooping",
        "嘴角歪斜",
        "no facial droop or slurred speech",
    ),
    (
        "sudden_vision_loss",
        "lost vision in one eye",
        "左眼突然看不见",
        "no loss of vision",
    ),
    (
        "thunderclap_headache",
        "worst headache of my life",
        "突然剧烈头痛",
        "not the worst headache of my life",
    ),
    (
        "severe_headache",
        "a severe headache",
        "头痛得厉害",
        "no severe headache",
    ),
    ("unresponsive", "she is unconscious", "昏迷不醒", "没有昏迷"),
    (
        "confusion",
        "grandma is suddenly confused",
        "老人神志不清",
        "not confused",
    ),
    ("fainting", "I passed out", "刚才晕倒", "I didn't pass out"),
    ("seizure", "she is having a seizure", "全身抽搐", "没有抽搐"),
    (
        "meningitis_signs",
        "fever and stiff neck",
        "发烧，脖子僵硬",
        "发烧，脖子不僵硬",
    ),
    (
        "non_blanching_rash",
        "a rash that doesn't fade under a glass",
        "身上有紫癜",
        "no petechiae",
    ),
    (
        "head_injury_danger",
        "he hit his head and vomited",
        "撞到头后呕吐",
        "撞到头，没有呕吐",
    ),
    (
        "head_injury",
        "I banged my head",
        "后脑勺磕到了",
        "I did not hit my head",
    ),
    (
        "cauda_equina",
        "numbness between my legs",
        "会阴麻木",
        "no saddle numbness",
    ),
    (
        "leg_paralysis",
        "I can't move my legs",
        "突然双腿无力",
        "my legs are weak",
    ),
    (
        "leg_weakness",
        "my legs are weak",
        "双腿无力",
        "没有双腿无力",
    ),
    (
        "severe_eye_pain",
        "severe eye pain",
        "眼睛剧痛",
        "no severe eye pain",
    ),
    (
        "sudden_hearing_loss",
        "sudden deafness in one ear",
        "突发耳聋",
        "没有突发耳聋",
    ),
    (
        "airway_swelling",
        "I cannot swallow my saliva",
        "咽不下口水",
        "no drooling",
    ),
    (
        "chemical_in_eye",
        "bleach splashed in my eye",
        "洁厕灵溅到眼睛",
        "没有石灰进眼睛",
    ),
    (
        "vomiting_blood",
        "I am vomiting blood",
        "吐血",
        "not vomiting blood",
    ),
    (
        "black_stool",
        "black tarry stool",
        "大便发黑",
        "no black stools",
    ),
    (
        "bleeding_with_collapse",
        "black stools and I fainted",
        "黑便，晕倒",
        "黑便，没有晕倒",
    ),
    (
        "rectal_bleeding",
        "bleeding from the rectum",
        "便血",
        "没有便血",
    ),
    (
        "acute_abdomen",
        "severe abdominal pain",
        "肚子剧痛",
        "no severe abdominal pain",
    ),
    (
        "abdominal_pain_fever",
        "stomach pain and fever",
        "腹痛，发烧",
        "腹痛，没有发烧，没有呕吐",
    ),
    (
        "testicular_torsion",
        "sudden pain in my testicle",
        "睾丸痛",
        "睾丸不痛",
    ),
    (
        "urinary_retention",
        "I can't pee at all",
        "一天尿不出来",
        "no urinary retention",
    ),
    (
        "bleeding_in_pregnancy",
        "pregnant and bleeding",
        "怀孕10周，阴道出血",
        "怀孕10周，没有出血",
    ),
    (
        "pain_in_pregnancy",
        "pregnant with stomach pain",
        "孕妇，肚子痛",
        "孕妇，肚子不痛",
    ),
    (
        "reduced_fetal_movement",
        "the baby is moving less",
        "胎动减少",
        "胎动没有减少",
    ),
    (
        "pre_eclampsia",
        "30 weeks pregnant, bad headache, blurred vision",
        "孕30周，头痛，视物模糊",
        "孕30周，没有头痛、视物模糊",
    ),
    ("waters_broken", "my waters broke", "破水了", "没有破水"),
    (
        "postpartum_danger",
        "I gave birth a week ago and have a fever",
        "产后十天，发烧",
        "产后十天，没有发烧",
    ),
    (
        "infant_fever_under_3_months",
        "my 5 week old baby has a fever",
        "新生儿发烧",
        "新生儿，没有发烧",
    ),
    (
        "infant_fever_3_to_6_months",
        "5 month old baby, 39.4C",
        "宝宝4个月大，39.2度",
        "宝宝4个月大，没有39度",
    ),
    (
        "child_danger_signs",
        "my toddler is floppy",
        "宝宝嗜睡",
        "宝宝没有嗜睡",
    ),
    (
        "child_dehydration",
        "baby has sunken eyes",
        "宝宝眼窝凹陷",
        "no sunken eyes",
    ),
    (
        "bulging_fontanelle",
        "bulging soft spot",
        "宝宝囟门隆起",
        "囟门没有隆起",
    ),
    (
        "suicidal_thoughts",
        "I want to kill myself",
        "我想自杀",
        "我没有想自杀",
    ),
    (
        "self_harm",
        "I have been cutting myself",
        "我割腕了",
        "没有自残",
    ),
    (
        "overdose",
        "she took an overdose",
        "吃了一整瓶安眠药",
        "没有过量服用",
    ),
    (
        "poisoning",
        "my son drank bleach",
        "误服农药",
        "他没有误服农药",
    ),
    (
        "carbon_monoxide",
        "the carbon monoxide alarm went off",
        "一氧化碳报警",
        "no carbon monoxide",
    ),
    (
        "heavy_bleeding",
        "the bleeding won't stop",
        "血止不住",
        "no heavy bleeding",
    ),
    (
        "bleeding_on_anticoagulants",
        "on warfarin and I fainted",
        "吃华法林，晕倒了",
        "吃华法林，没有晕倒",
    ),
    (
        "severe_burn",
        "severe burn on my arm",
        "大面积烫伤",
        "no severe burns",
    ),
    (
        "electric_shock",
        "I got an electric shock",
        "触电了",
        "没有触电",
    ),
    ("snake_bite", "bitten by a snake", "被蛇咬了", "没有被蛇咬"),
    (
        "rabies_exposure",
        "a dog bit my hand",
        "被狗咬了",
        "没有被狗咬",
    ),
    (
        "heat_stroke",
        "I think I have heatstroke",
        "中暑了",
        "没有中暑",
    ),
    (
        "sepsis_signs",
        "skin is mottled",
        "感染性休克",
        "no signs of sepsis",
    ),
    (
        "immunosuppressed_fever",
        "on chemotherapy with a fever",
        "化疗后发热",
        "化疗后没有发热",
    ),
    (
        "diabetic_ketoacidosis",
        "diabetic, breath smells fruity",
        "酮症酸中毒",
        "没有酮症酸中毒",
    ),
    (
        "hypoglycaemia",
        "my blood sugar is very low",
        "低血糖发作",
        "没有低血糖",
    ),
    ("rigors", "shaking chills all night", "打寒战", "没有寒战"),
];

#[test]
fn every_rule_can_be_triggered_and_denied() {
    let mut faults = Vec::new();
    for (code, en, zh, denial) in RULES {
        for (text, wanted) in [(en, true), (zh, true), (denial, false)] {
            let found = triage(text);
            if status_of(&found, code).is_some() != wanted {
                faults.push(format!("{code}: {text:?} {found:?}"));
            }
        }
    }
    assert!(
        faults.is_empty(),
        "{} faults:\n{}",
        faults.len(),
        faults.join("\n")
    );
}

#[test]
fn every_rule_has_a_case() {
    let tested: HashSet<&str> = RULES.iter().map(|(code, ..)| *code).collect();
    let missing: Vec<_> = rules::all_rules()
        .map(|rule| rule.code)
        .filter(|code| !tested.contains(code))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn every_rule_is_complete() {
    let mut codes = HashSet::new();
    for rule in rules::all_rules() {
        assert!(codes.insert(rule.code), "{} occurs twice", rule.code);
        assert!(!rule.en.is_empty() && !rule.zh.is_ascii(), "{}", rule.code);
        assert!(
            rule.source.url.starts_with("https://") && !rule.source.title.is_empty(),
            "{}",
            rule.code
        );
        assert!(
            !rule.any_of.is_empty() && rule.any_of.iter().all(|set| !set.is_empty()),
            "{}",
            rule.code
        );
    }
    assert!(codes.len() >= 30);
}
