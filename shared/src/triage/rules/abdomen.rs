//! Belly, bowels, bladder and genitals.

use crate::triage::finding::Finding::{
    AbdominalPain, BlackStool, Fainting, Fever, RectalBleedingHeavy, RigidAbdomen,
    SevereAbdominalPain, TesticularPain, UrinaryRetention, Vomiting, VomitingBlood,
};
use crate::triage::rule::SexFilter::{AnySex, ExceptFemale};
use crate::triage::rule::{LexiconEntry, Rule, Source};
use crate::triage::urgency::Urgency::{Emergency, Urgent};

const CG141: Source = Source {
    title: "NICE CG141: Acute upper gastrointestinal bleeding in over 16s",
    url: "https://www.nice.org.uk/guidance/cg141",
};
const STOMACH: Source = Source {
    title: "NHS: Stomach ache",
    url: "https://www.nhs.uk/conditions/stomach-ache/",
};

pub(super) const RULES: &[Rule] = &[
    Rule {
        code: "vomiting_blood",
        urgency: Emergency,
        en: "Vomiting blood",
        zh: "呕血",
        any_of: &[&[VomitingBlood]],
        sex_filter: AnySex,
        source: Source {
            title: "NHS: Vomiting blood",
            url: "https://www.nhs.uk/conditions/vomiting-blood/",
        },
    },
    Rule {
        code: "black_stool",
        urgency: Urgent,
        en: "Black, tarry stool",
        zh: "黑便",
        any_of: &[&[BlackStool]],
        sex_filter: AnySex,
        source: CG141,
    },
    Rule {
        code: "bleeding_with_collapse",
        urgency: Emergency,
        en: "Bleeding from the gut with fainting",
        zh: "消化道出血伴晕厥",
        any_of: &[&[BlackStool, Fainting], &[RectalBleedingHeavy, Fainting]],
        sex_filter: AnySex,
        source: CG141,
    },
    Rule {
        code: "rectal_bleeding",
        urgency: Urgent,
        en: "Much blood in the stool",
        zh: "大量便血",
        any_of: &[&[RectalBleedingHeavy]],
        sex_filter: AnySex,
        source: Source {
            title: "NHS: Bleeding from the bottom",
            url: "https://www.nhs.uk/conditions/rectal-bleeding/",
        },
    },
    Rule {
        code: "acute_abdomen",
        urgency: Emergency,
        en: "Severe abdominal pain or rigid abdomen",
        zh: "剧烈腹痛或腹肌紧张",
        any_of: &[
            &[SevereAbdominalPain],
            &[RigidAbdomen],
            &[AbdominalPain, Fainting],
        ],
        sex_filter: AnySex,
        source: STOMACH,
    },
    Rule {
        code: "abdominal_pain_fever",
        urgency: Urgent,
        en: "Abdominal pain with fever or repeated vomiting",
        zh: "腹痛伴发热或呕吐",
        any_of: &[&[AbdominalPain, Fever], &[AbdominalPain, Vomiting]],
        sex_filter: AnySex,
        source: STOMACH,
    },
    Rule {
        code: "testicular_torsion",
        urgency: Emergency,
        en: "Testicular pain (possible torsion)",
        zh: "睾丸疼痛（疑似扭转）",
        any_of: &[&[TesticularPain]],
        sex_filter: ExceptFemale,
        source: Source {
            title: "NHS: Testicle pain",
            url: "https://www.nhs.uk/symptoms/testicle-pain/",
        },
    },
    Rule {
        code: "urinary_retention",
        urgency: Urgent,
        en: "Unable to pass urine",
        zh: "急性尿潴留",
        any_of: &[&[UrinaryRetention]],
        sex_filter: AnySex,
        source: Source {
            title: "NICE CG97: Lower urinary tract symptoms in men",
            url: "https://www.nice.org.uk/guidance/cg97",
        },
    },
];

