//! Phrases in disguise: behind an exclamation, dotted, letter by letter, behind HTML's names.

use super::super::Urgency::{Emergency, Routine, Urgent};
use super::{Case, case, check_cases};

/// "Oh no" exclaims, and "no" denies.
const EXCLAMATIONS: &[Case] = &[
    case(
        "mark",
        "Oh no 😭 crushing chest pain",
        Emergency,
        &["cardiac_chest_pain"],
    ),
    case(
        "tilde",
        "Oh no ~ crushing chest pain",
        Emergency,
        &["cardiac_chest_pain"],
    ),
    case(
        "capitals",
        "NO😭CRUSHING CHEST PAIN HELP",
        Emergency,
        &["cardiac_chest_pain"],
    ),
    case("second", "Help. NO 😭 CHEST PAIN", Urgent, &["chest_pain"]),
    case(
        "help",
        "help no😭vomiting blood",
        Emergency,
        &["vomiting_blood"],
    ),
    case(
        "omg",
        "omg no vomiting blood",
        Emergency,
        &["vomiting_blood"],
    ),
    case(
        "god",
        "god no, vomiting blood",
        Emergency,
        &["vomiting_blood"],
    ),
    case(
        "bare",
        "Oh no crushing chest pain",
        Emergency,
        &["cardiac_chest_pain"],
    ),
    case("comma", "oh no, chest pain", Urgent, &["chest_pain"]),
    case("天哪", "天哪 胸痛", Urgent, &["chest_pain"]),
    case("threefold", "no no no chest pain", Urgent, &["?chest_pain"]),
    case(
        "wish",
        "No more crushing chest pain please",
        Urgent,
        &["?cardiac_chest_pain"],
    ),
    case("plain", "no chest pain", Routine, &["!"]),
    case("plain capitals", "NO CHEST PAIN", Routine, &["!"]),
    case("sentence", "I HAVE NO😭CHEST PAIN", Routine, &["!"]),
    case("denied behind", "Oh no, no chest pain", Routine, &["!"]),
    case("apart", "Oh! No chest pain", Routine, &["!"]),
];

#[test]
fn exclamations_deny_nothing() {
    check_cases(EXCLAMATIONS);
}

const DOTS: &[Case] = &[
    case("自杀", "我想自.杀", Emergency, &["suicidal_thoughts"]),
    case("吐血", "吐.血", Emergency, &["vomiting_blood"]),
    case("句号", "吐。血", Emergency, &["vomiting_blood"]),
    case("全角", "吐．血", Emergency, &["vomiting_blood"]),
    case("出汗", "胸.痛.出.冷.汗", Emergency, &["cardiac_chest_pain"]),
    case(
        "crushing",
        "crushing.chest.pain",
        Emergency,
        &["cardiac_chest_pain"],
    ),
    case("blood", "vomiting.blood", Emergency, &["vomiting_blood"]),
    case(
        "kill",
        "I.want.to.kill.myself",
        Emergency,
        &["suicidal_thoughts"],
    ),
    case(
        "sentence",
        "no fever.Chest pain since",
        Urgent,
        &["chest_pain"],
    ),
    case("整句", "没有发烧.胸痛两小时", Emergency, &["chest_pain"]),
    case("denial", "I have no.chest.pain", Routine, &["!"]),
    case("denies", "denies.chest.pain", Routine, &["!"]),
    case(
        "Title",
        "Crushing.Chest.Pain",
        Emergency,
        &["cardiac_chest_pain"],
    ),
    case("apart", "my chest is fine.Pain in my knee", Routine, &["!"]),
    case("page", "see www.chest.pain.example", Routine, &["!"]),
    case("scheme", "https://chest.pain.example", Routine, &["!"]),
    case("mailbox", "mail chest.pain@example.org", Routine, &["!"]),
    case("abbreviation", "p.m. only, e.g. knee pain", Routine, &["!"]),
    case(
        "decimal",
        "两个月宝宝体温39.5",
        Emergency,
        &["infant_fever_under_3_months"],
    ),
];

#[test]
fn dots_within_a_phrase_hide_nothing() {
    check_cases(DOTS);
}

const LETTERS: &[Case] = &[
    case("low lines", "c_h_e_s_t p_a_i_n", Urgent, &["chest_pain"]),
    case("emoji", "c😭h😭e😭s😭t p😭a😭i😭n", Urgent, &["chest_pain"]),
    case("tildes", "c~h~e~s~t pain", Urgent, &["chest_pain"]),
    case("middle dots", "c·h·e·s·t p·a·i·n", Urgent, &["chest_pain"]),
    case("dots", "c.h.e.s.t p.a.i.n", Urgent, &["chest_pain"]),
    case("hyphens", "c-h-e-s-t pain", Urgent, &["chest_pain"]),
    case(
        "stem",
        "v_o_m_i_t_i_n_g b_l_o_o_d",
        Emergency,
        &["vomiting_blood"],
    ),
    case(
        "row",
        "w a n t t o k i l l m y s e l f",
        Emergency,
        &["suicidal_thoughts"],
    ),
    case(
        "unknown",
        "z q x c h e s t p a i n",
        Urgent,
        &["chest_pain"],
    ),
    case("denied", "n_o c_h_e_s_t p_a_i_n", Routine, &["!"]),
    case(
        "in a word",
        "n o r m q c h e s t p a i n",
        Urgent,
        &["chest_pain"],
    ),
    case("items", "plans a b c, grade a/b/c", Routine, &["!"]),
    case("braille", "c⠀h⠀e⠀s⠀t pain", Urgent, &["chest_pain"]),
    case(
        "braille once",
        "vomi⠀ting blood",
        Emergency,
        &["vomiting_blood"],
    ),
    case("braille between", "no⠀recent⠀chest⠀pain", Routine, &["!"]),
    case("emoji once", "che😭st pain", Urgent, &["chest_pain"]),
    case(
        "hyphen",
        "vomit-\ning blood",
        Emergency,
        &["vomiting_blood"],
    ),
    case(
        "hyphen wide",
        "vomit-\r\n  ing blood",
        Emergency,
        &["vomiting_blood"],
    ),
    case("dash", "no fever-\nchest pain", Urgent, &["chest_pain"]),
    case("two words", "vomit~blood", Emergency, &["vomiting_blood"]),
];

#[test]
fn words_in_pieces_are_joined() {
    check_cases(LETTERS);
}

const MARKUP: &[Case] = &[
    case("no break", "胸&NoBreak;痛", Urgent, &["chest_pain"]),
    case(
        "zero width",
        "ch&ZeroWidthSpace;est pain",
        Urgent,
        &["chest_pain"],
    ),
    case("medium", "chest&MediumSpace;pain", Urgent, &["chest_pain"]),
    case("mark", "c&lrm;hest pain", Urgent, &["chest_pain"]),
    case("comment", "che<!-- x -->st pain", Urgent, &["chest_pain"]),
    case("注释", "胸<!-- x -->痛", Urgent, &["chest_pain"]),
    case(
        "words",
        "my <!-- chest pain --> knee",
        Urgent,
        &["chest_pain"],
    ),
    case("片", "吃了㉚片安眠药", Emergency, &["overdose"]),
    case("二十", "吃了⑳片安眠药", Emergency, &["overdose"]),
    case(
        "number word",
        "I took thirty😭tablets",
        Emergency,
        &["overdose"],
    ),
    case(
        "compound",
        "took twenty-five pills",
        Emergency,
        &["overdose"],
    ),
    case("few", "took three tablets", Routine, &["!"]),
];

#[test]
fn names_and_comments_hide_nothing() {
    check_cases(MARKUP);
}
