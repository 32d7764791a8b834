//! Cues of knowledge, condition, idiom and long duration must not hide what happens to the patient.

use super::{Urgency, assert_at_least, assert_at_most};

#[test]
fn the_question_for_the_name_of_signs_leaves_them() {
    assert_at_least(
        Urgency::Emergency,
        &[
            "突然左边身子麻，说话不清，是什么病？",
            "突然胸口剧痛出冷汗是什么病",
            "老公右边脸歪了说话含糊，这是什么病啊",
            "crushing chest pain and sweating, what does this mean?",
        ],
    );
    assert_at_most(
        Urgency::Routine,
        &["脑梗是什么病", "what does sepsis mean?"],
    );
}

#[test]
fn a_condition_with_what_has_happened_is_no_condition() {
    assert_at_least(
        Urgency::Emergency,
        &[
            "what should I do if he has stopped breathing",
            "what do I do if she has swallowed bleach",
            "what to do if someone is unconscious and not breathing",
            "what do we do if my baby has stopped breathing",
        ],
    );
    assert_at_least(
        Urgency::Urgent,
        &["should I go to hospital if I have crushing chest pain"],
    );
}

#[test]
fn an_idiom_needs_all_its_words() {
    assert_at_least(
        Urgency::Emergency,
        &[
            "恶心吐血了",
            "喘不上气晕过去了",
            "煤气中毒晕倒了",
            "急性心梗发作了",
            "I will kill my husband tonight",
            "fell apart and then hurt myself",
        ],
    );
    assert_at_most(
        Urgency::Routine,
        &[
            "被老板气得快吐血",
            "笑得我差点背过气去",
            "nearly had a heart attack when I saw the bill",
            "跳楼价清仓",
        ],
    );
}

#[test]
fn a_lesson_told_elsewhere_makes_no_sign_a_lesson() {
    assert_at_least(
        Urgency::Emergency,
        &[
            "I'm a first aider. Baby is choking and turning blue, what should I do?",
            "I'm a first aider, baby is choking and turning blue, what should I do?",
            "我参加过急救培训。宝宝噎住了脸发紫，怎么办？",
            "I'm a nursing student. Dad collapsed and is not breathing, what do I do?",
        ],
    );
    assert_at_most(
        Urgency::Routine,
        &["First aid course: what are the signs of choking?"],
    );
}

#[test]
fn a_trait_or_an_old_illness_hides_no_collapse() {
    assert_at_least(
        Urgency::Emergency,
        &[
            "My son has autism. He is limp and unresponsive",
            "My autistic son is limp and unresponsive",
            "自闭症孩子叫不醒，全身发软",
            "stroke rehab two years ago. He is having a seizure and won't stop",
            "chest pain for 2 years on and off, cold sweat and it spreads to my left arm",
        ],
    );
}

#[test]
fn the_fear_of_ones_own_thoughts_is_a_call_for_help() {
    assert_at_least(
        Urgency::Emergency,
        &[
            "I'm scared I might kill myself",
            "I'm afraid that I will kill myself",
            "我害怕自己会自杀",
            "I have OCD and I want to kill myself",
        ],
    );
}
