//! Every rule can be triggered in both languages, and denied.

use std::collections::HashSet;

use super::super::rules;
use super::{assert_no_faults, assess_text, status_of};

/// What triggers a rule, and what denies it.
struct RuleCase {
    code: &'static str,
    /// An English text for which the rule holds.
    en: &'static str,
    /// A Chinese text for which the rule holds.
    zh: &'static str,
    /// A text in either language for which it does not.
    denial: &'static str,
}

const RULES: &[RuleCase] = &[
    RuleCase {
        code: "cardiac_chest_pain",
        en: "chest pain and I am sweating",
        zh: "胸口痛，大汗",
        denial: "no chest pain, but sweating",
    },
    RuleCase {
        code: "chest_pain",
        en: "tightness in my chest",
        zh: "胸口压迫",
        denial: "without any tightness in the chest",
    },
    RuleCase {
        code: "fainting_with_chest_pain",
        en: "I fainted and have palpitations",
        zh: "心慌后晕倒",
        denial: "palpitations but I have not fainted",
    },
    RuleCase {
        code: "aortic_dissection",
        en: "a tearing pain between my shoulder blades",
        zh: "背部撕裂样疼痛",
        denial: "no tearing pain",
    },
    RuleCase {
        code: "palpitations_breathless",
        en: "palpitations and breathless",
        zh: "心悸，气短",
        denial: "心悸，没有气短",
    },
    RuleCase {
        code: "palpitations_sweating",
        en: "palpitations and sweating",
        zh: "心慌出汗",
        denial: "心慌，没有出汗",
    },
    RuleCase {
        code: "pulmonary_embolism",
        en: "swollen calf and short of breath",
        zh: "左腿肿，气促",
        denial: "swollen calf, not short of breath",
    },
    RuleCase {
        code: "deep_vein_thrombosis",
        en: "my left calf is swollen and red",
        zh: "右小腿红肿",
        denial: "右小腿没有肿",
    },
    RuleCase {
        code: "cold_pale_limb",
        en: "my leg is cold and pale",
        zh: "左脚冰冷苍白",
        denial: "my leg is not cold or pale",
    },
    RuleCase {
        code: "collapse_with_back_pain",
        en: "back pain and then he collapsed",
        zh: "腰痛，晕倒了",
        denial: "腰痛，没有晕倒",
    },
    RuleCase {
        code: "severe_breathlessness",
        en: "gasping for air",
        zh: "喘不上气",
        denial: "I am not gasping",
    },
    RuleCase {
        code: "breathlessness",
        en: "short of breath on stairs",
        zh: "走路气促",
        denial: "没有气促",
    },
    RuleCase {
        code: "blue_lips",
        en: "his lips are blue",
        zh: "嘴唇发紫",
        denial: "嘴唇没有发紫",
    },
    RuleCase {
        code: "choking",
        en: "he is choking on a grape",
        zh: "被花生噎住了",
        denial: "no choking",
    },
    RuleCase {
        code: "anaphylaxis",
        en: "my throat is swelling after peanuts",
        zh: "吃虾后喉咙肿",
        denial: "喉咙没有肿",
    },
    RuleCase {
        code: "facial_swelling",
        en: "my lips are swollen",
        zh: "嘴唇肿了",
        denial: "my lips are not swollen",
    },
    RuleCase {
        code: "coughing_blood",
        en: "coughing up blood",
        zh: "咳血",
        denial: "没有咳血",
    },
    RuleCase {
        code: "stroke_signs",
        en: "his face is drooping",
        zh: "嘴角歪斜",
        denial: "no facial droop or slurred speech",
    },
    RuleCase {
        code: "sudden_vision_loss",
        en: "lost vision in one eye",
        zh: "左眼突然看不见",
        denial: "no loss of vision",
    },
    RuleCase {
        code: "thunderclap_headache",
        en: "worst headache of my life",
        zh: "突然剧烈头痛",
        denial: "not the worst headache of my life",
    },
    RuleCase {
        code: "severe_headache",
        en: "a severe headache",
        zh: "头痛得厉害",
        denial: "no severe headache",
    },
    RuleCase {
        code: "unresponsive",
        en: "she is unconscious",
        zh: "昏迷不醒",
        denial: "没有昏迷",
    },
    RuleCase {
        code: "confusion",
        en: "grandma is suddenly confused",
        zh: "老人神志不清",
        denial: "not confused",
    },
    RuleCase {
        code: "fainting",
        en: "I passed out",
        zh: "刚才晕倒",
        denial: "I didn't pass out",
    },
    RuleCase {
        code: "seizure",
        en: "she is having a seizure",
        zh: "全身抽搐",
        denial: "没有抽搐",
    },
    RuleCase {
        code: "meningitis_signs",
        en: "fever and stiff neck",
        zh: "发烧，脖子僵硬",
        denial: "发烧，脖子不僵硬",
    },
    RuleCase {
        code: "non_blanching_rash",
        en: "a rash that doesn't fade under a glass",
        zh: "身上有紫癜",
        denial: "no petechiae",
    },
    RuleCase {
        code: "head_injury_danger",
        en: "he hit his head and vomited",
        zh: "撞到头后呕吐",
        denial: "撞到头，没有呕吐",
    },
    RuleCase {
        code: "head_injury",
        en: "I banged my head",
        zh: "后脑勺磕到了",
        denial: "I did not hit my head",
    },
    RuleCase {
        code: "cauda_equina",
        en: "numbness between my legs",
        zh: "会阴麻木",
        denial: "no saddle numbness",
    },
    RuleCase {
        code: "leg_paralysis",
        en: "I can't move my legs",
        zh: "突然双腿无力",
        denial: "my legs are weak",
    },
    RuleCase {
        code: "leg_weakness",
        en: "my legs are weak",
        zh: "双腿无力",
        denial: "没有双腿无力",
    },
    RuleCase {
        code: "severe_eye_pain",
        en: "severe eye pain",
        zh: "眼睛剧痛",
        denial: "no severe eye pain",
    },
    RuleCase {
        code: "sudden_hearing_loss",
        en: "sudden deafness in one ear",
        zh: "突发耳聋",
        denial: "没有突发耳聋",
    },
    RuleCase {
        code: "airway_swelling",
        en: "I cannot swallow my saliva",
        zh: "咽不下口水",
        denial: "no drooling",
    },
    RuleCase {
        code: "chemical_in_eye",
        en: "bleach splashed in my eye",
        zh: "洁厕灵溅到眼睛",
        denial: "没有石灰进眼睛",
    },
    RuleCase {
        code: "vomiting_blood",
        en: "I am vomiting blood",
        zh: "吐血",
        denial: "not vomiting blood",
    },
    RuleCase {
        code: "black_stool",
        en: "black tarry stool",
        zh: "大便发黑",
        denial: "no black stools",
    },
    RuleCase {
        code: "bleeding_with_collapse",
        en: "black stools and I fainted",
        zh: "黑便，晕倒",
        denial: "黑便，没有晕倒",
    },
    RuleCase {
        code: "rectal_bleeding",
        en: "bleeding from the rectum",
        zh: "便血",
        denial: "没有便血",
    },
    RuleCase {
        code: "acute_abdomen",
        en: "severe abdominal pain",
        zh: "肚子剧痛",
        denial: "no severe abdominal pain",
    },
    RuleCase {
        code: "abdominal_pain_fever",
        en: "stomach pain and fever",
        zh: "腹痛，发烧",
        denial: "腹痛，没有发烧，没有呕吐",
    },
    RuleCase {
        code: "testicular_torsion",
        en: "sudden pain in my testicle",
        zh: "睾丸痛",
        denial: "睾丸不痛",
    },
    RuleCase {
        code: "urinary_retention",
        en: "I can't pee at all",
        zh: "一天尿不出来",
        denial: "no urinary retention",
    },
    RuleCase {
        code: "bleeding_in_pregnancy",
        en: "pregnant and bleeding",
        zh: "怀孕10周，阴道出血",
        denial: "怀孕10周，没有出血",
    },
    RuleCase {
        code: "pain_in_pregnancy",
        en: "pregnant with stomach pain",
        zh: "孕妇，肚子痛",
        denial: "孕妇，肚子不痛",
    },
    RuleCase {
        code: "reduced_fetal_movement",
        en: "the baby is moving less",
        zh: "胎动减少",
        denial: "胎动没有减少",
    },
    RuleCase {
        code: "pre_eclampsia",
        en: "30 weeks pregnant, bad headache, blurred vision",
        zh: "孕30周，头痛，视物模糊",
        denial: "孕30周，没有头痛、视物模糊",
    },
    RuleCase {
        code: "waters_broken",
        en: "my waters broke",
        zh: "破水了",
        denial: "没有破水",
    },
    RuleCase {
        code: "postpartum_danger",
        en: "I gave birth a week ago and have a fever",
        zh: "产后十天，发烧",
        denial: "产后十天，没有发烧",
    },
    RuleCase {
        code: "infant_fever_under_3_months",
        en: "my 5 week old baby has a fever",
        zh: "新生儿发烧",
        denial: "新生儿，没有发烧",
    },
    RuleCase {
        code: "infant_fever_3_to_6_months",
        en: "5 month old baby, 39.4C",
        zh: "宝宝4个月大，39.2度",
        denial: "宝宝4个月大，没有39度",
    },
    RuleCase {
        code: "child_danger_signs",
        en: "my toddler is floppy",
        zh: "宝宝嗜睡",
        denial: "宝宝没有嗜睡",
    },
    RuleCase {
        code: "child_dehydration",
        en: "baby has sunken eyes",
        zh: "宝宝眼窝凹陷",
        denial: "no sunken eyes",
    },
    RuleCase {
        code: "bulging_fontanelle",
        en: "bulging soft spot",
        zh: "宝宝囟门隆起",
        denial: "囟门没有隆起",
    },
    RuleCase {
        code: "suicidal_thoughts",
        en: "I want to kill myself",
        zh: "我想自杀",
        denial: "我没有想自杀",
    },
    RuleCase {
        code: "self_harm",
        en: "I have been cutting myself",
        zh: "我割腕了",
        denial: "没有自残",
    },
    RuleCase {
        code: "overdose",
        en: "she took an overdose",
        zh: "吃了一整瓶安眠药",
        denial: "没有过量服用",
    },
    RuleCase {
        code: "poisoning",
        en: "my son drank bleach",
        zh: "误服农药",
        denial: "他没有误服农药",
    },
    RuleCase {
        code: "carbon_monoxide",
        en: "the carbon monoxide alarm went off",
        zh: "一氧化碳报警",
        denial: "no carbon monoxide",
    },
    RuleCase {
        code: "heavy_bleeding",
        en: "the bleeding won't stop",
        zh: "血止不住",
        denial: "no heavy bleeding",
    },
    RuleCase {
        code: "bleeding_on_anticoagulants",
        en: "on warfarin and I fainted",
        zh: "吃华法林，晕倒了",
        denial: "吃华法林，没有晕倒",
    },
    RuleCase {
        code: "severe_burn",
        en: "severe burn on my arm",
        zh: "大面积烫伤",
        denial: "no severe burns",
    },
    RuleCase {
        code: "electric_shock",
        en: "I got an electric shock",
        zh: "触电了",
        denial: "没有触电",
    },
    RuleCase {
        code: "snake_bite",
        en: "bitten by a snake",
        zh: "被蛇咬了",
        denial: "没有被蛇咬",
    },
    RuleCase {
        code: "rabies_exposure",
        en: "a dog bit my hand",
        zh: "被狗咬了",
        denial: "没有被狗咬",
    },
    RuleCase {
        code: "heat_stroke",
        en: "I think I have heatstroke",
        zh: "中暑了",
        denial: "没有中暑",
    },
    RuleCase {
        code: "sepsis_signs",
        en: "skin is mottled",
        zh: "感染性休克",
        denial: "no signs of sepsis",
    },
    RuleCase {
        code: "immunosuppressed_fever",
        en: "on chemotherapy with a fever",
        zh: "化疗后发热",
        denial: "化疗后没有发热",
    },
    RuleCase {
        code: "diabetic_ketoacidosis",
        en: "diabetic, breath smells fruity",
        zh: "酮症酸中毒",
        denial: "没有酮症酸中毒",
    },
    RuleCase {
        code: "hypoglycaemia",
        en: "my blood sugar is very low",
        zh: "低血糖发作",
        denial: "没有低血糖",
    },
    RuleCase {
        code: "rigors",
        en: "shaking chills all night",
        zh: "打寒战",
        denial: "没有寒战",
    },
];

#[test]
fn every_rule_can_be_triggered_and_denied() {
    let mut faults = Vec::new();

    for rule in RULES {
        for text in [rule.en, rule.zh] {
            let found = assess_text(text);
            if status_of(&found, rule.code).is_none() {
                faults.push(format!("{} misses {text:?}: {found:?}", rule.code));
            }
        }

        let found = assess_text(rule.denial);
        if status_of(&found, rule.code).is_some() {
            faults.push(format!(
                "{} holds for {:?}: {found:?}",
                rule.code, rule.denial
            ));
        }
    }

    assert_no_faults(&faults);
}

#[test]
fn every_rule_has_a_case() {
    let tested: HashSet<&str> = RULES.iter().map(|rule| rule.code).collect();

    let missing: Vec<_> = rules::all_rules()
        .map(|rule| rule.code)
        .filter(|code| !tested.contains(code))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}
