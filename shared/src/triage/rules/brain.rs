//! Brain and nerves.

use crate::triage::finding::Finding::{
    Anticoagulated, Confusion, FaceDroop, Fainting, Fever, HeadInjury, Headache, MeningitisNamed,
    NonBlanchingRash, OneSidedWeakness, Photophobia, Seizure, SevereHeadache, SpeechTrouble,
    StiffNeck, StrokeNamed, ThunderclapHeadache, Unresponsive, VisualDisturbance, Vomiting,
    WorstEver,
};
use crate::triage::rule::SexFilter::AnySex;
use crate::triage::rule::{LexiconEntry, Rule, Source};
use crate::triage::urgency::Urgency::{Emergency, Urgent};

const STROKE: Source = Source {
    title: "American Stroke Association: Stroke symptoms",
    url: "https://www.stroke.org/en/about-stroke/stroke-symptoms",
};
const NG232: Source = Source {
    title: "NICE NG232: Head injury",
    url: "https://www.nice.org.uk/guidance/ng232",
};
const NG240: Source = Source {
    title: "NICE NG240: Meningitis (bacterial) and meningococcal disease",
    url: "https://www.nice.org.uk/guidance/ng240",
};

pub(super) const RULES: &[Rule] = &[
    Rule {
        code: "stroke_signs",
        urgency: Emergency,
        en: "Signs of a stroke",
        zh: "中风（脑卒中）征象",
        any_of: &[
            &[FaceDroop],
            &[OneSidedWeakness],
            &[SpeechTrouble],
            &[StrokeNamed],
        ],
        sex_filter: AnySex,
        source: STROKE,
    },
    Rule {
        code: "thunderclap_headache",
        urgency: Emergency,
        en: "Sudden, worst-ever headache",
        zh: "突发剧烈头痛",
        any_of: &[&[ThunderclapHeadache], &[Headache, WorstEver]],
        sex_filter: AnySex,
        source: Source {
            title: "NHS: Subarachnoid haemorrhage",
            url: "https://www.nhs.uk/conditions/subarachnoid-haemorrhage/",
        },
    },
    Rule {
        code: "severe_headache",
        urgency: Urgent,
        en: "Severe headache, or headache with vomiting or changed sight",
        zh: "剧烈头痛，或头痛伴呕吐、视物异常",
        any_of: &[
            &[SevereHeadache],
            &[Headache, VisualDisturbance],
            &[Headache, Confusion],
        ],
        sex_filter: AnySex,
        source: Source {
            title: "NHS: Headaches",
            url: "https://www.nhs.uk/conditions/headaches/",
        },
    },
    Rule {
        code: "unresponsive",
        urgency: Emergency,
        en: "Unconscious or not responding",
        zh: "昏迷或没有反应",
        any_of: &[&[Unresponsive]],
        sex_filter: AnySex,
        source: Source {
            title: "NHS: First aid",
            url: "https://www.nhs.uk/conditions/first-aid/",
        },
    },
    Rule {
        code: "confusion",
        urgency: Emergency,
        en: "New confusion",
        zh: "突发意识模糊",
        any_of: &[&[Confusion]],
        sex_filter: AnySex,
        source: Source {
            title: "NHS: Sudden confusion (delirium)",
            url: "https://www.nhs.uk/conditions/confusion/",
        },
    },
    Rule {
        code: "fainting",
        urgency: Urgent,
        en: "Fainting or collapse",
        zh: "晕厥",
        any_of: &[&[Fainting]],
        sex_filter: AnySex,
        source: Source {
            title: "NHS: Fainting",
            url: "https://www.nhs.uk/conditions/fainting/",
        },
    },
    Rule {
        code: "seizure",
        urgency: Emergency,
        en: "Seizure",
        zh: "抽搐或惊厥",
        any_of: &[&[Seizure]],
        sex_filter: AnySex,
        source: Source {
            title: "NICE NG217: Epilepsies",
            url: "https://www.nice.org.uk/guidance/ng217",
        },
    },
    Rule {
        code: "meningitis_signs",
        urgency: Emergency,
        en: "Signs of meningitis",
        zh: "脑膜炎征象",
        any_of: &[
            &[StiffNeck, Fever],
            &[StiffNeck, Headache],
            &[Photophobia, Fever],
            &[StiffNeck, Photophobia],
            &[MeningitisNamed],
            &[Fever, Confusion],
        ],
        sex_filter: AnySex,
        source: NG240,
    },
    Rule {
        code: "non_blanching_rash",
        urgency: Emergency,
        en: "Rash that does not fade under pressure",
        zh: "压之不褪色的皮疹",
        any_of: &[&[NonBlanchingRash]],
        sex_filter: AnySex,
        source: NG240,
    },
    Rule {
        code: "head_injury_danger",
        urgency: Emergency,
        en: "Head injury with vomiting, loss of consciousness, confusion or blood thinners",
        zh: "头部外伤伴呕吐、意识丧失或服用抗凝药",
        any_of: &[
            &[HeadInjury, Vomiting],
            &[HeadInjury, Unresponsive],
            &[HeadInjury, Fainting],
            &[HeadInjury, Seizure],
            &[HeadInjury, Confusion],
            &[HeadInjury, Anticoagulated],
            &[HeadInjury, SevereHeadache],
            &[HeadInjury, VisualDisturbance],
        ],
        sex_filter: AnySex,
        source: NG232,
    },
    Rule {
        code: "head_injury",
        urgency: Urgent,
        en: "Head injury",
        zh: "头部外伤",
        any_of: &[&[HeadInjury]],
        sex_filter: AnySex,
        source: NG232,
    },
];

