//! Eyes and ears.

use crate::triage::finding::Finding::{
    ChemicalInEye, EyePain, HearingLoss, SevereEyePain, VisionLoss, VisualDisturbance, Vomiting,
};
use crate::triage::rule::SexFilter::AnySex;
use crate::triage::rule::{LexiconEntry, Rule, Source};
use crate::triage::urgency::Urgency::{Emergency, Urgent};

const NG128: Source = Source {
    title: "NICE NG128: Stroke and transient ischaemic attack",
    url: "https://www.nice.org.uk/guidance/ng128",
};

pub(super) const RULES: &[Rule] = &[
    Rule {
        code: "sudden_vision_loss",
        urgency: Emergency,
        en: "Loss of vision",
        zh: "视力突然丧失",
        any_of: &[&[VisionLoss]],
        sex_filter: AnySex,
        source: NG128,
    },
    Rule {
        code: "severe_eye_pain",
        urgency: Urgent,
        en: "Severe eye pain",
        zh: "剧烈眼痛",
        any_of: &[
            &[SevereEyePain],
            &[EyePain, VisualDisturbance],
            &[EyePain, Vomiting],
        ],
        sex_filter: AnySex,
        source: Source {
            title: "NHS: Glaucoma",
            url: "https://www.nhs.uk/conditions/glaucoma/",
        },
    },
    Rule {
        code: "chemical_in_eye",
        urgency: Emergency,
        en: "Chemical splash in the eye",
        zh: "化学物质溅入眼内",
        any_of: &[&[ChemicalInEye]],
        sex_filter: AnySex,
        source: Source {
            title: "NHS: Eye injuries",
            url: "https://www.nhs.uk/conditions/eye-injuries/",
        },
    },
    Rule {
        code: "sudden_hearing_loss",
        urgency: Urgent,
        en: "Sudden loss of hearing",
        zh: "突发听力下降",
        any_of: &[&[HearingLoss]],
        sex_filter: AnySex,
        source: Source {
            title: "NICE NG98: Hearing loss in adults",
            url: "https://www.nice.org.uk/guidance/ng98",
        },
    },
];

pub(super) const LEXICON: &[LexiconEntry] = &[
    LexiconEntry {
        finding: VisionLoss,
        en: &[
            "lost|loss|losing .. vision|sight|eyesight",
            "vision|sight|eyesight .. gone|lost|disappeared|went",
            "@cant see !well|a_doctor|my_gp|the_doctor|my_doctor|the|a|any|clearly|my|why|him|her|\
             how",
            "blind|blindness",
            "vision|eye|sight .. went|gone|goes .. black|dark|blank|blind",
            "curtain .. vision|eye|sight",
        ],
        zh: &[
            "左眼|右眼|眼睛|眼前 .. @突 黑|看不清|模糊",
            "看不见|看不到东西|失明|什么都看不到|眼前一片黑|黑蒙|看不清东西了",
            "@突 .. 看不清|看不到",
            "视力|视野|眼睛 .. 丧失|消失|没了|没有了|看不见|看不到|瞎|缺了一块",
        ],
    },
    LexiconEntry {
        finding: SevereEyePain,
        en: &[
            "@severe|@sudden .. eye|eyes .. @pain",
            "eye|eyes .. @severe .. @pain",
            "eye_pain .. @severe|halo*|vomit*",
            "@severe .. @pain .. eye|eyes",
        ],
        zh: &[
            "眼睛|眼|眼球|左眼|右眼 .. 剧痛|剧烈 疼痛|痛|疼|胀痛",
            "眼睛|眼|眼球|左眼|右眼 剧痛|痛得厉害|疼得厉害|痛死|疼得受不了|痛得受不了",
            "@突|剧烈 .. 眼睛|眼|眼球|左眼|右眼 .. 痛|疼|胀痛",
            "眼痛 .. 剧烈|虹视",
        ],
    },
    LexiconEntry {
        finding: EyePain,
        en: &["eye|eyes .. @pain", "@pain .. in .. eye|eyes"],
        zh: &["眼睛|眼|眼球|左眼|右眼 痛|疼|胀痛"],
    },
    LexiconEntry {
        finding: ChemicalInEye,
        en: &[
            "chemical*|bleach|acid|lime|cement|ammonia|alkali|caustic|glue ... eye|eyes",
            "eye|eyes .. splashed|burned|burnt .. chemical*|acid|bleach",
        ],
        zh: &[
            "酸|碱|石灰|化学|漂白|消毒液|洁厕|胶水|水泥 ... 眼",
            "眼 ... 溅|进 .. 酸|碱|石灰|化学|漂白|消毒液|洁厕|胶水",
        ],
    },
    LexiconEntry {
        finding: HearingLoss,
        en: &[
            "@sudden .. deaf|deafness|hearing_loss|lost_hearing|lost_my_hearing",
            "lost|loss .. hearing .. @sudden",
        ],
        zh: &[
            "@突 耳聋|听不见|听不到|听力下降",
            "耳朵|左耳|右耳 .. @突 听不见|听不到|聋",
        ],
    },
    LexiconEntry {
        finding: VisualDisturbance,
        en: &[
            "vision|sight|eyesight .. blur*|double|flash*|disturb*|changes|funny|spots",
            "blur*|double|disturbed|flashing vision|sight|lights",
            "seeing .. spots|double|stars|flashes|flashing",
        ],
        zh: &[
            "视物|视力|眼睛|眼 .. 模糊|重影|花|不清",
            "看东西 .. 模糊|重影|不清|双",
            "眼前 .. 闪光|金星|黑点|黑",
            "复视|眼花",
        ],
    },
];
