//! The past beside the present, as patients tell it.

use super::super::Urgency::{Emergency, Routine, SelfCare, Urgent};
use super::{Case, case, check_cases};

const PATIENTS_EN: &[Case] = &[
    case(
        "past and present",
        "I had a heart attack 3 years ago and have crushing chest pain",
        Emergency,
        &["cardiac_chest_pain"],
    ),
    case(
        "relative now",
        "My dad has a history of COPD and can't breathe",
        Emergency,
        &["severe_breathlessness"],
    ),
    case(
        "no comma",
        "my dad with a history of COPD can't breathe",
        Emergency,
        &["severe_breathlessness"],
    ),
    case(
        "seizure in baby",
        "there was a seizure in my baby",
        Emergency,
        &["seizure"],
    ),
    case(
        "his chest",
        "my father has crushing pain in his chest",
        Emergency,
        &["cardiac_chest_pain"],
    ),
    case(
        "father's then mine",
        "My father died of a stroke and I have chest pain",
        Urgent,
        &["chest_pain", "!stroke_signs"],
    ),
    case(
        "father's list",
        "my father died of a heart attack, my mum of a stroke in 2001",
        Routine,
        &["!"],
    ),
    case(
        "mum in sixties",
        "my mum had a stroke in her sixties",
        Routine,
        &["!"],
    ),
    case(
        "bypass, pain",
        "bypass 3 years ago, chest pain",
        Emergency,
        &["cardiac_chest_pain"],
    ),
    case(
        "bypass pain",
        "I had a bypass 3 years ago chest pain again today",
        Emergency,
        &["cardiac_chest_pain"],
    ),
    case(
        "since",
        "chest pain since my bypass 3 years ago",
        Emergency,
        &["cardiac_chest_pain"],
    ),
    case(
        "pain years ago",
        "I had chest pain two years ago",
        Routine,
        &["!"],
    ),
    case(
        "lead and symptom",
        "Two years ago, I had chest pain",
        Routine,
        &["!"],
    ),
    case(
        "fainted then",
        "I fainted in 2015, today I only have a cold",
        SelfCare,
        &["!"],
    ),
    case("when I was", "I had fits when I was a kid", Routine, &["!"]),
    case(
        "like years ago",
        "he is having a seizure like 3 years ago",
        Urgent,
        &["?seizure"],
    ),
    case(
        "mum died, pills",
        "my mum passed away. I took 30 paracetamol",
        Emergency,
        &["overdose"],
    ),
    case(
        "two statements",
        "bypass 3 years ago heart attack",
        Urgent,
        &["?cardiac_chest_pain"],
    ),
    case(
        "dad without commas",
        "dad history of angina chest pain",
        Urgent,
        &["?chest_pain"],
    ),
    case(
        "in the shower",
        "When I was in the shower I fainted",
        Urgent,
        &["fainting"],
    ),
    case(
        "dizzy",
        "When I was a little dizzy I fell and hit my head",
        Urgent,
        &["head_injury"],
    ),
    case(
        "when I was 12",
        "when I was 12 I had a seizure, now I have hay fever",
        SelfCare,
        &["!"],
    ),
    case("came back", "chest pain came back", Urgent, &["chest_pain"]),
    case(
        "collapsed",
        "my husband has a heart history and collapsed",
        Urgent,
        &["fainting"],
    ),
    case(
        "mum now",
        "My mum, history of stroke, is now confused",
        Emergency,
        &["confusion"],
    ),
    case(
        "this one",
        "I get headaches, this one is the worst I have ever had",
        Emergency,
        &["thunderclap_headache"],
    ),
    case("no i have", "no i have chest pain", Urgent, &["chest_pain"]),
    case(
        "No, I have",
        "No, I have chest pain",
        Urgent,
        &["chest_pain"],
    ),
    case("no my chest", "no my chest hurts", Urgent, &["chest_pain"]),
    case("no I don't", "no i dont have chest pain", Routine, &["!"]),
    case(
        "no there is no",
        "no there is no chest pain",
        Routine,
        &["!"],
    ),
    case(
        "litotes",
        "not a mild headache, it is the worst ever",
        Emergency,
        &["thunderclap_headache"],
    ),
    case(
        "pronoun",
        "I have a headache. It's the worst of my life",
        Emergency,
        &["thunderclap_headache"],
    ),
    case(
        "not usual",
        "this is not my usual headache",
        Routine,
        &["!"],
    ),
    case(
        "racing heart",
        "my heart is racing and I am short of breath",
        Emergency,
        &["palpitations_breathless"],
    ),
    case(
        "palpitations and pain",
        "palpitations with chest pain",
        Emergency,
        &["palpitations_breathless"],
    ),
    case(
        "can't move legs",
        "I woke up and can't move my legs",
        Emergency,
        &["leg_paralysis"],
    ),
    case(
        "sudden legs",
        "sudden weakness in both legs",
        Emergency,
        &["leg_paralysis"],
    ),
];

