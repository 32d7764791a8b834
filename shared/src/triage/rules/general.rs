//! Sepsis, diabetes and weakened immunity.

use crate::triage::finding::Finding::{
    Breathless, Confusion, Diabetes, DiabeticCrisis, Fainting, Fever, Immunosuppressed,
    KetoneSigns, Lethargic, LowBloodSugar, MottledSkin, Palpitations, Rigors, SepsisNamed,
    SevereBreathless, Sweating, Unresponsive, Vomiting,
};
use crate::triage::rule::SexFilter::AnySex;
use crate::triage::rule::{LexiconEntry, Rule, Source};
use crate::triage::urgency::Urgency::{Emergency, Urgent};

const SEPSIS: Source = Source {
    title: "NHS: Sepsis",
    url: "https://www.nhs.uk/conditions/sepsis/",
};

pub(super) const RULES: &[Rule] = &[
    Rule {
        code: "sepsis_signs",
        urgency: Emergency,
        en: "Signs of sepsis",
        zh: "脓毒症征象",
        any_of: &[
            &[SepsisNamed],
            &[MottledSkin],
            &[Fever, Confusion],
            &[Fever, SevereBreathless],
            &[Fever, Lethargic],
            &[Fever, Fainting],
            &[Rigors, Confusion],
            &[Rigors, Breathless],
        ],
        sex_filter: AnySex,
        source: SEPSIS,
    },
    Rule {
        code: "immunosuppressed_fever",
        urgency: Emergency,
        en: "Fever with weakened immunity",
        zh: "免疫功能低下者发热",
        any_of: &[&[Immunosuppressed, Fever], &[Immunosuppressed, Rigors]],
        sex_filter: AnySex,
        source: Source {
            title: "NICE CG151: Neutropenic sepsis",
            url: "https://www.nice.org.uk/guidance/cg151",
        },
    },
    Rule {
        code: "diabetic_ketoacidosis",
        urgency: Emergency,
        en: "Signs of diabetic ketoacidosis",
        zh: "糖尿病酮症酸中毒征象",
        any_of: &[
            &[DiabeticCrisis],
            &[KetoneSigns],
            &[Diabetes, Vomiting],
            &[Diabetes, Confusion],
            &[Diabetes, SevereBreathless],
            &[Diabetes, Breathless],
        ],
        sex_filter: AnySex,
        source: Source {
            title: "NHS: Diabetic ketoacidosis",
            url: "https://www.nhs.uk/conditions/diabetic-ketoacidosis/",
        },
    },
    Rule {
        code: "hypoglycaemia",
        urgency: Emergency,
        en: "Low blood sugar",
        zh: "低血糖",
        any_of: &[
            &[LowBloodSugar],
            &[Diabetes, Unresponsive],
            &[Diabetes, Sweating, Palpitations],
            &[Diabetes, Fainting],
            &[Diabetes, Sweating],
        ],
        sex_filter: AnySex,
        source: Source {
            title: "NHS: Low blood sugar (hypoglycaemia)",
            url: "https://www.nhs.uk/conditions/low-blood-sugar-hypoglycaemia/",
        },
    },
    Rule {
        code: "rigors",
        urgency: Urgent,
        en: "Shaking chills",
        zh: "寒战",
        any_of: &[&[Rigors]],
        sex_filter: AnySex,
        source: SEPSIS,
    },
];

pub(super) const LEXICON: &[LexiconEntry] = &[
    LexiconEntry {
        finding: SepsisNamed,
        en: &["sepsis|septic|septicaemia|septicemia|blood_poisoning"],
        zh: &["败血症|脓毒症|感染性休克|脓毒血症"],
    },
    LexiconEntry {
        finding: MottledSkin,
        en: &[
            "mottled|blotchy skin",
            "skin .. mottled|blotchy|clammy_and_cold|ashen",
            "mottled",
        ],
        zh: &["皮肤 .. 花斑|大理石|发花", "花斑纹"],
    },
    LexiconEntry {
        finding: Rigors,
        en: &[
            "rigor|rigors",
            "shaking|uncontroll* chills|shivering",
            "shivering uncontroll*",
            "teeth_chattering",
        ],
        zh: &["寒战|打寒战|寒颤|发抖不止|冷得发抖"],
    },
    LexiconEntry {
        finding: DiabeticCrisis,
        en: &[
            "ketoacidosis|dka",
            "blood_sugar|glucose|sugar .. very_high|too_high|over_20|high|sky_high",
        ],
        zh: &["酮症酸中毒|酮症", "血糖 .. 很高|太高|过高|爆表|飙升"],
    },
    LexiconEntry {
        finding: KetoneSigns,
        en: &[
            "ketones",
            "breath .. fruity|acetone|pear_drops|nail_polish",
            "fruity|sweet_smelling breath",
        ],
        zh: &["酮体|烂苹果味|口气有烂苹果", "呼吸|口气 .. 烂苹果|丙酮"],
    },
    LexiconEntry {
        finding: LowBloodSugar,
        en: &[
            "hypoglycaemi*|hypoglycemi*|hypo",
            "blood_sugar|glucose|sugar|sugars .. low|dropped|crash*",
            "low blood_sugar|sugar|glucose",
        ],
        zh: &["低血糖", "血糖 .. 低|过低|很低|太低"],
    },
];
