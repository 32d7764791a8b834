//! Breathing and allergy.

use crate::triage::finding::Finding::{
    AnaphylaxisNamed, BlueLips, Breathless, CannotSwallowSaliva, Choking, CoughingBlood,
    FaceSwelling, Fainting, Hives, SevereBreathless, ThroatSwelling, Vomiting, Wheeze,
};
use crate::triage::rule::SexFilter::AnySex;
use crate::triage::rule::{LexiconEntry, Rule, Source};
use crate::triage::urgency::Urgency::{Emergency, Urgent};

const BREATH: Source = Source {
    title: "NHS: Shortness of breath",
    url: "https://www.nhs.uk/conditions/shortness-of-breath/",
};

pub(super) const RULES: &[Rule] = &[
    Rule {
        code: "severe_breathlessness",
        urgency: Emergency,
        en: "Severe difficulty in breathing",
        zh: "严重呼吸困难",
        any_of: &[&[SevereBreathless]],
        sex_filter: AnySex,
        source: BREATH,
    },
    Rule {
        code: "breathlessness",
        urgency: Urgent,
        en: "Shortness of breath",
        zh: "呼吸困难",
        any_of: &[&[Breathless]],
        sex_filter: AnySex,
        source: BREATH,
    },
    Rule {
        code: "blue_lips",
        urgency: Emergency,
        en: "Blue or grey lips or skin",
        zh: "口唇或皮肤发紫",
        any_of: &[&[BlueLips]],
        sex_filter: AnySex,
        source: Source {
            title: "NHS: Blue skin or lips (cyanosis)",
            url: "https://www.nhs.uk/symptoms/blue-skin-or-lips-cyanosis/",
        },
    },
    Rule {
        code: "choking",
        urgency: Emergency,
        en: "Choking",
        zh: "气道异物或窒息",
        any_of: &[&[Choking]],
        sex_filter: AnySex,
        source: Source {
            title: "NHS: First aid",
            url: "https://www.nhs.uk/conditions/first-aid/",
        },
    },
    Rule {
        code: "airway_swelling",
        urgency: Emergency,
        en: "Unable to swallow saliva",
        zh: "无法吞咽口水",
        any_of: &[&[CannotSwallowSaliva]],
        sex_filter: AnySex,
        source: Source {
            title: "NHS: Epiglottitis",
            url: "https://www.nhs.uk/conditions/epiglottitis/",
        },
    },
    Rule {
        code: "anaphylaxis",
        urgency: Emergency,
        en: "Signs of a severe allergic reaction",
        zh: "严重过敏反应征象",
        any_of: &[
            &[AnaphylaxisNamed],
            &[ThroatSwelling],
            &[Hives, Breathless],
            &[Hives, SevereBreathless],
            &[Hives, Wheeze],
            &[Hives, Fainting],
            &[Hives, FaceSwelling],
            &[Hives, Vomiting],
            &[FaceSwelling, Breathless],
            &[FaceSwelling, Wheeze],
        ],
        sex_filter: AnySex,
        source: Source {
            title: "NHS: Anaphylaxis",
            url: "https://www.nhs.uk/conditions/anaphylaxis/",
        },
    },
    Rule {
        code: "facial_swelling",
        urgency: Urgent,
        en: "Swelling of the lips, tongue or face",
        zh: "嘴唇、舌头或面部肿胀",
        any_of: &[&[FaceSwelling]],
        sex_filter: AnySex,
        source: Source {
            title: "NHS: Angioedema",
            url: "https://www.nhs.uk/conditions/angioedema/",
        },
    },
    Rule {
        code: "coughing_blood",
        urgency: Urgent,
        en: "Coughing up blood",
        zh: "咳血",
        any_of: &[&[CoughingBlood]],
        sex_filter: AnySex,
        source: Source {
            title: "NHS: Coughing up blood",
            url: "https://www.nhs.uk/conditions/coughing-up-blood/",
        },
    },
];

