//! Minor complaints that a patient may care for alone, and words that forbid it.

use crate::triage::finding::Finding::{Aggravating, MinorComplaint};
use crate::triage::rule::LexiconEntry;

pub(super) const LEXICON: &[LexiconEntry] = &[
    LexiconEntry {
        finding: MinorComplaint,
        en: &[
            "common|mild|slight|little|bit cold !sore|foot|feet|hand|hands|leg|arm",
            "a cold !sore|foot|feet|hand|hands|leg|arm|sweat*|pack",
            "runny|stuffy|blocked nose",
            "nose .. runny|running|blocked|stuffy",
            "sneez*|sniffles",
            "mild|slight|scratchy|little|bit .. sore_throat",
            "throat .. scratchy",
            "mild|slight cough|headache",
            "mild|slight .. hay_fever",
            "hay_fever|hayfever|seasonal_allerg*",
            "mosquito|midge|gnat bite*",
            "small|minor|little|tiny .. graze|scrape|scratch|paper_cut|cut|bruise|blister|splinter",
            "paper_cut|papercut",
            "mild|minor|slight .. sprain*",
            "chapped_lips|dandruff|mild_sunburn",
            "sprain*|twisted|rolled .. ankle|wrist|finger|foot",
            "can|able .. walk|bear_weight",
        ],
        zh: &[
            "轻微感冒|普通感冒|小感冒|有点感冒|轻度感冒|感冒了",
            "流鼻涕|流清鼻涕|鼻塞|打喷嚏|流涕",
            "轻微|轻度|有点|稍微|一点 喉咙痛|嗓子痛|嗓子疼|咽痛|喉咙疼|咳嗽",
            "嗓子|喉咙|咽喉 有点|稍微|轻微 痛|疼|痒|不舒服",
            "蚊子 .. 咬|叮|包",
            "蚊虫叮咬|擦伤|小伤口|小擦伤|破皮|蹭破皮|小水泡",
            "轻微|轻度|稍微 .. 扭伤|擦伤|花粉症|过敏性鼻炎",
            "花粉症|口腔溃疡|头皮屑|嘴唇干裂",
            "扭伤|扭了|崴了|崴 .. 脚踝|脚|手腕|手指|脚腕",
            "能|可以|还能 .. 走路|走|负重|活动|走动",
        ],
    },
    LexiconEntry {
        finding: Aggravating,
        en: &[
            "severe*|worse|worsening|worst|worsened|unbearable|excruciating|spreading|pus|infected|\
             deep|swollen|swelling|numb|persistent|constant",
            "getting bad",
            // As findings, these words are no denials: "not a mild headache" is a headache.
            "not|isnt|wasnt mild|slight|minor|normal|usual|ordinary|simple",
            "weeks|week|months|month|years|year|fortnight",
            "@cant .. walk|move|sleep|swallow|eat|drink|stand|bear|put_weight",
            "very|really|extremely|so|too .. @pain|sore|bad|ill|sick",
        ],
        zh: &[
            "不是 轻微|普通|一般|平时|平常|小",
            "剧烈|加重|严重|厉害|恶化|越来越|受不了|化脓|发烧|发热|肿|扩散|持续|反复|深|麻|周|个月|\
             星期|礼拜|年|很痛|很疼|剧痛|不能走|走不了|不能动|高烧|流脓|半个月|好几天|吞不下|\
             咽不下",
        ],
    },
];
