//! Pregnancy and the weeks after birth.

use crate::triage::finding::Finding::{
    AbdominalPain, Breathless, CalfSwelling, ChestPain, Fainting, Fever, FluidLeak,
    HandFaceSwelling, Headache, HeavyBleeding, Postpartum, PostpartumDanger, PostpartumDepression,
    Pregnant, ReducedFetalMovement, Seizure, SevereAbdominalPain, SevereHeadache, VaginalBleeding,
    VisualDisturbance,
};
use crate::triage::rule::SexFilter::{AnySex, ExceptMale};
use crate::triage::rule::{LexiconEntry, Rule, Source};
use crate::triage::urgency::Urgency::{Emergency, Urgent};

const NG126: Source = Source {
    title: "NICE NG126: Ectopic pregnancy and miscarriage",
    url: "https://www.nice.org.uk/guidance/ng126",
};
const WARNING_SIGNS: Source = Source {
    title: "CDC: Urgent maternal warning signs",
    url: "https://www.cdc.gov/hearher/maternal-warning-signs/index.html",
};

pub(super) const RULES: &[Rule] = &[
    Rule {
        code: "bleeding_in_pregnancy",
        urgency: Emergency,
        en: "Bleeding or severe pain in pregnancy",
        zh: "孕期出血或剧烈疼痛",
        any_of: &[
            &[Pregnant, VaginalBleeding],
            &[Pregnant, SevereAbdominalPain],
            &[Pregnant, HeavyBleeding],
        ],
        sex_filter: ExceptMale,
        source: NG126,
    },
    Rule {
        code: "pain_in_pregnancy",
        urgency: Urgent,
        en: "Abdominal pain, fever or fainting in pregnancy",
        zh: "孕期腹痛、发热或晕厥",
        any_of: &[
            &[Pregnant, AbdominalPain],
            &[Pregnant, Fever],
            &[Pregnant, Fainting],
        ],
        sex_filter: ExceptMale,
        source: WARNING_SIGNS,
    },
    Rule {
        code: "reduced_fetal_movement",
        urgency: Urgent,
        en: "Baby moves less than usual or not at all",
        zh: "胎动减少或消失",
        any_of: &[&[ReducedFetalMovement]],
        sex_filter: ExceptMale,
        source: Source {
            title: "NHS: Your baby's movements",
            url: "https://www.nhs.uk/pregnancy/keeping-well/your-babys-movements/",
        },
    },
    Rule {
        code: "pre_eclampsia",
        urgency: Emergency,
        en: "Signs of pre-eclampsia",
        zh: "子痫前期征象",
        any_of: &[
            &[Pregnant, SevereHeadache],
            &[Pregnant, Headache, VisualDisturbance],
            &[Pregnant, Headache, HandFaceSwelling],
            &[Pregnant, VisualDisturbance],
            &[Pregnant, Seizure],
            &[Postpartum, SevereHeadache],
        ],
        sex_filter: ExceptMale,
        source: Source {
            title: "NICE NG133: Hypertension in pregnancy",
            url: "https://www.nice.org.uk/guidance/ng133",
        },
    },
    Rule {
        code: "waters_broken",
        urgency: Urgent,
        en: "Waters broken in pregnancy",
        zh: "破水",
        any_of: &[&[FluidLeak]],
        sex_filter: ExceptMale,
        source: WARNING_SIGNS,
    },
    Rule {
        code: "postpartum_danger",
        urgency: Emergency,
        en: "Danger sign after birth",
        zh: "产后危险征象",
        any_of: &[
            &[Postpartum, HeavyBleeding],
            &[Postpartum, VaginalBleeding],
            &[Postpartum, Fever],
            &[Postpartum, Breathless],
            &[Postpartum, ChestPain],
            &[Postpartum, CalfSwelling],
            &[Postpartum, Seizure],
            &[Postpartum, PostpartumDepression],
            &[PostpartumDanger],
        ],
        sex_filter: AnySex,
        source: WARNING_SIGNS,
    },
];

pub(super) const LEXICON: &[LexiconEntry] = &[
    LexiconEntry {
        finding: VaginalBleeding,
        en: &[
            "bleeding !gums|gum|nose",
            "vagina* .. blood|bleed*",
            "blood|spotting .. vagina*|pad|underwear|down_there|knickers|pants",
            "spotting|passing_clots",
        ],
        zh: &[
            "阴道 .. 出血|流血",
            "出血|见红|流血|下身流血|出了血",
            "下面 .. 流血|出血",
        ],
    },
    LexiconEntry {
        finding: ReducedFetalMovement,
        en: &[
            "baby|fetus|foetus .. not|isnt|hasnt|stopped|less|fewer .. moving|moved|kicking|kicked",
            "@cant feel .. baby .. move|moving|kick*",
            "not|havent|hasnt|dont felt|feel|feeling .. baby .. move*|moving|kick*",
            "reduced|less|fewer|no|decreased .. baby|fetal|foetal .. movement*|kicks",
            "baby|fetal|foetal|babys .. movement*|kicks .. \
             less|reduced|stopped|fewer|slowed|decreased",
            "baby .. moving|kicking .. less",
        ],
        zh: &[
            "胎动 .. 减少|消失|没有了|没了|变少|少了|很少|明显少|停|不动|感觉不到",
            "胎动 没有 !减少|变少|异常|变化|少|问题|停|明显|消失|什么|啥|规律",
            "感觉不到|没有|没|摸不到 胎动",
            "胎儿|宝宝 .. 肚子里 .. 不动",
            "肚子里 .. 宝宝|孩子 .. 不动",
            "胎儿 .. 不动",
        ],
    },
    LexiconEntry {
        finding: HandFaceSwelling,
        en: &[
            "swell*|swollen ... face|hands|feet|ankles|legs",
            "face|hands|feet|ankles|legs ... swell*|swollen",
        ],
        zh: &["手|脸|脚|腿|面部|眼睑|全身 .. 肿|浮肿|水肿", "水肿|浮肿"],
    },
    LexiconEntry {
        finding: FluidLeak,
        en: &["waters|water .. broke|broken", "leaking|gush .. fluid"],
        zh: &["破水|羊水破|羊水流|胎膜早破"],
    },
    LexiconEntry {
        finding: PostpartumDanger,
        en: &[
            "postpartum haemorrhag*|hemorrhag*|bleed*",
            "afterbirth .. stuck|retained",
        ],
        zh: &["产后大出血|产后出血|产褥热|恶露 .. 臭|大量"],
    },
    LexiconEntry {
        finding: PostpartumDepression,
        en: &["harm*|hurt*|kill* .. baby", "hearing_voices|hallucinat*"],
        zh: &["伤害|掐死|杀 .. 孩子|宝宝", "幻听|幻觉"],
    },
];
