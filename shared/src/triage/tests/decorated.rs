//! Decoration at every place of a phrase: emoji, markdown, HTML, unseen characters, wraps, dots.

use super::super::Urgency::{Emergency, Routine, SelfCare, Urgent};
use super::super::{Complaint, Triage, assess};
use super::robustness::next_noise;
use super::{assess_text, status_of};
use crate::triage::FlagStatus;

/// Emergencies and an urgent complaint; the urgencies and flags of the plain texts are the measure.
const ALARMING_ZH: &[&str] = &[
    "胸口剧痛，满头大汗",
    "突然口齿不清，左手没力气",
    "吐了好多血",
    "喘不上气，嘴唇发紫",
    "我不想活了",
    "胸痛",
];

const ALARMING_EN: &[&str] = &[
    "crushing chest pain, sweating",
    "sudden slurred speech and my left arm is weak",
    "vomiting blood",
    "can't breathe, my lips are blue",
    "I want to kill myself",
    "chest pain",
];

/// Sentences whose denial cannot be an answer by itself.
const DENIED_ZH: &[&str] = &[
    "我没有胸痛",
    "否认胸痛、呼吸困难",
    "患者无胸痛",
    "孩子没有发热或者胸痛",
];

const DENIED_EN: &[&str] = &[
    "I have no chest pain",
    "denies chest pain or shortness of breath",
    "I do not have chest pain",
    "he has no fever or chest pain",
    "there is no chest pain",
    "without any chest pain",
];

/// Denials that may be answers: "no" with what was asked by somebody else.
const BARE_DENIALS: &[&str] = &[
    "没有",
    "没",
    "无",
    "不是",
    "从来没有",
    "没有过敏，没有",
    "以前的病我都没有",
    "糖尿病我没有",
    "发烧吗\n我没有",
    "没有什么",
    "no",
    "No allergies, no",
    "I'm fine, no",
    "fever or cough, no",
    "I have no symptoms",
    "no he did not",
];

/// Not seen at all: may stand between any two characters.
const UNSEEN: &[&str] = &[
    "\u{200b}",
    "\u{200d}",
    "\u{2060}",
    "\u{feff}",
    "\u{ad}",
    "\u{34f}",
    "\u{3164}",
    "\u{180e}",
    "\u{fe0f}",
    "\u{e0020}",
    "\u{202e}",
    "\u{2066}",
    "&#8203;",
    "&shy;",
    "<b>",
    "</b>",
    "<wbr>",
    "<span class=\"x\">",
    "<!-- -->",
];

/// Seen, and standing between words.
const MARKS: &[&str] = &[
    "😭",
    "😭😭",
    "❤\u{fe0f}",
    "👩\u{200d}⚕\u{fe0f}",
    "🇨🇳",
    "~",
    "~~~",
    "～～",
    "〜",
    " * ",
    "_",
    "&nbsp;",
    " ",
    "<i> </i>",
    "#",
    "·",
];

/// Ends in one place, wraps in another.
const BREAKS: &[&str] = &[
    "\n",
    "\r\n",
    "...",
    "……",
    "。。。",
    "…",
    "···",
    "<br>",
    "<br />\n",
    "&lt;br&gt;",
    "</p><p>",
    "|",
];

fn codes(triage: &Triage) -> Vec<String> {
    let mut codes: Vec<String> = triage
        .red_flags
        .iter()
        .map(|flag| format!("{} {:?}", flag.code, flag.status))
        .collect();
    codes.sort();
    codes
}

/// The phrase with the mark at each place between two characters that both belong to words.
fn inserted(phrase: &str, mark: &str, places: impl Fn(char, char) -> bool) -> Vec<String> {
    let chars: Vec<char> = phrase.chars().collect();

    (1..chars.len())
        .filter(|at| places(chars[at - 1], chars[*at]))
        .map(|at| {
            let before: String = chars[..at].iter().collect();
            let after: String = chars[at..].iter().collect();
            format!("{before}{mark}{after}")
        })
        .collect()
}

fn anywhere(_: char, _: char) -> bool {
    true
}

/// Between two Han characters, or before a space.
fn between_words(before: char, after: char) -> bool {
    let is_word = |c: char| c.is_alphanumeric();
    is_word(before) && (after == ' ' || is_word(after) && !after.is_ascii())
}

