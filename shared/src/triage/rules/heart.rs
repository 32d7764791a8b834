//! Heart and vessels.

use crate::triage::finding::Finding::{
    ArmOrJawPain, BackPain, Breathless, CalfSwelling, ChestPain, ColdPaleLimb, CoughingBlood,
    CrushingChestPain, Fainting, HeartAttackNamed, HeartDisease, PainOnBreathing, Palpitations,
    SevereBreathless, Sweating, TearingPain, Vomiting,
};
use crate::triage::rule::SexFilter::AnySex;
use crate::triage::rule::{LexiconEntry, Rule, Source};
use crate::triage::urgency::Urgency::{Emergency, Urgent};

const HEART_ATTACK: Source = Source {
    title: "NHS: Heart attack",
    url: "https://www.nhs.uk/conditions/heart-attack/",
};
const CG95: Source = Source {
    title: "NICE CG95: Recent-onset chest pain of suspected cardiac origin",
    url: "https://www.nice.org.uk/guidance/cg95",
};
const NG158: Source = Source {
    title: "NICE NG158: Venous thromboembolic diseases",
    url: "https://www.nice.org.uk/guidance/ng158",
};

const PALPITATIONS: Source = Source {
    title: "NHS: Heart palpitations",
    url: "https://www.nhs.uk/conditions/heart-palpitations/",
};

pub(super) const RULES: &[Rule] = &[
    Rule {
        code: "cardiac_chest_pain",
        urgency: Emergency,
        en: "Chest pain with signs of a heart attack",
        zh: "胸痛伴心肌梗死征象",
        any_of: &[
            &[CrushingChestPain],
            &[HeartAttackNamed],
            &[ChestPain, ArmOrJawPain],
            &[ChestPain, Sweating],
            &[ChestPain, Breathless],
            &[ChestPain, SevereBreathless],
            &[ChestPain, Vomiting],
            &[ChestPain, HeartDisease],
        ],
        sex_filter: AnySex,
        source: HEART_ATTACK,
    },
    Rule {
        code: "chest_pain",
        urgency: Urgent,
        en: "Chest pain",
        zh: "胸痛",
        any_of: &[&[ChestPain], &[CrushingChestPain]],
        sex_filter: AnySex,
        source: CG95,
    },
    Rule {
        code: "fainting_with_chest_pain",
        urgency: Emergency,
        en: "Fainting with chest pain or palpitations",
        zh: "晕厥伴胸痛或心悸",
        any_of: &[
            &[Fainting, ChestPain],
            &[Fainting, CrushingChestPain],
            &[Fainting, Palpitations],
        ],
        sex_filter: AnySex,
        source: Source {
            title: "NHS: Fainting",
            url: "https://www.nhs.uk/conditions/fainting/",
        },
    },
    Rule {
        code: "aortic_dissection",
        urgency: Emergency,
        en: "Tearing pain in the chest or back",
        zh: "胸背部撕裂样疼痛",
        any_of: &[&[TearingPain]],
        sex_filter: AnySex,
        source: CG95,
    },
    Rule {
        code: "palpitations_breathless",
        urgency: Emergency,
        en: "Palpitations with breathlessness or chest pain",
        zh: "心悸伴呼吸困难或胸痛",
        any_of: &[
            &[Palpitations, Breathless],
            &[Palpitations, SevereBreathless],
            &[Palpitations, ChestPain],
            &[Palpitations, CrushingChestPain],
        ],
        sex_filter: AnySex,
        source: PALPITATIONS,
    },
    Rule {
        code: "palpitations_sweating",
        urgency: Urgent,
        en: "Palpitations with sweating",
        zh: "心悸伴出汗",
        any_of: &[&[Palpitations, Sweating]],
        sex_filter: AnySex,
        source: PALPITATIONS,
    },
    Rule {
        code: "pulmonary_embolism",
        urgency: Emergency,
        en: "Signs of a clot in the lung",
        zh: "疑似肺栓塞征象",
        any_of: &[
            &[CalfSwelling, Breathless],
            &[CalfSwelling, ChestPain],
            &[PainOnBreathing, Breathless],
            &[PainOnBreathing, CoughingBlood],
            &[ChestPain, CoughingBlood],
        ],
        sex_filter: AnySex,
        source: Source {
            title: "NHS: Pulmonary embolism",
            url: "https://www.nhs.uk/conditions/pulmonary-embolism/",
        },
    },
    Rule {
        code: "deep_vein_thrombosis",
        urgency: Urgent,
        en: "Swollen, painful calf or leg on one side",
        zh: "单侧小腿或下肢肿痛",
        any_of: &[&[CalfSwelling]],
        sex_filter: AnySex,
        source: NG158,
    },
    Rule {
        code: "cold_pale_limb",
        urgency: Emergency,
        en: "Cold, pale or pulseless limb",
        zh: "肢体冰冷苍白或无脉搏",
        any_of: &[&[ColdPaleLimb]],
        sex_filter: AnySex,
        source: Source {
            title: "NHS: Peripheral arterial disease",
            url: "https://www.nhs.uk/conditions/peripheral-arterial-disease-pad/",
        },
    },
    Rule {
        code: "collapse_with_back_pain",
        urgency: Emergency,
        en: "Fainting with sudden back pain",
        zh: "晕厥伴背痛",
        any_of: &[&[Fainting, BackPain]],
        sex_filter: AnySex,
        source: Source {
            title: "NICE NG156: Abdominal aortic aneurysm",
            url: "https://www.nice.org.uk/guidance/ng156",
        },
    },
];

