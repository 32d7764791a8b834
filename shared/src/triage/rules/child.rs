//! Babies and young children.

use crate::triage::finding::Finding::{
    BulgingFontanelle, ChildMentioned, Fever, From3To6Months, HighFever, Lethargic, NotFeeding,
    SunkenEyesOrDryNappies, Under3Months, Under5Years, Vomiting,
};
use crate::triage::rule::SexFilter::AnySex;
use crate::triage::rule::{LexiconEntry, Rule, Source};
use crate::triage::urgency::Urgency::{Emergency, Urgent};

const NG143: Source = Source {
    title: "NICE NG143: Fever in under 5s",
    url: "https://www.nice.org.uk/guidance/ng143",
};
const IMCI: Source = Source {
    title: "WHO: Integrated management of childhood illness",
    url: "https://www.who.int/teams/maternal-newborn-child-adolescent-health-and-ageing/child-health/integrated-management-of-childhood-illness",
};

pub(super) const RULES: &[Rule] = &[
    Rule {
        code: "infant_fever_under_3_months",
        urgency: Emergency,
        en: "Fever in a baby under 3 months",
        zh: "3个月以下婴儿发热",
        any_of: &[&[Under3Months, Fever]],
        sex_filter: AnySex,
        source: NG143,
    },
    Rule {
        code: "infant_fever_3_to_6_months",
        urgency: Urgent,
        en: "Fever of 39 °C or more in a baby of 3 to 6 months",
        zh: "3至6个月婴儿体温达39℃或以上",
        any_of: &[&[From3To6Months, HighFever]],
        sex_filter: AnySex,
        source: NG143,
    },
    Rule {
        code: "child_danger_signs",
        urgency: Emergency,
        en: "Child unable to drink, limp or hard to wake",
        zh: "儿童不能进食饮水、嗜睡或精神萎靡",
        any_of: &[
            &[ChildMentioned, NotFeeding],
            &[ChildMentioned, Lethargic],
            &[Under5Years, NotFeeding],
            &[Under5Years, Lethargic],
        ],
        sex_filter: AnySex,
        source: IMCI,
    },
    Rule {
        code: "child_dehydration",
        urgency: Urgent,
        en: "Child with signs of dehydration",
        zh: "儿童脱水征象",
        any_of: &[&[SunkenEyesOrDryNappies], &[Under3Months, Vomiting]],
        sex_filter: AnySex,
        source: Source {
            title: "NHS: Dehydration",
            url: "https://www.nhs.uk/conditions/dehydration/",
        },
    },
    Rule {
        code: "bulging_fontanelle",
        urgency: Emergency,
        en: "Bulging soft spot on a baby's head",
        zh: "婴儿囟门隆起",
        any_of: &[&[BulgingFontanelle]],
        sex_filter: AnySex,
        source: NG143,
    },
];

pub(super) const LEXICON: &[LexiconEntry] = &[
    LexiconEntry {
        finding: NotFeeding,
        en: &[
            "@cant|not|refus*|wont|isnt|stopped .. drink|drinking|feed|feeding|breastfeed*|\
             breastfeeding|suck*|nurse|keep_anything_down",
            "unable to drink|feed|breastfeed|suck",
            "not|wont|refus* .. take .. bottle|breast|milk",
        ],
        zh: &[
            "不吃奶|拒奶|不喝水|不喝奶|喂不进|吃不进|喝不进|不能喝|不能喝水|不能吃奶|不能饮水|拒食|\
             不肯喝|不肯吃奶|吸吮无力",
            "@不能 喝水|喝|吃奶|进食|饮水|吸吮",
        ],
    },
    LexiconEntry {
        finding: Lethargic,
        en: &[
            "letharg*|floppy|listless|limp",
            "hard|difficult|impossible to_wake|to_rouse|waking",
            "wont|cant|not .. wake .. up|for_feeds",
            "very|too|unusually|extremely drowsy|sleepy",
            "drowsy",
        ],
        zh: &[
            "嗜睡|昏睡|精神萎靡|萎靡|软绵绵|没精神|没有精神|精神很差|精神差|精神不好|叫不醒|反应差|\
             反应迟钝|无精打采",
        ],
    },
    LexiconEntry {
        finding: SunkenEyesOrDryNappies,
        en: &[
            "sunken .. eyes|fontanelle|soft_spot",
            "eyes|fontanelle .. sunken",
            "no|dry .. wet nappies|nappy|diapers|diaper",
            "dry nappies|nappy|diaper|diapers",
            "crying .. no|without tears",
        ],
        zh: &[
            "眼窝凹陷|囟门凹陷|眼窝深陷|哭时无泪|哭没有眼泪|哭没眼泪",
            "没有|没|不 尿湿|换尿布|换尿不湿",
            "尿布 .. 干",
        ],
    },
    LexiconEntry {
        finding: BulgingFontanelle,
        en: &[
            "bulging .. fontanelle|fontanel|soft_spot",
            "fontanelle|fontanel|soft_spot .. bulging|swollen|raised",
        ],
        zh: &["囟门 .. 隆起|鼓|膨隆|凸", "前囟 .. 饱满|隆起|鼓"],
    },
    LexiconEntry {
        finding: Fever,
        en: &[
            "!hay fever|fevers|feverish|pyrexia|febrile",
            "high|raised|running temperature|temp|a_temperature",
            "burning up",
            "temperature .. high|spik*",
        ],
        zh: &[
            "发烧|发热|高烧|高热|低烧|低热|烧到|发高烧|发着烧|烧得|体温升高|退烧|烧退",
            "体温 .. 高",
            "发 .. 烧",
        ],
    },
    LexiconEntry {
        finding: HighFever,
        en: &["high|very_high fever"],
        zh: &["高烧|高热"],
    },
    LexiconEntry {
        finding: ChildMentioned,
        en: &[
            "baby|infant|newborn|child|toddler|son|daughter|kid|boy|girl|grandson|granddaughter|\
             little_one",
        ],
        zh: &["宝宝|孩子|婴儿|小孩|儿子|女儿|新生儿|幼儿|男婴|女婴|小宝|娃|孙子|孙女|患儿|小朋友"],
    },
];
