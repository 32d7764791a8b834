//! What has lasted for long, comes by habit or is left of an old illness, beside its acute twins.

use super::super::Urgency::{Emergency, Urgent};
use super::{assert_at_least, assert_at_most};

/// No emergency, as long as nothing tells of a new turn.
const LASTING: &[&str] = &[
    "心慌心悸反反复复有一年多，心电图做过好几次都正常，出汗，要吃什么药",
    "胸口压着痛出汗，一直都这样有三年了，冠脉CT正常，是神经官能症吗",
    "老毛病了，一累就胸闷气短出虚汗，平时经常这样，吃点什么调理",
    "偶尔心慌气短，查过甲功没问题",
    "右手麻木无力两年多了，颈椎病，做牵引有用吗",
    "说话含糊半年了，慢慢的，挂哪个科",
    "palpitations and breathless on and off for 4 yrs, holter normal. magnesium?",
    "I've had slurred speech and a weak right arm for over two years, neurologist says MND. Any new trials?",
    "chest tightness and sweating for years with anxiety, ECG and stress test normal",
    "dizzy and unsteady with double vision for 3 years now, MRI clear. vestibular physio?",
    "my legs and arms have been weak and tingling for about 18 months, what tests next",
    "both hands go white and numb and cold, been like that since childhood",
    "常年荨麻疹，偶尔胸闷，吃氯雷他定可以吗",
];

const ACUTE_TWINS: &[&str] = &[
    "慢阻肺十几年，喘不上气说不出话",
    "心慌反复一年多，今天突然胸口压着痛，出冷汗",
    "胸闷三年了，刚才痛得冒冷汗，喘不上气",
    "高血压十年，左边手脚没力，嘴歪了",
    "有高血压糖尿病二十年早上起来半边身子动不了",
    "COPD for years, since this morning can't speak in full sentences",
    "had asthma for ten years can't breathe",
    "angina for years but for the last 20 minutes crushing chest pain, sweating",
    "I've had diabetes for 12 years and my face is drooping on one side",
    "cardiac patient for 5 years, chest pain and sweating, suddenly",
    "宝宝三个月了，抽搐，翻白眼",
    "怀孕七个月，抽搐了",
    "孕八个月头痛眼花抽搐",
    "3 month old baby having a seizure",
    "married for 8 years, my husband can't speak and his arm is weak",
    "smoker for 30 years, coughing up a cup of blood",
    "不想活了半年了，药都攒好了",
    "suicidal for months, I have a plan",
    "黑便一个月，头晕，昏倒了",
    "back pain for years, now numb between my legs and can't pee",
    "for the past two hours my speech is slurred",
    "头痛两年，最近三天越来越重，喷射性呕吐，看东西重影",
    "paroxysmal AF for 6 years, sudden weakness of left arm an hour ago",
    "癫痫十年，抽了十分钟没停",
    "脑梗三年，突然又说不出话来了",
    "自闭症孩子，突然抽搐叫不醒",
    "my autistic son is having a seizure that won't stop",
];

/// The rest of an old illness, and care for it.
const AFTERMATHS: &[&str] = &[
    "母亲脑出血开颅术后四个月，意识清楚，右半身瘫，说话不清，高压氧有用吗",
    "我父亲去年八月份脑梗塞住院，现在左侧肢体活动不灵，去哪家医院做康复好",
    "面瘫一年了，笑起来嘴还是歪，还能恢复吗",
    "had a stroke 14 months ago, still right side weakness, will more physio help?",
    "finished chemo in january, still can't find words, is it chemo brain?",
    "车祸后昏迷三个多月，针灸能促醒吗",
    "In a coma for 9 days after a crash in 2019, still headaches. What specialist?",
];

