//! Injuries, bites, burns and heat.

use crate::triage::finding::Finding::{
    AnimalBite, Anticoagulated, Confusion, ElectricShock, Fainting, HeatExposure, HeatStroke,
    HeavyBleeding, HighFever, Seizure, SevereBurn, SnakeBite, Unresponsive,
};
use crate::triage::rule::SexFilter::AnySex;
use crate::triage::rule::{LexiconEntry, Rule, Source};
use crate::triage::urgency::Urgency::{Emergency, Urgent};

pub(super) const RULES: &[Rule] = &[
    Rule {
        code: "heavy_bleeding",
        urgency: Emergency,
        en: "Heavy bleeding, or bleeding that does not stop",
        zh: "大量出血或止不住血",
        any_of: &[&[HeavyBleeding]],
        sex_filter: AnySex,
        source: Source {
            title: "NHS: First aid",
            url: "https://www.nhs.uk/conditions/first-aid/",
        },
    },
    Rule {
        code: "bleeding_on_anticoagulants",
        urgency: Urgent,
        en: "Injury or fall while on blood thinners",
        zh: "服用抗凝药期间受伤或晕厥",
        any_of: &[&[Anticoagulated, Fainting]],
        sex_filter: AnySex,
        source: Source {
            title: "NHS: Anticoagulant medicines",
            url: "https://www.nhs.uk/conditions/anticoagulants/",
        },
    },
    Rule {
        code: "severe_burn",
        urgency: Emergency,
        en: "Severe burn",
        zh: "严重烧烫伤",
        any_of: &[&[SevereBurn]],
        sex_filter: AnySex,
        source: Source {
            title: "NHS: Burns and scalds",
            url: "https://www.nhs.uk/conditions/burns-and-scalds/",
        },
    },
    Rule {
        code: "electric_shock",
        urgency: Emergency,
        en: "Electric shock or lightning strike",
        zh: "触电或雷击",
        any_of: &[&[ElectricShock]],
        sex_filter: AnySex,
        source: Source {
            title: "NHS: First aid",
            url: "https://www.nhs.uk/conditions/first-aid/",
        },
    },
    Rule {
        code: "snake_bite",
        urgency: Emergency,
        en: "Snake bite",
        zh: "蛇咬伤",
        any_of: &[&[SnakeBite]],
        sex_filter: AnySex,
        source: Source {
            title: "WHO: Snakebite envenoming",
            url: "https://www.who.int/news-room/fact-sheets/detail/snakebite-envenoming",
        },
    },
    Rule {
        code: "rabies_exposure",
        urgency: Urgent,
        en: "Animal bite or scratch (possible rabies exposure)",
        zh: "动物咬伤或抓伤（可能的狂犬病暴露）",
        any_of: &[&[AnimalBite]],
        sex_filter: AnySex,
        source: Source {
            title: "WHO: Rabies",
            url: "https://www.who.int/news-room/fact-sheets/detail/rabies",
        },
    },
    Rule {
        code: "heat_stroke",
        urgency: Emergency,
        en: "Signs of heatstroke",
        zh: "中暑（热射病）征象",
        any_of: &[
            &[HeatStroke],
            &[HeatExposure, HighFever],
            &[HeatExposure, Confusion],
            &[HeatExposure, Fainting],
            &[HeatExposure, Unresponsive],
            &[HeatExposure, Seizure],
        ],
        sex_filter: AnySex,
        source: Source {
            title: "NHS: Heat exhaustion and heatstroke",
            url: "https://www.nhs.uk/conditions/heat-exhaustion-heatstroke/",
        },
    },
];

pub(super) const LEXICON: &[LexiconEntry] = &[
    LexiconEntry {
        finding: HeavyBleeding,
        en: &[
            "bleed* .. heavily|heavy|uncontroll*|profuse*|badly|everywhere|a_lot",
            "heavy|severe|profuse|uncontroll*|massive .. bleed*",
            "bleed* ... not|wont|doesnt|isnt|didnt|cant .. stop|stopping|stopped",
            "@cant .. stop .. bleed*|blood",
            "spurting|gushing .. blood",
            "blood .. spurting|gushing|pouring|everywhere",
            "lost|losing .. lot|lots .. blood",
            "soak* .. pad|pads|towel",
            "haemorrhag*|hemorrhag*",
            "amputat*|severed",
        ],
        zh: &[
            "大出血|大量出血|血流不止|血止不住|止不住血|出血不止|流血不止|流了很多血|失血过多|喷血|\
             血喷|出血量大|大量失血",
            "出血|流血|血 .. 很多|不止|止不住|停不下|不停|大量",
            "出|流 .. 很多|大量|好多 血",
            "断指|断肢|截断|砍断|切断",
        ],
    },
    LexiconEntry {
        finding: SevereBurn,
        en: &[
            "@severe|third_degree|second_degree|deep|large|chemical|major|electrical|\
             full_thickness .. burn*|scald*",
            "burn*|scald* .. @severe|large|deep|white|charred|face|genital*|blister*|hand|hands",
            "burned|burnt|scalded .. face|genital*|whole|chest|hands|airway",
            "face|genital*|hands|chest .. burned|burnt|scalded",
            "boiling|acid .. over|on|spilled|spilt",
            "house_fire|inhaled_smoke|smoke_inhalation",
        ],
        zh: &[
            "严重|大面积|深度|三度|二度|重度|化学 .. 烧伤|烫伤|灼伤",
            "烧伤|烫伤|灼伤 .. 严重|大面积|面积大|起泡|发白|焦|脸|面部|水泡|会阴",
            "脸|面部|全身|胸|双手|会阴 .. 烧伤|烫伤|灼伤",
            "硫酸|强酸|强碱|开水|热油 .. 泼|浇|洒|倒|烫",
            "火灾|吸入浓烟",
        ],
    },
    LexiconEntry {
        finding: ElectricShock,
        en: &[
            "electric* shock*",
            "electrocut*",
            "struck|hit by_lightning",
            "shock .. socket|outlet|mains|wire",
        ],
        zh: &[
            "触电|电击|雷击|遭雷劈|被雷劈|被电",
            "电 .. 到了|着了 !视|话",
        ],
    },
    LexiconEntry {
        finding: SnakeBite,
        en: &[
            "snake !oil bite|bit|bitten",
            "snakebite",
            "bitten|bit|bite by|from|of .. snake|viper|cobra|adder|rattlesnake",
        ],
        zh: &["蛇 .. 咬", "毒蛇|蛇咬伤|蛇毒"],
    },
    LexiconEntry {
        finding: AnimalBite,
        en: &[
            "dog|cat|bat|monkey|fox|raccoon|animal|rat|stray|puppy|kitten .. \
             bit|bite|bites|bitten|scratch*|nipped",
            "bit|bite|bitten|scratch*|nipped .. by|from .. \
             dog|cat|bat|monkey|fox|raccoon|animal|rat|puppy|kitten",
            "rabies|rabid",
        ],
        zh: &[
            "狗|猫|蝙蝠|猴|狐狸|老鼠|动物|犬 .. 咬|抓|挠|舔伤口",
            "狂犬病",
            "咬伤 !蚊",
        ],
    },
    LexiconEntry {
        finding: HeatStroke,
        en: &["heat_stroke|heatstroke|sunstroke|sun_stroke"],
        zh: &["热射病|中暑"],
    },
    LexiconEntry {
        finding: HeatExposure,
        en: &[
            "in|under .. hot|sun|heat|sauna",
            "hot weather|day|car",
            "heatwave",
        ],
        zh: &["暴晒|高温|太阳下|烈日|晒太阳|桑拿|大太阳|高温天"],
    },
];