fn assert_same(plain: &str, decorated: &str) {
    let (expected, found) = (assess_text(plain), assess_text(decorated));

    assert_eq!(expected.urgency, found.urgency, "{decorated:?}");
    assert_eq!(codes(&expected), codes(&found), "{decorated:?}");
}

#[test]
fn the_plain_texts_alarm_or_deny() {
    for text in ALARMING_ZH.iter().chain(ALARMING_EN) {
        assert!(assess_text(text).urgency >= Urgent, "{text}");
    }
    for text in DENIED_ZH.iter().chain(DENIED_EN) {
        assert_eq!(assess_text(text).urgency, Routine, "{text}");
    }
}

#[test]
fn unseen_characters_change_nothing() {
    let texts = [ALARMING_ZH, ALARMING_EN, DENIED_ZH, DENIED_EN].concat();

    for text in texts {
        for mark in UNSEEN {
            for decorated in inserted(text, mark, anywhere) {
                assert_same(text, &decorated);
            }
        }
    }
}

#[test]
fn marks_between_words_change_nothing() {
    let texts = [ALARMING_ZH, ALARMING_EN, DENIED_ZH, DENIED_EN].concat();

    for text in texts {
        for mark in MARKS {
            for decorated in inserted(text, mark, between_words) {
                assert_same(text, &decorated);
            }
        }
    }
}

#[test]
fn breaks_hide_no_emergency() {
    for text in [ALARMING_ZH, ALARMING_EN].concat() {
        for mark in BREAKS {
            for decorated in inserted(text, mark, between_words) {
                assert_same(text, &decorated);
            }
        }
    }
}

#[test]
fn breaks_within_a_denial_keep_it() {
    for text in [DENIED_ZH, DENIED_EN].concat() {
        for mark in BREAKS {
            for decorated in inserted(text, mark, between_words) {
                assert_same(text, &decorated);
            }
        }
    }
}

/// What follows a break may be a statement of its own; an answer must not hide it.
#[test]
fn a_bare_denial_denies_nothing_behind_a_break() {
    for denial in BARE_DENIALS {
        for mark in BREAKS {
            for told in ["胸痛两小时", "chest pain since morning"] {
                let text = format!("{denial}{mark}{told}");
                let flag = status_of(&assess_text(&text), "chest_pain");
                assert_eq!(flag, Some(FlagStatus::Present), "{text:?}");
            }
        }
    }

    for text in ["没有\n吐了好多血", "没有\n不想活了", "No\nvomiting blood"] {
        assert_eq!(assess_text(text).urgency, Emergency, "{text:?}");
    }
}

/// An emoji may end a sentence or adorn it.
#[test]
fn a_mark_behind_a_bare_denial_leaves_it_open() {
    for denial in BARE_DENIALS {
        for mark in ["😭", " 😊 ", "~", "～～", "·"] {
            for told in ["胸痛两小时", "chest pain since morning"] {
                let text = format!("{denial}{mark}{told}");
                let found = assess_text(&text);
                assert!(status_of(&found, "chest_pain").is_some(), "{text:?}");
            }
        }
    }
}

/// The phrase with a mark at about every third place where one may stand.
fn strewn(phrase: &str, seed: &mut u64) -> String {
    let word_marks = [MARKS, BREAKS].concat();
    let mut strewn = String::new();
    let mut before = ' ';

    for c in phrase.chars() {
        let marks = if between_words(before, c) && next_noise(seed).is_multiple_of(2) {
            word_marks.as_slice()
        } else {
            UNSEEN
        };
        if next_noise(seed).is_multiple_of(3) {
            strewn.push_str(marks[next_noise(seed) % marks.len()]);
        }
        strewn.push(c);
        before = c;
    }

    strewn
}

/// A tag that is not seen may end up beside a line break: what counts is what is shown.
#[test]
fn many_decorations_at_once_hide_nothing() {
    let mut seed = 12;

    for _ in 0..60 {
        for text in [ALARMING_ZH, ALARMING_EN].concat() {
            assert_same(text, &strewn(text, &mut seed));
        }
    }
}