const NEW_AFTER_OLD: &[&str] = &[
    "去年脑梗过，恢复得很好，今天嘴歪说话不清",
    "TIA two years ago, left face droop and arm weakness",
    "脑梗后遗症三年，这两天右边更没劲了，说不清话",
    "stroke in 2019, rehab done, this morning the other arm went weak",
    "脑出血术后两个月，突然抽搐",
    "脑梗术后一年，叫不醒了，刚刚",
];

/// Accidents of words, tests, others and fears.
const HARMLESS: &[&str] = &[
    "割包皮手术后多久能洗澡，自己换药行吗",
    "带状疱疹好了，胸口还是像触电一样疼",
    "still feels like electric shocks down my ribs, shingles last spring",
    "can carbon monoxide poisoning cause permanent memory problems years later",
    "有机磷农药中毒为什么要用阿托品？学护理的，考试用",
    "妈妈是精神分裂症，姨妈自杀的，我现在正常，会遗传吗",
    "以前有过不想活的念头，吃药好了，现在心情挺好的，想停药",
    "强迫思维，老怕自己会跳楼，我不想死，吃舍曲林行吗",
    "I have OCD and I'm terrified I might kill myself though I don't want to die. Is ERP for this?",
    "sleep study: AHI 38, lowest oxygen 79%. do I need a machine?",
    "睡眠监测最低血氧72，要戴呼吸机吗",
    "体检发现陈旧性脑梗死，没有任何症状，要吃药吗",
    "I read about hemorrhage at delivery, my placenta is low, no bleeding",
    "sore on the ball of my foot, should I see a podiatrist",
    "3 hr glucose test: fasting 82, 1 hr 190, 2 hr 160, 3 hr 54. failed by 2 numbers?",
    "trigeminal neuralgia 6 yrs, stabbing electric pain in cheek. gamma knife or meds?",
    "惊恐发作一年多，发作的时候喘不上气、手麻、感觉要死了，检查都正常，吃什么药",
    "三岁孩子叫名字不理人，不说话，转圈，是不是自闭症",
    "孩子热性惊厥过两次，一次一岁一次两岁，以后发烧要不要预防用药",
    "Heart attack last year, two stents, is it ok to fly?",
    "我有癫痫，大概一年抽一次，吃奥卡西平，准备要孩子，药要换吗",
];

const HARMFUL_TWINS: &[&str] = &[
    "割伤自己了，血止不住",
    "触电了，手都黑了",
    "he had an electric shock from the toaster",
    "煤气中毒了，头晕，恶心",
    "carbon monoxide alarm going off and we all have headaches",
    "姨妈想自杀，站在楼顶",
    "我有强迫症，今晚打算跳楼",
    "I have OCD and I'm going to kill myself tonight",
    "血氧72，喘",
    "sugar 54 mg/dL, sweaty and shaking, can't swallow",
    "HR 190, chest pain",
    "stabbed in the cheek",
    "孩子叫不醒，没反应",
    "孩子发烧抽了两次，刚刚又抽",
    "惊恐发作一年多，今天喘不上气，嘴唇发紫",
    "oxygen 79% on my finger meter",
    "swollen painful testicle since this morning",
    "有过不想活的念头，现在又想死",
];

#[test]
fn what_has_lasted_for_months_is_no_emergency() {
    assert_at_most(Urgent, LASTING);
}

#[test]
fn a_new_turn_in_what_has_lasted_is_an_emergency() {
    assert_at_least(Emergency, ACUTE_TWINS);
}

#[test]
fn the_rest_of_an_old_illness_is_no_emergency() {
    assert_at_most(Urgent, AFTERMATHS);
}

#[test]
fn a_new_illness_after_an_old_one_is_an_emergency() {
    assert_at_least(Emergency, NEW_AFTER_OLD);
}

#[test]
fn tests_fears_and_accidents_of_words_are_no_emergencies() {
    assert_at_most(Urgent, HARMLESS);
}

#[test]
fn the_twins_of_tests_fears_and_accidents_are_emergencies() {
    assert_at_least(Emergency, HARMFUL_TWINS);
}