const PATIENTS_ZH: &[Case] = &[
    case(
        "既往体健",
        "既往体健，突发胸痛2小时，大汗",
        Emergency,
        &["cardiac_chest_pain"],
    ),
    case("高血压病史", "高血压病史，胸痛", Urgent, &["chest_pain"]),
    case("搭桥", "去年搭桥，胸痛", Emergency, &["cardiac_chest_pain"]),
    case(
        "病史无逗号",
        "高血压病史10年突发胸痛2小时",
        Emergency,
        &["chest_pain"],
    ),
    case(
        "父亲脑梗去世",
        "我父亲脑梗去世，我胸痛",
        Urgent,
        &["chest_pain", "!stroke_signs"],
    ),
    case(
        "父亲病史突然",
        "我爸有高血压病史，突然说话不清",
        Emergency,
        &["stroke_signs"],
    ),
    case(
        "爸爸走的时候",
        "爸爸走路的时候胸口痛",
        Urgent,
        &["chest_pain"],
    ),
    case("母亲癫痫史", "母亲有癫痫史", Routine, &["!"]),
    case("得过", "三年前得过脑梗", Routine, &["!"]),
    case("曾", "去年曾晕厥过，这几天感冒", Routine, &["!"]),
    case("小时候", "小时候抽搐过", Routine, &["!"]),
    case("小时候病", "小时候得过脑膜炎，头痛三天", Routine, &["!"]),
    case("前年无过", "前年胸痛", Urgent, &["?chest_pain"]),
    case("突发在前", "5年前突发脑梗", Urgent, &["?stroke_signs"]),
    case(
        "又犯了",
        "十年前中风过，现在嘴又歪了",
        Emergency,
        &["stroke_signs"],
    ),
    case("天前", "3天前开始胸痛", Urgent, &["chest_pain"]),
    case(
        "过敏",
        "去年查出高血压，吃药后胸痛过敏",
        Urgent,
        &["chest_pain"],
    ),
    case(
        "心慌气短",
        "心慌，喘不上气",
        Emergency,
        &["palpitations_breathless"],
    ),
    case(
        "双腿动不了",
        "双腿突然动不了",
        Emergency,
        &["leg_paralysis"],
    ),
    case(
        "慢慢没劲",
        "半年来双腿无力",
        Urgent,
        &["?leg_weakness", "!leg_paralysis"],
    ),
    case(
        "不是普通",
        "不是普通的头痛，这是我这辈子最痛的一次",
        Emergency,
        &["thunderclap_headache"],
    ),
    case("没有我", "没有 我胸口痛", Urgent, &["chest_pain"]),
    case(
        "停药",
        "高血压，自己停了药，今早突然半边身子动不了",
        Emergency,
        &["stroke_signs"],
    ),
];

#[test]
fn patients_tell_the_past_beside_the_present() {
    check_cases(PATIENTS_EN);
    check_cases(PATIENTS_ZH);
}