/// What follows a denied finding behind a mark is a sentence of its own.
#[test]
fn a_denial_ends_at_a_mark_behind_its_finding() {
    let separators = [
        "😭",
        " 😭 ",
        "~~~",
        "...",
        "……",
        "\n",
        "<br>",
        " | ",
        "。。。",
        "\n\n",
        "\n- ",
        "\n2. ",
    ];

    for mark in separators {
        for (denied, told) in [
            ("没有发烧", "胸口剧痛，满头大汗"),
            ("no fever", "crushing chest pain, sweating"),
            ("I do not have a cough", "crushing chest pain, sweating"),
        ] {
            let text = format!("{denied}{mark}{told}");
            let found = assess_text(&text);
            let flag = status_of(&found, "cardiac_chest_pain");

            assert_eq!(flag, Some(FlagStatus::Present), "{text:?}");
            assert_eq!(found.urgency, Emergency, "{text:?}");
        }
    }
}

/// Texts that say no more when they are repeated, and that scanners could read again and again.
#[test]
fn long_decorated_texts_are_read_to_their_end() {
    let pieces = [
        "胸\n痛，",
        "胸…痛\n",
        "[胸](",
        "<b 胸痛 ",
        "<b>胸</b>痛 ",
        "~\n",
        "…~",
        "&#33016;痛 ",
        "&&#",
        "**胸**痛 ",
        "* _",
        "3️⃣",
        "①",
        "🇨",
        "no\nchest\npain\n",
        "没\n有",
        "c h e s t ",
        "x q ",
        "ab.cd.",
        "吐.血.",
        "NO😭",
        "x<!-- a -->",
        "vomit-\n",
    ];

    for piece in pieces {
        let long_text: String = piece.repeat(8_000).chars().take(8_000).collect();
        let short_text = piece.repeat(3);
        let (long, short) = (assess_text(&long_text), assess_text(&short_text));
        assert_eq!(long.urgency, short.urgency, "{piece:?}");
    }
}

/// A fever is an emergency for an infant of two months.
#[test]
fn styled_numbers_keep_their_value() {
    let fevers = [
        "39.5",
        "3️⃣9️⃣.5️⃣",
        "③⑨.⑤",
        "³⁹·⁵",
        "𝟑𝟗.𝟓",
        "３９．５",
        "39·5",
        "3\u{200b}9.5",
        "1️⃣39",
        "①39",
        "38.5~39.5",
        "~39",
        "39😭",
    ];
    for number in fevers {
        let text = format!("宝宝两个月，体温{number}度");
        let found = assess_text(&text);
        let flag = status_of(&found, "infant_fever_under_3_months");
        assert_eq!(flag, Some(FlagStatus::Present), "{text}");
    }

    for number in ["36.8", "3️⃣6️⃣.8️⃣", "③⑥.⑧", "³⁶·⁸"] {
        let text = format!("宝宝两个月，体温{number}度");
        let found = assess_text(&text);
        assert_eq!(
            status_of(&found, "infant_fever_under_3_months"),
            None,
            "{text}"
        );
    }
}

/// The history tells of a risk, with or without decoration.
#[test]
fn decorated_histories_tell_of_risks() {
    let assess_history = |history| {
        assess(&Complaint {
            symptoms: "摔倒撞到头",
            history: Some(history),
            age: Some(70),
            sex: None,
        })
    };
    let expected = assess_history("长期服用华法林");
    assert_eq!(expected.urgency, Emergency);

    for history in [
        "长期服用华\n法林",
        "长期服用<b>华</b>法林",
        "长期服用华😀法林",
        "𝐰𝐚𝐫𝐟𝐚𝐫𝐢𝐧",
    ] {
        let found = assess_history(history);
        assert_eq!(codes(&found), codes(&expected), "{history:?}");
    }
}

#[test]
fn decorated_minor_complaints_stay_minor() {
    let texts = [
        "runny nose for 2 days",
        "runny\nnose for 2 days",
        "runny 🤧 nose for 2 days~~~",
        "**runny nose** for 2 days...",
        "<p>runny nose</p> for 2 days",
        "流鼻涕两天",
        "流鼻😷涕两天",
        "流鼻\n涕两天~",
        "&#27969;鼻涕两天",
    ];

    for symptoms in texts {
        let found = assess(&Complaint {
            symptoms,
            history: None,
            age: Some(30),
            sex: None,
        });
        assert_eq!(found.urgency, SelfCare, "{symptoms:?}");
    }
}