pub(super) const LEXICON: &[LexiconEntry] = &[
    LexiconEntry {
        finding: VomitingBlood,
        en: &[
            "vomit*|throwing_up|threw_up|throw_up|puk*|sick|being_sick|bringing_up|spew* .. \
             blood|bloody|coffee_ground*",
            "blood|bloody .. in|with .. vomit|sick",
            "bloody vomit",
            "coffee_ground* vomit*",
            "hematemesis|haematemesis",
        ],
        zh: &[
            "呕血|吐血|呕出血|吐出血|咖啡色呕吐物|咖啡渣",
            "吐|呕吐|呕 .. 血|鲜血|咖啡",
        ],
    },
    LexiconEntry {
        finding: BlackStool,
        en: &[
            "black|tarry .. stool*|poo|poop|feces|faeces|bowel_movement*|motions",
            "stool*|poo|poop|feces|faeces .. black|tarry|like_tar|tar",
            "melena|melaena",
        ],
        zh: &[
            "黑便|柏油样便|柏油便|柏油样大便|黑色大便|黑色便",
            "大便|便|粪便|拉 .. 黑|发黑|柏油",
        ],
    },
    LexiconEntry {
        finding: RectalBleedingHeavy,
        en: &[
            "lot|lots|heavy|much|heavily .. blood|bleeding .. \
             rectum|bottom|stool*|anus|poo|back_passage",
            "bleeding|bleed .. rectum|bottom|anus|back_passage|rectal*",
            "blood* .. stool*|poo|poop|toilet_bowl|diarrhoea|diarrhea",
            "rectal_bleeding|bloody_diarrhoea|bloody_diarrhea",
        ],
        zh: &[
            "便血|拉血|血便|屙血",
            "大便|便 .. 带血|有血|鲜血|出血|很多血",
            "肛门 .. 出血|流血",
        ],
    },
    LexiconEntry {
        finding: AbdominalPain,
        en: &[
            "@belly .. @pain|cramp*",
            "@pain|cramp* .. in .. @belly",
            "stomachache|bellyache|tummyache",
        ],
        zh: &["@腹 @痛|胀痛|难受", "胃痛|腹痛|肚子疼"],
    },
    LexiconEntry {
        finding: SevereAbdominalPain,
        en: &[
            "@severe|@sudden .. @belly .. @pain|cramp*",
            "@belly .. @pain|cramp* .. @severe|doubled",
            "@severe|@sudden .. @pain|cramp* .. @belly",
            "@pain .. in .. @belly .. @severe",
            "appendicitis",
        ],
        zh: &[
            "@剧 .. 腹痛|肚子痛|肚子疼|胃痛|胃疼",
            "@腹 .. 剧痛|绞痛|刀割|痛得打滚|疼得打滚|痛得直不起|疼得直不起|痛死|疼死",
            "@腹 痛|疼|疼痛 .. @剧|打滚|直不起",
            "@突 .. 腹痛|肚子痛|肚子疼",
            "阑尾炎",
        ],
    },
    LexiconEntry {
        finding: RigidAbdomen,
        en: &[
            "@belly .. rigid|hard|board*|stiff",
            "rigid|board_like|hard @belly",
        ],
        zh: &["@腹 .. 硬|板|僵硬|紧张|反跳痛", "腹肌紧张|板状腹|反跳痛"],
    },
    LexiconEntry {
        finding: TesticularPain,
        en: &[
            "testic*|testis|testes|scrotum|scrotal|balls|ball|bollock* .. \
             @pain|swollen|swell*|twisted",
            "@pain|swollen|swelling|twisted .. testic*|testis|scrotum|balls",
            "testicular_torsion",
        ],
        zh: &["睾丸|阴囊|蛋蛋|蛋 .. 痛|疼|疼痛|肿|扭转"],
    },
    LexiconEntry {
        finding: UrinaryRetention,
        en: &[
            "@cant .. pee|urinate|pass_urine|wee|pass_water|empty_my_bladder !because",
            "not|havent|hasnt|havent_been_able|hasnt_been_able .. \
             peed|urinated|passed_urine|passed_any_urine|passing_urine|passing_any_urine|to_pee|\
             to_urinate|to_pass_urine",
            "urinary_retention|retention_of_urine",
            "no urine|wee|pee .. hours|day|all_day|since",
        ],
        zh: &[
            "尿不出|尿不出来|排不出尿|解不出小便|小便解不出|尿潴留|无尿|没有尿|排不了尿|没尿|\
             憋尿尿不出|小便不出",
            "@不能 排尿|小便|尿",
        ],
    },
    LexiconEntry {
        finding: Vomiting,
        en: &["vomit*|throwing_up|threw_up|puking|puked|being_sick|been_sick"],
        zh: &["呕吐|吐了|吐过|一直吐|喷射|呕了|狂吐|在吐|又吐|直吐"],
    },
];