pub(super) const LEXICON: &[LexiconEntry] = &[
    LexiconEntry {
        finding: SevereBreathless,
        en: &[
            "@cant .. breathe|breath !through|well|properly_through",
            "cant get|catch|draw .. breath|air",
            "gasping|suffocat*|air_hunger",
            "not|stopped|isnt|wasnt|hardly|barely|no_longer|stops breathing \
             !difficult*|problem*|heav*|fast|hard",
            "no_breathing !difficult*|problem*|trouble*|issue*",
            "struggling|fighting|struggle|fights .. breathe|breath|air",
            "@severe .. breathless*|shortness_of_breath|short_of_breath|difficulty_breathing|\
             trouble_breathing|dyspn*",
            "breathless*|short_of_breath|shortness_of_breath|difficulty_breathing .. \
             at_rest|lying|sitting|speak|talk",
            "too breathless to talk|speak|eat|walk",
            "@cant|struggl* .. finish|complete|speak .. sentence|sentences",
            "breathless .. @cant .. talk|speak",
        ],
        zh: &[
            "@不能|难以 呼吸|喘气|喘息",
            "喘不上|喘不过|透不过|上不来|呼吸不上|呼吸不了|吸不上|吸不到 气|来气|来|空气",
            "呼吸不了|喘不上气|喘不过气|上气不接下气|透不过气|快憋死|憋得慌|窒息感|快窒息|停止呼吸|\
             呼吸停止|没气了",
            "没有呼吸|没呼吸 !困难|急促|费力|不|道|异常|问题|吃力|费劲|窘迫",
            "@剧|极度|非常 呼吸困难|气促|气短|气喘",
            "呼吸|喘 .. @不能 .. 说话|平躺|躺平",
            "说不出完整|说不了完整|说不完整",
            "呼吸 .. 极 困难",
            "呼吸困难 .. 厉害|严重|坐着|休息",
        ],
    },
    LexiconEntry {
        finding: Breathless,
        en: &[
            "breathless*|dyspn*|sob",
            "short|shortness of breath|breathe",
            "short_breath|shortness_breath",
            "out_of breath",
            "difficulty|trouble|difficult|hard|struggl* .. breath*",
            "breathing .. difficult*|hard|harder|trouble|laboured|labored|rapid|fast",
            "fast|rapid|laboured|labored breathing",
            "@cant .. breathe|breath !through",
            "winded",
        ],
        zh: &[
            "呼吸 困难|费力|急促|吃力|费劲|不畅|不顺|很快",
            "气短|气促|气喘|气急|喘不上|喘不过|喘得|喘憋|憋气|胸闷气短|呼吸困难|透不过",
            "喘 .. 厉害|气",
        ],
    },
    LexiconEntry {
        finding: BlueLips,
        en: &[
            "lips|lip|tongue|face|skin|nails|fingernails .. blue|grey|gray|purple|bluish",
            "blue|grey|gray|bluish|purple lips|lip|tongue|face|skin",
            "cyanos*|cyanotic",
            "turn*|going|went|gone blue",
        ],
        zh: &[
            "嘴唇|口唇|嘴|唇|舌头|脸|脸色|面色|皮肤|指甲 .. \
             发紫|发青|青紫|发绀|紫了|变紫|发蓝|变青|铁青",
            "发绀|紫绀",
        ],
    },
    LexiconEntry {
        finding: Choking,
        en: &[
            "choking !sensation|feeling",
            "choked|chokes .. on",
            "something|food|bone|object|coin|toy|grape|nut|meat .. stuck|lodged .. \
             throat|airway|windpipe",
        ],
        zh: &[
            "噎|噎住|噎着|噎到",
            "异物|卡 .. 气管|喉咙|嗓子|喉",
            "窒息",
            "呛 .. 憋|喘不",
        ],
    },
    LexiconEntry {
        finding: CannotSwallowSaliva,
        en: &["@cant .. swallow .. saliva|spit", "drooling"],
        zh: &[
            "咽不下|吞不下|咽不了|吞不了 .. 口水|唾液",
            "@不能 .. 吞|咽 .. 口水|唾液",
        ],
    },
    LexiconEntry {
        finding: CoughingBlood,
        en: &[
            "cough* .. blood|bloody",
            "blood ... cough*|phlegm|sputum|mucus_i_cough",
            "bloody phlegm|sputum",
            "hemoptysis|haemoptysis",
        ],
        zh: &["咳血|咯血|咳出血|血痰|痰血", "咳|痰 .. 血", "痰中带血"],
    },
    LexiconEntry {
        finding: Wheeze,
        en: &["wheez*|stridor"],
        zh: &["喘鸣|哮鸣|喘息|气喘|哮喘"],
    },
    LexiconEntry {
        finding: ThroatSwelling,
        en: &[
            "throat|tongue|airway .. swell*|swollen|closing|closed|tightening|closes",
            "swollen|swelling .. tongue|throat",
            "throat .. tight",
        ],
        zh: &["喉咙|喉头|嗓子|咽喉|舌头|喉 .. 肿|水肿|发紧|堵住|收紧|肿胀"],
    },
    LexiconEntry {
        finding: FaceSwelling,
        en: &[
            "lips|lip|face|eyes|eyelids .. swell*|swollen|puffy|puffed",
            "swollen|swelling .. lips|lip|face|eyelids",
        ],
        zh: &["嘴唇|口唇|嘴|唇|脸|面部|眼睛|眼皮 .. 肿|水肿"],
    },
    LexiconEntry {
        finding: Hives,
        en: &[
            "hives|urticaria|welts",
            "rash|itch* .. all_over",
            "allergic_reaction|allergic",
        ],
        zh: &["荨麻疹|风团|过敏|皮疹|风疹块", "全身 .. 痒|疹"],
    },
    LexiconEntry {
        finding: AnaphylaxisNamed,
        en: &[
            "anaphyla*",
            "severe|serious allergic_reaction|allergy",
            "epipen|adrenaline_pen",
        ],
        zh: &["过敏性休克|过敏休克", "严重 .. 过敏"],
    },
];
