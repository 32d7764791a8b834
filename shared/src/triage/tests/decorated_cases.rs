//! Decorated texts one by one: answers, styled letters, markdown.

use super::super::Urgency::{Emergency, Routine, Urgent};
use super::{Case, case, check_cases};

/// An answer ends with its line, and denies nothing on the next one.
const ANSWERS: &[Case] = &[
    case("冒号", "发烧：没有\n胸痛两小时", Emergency, &["chest_pain"]),
    case("表格", "吸烟 没有\n胸痛 有", Urgent, &["chest_pain"]),
    case("独行", "糖尿病\n没有\n胸痛\n有", Urgent, &["chest_pain"]),
    case("吗", "发烧吗没有😊胸痛两小时", Urgent, &["?chest_pain"]),
    case("colon", "Fever: no\nChest pain", Urgent, &["chest_pain"]),
    case("form", "Smoker no\nchest pain yes", Urgent, &["chest_pain"]),
    case("cells", "| no | chest pain |", Urgent, &["chest_pain"]),
    case(
        "question",
        "fever? no 😊 chest pain",
        Urgent,
        &["?chest_pain"],
    ),
    case("paragraph", "no\n\nchest pain", Urgent, &["chest_pain"]),
    case(
        "own subject",
        "no... I have chest pain",
        Urgent,
        &["chest_pain"],
    ),
    case("bare no", "No... chest pain", Urgent, &["chest_pain"]),
    case("line", "no\nchest pain", Urgent, &["chest_pain"]),
    case("我", "没有😊我胸痛两小时", Emergency, &["chest_pain"]),
    case("my", "I do not\nmy chest hurts", Urgent, &["chest_pain"]),
    case("没/有", "没\n有胸痛两小时", Emergency, &["chest_pain"]),
    case("没😭有", "没😭有胸痛两小时", Urgent, &["?chest_pain"]),
    case(
        "symptoms",
        "no\nsymptoms of flu but chest pain",
        Urgent,
        &["chest_pain"],
    ),
    case("subject", "The baby has no\nchest pain", Routine, &["!"]),
    case("open list", "没有发热、\n胸痛", Routine, &["!"]),
    case("any", "no fever or any\nchest pain", Routine, &["!"]),
    case("own answer", "chest pain: no\nfever: no", Routine, &["!"]),
    case("自答", "胸口疼：没有\n膝盖酸", Routine, &["!"]),
    case("缓解", "胸痛没有\n缓解", Emergency, &["chest_pain"]),
    case("gone", "chest pain 😭 gone numb", Urgent, &["chest_pain"]),
];

#[test]
fn answers_end_with_their_line() {
    check_cases(ANSWERS);
}

const STYLES: &[Case] = &[
    case("bold", "𝐜𝐡𝐞𝐬𝐭 𝐩𝐚𝐢𝐧", Urgent, &["chest_pain"]),
    case("script", "𝓬𝓱𝓮𝓼𝓽 𝓅𝒶𝒾𝓃", Urgent, &["chest_pain"]),
    case("fraktur", "𝔠𝔥𝔢𝔰𝔱 𝖕𝖆𝖎𝖓", Urgent, &["chest_pain"]),
    case("monospace", "𝚌𝚑𝚎𝚜𝚝 𝕡𝕒𝕚𝕟", Urgent, &["chest_pain"]),
    case("circles", "ⓒⓗⓔⓢⓣ 🅟🅐🅘🅝", Urgent, &["chest_pain"]),
    case("squares", "🄲🄷🄴🅂🅃 🅿🅰🅸🅽", Urgent, &["chest_pain"]),
    case(
        "full width",
        "ｃｈｅｓｔ　ｐａｉｎ",
        Urgent,
        &["chest_pain"],
    ),
    case("raised", "ᶜʰᵉˢᵗ ᵖᵃⁱⁿ", Urgent, &["chest_pain"]),
    case("small capitals", "ᴄʜᴇꜱᴛ ᴘᴀɪɴ", Urgent, &["chest_pain"]),
    case("indicators", "🇨🇭🇪🇸🇹 🇵🇦🇮🇳", Urgent, &["chest_pain"]),
    case("numerals", "ⅽhest paⅰn", Urgent, &["chest_pain"]),
    case("struck", "c̶h̶e̶s̶t̶ p̶a̶i̶n̶", Urgent, &["chest_pain"]),
    case("accents", "chést páin", Urgent, &["chest_pain"]),
    case("denied", "𝐧𝐨 𝐜𝐡𝐞𝐬𝐭 𝐩𝐚𝐢𝐧", Routine, &["!"]),
    case("type 1", "否认Ⅰ型糖尿病、胸痛", Routine, &["!"]),
    case("number sign", "№ 5 chest pain", Urgent, &["chest_pain"]),
    case("references", "&#33016;&#30171;", Urgent, &["chest_pain"]),
    case("hex", "&#x80F8;&#x75DB;", Urgent, &["chest_pain"]),
    case("twice", "chest&amp;nbsp;pain", Urgent, &["chest_pain"]),
    case("brackets", "<i have chest pain>", Urgent, &["chest_pain"]),
    case(
        "less than",
        "sats<90 chest pain>1h",
        Emergency,
        &["chest_pain"],
    ),
];

