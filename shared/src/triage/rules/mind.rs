//! Self-harm, overdose and poisoning.

use crate::triage::finding::Finding::{
    CarbonMonoxide, Overdose, PoisonSwallowed, SelfHarm, Suicidal,
};
use crate::triage::rule::SexFilter::AnySex;
use crate::triage::rule::{LexiconEntry, Rule, Source};
use crate::triage::urgency::Urgency::Emergency;

const POISONING: Source = Source {
    title: "NHS: Poisoning",
    url: "https://www.nhs.uk/conditions/poisoning/",
};

pub(super) const RULES: &[Rule] = &[
    Rule {
        code: "suicidal_thoughts",
        urgency: Emergency,
        en: "Thoughts of suicide",
        zh: "自杀念头",
        any_of: &[&[Suicidal]],
        sex_filter: AnySex,
        source: Source {
            title: "NHS: Help for suicidal thoughts",
            url: "https://www.nhs.uk/mental-health/feelings-symptoms-behaviours/behaviours/help-for-suicidal-thoughts/",
        },
    },
    Rule {
        code: "self_harm",
        urgency: Emergency,
        en: "Self-harm",
        zh: "自伤行为",
        any_of: &[&[SelfHarm]],
        sex_filter: AnySex,
        source: Source {
            title: "NICE NG225: Self-harm",
            url: "https://www.nice.org.uk/guidance/ng225",
        },
    },
    Rule {
        code: "overdose",
        urgency: Emergency,
        en: "Overdose of a medicine or drug",
        zh: "药物过量",
        any_of: &[&[Overdose]],
        sex_filter: AnySex,
        source: POISONING,
    },
    Rule {
        code: "poisoning",
        urgency: Emergency,
        en: "Poison or caustic substance swallowed",
        zh: "误服或吞服有毒物质",
        any_of: &[&[PoisonSwallowed]],
        sex_filter: AnySex,
        source: POISONING,
    },
    Rule {
        code: "carbon_monoxide",
        urgency: Emergency,
        en: "Possible carbon monoxide poisoning",
        zh: "疑似一氧化碳中毒",
        any_of: &[&[CarbonMonoxide]],
        sex_filter: AnySex,
        source: Source {
            title: "NHS: Carbon monoxide poisoning",
            url: "https://www.nhs.uk/conditions/carbon-monoxide-poisoning/",
        },
    },
];

pub(super) const LEXICON: &[LexiconEntry] = &[
    LexiconEntry {
        finding: Suicidal,
        en: &[
            "suicid*",
            "want|wanted|wants|going|plan*|try|tried|wish|thought*|thinking|think .. \
             die|dying|kill_myself|killing_myself|end_it|end_my_life|ending_my_life|be_dead",
            "kill|killing|hang|hanging myself|himself|herself",
            "end|ending|take my|it|his|her life|all",
            "dont|do_not|no .. want|reason|feel_like .. live|be_here|wake_up|living",
            "better_off dead|without_me",
            "wish .. dead|never_wake_up",
            "no_reason_to live",
        ],
        zh: &[
            "自杀|轻生|寻死|自尽|跳楼|上吊",
            "想|要|准备|打算 死|去死|结束生命|结束自己|了结|一了百了|自我了断",
            "不想|不愿 活|活着|活下去|活了",
            "活着 .. 没意思|没有意思|没意义|没有意义",
            "结束 .. 生命",
        ],
    },
    LexiconEntry {
        finding: SelfHarm,
        en: &[
            "self harm*|injur*",
            "cut|cutting|hurting|hurt|harm|harming|burning .. \
             myself|himself|herself|my_wrist*|my_wrists !accident*|while|shaving|on|playing|when",
        ],
        zh: &["自残|自伤|割腕|自虐", "伤害 自己|我自己", "割 .. 自己|手腕"],
    },
    LexiconEntry {
        finding: Overdose,
        en: &[
            "overdos*",
            "took|taken|swallowed|ate|take|swallow .. \
             too_many|whole_bottle|whole_packet|all|handful|entire .. \
             pills|tablets|paracetamol|medicine|medication|pill",
            "took|taken|swallowed .. whole|entire .. bottle|packet|box",
            "took|taken|swallowed .. too_many|too_much|a_lot_of|lots_of .. \
             pill*|tablet*|paracetamol|medic*|ibuprofen|insulin|drug*",
            "too_much insulin",
        ],
        zh: &[
            "药物过量|服药过量|过量服用|吃药过量|过量吃药|用药过量",
            "吃|服|吞|喝 ... 整瓶|一整瓶|一瓶|半瓶|一把|几十片|几十粒|大量 .. 药|安眠药|片|胶囊",
            "吃|服|吞|用 .. 太多|过量|多了 .. 药|安眠药|胰岛素",
            "药 .. 吃|服 .. 太多|多了|过量",
        ],
    },
    LexiconEntry {
        finding: PoisonSwallowed,
        en: &[
            "poisoned|poisoning !food|carbon|monoxide",
            "swallowed|drank|ate|eaten|ingest*|drunk|drink|swallow* .. \
             bleach|poison|pesticide|battery|batteries|detergent|antifreeze|weedkiller|petrol|\
             cleaner|magnet|magnets|acid|mushrooms|button_battery|paraquat|rat_poison",
        ],
        zh: &[
            "中毒 !了食物",
            "喝|吃|误服|吞|误食|误吞|误喝|服 .. 农药|百草枯|敌敌畏|老鼠药|洁厕灵|漂白|消毒液|84|\
             电池|毒|清洁剂|洗涤剂|汽油|磁铁|毒蘑菇|毒鼠|洁厕|有机磷|强酸|强碱|水银",
        ],
    },
    LexiconEntry {
        finding: CarbonMonoxide,
        en: &[
            "carbon_monoxide",
            "co alarm|poisoning|detector",
            "gas|stove|boiler|heater|generator|charcoal|exhaust|fumes ... \
             headache*|dizzy|faint*|drowsy|confus*",
        ],
        zh: &[
            "一氧化碳|煤气中毒|炭中毒|煤气泄漏|煤气味",
            "煤气|燃气|烧炭|炭火|煤炉|热水器 ... 头晕|头痛|头疼|恶心|晕",
        ],
    },
];
