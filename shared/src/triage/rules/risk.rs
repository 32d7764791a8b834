//! Risk groups: what makes the same complaint more dangerous. These are read from the history, too.

use crate::triage::finding::Finding::{
    Anticoagulated, Diabetes, HeartDisease, Immunosuppressed, Postpartum, Pregnant,
};
use crate::triage::rule::LexiconEntry;

pub(super) const LEXICON: &[LexiconEntry] = &[
    LexiconEntry {
        finding: Pregnant,
        en: &[
            "pregnan* !test",
            "weeks .. pregnan*|gestation|gravid",
            "expecting .. baby|twins",
            "first|second|third trimester",
            "preeclampsia|pre_eclampsia|eclampsia",
        ],
        zh: &[
            "怀孕|孕妇|孕期|妊娠|有孕|孕晚期|孕早期|孕中期|宫外孕|子痫",
            "孕 .. 周|月",
            "怀 .. 胎|宝宝|二胎|身孕",
            "胎动|胎儿",
        ],
    },
    LexiconEntry {
        finding: Postpartum,
        en: &[
            "gave|given|giving birth",
            "postpartum|postnatal|after_delivery|after_childbirth|after_giving_birth",
            "had my|a|the|our baby .. ago|last",
            "caesarean|cesarean|c_section",
        ],
        zh: &[
            "产后|生完孩子|刚生完|剖腹产|剖宫产|坐月子|生产后|分娩后|顺产|月子",
            "生 .. 孩子|宝宝 .. 天|周|后",
        ],
    },
    LexiconEntry {
        finding: Immunosuppressed,
        en: &[
            "chemo|chemotherapy|neutropeni*|immunosuppress*|immunocompromised|leukaemia|leukemia|\
             lymphoma|hiv|aids|transplant*",
            "weakened|weak|compromised immune_system",
            "no spleen",
            "methotrexate|tacrolimus|ciclosporin|cyclosporine|azathioprine|mycophenolate|rituximab",
            "long_term|high_dose|daily steroid*|prednisolone|prednisone",
        ],
        zh: &[
            "化疗|放化疗|免疫抑制|免疫力低下|免疫功能低下|免疫缺陷|白血病|淋巴瘤|艾滋|移植|\
             粒细胞缺乏|粒缺|切脾|脾切除|甲氨蝶呤|他克莫司|环孢素|吗替麦考酚酯",
            "长期 .. 激素|泼尼松|强的松",
        ],
    },
    LexiconEntry {
        finding: Anticoagulated,
        en: &[
            "anticoag*|warfarin|apixaban|rivaroxaban|dabigatran|edoxaban|heparin|eliquis|xarelto|\
             enoxaparin|coumadin|clopidogrel",
            "blood thinner*|thinning",
        ],
        zh: &["抗凝|华法林|利伐沙班|阿哌沙班|达比加群|肝素|艾多沙班|氯吡格雷|血液稀释"],
    },
    LexiconEntry {
        finding: Diabetes,
        en: &["diabet*|insulin|metformin|dm|t1dm|t2dm"],
        zh: &["糖尿病|胰岛素|二甲双胍|一型糖|二型糖"],
    },
    LexiconEntry {
        finding: HeartDisease,
        en: &[
            "heart|cardiac|coronary disease|condition|failure|stent|stents|bypass",
            "stent|stents|angina|previous_heart_attack|cabg|ihd|cad",
            "!gastric|stomach bypass",
        ],
        zh: &["冠心病|心脏病|心衰|支架|搭桥|心绞痛|心梗史|心肌梗死史|心力衰竭|房颤"],
    },
];