#[test]
fn styled_letters_are_read() {
    check_cases(STYLES);
}

const MARKDOWN: &[Case] = &[
    case("in a word", "che**st** pain", Urgent, &["chest_pain"]),
    case("加粗", "**胸**痛", Urgent, &["chest_pain"]),
    case("斜体", "_胸_痛", Urgent, &["chest_pain"]),
    case("code", "`chest` pain", Urgent, &["chest_pain"]),
    case("heading", "# chest\n## pain", Urgent, &["chest_pain"]),
    case("quote", "> chest\n> pain", Urgent, &["chest_pain"]),
    case(
        "link",
        "胸[痛](https://example.org)",
        Urgent,
        &["chest_pain"],
    ),
    case("struck", "~~胸~~痛", Urgent, &["chest_pain"]),
    case("no bold", "no **chest pain**", Routine, &["!"]),
    case("bold no", "**no** chest pain", Routine, &["!"]),
    case("没有加粗", "没有**胸痛**", Routine, &["!"]),
    case("headings", "| PMH | stroke |", Routine, &["!"]),
    case(
        "row",
        "| 既往史 | 脑梗 | 主诉 | 胸痛 |",
        Urgent,
        &["!stroke_signs"],
    ),
    case("words", "[chest pain](very bad)", Urgent, &["chest_pain"]),
    case(
        "bullets",
        "* no fever\n* chest pain",
        Urgent,
        &["chest_pain"],
    ),
    case(
        "rows",
        "| fever | no |\n| chest pain | yes |",
        Urgent,
        &["chest_pain"],
    ),
    case(
        "items apart",
        "my chest is fine\nI have a pain in my knee",
        Routine,
        &["!"],
    ),
];

#[test]
fn markdown_is_read_through() {
    check_cases(MARKDOWN);
}

/// Decoration between two words is seen as their end, as it is within one word.
const SEAMS: &[Case] = &[
    case("stars", "I have*chest pain*", Urgent, &["chest_pain"]),
    case(
        "both",
        "severe*chest pain* since 2h",
        Emergency,
        &["chest_pain"],
    ),
    case("bold", "severe**chest**pain", Emergency, &["chest_pain"]),
    case("tag", "I have<b>chest pain</b>", Urgent, &["chest_pain"]),
    case("tags", "have<b>chest</b>pain", Urgent, &["chest_pain"]),
    case("code", "I have`chest pain`", Urgent, &["chest_pain"]),
    case("struck", "I have~~chest pain~~", Urgent, &["chest_pain"]),
    case("low line", "I have_chest pain_", Urgent, &["chest_pain"]),
    case(
        "space",
        "have\u{200b}chest\u{200b}pain",
        Urgent,
        &["chest_pain"],
    ),
    case(
        "link",
        "have[chest pain](www.example.org)",
        Urgent,
        &["chest_pain"],
    ),
    case("chest", "crushing chest*pain*", Emergency, &["chest_pain"]),
    case("sex", "72F*SOB* x2/7", Urgent, &["breathlessness"]),
    case(
        "again",
        "I had a stroke ten years ago and now the same*again*",
        Emergency,
        &[],
    ),
    case(
        "old",
        "My two-month-old<b>has</b> a temperature of 38.2",
        Emergency,
        &[],
    ),
    case("unknown", "zzz*chest pain*", Urgent, &["chest_pain"]),
    case(
        "letters",
        "c\u{200b}h\u{200b}e\u{200b}st p<i>a</i>in",
        Urgent,
        &["chest_pain"],
    ),
    case("denied", "no*chest pain*", Routine, &["!"]),
    case("in no", "n*o* chest pain", Routine, &["!"]),
    case("don`t", "I don`t have chest pain", Routine, &["!"]),
    case(
        "nothing",
        "no*thing* like chest pain",
        Urgent,
        &["chest_pain"],
    ),
];

#[test]
fn decoration_between_words_parts_them() {
    check_cases(SEAMS);
}