pub(super) const LEXICON: &[LexiconEntry] = &[
    LexiconEntry {
        finding: ChestPain,
        en: &[
            "@chest .. @pain|tight*|pressure|discomfort|heaviness|heavy",
            "@pain|tight*|pressure|discomfort|heaviness|ache .. \
             in|across|behind|to|on|round|around @chest",
            "chestpain|angina|cp",
            "tight|heavy|sore|painful @chest",
            "weight|squeezing|squeeze|tightness|elephant .. @chest",
            "@chest .. elephant|weight|brick|band|vice",
        ],
        zh: &[
            "@胸 @痛|不适|发紧|压迫|难受",
            "@胸 .. 里|像|被 .. 痛|疼|压",
            "胸痛|胸闷|心绞痛|心脏痛|心脏疼",
        ],
    },
    LexiconEntry {
        finding: CrushingChestPain,
        en: &[
            "crushing|squeezing|vice_like|viselike .. @chest",
            "@chest .. crushing|squeezing|vice_like",
            "elephant .. on|sitting .. @chest",
            "@chest .. elephant|vice",
        ],
        zh: &[
            "压榨|压迫|濒死 .. 胸",
            "@胸 .. 压榨|压着|濒死|石头压",
            "大石头 .. 压 .. 胸",
        ],
    },
    LexiconEntry {
        finding: ArmOrJawPain,
        en: &[
            "radiat*|spread*|shoot*|going|goes|moving|moves|travel*|extend* ... \
             arm|arms|jaw|neck|shoulder",
            "arm|arms|jaw|shoulder .. @pain|numb|numbness|tingling|heavy",
            "@pain|numb*|tingling .. in|down|to .. arm|arms|jaw",
        ],
        zh: &[
            "放射|扩散|牵扯|窜|串|传|蔓延|连 ... 臂|胳膊|手臂|肩|下巴|下颌|脖子|背",
            "左臂|左手|手臂|胳膊|下巴|下颌|左肩|肩膀 .. 痛|疼|麻|酸",
        ],
    },
    LexiconEntry {
        finding: Sweating,
        en: &["sweat*|clammy|diaphor*"],
        zh: &["冷汗|大汗|出汗|冒汗|虚汗|满头汗|满头大汗"],
    },
    LexiconEntry {
        finding: HeartAttackNamed,
        en: &[
            "having|suffering|is|it|a|this|suspect* heart_attack !was|history",
            "heart_attack|stemi|nstemi",
        ],
        zh: &["心梗|心肌梗死|心肌梗塞|心脏病发作|心脏骤停"],
    },
    LexiconEntry {
        finding: TearingPain,
        en: &[
            "tearing|ripping .. pain|chest|back",
            "pain .. tearing|ripping",
        ],
        zh: &["撕裂 .. 痛|疼", "胸|背 .. 撕裂"],
    },
    LexiconEntry {
        finding: Palpitations,
        en: &[
            "palpitation*",
            "heart .. racing|pounding|fluttering|irregular*|skipping",
            "racing|pounding|irregular heart|heartbeat",
        ],
        zh: &["心悸|心慌|心跳加速|心律不齐", "心跳 .. 快|乱|不齐"],
    },
    LexiconEntry {
        finding: ColdPaleLimb,
        en: &[
            "leg|arm|foot|hand|limb|toes|fingers ... cold ... pale|white|blue|numb|grey|pulseless",
            "leg|arm|foot|hand|limb ... pale|white|blue|grey ... cold",
            "cold|pale|white|blue ... cold|pale|white|pulseless|painful|numb ... \
             leg|arm|foot|hand|limb",
            "no_pulse .. leg|arm|foot|hand|wrist",
        ],
        zh: &[
            "腿|脚|胳膊|手|肢|肢体 ... 冰冷|冰凉|发凉|冷 ... 苍白|发白|发紫|青紫|麻",
            "腿|脚|胳膊|手|肢|肢体 ... 苍白|发白 ... 冰冷|冰凉|发凉|冷",
            "腿|脚|胳膊|手 .. 摸不到脉搏|没有脉搏|无脉",
        ],
    },
    LexiconEntry {
        finding: CalfSwelling,
        en: &[
            "one|left|right|my|a|her|his calf|leg|thigh ... swollen|swelling|swelled",
            "calf ... swollen|swelling|@pain|hot|red|tender",
            "swollen|swelling ... calf|leg|thigh",
            "deep_vein_thrombosis|dvt|blood_clot",
        ],
        zh: &[
            "小腿|单侧腿|左腿|右腿|一条腿|大腿|一侧腿|单腿|左下肢|右下肢 ... 肿",
            "小腿|左腿|右腿 .. 比 .. 粗",
            "小腿 .. 红肿|肿痛|胀痛",
            "深静脉血栓|下肢血栓",
        ],
    },
    LexiconEntry {
        finding: PainOnBreathing,
        en: &[
            "@pain|worse|stabbing ... when|on|with|if|as .. breath*|inhal*|deep_breath*",
            "hurts to breathe|inhale",
            "pleuritic",
        ],
        zh: &["吸气|呼吸|深呼吸 .. 痛|疼"],
    },
];
