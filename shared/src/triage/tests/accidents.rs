//! Chinese words that hold a short word of a pattern by accident, and words of patterns that meet
//! by accident across a gap.

use super::super::Urgency::{Emergency, Routine, Urgent};
use super::{assert_at_least, assert_at_most};

const EMERGENCIES: &[&str] = &[
    "三天气短胸痛",
    "宝宝不吃奶，发软叫不醒",
    "he arrested at home and they did CPR",
    "my boy has been fitting for ten minutes",
    "acid went into my eye",
    "I am going to take all the tablets",
    "the baby is not feeding and is limp",
];

const AT_LEAST_URGENT: &[&str] = &[
    "头发晕，刚刚摔倒了撞到头",
    "晚上头痛得厉害",
    "老人头痛得厉害",
    "撞到头",
    "然后头痛得厉害",
    "chest pain, no sweats or SOB",
    "胸痛，喘气平稳，没出汗",
    "bitten by a street dog 2 months back, today he chokes when we give him water and has throat spasms",
];

const HARMLESS: &[&str] = &[
    "最近一直吃馒头，肚子胀",
    "天气闷热，人很烦",
    "头发很多都白了",
    "背书背得好烦",
    "脚本写不动了",
    "血管瘤怎么办",
    "血压计怎么用",
    "备孕两个月还没怀上",
    "吃奥美拉唑拉肚子",
    "这个月手机摔了",
    "中风险地区回来要隔离吗",
    "农药残留怎么洗",
    "抗病毒药吃多久",
    "毫米汞柱是什么意思",
    "手术后能吃什么",
    "担心孩子长不高",
    "老头子天天抽烟",
    "尿不湿用多大码",
    "爷爷是脑梗走的，当年也是突然说不出话。我自己好好的，体检都正常，想问怎么预防。",
    "没有人掐我脖子",
    "did not swallow the battery",
    "It's been hard since my dad died",
    "worked hard for ten hours",
    "new tablets, when should I take them?",
    "ill-fitting dentures",
    "my son was arrested",
    "I think my husband caught the cold and then me",
    "hyaluronic acid drops for my eyes",
    "no breathing changes, just tired",
];

#[test]
fn words_beside_each_other_are_found() {
    assert_at_least(Emergency, EMERGENCIES);
    assert_at_least(Urgent, AT_LEAST_URGENT);
}

#[test]
fn accidents_alarm_nobody() {
    assert_at_most(Routine, HARMLESS);
}
