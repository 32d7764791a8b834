//! Traps of negation: what only looks like a denial, where a denial ends, and how forms, ticks and
//! dialogues deny.

use super::super::Urgency::{Emergency, Routine, Urgent};
use super::{assert_at_least, assert_at_most};

const EMERGENCIES: &[&str] = &[
    "没想到胸痛越来越厉害，出冷汗",
    "没告诉家人胸痛出冷汗",
    "没忍住吐血了",
    "没运动也胸痛出汗",
    "没两分钟就晕倒了，胸口痛",
    "无发热胸口剧痛出冷汗",
    "no cough no fever severe chest pain and sweating",
    "he has not been able to breathe since this morning",
    "she's not been able to speak since 8",
    "I wasn't able to move my arm this morning",
    "we have not been able to wake him",
    "没了呼吸",
    "他没了呼吸没了心跳",
    "摸不到脉搏",
    "无咳嗽胸口剧痛大汗",
    "没有咳嗽胸口剧痛出冷汗",
    "无外伤突发剧烈头痛呕吐",
    "否认外伤突发剧烈头痛呕吐",
    "无外伤突发右侧肢体无力",
    "无感冒突然呼吸困难嘴唇发紫",
    "no feeling in my right arm",
    "nobody can wake him",
    "胸口、左臂痛",
];

const AT_LEAST_URGENT: &[&str] = &[
    "[x] chest pain [ ] cough",
    "no cough no fever severe chest pain",
    "they couldn't rule out a heart attack and sent me home",
    "没法排除心梗就让我回家了",
    "“胸口”痛",
    "胸口😣痛",
    "胸口\n痛",
    "胸痛（+）",
    "chest pain +ve",
    "胸痛√",
    "☑胸痛 □呼吸困难",
    "□胸痛 ☑呼吸困难",
    "胸痛 有 呼吸困难 无",
    "Doctor: Any chest pain? Patient: yes.",
    "有没有胸痛？有",
];

const HARMLESS: &[&str] = &[
    "[ ] chest pain [ ] trouble breathing [x] runny nose",
    "- [ ] chest pain\n- [ ] trouble breathing\n- [x] runny nose",
    "( )胸痛 ( )呼吸困难 (√)流鼻涕",
    "没有胸口剧痛",
    "无突发胸痛",
    "无明显胸骨后压榨样剧痛",
    "胸痛（-）",
    "chest pain -ve, SOB -ve",
    "胸痛×",
    "w/o chest pain",
    "□胸痛 □呼吸困难",
    "胸痛 无 呼吸困难 无",
    "heart attack was ruled out",
    "MI has been ruled out",
    "any chest pain? no",
    "有没有胸痛？没有",
    "Doctor: Any chest pain? Patient: no.",
    "Nil SOB, nil CP, nil palps. No fever/rash/neck stiffness.",
    "无腹痛、无晕厥，建档咨询",
    "夜间无憋醒、无发绀",
    "没有幻听、没有伤人或自伤的念头",
    "I'm not depressed or thinking of harming myself",
    "no thoughts of hurting myself",
    "I don't think about ending it or hurting myself",
    "不打人也没要伤害自己",
    "无头痛头晕、无胸闷气促、无视物模糊",
    "Denies CP, SOB, palps or syncope.",
    "呼吸困难：否 胸痛：否",
    "Sweating/arm/jaw pain: no",
    "胸闷× 气短×",
    "呼吸平稳，说话清楚",
    "没有胸痛、没有呼吸困难、没有晕厥",
    "否认胸痛、否认呼吸困难",
];

#[test]
fn what_looks_like_a_denial_alarms() {
    assert_at_least(Emergency, EMERGENCIES);
    assert_at_least(Urgent, AT_LEAST_URGENT);
}

#[test]
fn denials_in_every_form_are_read() {
    assert_at_most(Routine, HARMLESS);
}