pub(super) const LEXICON: &[LexiconEntry] = &[
    LexiconEntry {
        finding: FaceDroop,
        en: &[
            "face|mouth|smile .. droop*|drooped|lopsided|twisted|crooked|uneven|paralysed|\
             paralyzed|fallen",
            "side .. face .. droop*|numb|weak|paraly*|fallen|dropped",
            "facial droop*|weakness|paraly*|palsy",
            "droop* .. face|mouth",
            "numb* .. side .. face|body",
        ],
        zh: &[
            "嘴|口角|嘴角|口眼|脸|面部|嘴巴 .. 歪|歪斜|下垂|耷拉|瘫",
            "口眼歪斜|口角歪斜|面瘫|嘴歪|脸歪|口歪",
            "半边|一侧|左边|右边|左侧|右侧 脸|面部 .. 麻|瘫|不能动|动不了",
        ],
    },
    LexiconEntry {
        finding: OneSidedWeakness,
        en: &[
            "arm|arms|hand .. weak|weakness|limp|paraly*",
            "weak|weakness|numbness|numb|paraly* .. one|left|right .. side|arm|leg",
            "weak arm",
            "sided weakness|numbness|paraly*",
            "@cant .. move|lift|raise|feel|use .. arm|arms|hand|side|leg",
            "one|left|right side|arm .. weak|weakness|numb|numbness|paraly*|limp|dead",
            "hemipleg*|hemipar*",
        ],
        zh: &[
            "半身|半边|一侧|单侧|左侧|右侧|左边|右边|偏身 .. \
             无力|麻木|发麻|瘫|不能动|动不了|没力|没有力|没知觉|不听使唤",
            "手|胳膊|手臂|左手|右手|左臂|右臂|手脚|上肢 .. \
             无力|抬不起|不能动|动不了|没力气|没有力气|不听使唤|没有知觉|没知觉|瘫",
            "@不能 抬|动|举 .. 手|胳膊|手臂",
            "偏瘫|半身不遂",
        ],
    },
    LexiconEntry {
        finding: SpeechTrouble,
        en: &[
            "slur*",
            "speech .. slur*|garbled|jumbled|muddled|unclear",
            "@cant .. speak|talk !to|about|because",
            "trouble|difficulty|difficult|struggl* speaking|talking|finding_words|to_speak|to_talk|\
             with_speech",
            "cant get|find .. words",
            "lost .. speech",
            "aphasi*|dysarthri*",
        ],
        zh: &[
            "说话|口齿|言语|讲话|吐字 .. 不清|含糊|不清楚|困难|大舌头|模糊|不利索",
            "@不能|不会 说话|讲话|言语",
            "说不出话|说不了话|讲不出话|失语|口齿不清|说不清话|言语不利",
        ],
    },
    LexiconEntry {
        finding: StrokeNamed,
        en: &[
            "!heat|sun|back|breast|butterfly stroke !of|volume|my_beard|my_hair|my_cat|my_dog|\
             the_cat|the_dog|a_cat|a_dog|his_hair|her_hair",
            "mini_stroke|tia|cva",
        ],
        zh: &["!预防 中风|脑卒中|脑梗|脑出血|脑溢血|脑梗死|卒中"],
    },
    LexiconEntry {
        finding: ThunderclapHeadache,
        en: &[
            "worst headache",
            "worst .. headache",
            "never ... headache .. this|like|so|such",
            "never ... such .. headache",
            "headache|head .. worst .. life|ever",
            "thunderclap",
            "@sudden .. @severe .. headache",
            "@severe .. headache|head_pain .. @sudden|seconds",
            "headache ... @sudden .. severe|intense|explosive",
            "@sudden headache|head_pain",
            "headache .. @sudden|came_on_in_seconds",
        ],
        zh: &[
            "@突 .. 头 .. 剧痛|炸裂|剧烈|像炸|痛得厉害|疼得厉害|爆炸",
            "@突 .. 剧烈|严重 .. 头痛|头疼",
            "@突 头痛|头疼|剧烈头痛|头剧痛|头很痛|头很疼",
            "头|头痛|头疼 .. 炸裂|爆炸|炸开|要炸|雷击|霹雳",
            "从来没有|从没|从未|前所未有|这辈子 ... 头痛|头疼",
            "有生以来|一生中|这辈子|一辈子 ... 头痛|头疼",
            "头痛|头疼 ... 这辈子|有生以来|从未有过",
        ],
    },
    LexiconEntry {
        finding: Headache,
        en: &["headache*|migraine*", "head .. @pain"],
        zh: &["头 痛|疼|胀痛", "偏头痛"],
    },
    LexiconEntry {
        finding: SevereHeadache,
        en: &[
            "@severe .. headache*",
            "headache* .. @severe|severe",
            "head .. hurts|hurting .. so_much|badly|terribly",
        ],
        zh: &[
            "@剧 头痛|头疼",
            "头痛|头疼 .. @剧",
            "头 痛死|疼死|痛得受不了|疼得受不了|痛得厉害|疼得厉害|剧痛",
            "头痛欲裂",
        ],
    },
    LexiconEntry {
        finding: Unresponsive,
        en: &[
            "unconscious*|unresponsive|comatose|coma",
            "not|isnt|wasnt|no_longer|stopped|wont|doesnt|didnt \
             respond*|responsive|waking|wake|wake_up",
            "@cant .. wake|rouse|waken|awaken",
            "@cant be woken|roused|woken_up",
            "lost|losing|loss .. consciousness",
            "no_pulse|no_response|no_heartbeat",
            "knocked out|unconscious",
            "cardiac_arrest",
        ],
        zh: &[
            "昏迷|不省人事|失去意识|意识丧失|丧失意识|没有意识|没了意识|无意识|没意识|失去知觉",
            "叫不醒|喊不醒|唤不醒|弄不醒|叫都叫不醒|怎么叫都不醒|没有反应|没反应|毫无反应|无反应|\
             没有心跳|没心跳|没有脉搏|没脉搏|心脏停",
            "叫|喊 .. 不醒|没有反应|没反应|不应",
        ],
    },
    LexiconEntry {
        finding: Confusion,
        en: &[
            "confused !about|by|whether|why|which|how|if",
            "confusion|delirious|delirium|disoriented|incoherent",
            "not making_sense",
            "doesnt|didnt recognise|recognize .. us|me|people|family|anyone",
            "doesnt know where|who .. is",
        ],
        zh: &[
            "意识模糊|意识不清|神志不清|神志模糊|神智不清|胡言乱语|说胡话|糊涂了|认不出人|不认人|\
             认不得人|谵妄|精神错乱",
            "意识|神志|神智 .. 不清|模糊|混乱",
        ],
    },
    LexiconEntry {
        finding: Fainting,
        en: &[
            "fainted|fainting|faint|faints|syncope|collapsed|collapse|collapsing",
            "blacked|black|blacking|passed|passing|pass|passes out",
            "lost|loss|losing .. consciousness",
        ],
        zh: &[
            "晕倒|昏倒|晕厥|昏厥|晕过去|昏过去|晕了过去|昏了过去|晕死|失去意识|意识丧失|不省人事|\
             昏迷|没了意识",
            "突然倒地",
        ],
    },
    LexiconEntry {
        finding: Seizure,
        en: &[
            "seizure*|convuls*|epileptic",
            "having|had|has|a fit|fits !test|body|of_coughing|of_laughter",
            "fitting !room|well",
            "jerking|shaking|twitching .. uncontroll*|unresponsive|all_over",
        ],
        zh: &[
            "抽搐|惊厥|癫痫|抽风|痉挛发作|抽筋昏|羊癫疯|羊角风|口吐白沫|翻白眼",
            "全身|四肢|浑身 .. 抽",
            "抽了 一次|几次|两次|三次|一下 !血|筋",
        ],
    },
    LexiconEntry {
        finding: StiffNeck,
        en: &[
            "stiff*|rigid neck",
            "neck .. stiff*|rigid*",
            "@cant .. bend|touch|put|bring .. neck|chin",
        ],
        zh: &[
            "脖子|颈|颈部|颈项|后颈|项 .. 僵|僵硬|强直|发硬|硬|板硬|低不下",
            "颈强直|颈项强直|颈僵",
        ],
    },
    LexiconEntry {
        finding: MeningitisNamed,
        en: &["meningitis|meningococcal|encephalitis"],
        zh: &["脑膜炎|脑炎|流脑"],
    },
    LexiconEntry {
        finding: NonBlanchingRash,
        en: &[
            "rash|spots .. doesnt|dont|not|wont|didnt|isnt .. \
             fade|fading|blanch*|disappear|go_away_when|go",
            "non_blanching|nonblanching|petechia*|purpura|purpuric",
            "glass_test|tumbler_test",
            "purple|blood rash|spots",
        ],
        zh: &[
            "压 .. 不褪|不退色|不消",
            "瘀点|瘀斑|紫癜|出血点|紫红色斑|紫色皮疹|紫色斑点|出血性皮疹",
            "疹|疹子|皮疹|红点|斑 .. 按|压 .. 不褪|不退|不消失|不消",
        ],
    },
    LexiconEntry {
        finding: Photophobia,
        en: &[
            "light .. @pain|bother*|hurts",
            "photophobia",
            "sensitiv* .. light",
            "@cant .. stand|bear|tolerate .. light",
        ],
        zh: &["怕光|畏光|见光"],
    },
    LexiconEntry {
        finding: HeadInjury,
        en: &[
            "head_injury|concussion|concussed|skull_fracture",
            "hit|hits|banged|bumped|struck|knocked|smashed|cracked|hurt .. head",
            "head .. hit|struck|injured|banged|injury|trauma",
            "fell|fall|fallen|falls ... head",
            "blow|knock|bang .. to|on .. head",
        ],
        zh: &[
            "头|头部|脑袋|后脑勺|后脑|额头 .. 撞|摔|磕|碰|砸|外伤|受伤|被打",
            "撞|摔|磕|碰|砸|打 .. 头|脑袋|后脑勺|头部|后脑 !晕",
            "脑震荡|颅脑外伤|颅脑损伤",
        ],
    },
    LexiconEntry {
        finding: WorstEver,
        en: &["it|this|that|this_one|that_one worst .. ever|life|had"],
        zh: &["它|这|是 .. 有生以来最|这辈子最|一辈子最|平生最|生平最"],
    },
];
