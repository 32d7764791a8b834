//! Back and legs.

use crate::triage::finding::Finding::{
    BackPain, Incontinence, LegParalysis, LegWeakness, SaddleNumbness,
};
use crate::triage::rule::SexFilter::AnySex;
use crate::triage::rule::{LexiconEntry, Rule, Source};
use crate::triage::urgency::Urgency::{Emergency, Urgent};

const NG127: Source = Source {
    title: "NICE NG127: Suspected neurological conditions",
    url: "https://www.nice.org.uk/guidance/ng127",
};

pub(super) const RULES: &[Rule] = &[
    Rule {
        code: "cauda_equina",
        urgency: Emergency,
        en: "Saddle numbness, or back pain with incontinence or leg weakness",
        zh: "会阴区麻木，或腰背痛伴大小便失禁、下肢无力",
        any_of: &[
            &[SaddleNumbness],
            &[BackPain, Incontinence],
            &[BackPain, LegWeakness],
        ],
        sex_filter: AnySex,
        source: Source {
            title: "NHS: Back pain",
            url: "https://www.nhs.uk/conditions/back-pain/",
        },
    },
    Rule {
        code: "leg_paralysis",
        urgency: Emergency,
        en: "Legs paralysed or suddenly weak",
        zh: "下肢瘫痪或突然无力",
        any_of: &[&[LegParalysis]],
        sex_filter: AnySex,
        source: NG127,
    },
    Rule {
        code: "leg_weakness",
        urgency: Urgent,
        en: "New weakness or loss of feeling in the legs",
        zh: "下肢无力或失去知觉",
        any_of: &[&[LegWeakness], &[LegParalysis]],
        sex_filter: AnySex,
        source: NG127,
    },
];

pub(super) const LEXICON: &[LexiconEntry] = &[
    LexiconEntry {
        finding: SaddleNumbness,
        en: &[
            "saddle|groin|genital*|perine*|between_my_legs|inner_thighs|bottom|buttocks|anus|\
             genitals .. numb*|no_feeling|tingling",
            "numb*|no_feeling|tingling .. between legs|thighs",
            "numb*|no_feeling|tingling .. around|in .. \
             groin|genital*|anus|bottom|buttocks|genitals|saddle",
        ],
        zh: &[
            "会阴|会阴部|马鞍区|鞍区|肛门|胯下|大腿内侧|屁股|臀部|下身|生殖器 .. \
             麻|麻木|没感觉|没有感觉|没知觉|没有知觉",
        ],
    },
    LexiconEntry {
        finding: Incontinence,
        en: &[
            "incontinen*",
            "lost|losing|loss|no .. control .. bladder|bowel|bowels|urine",
            "wet|wetting|soiled|soiling myself",
            "@cant .. control|hold .. bladder|bowel|bowels|pee|urine",
            "@cant .. pee|urinate|pass_urine|wee",
        ],
        zh: &[
            "失禁|尿裤子|控制不住大小便|拉裤子|憋不住尿",
            "大小便|小便|大便|排尿|尿 .. 失禁|控制不住|失控|排不出|不受控制|解不出",
        ],
    },
    LexiconEntry {
        finding: BackPain,
        en: &[
            "back .. @pain !of",
            "backache|sciatica",
            "@pain .. in|of|down .. back !of",
        ],
        zh: &[
            "腰|背|腰背|后背|背部|腰部 痛|疼|酸痛|剧痛",
            "腰椎间盘|坐骨神经",
        ],
    },
    LexiconEntry {
        finding: LegWeakness,
        en: &[
            "legs|both_legs .. weak|weakness|numb|paraly*|give_way|giving_way",
            "weakness|weak .. legs|both_legs",
            "@cant .. move|feel|lift .. legs|leg|feet",
            "no feeling .. legs|leg|feet",
            "paralysed|paralyzed|paralysis",
        ],
        zh: &[
            "双腿|两腿|双下肢|腿|下肢|双脚|两条腿 .. \
             无力|没力气|没有力气|动不了|不能动|没知觉|没有知觉|瘫|麻木|没感觉|没有感觉|站不起来",
            "瘫痪|截瘫",
        ],
    },
    LexiconEntry {
        finding: LegParalysis,
        en: &[
            "legs|both_legs .. paraly*",
            "@cant .. move .. legs|leg|feet",
            "legs|both_legs .. @cant|wont|not|dont move",
            "@sudden .. weak|weakness|numb|numbness .. legs|leg",
            "@sudden .. legs|leg .. weak|weakness|numb|give_way|gave_way",
            "legs|leg .. @sudden .. weak|numb|gave_way|give_way",
            "paralysed|paralyzed|paralysis !face|arm",
        ],
        zh: &[
            "双腿|两腿|双下肢|腿|下肢|双脚|两条腿 .. 动不了|不能动|瘫|不会动|动弹不得",
            "@突 .. 双腿|两腿|双下肢|腿|下肢|双脚|两条腿 .. \
             无力|没力气|没有力气|没知觉|没有知觉|站不起来|麻木",
            "双腿|两腿|双下肢|下肢|两条腿 .. @突 .. 无力|没力气|没有力气|没知觉|没有知觉|站不起来|\
             麻木",
            "瘫痪|截瘫",
        ],
    },
];
