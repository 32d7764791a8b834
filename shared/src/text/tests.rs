//! Table-driven tests of the folding.

use std::borrow::Cow;

use super::{SEAM, is_blank, plain_text, seamed_text};

struct Folding {
    written: &'static str,
    shown: &'static str,
}

const fn folding(written: &'static str, shown: &'static str) -> Folding {
    Folding { written, shown }
}

fn check_foldings(foldings: &[Folding]) {
    for Folding { written, shown } in foldings {
        assert_eq!(plain_text(written), *shown, "{written:?}");
    }
}

#[test]
fn plain_texts_are_borrowed() {
    let plain_texts = [
        "",
        "my knee hurts - 3 days, 38.5 °C; what's wrong?",
        "嗓子疼，“咽东西”费劲……两天（晚上更重）。",
    ];

    for text in plain_texts {
        assert!(matches!(plain_text(text), Cow::Borrowed(_)), "{text}");
    }
}

#[test]
fn unseen_characters_are_blank() {
    let blanks = [
        "",
        " \r\n\t\u{3000}",
        "\u{200b}\u{200c}\u{200d}\u{200e}\u{200f}",
        "\u{2060}\u{2061}\u{2064}\u{feff}\u{ad}",
        "\u{34f}\u{115f}\u{1160}\u{3164}\u{ffa0}\u{2800}",
        "\u{180b}\u{180e}\u{fe00}\u{fe0f}",
        "\u{202a}\u{202e}\u{2066}\u{2069}\u{61c}",
        "\u{e0001}\u{e007f}\u{e0100}",
        "\u{301}\u{336}\u{20e3}",
        "&nbsp;&#8203;",
        "<p><br></p>",
        "&zwj;&zwnj;&shy;&ensp;&emsp;&emsp13;&emsp14;&thinsp;&hairsp;&numsp;&puncsp;",
        "&NoBreak;&ZeroWidthSpace;&MediumSpace;&ThickSpace;&NonBreakingSpace;&lrm;&rlm;",
        "&InvisibleComma;&InvisibleTimes;&ApplyFunction;&ic;&it;&af;",
        "&NegativeVeryThinSpace;&NegativeThinSpace;&VeryThinSpace;&Tab;&NewLine;",
    ];
    for text in blanks {
        assert!(is_blank(text), "{text:?}");
    }

    for text in ["痛", "\u{200b}x", "😭", "?", "<3", "&", "…"] {
        assert!(!is_blank(text), "{text:?}");
    }
}

#[test]
fn references_are_read() {
    check_foldings(&[
        folding("&#22909;&#30171;", "好痛"),
        folding("&#x597d;&#X75DB;", "好痛"),
        folding("&#22909&#30171", "好痛"),
        folding("so&nbsp;sore &amp; stiff", "so sore & stiff"),
        folding("&amp;amp;#22909;", "好"),
        folding("39&deg;C", "39°C"),
        folding("&#0;&#55296;&unknown;&&;", "&#0;&#55296;&unknown;&&;"),
    ]);
}

#[test]
fn tags_of_known_elements_go() {
    check_foldings(&[
        folding("so <b>so</b>re", "so sore"),
        folding("<p>one</p>\n<p>two</p>", "\none\ntwo\n"),
        folding("one<br>two<br/>\nthree", "one\ntwo\nthree"),
        folding("one<br><br>two", "one\n\ntwo"),
        folding("&lt;br&gt;two", "\ntwo"),
        folding(
            "<span style=\"color: red\" class='x' id=y>red</SPAN>",
            "red",
        ),
        folding("one<!-- -->two", "onetwo"),
        folding("<td>one</td>", "|one|"),
        folding("so<!-- x -->re", "sore\n\nx \n\n"),
    ]);
}

/// Words in angle brackets are a patient's words.
#[test]
fn what_is_no_tag_stays() {
    let texts = [
        "sats < 90 and pulse > 120",
        "<i have a cough>",
        "<b and sore>",
        "<cough>",
        "<3",
        "<<b",
        "<p",
        "<!-- a cough -->",
    ];

    for text in texts {
        assert_eq!(plain_text(text), text);
    }
}

#[test]
fn styled_letters_are_plain() {
    check_foldings(&[
        folding("𝐬𝐨𝑟𝑒 𝓽𝓱𝓻𝓸𝓪𝓽", "sore throat"),
        folding("𝔰𝔬𝔯𝔢 𝕤𝕠𝕣𝕖 𝚜𝚘𝚛𝚎 𝗌𝗈𝗋𝖾", "sore sore sore sore"),
        folding("ⓢⓞⓡⓔ ⒮⒪⒭⒠", "sore sore"),
        folding("🅂🄾🅁🄴 🅢🅞🅡🅔 🆂🅾🆁🅴 🄢🄞🄡🄔", "SORE sore sore sore"),
        folding("ꜱᴏʀᴇ ˢᵒʳᵉ", "sore sore"),
        folding("🇸🇴🇷🇪", "sore"),
        folding("s̶o̶r̶e̶ sóré so\u{301}re", "sore sore sore"),
        folding("soⅽk ﬁne", "sock fine"),
        folding("s\u{200b}o\u{ad}r\u{2060}e", "sore"),
    ]);
}

/// A flag, a type of an illness, a number sign and units are not letters.
#[test]
fn marks_with_a_meaning_stay() {
    let texts = ["🇨🇳", "Ⅰ型 Ⅱ型", "№ 5", "37 ℃ 98 ℉", "½", "ª º", "🆘"];

    for text in texts {
        assert_eq!(plain_text(text), text);
    }
}

#[test]
fn boxed_digits_are_numbers_in_a_row() {
    check_foldings(&[
        folding("3️⃣8️⃣.5️⃣", "38.5"),
        folding("③⑧.⑤", "38.5"),
        folding("❸❽ ⓷⓼", "38 38"),
        folding("³⁸ ₃₈", "38 38"),
        folding("𝟑𝟖", "38"),
        folding("38.5️⃣", "38.5"),
        folding("①39 ②40", "①39 ②40"),
        folding("1️⃣39", "1\u{20e3}39"),
        folding("①②39", "12 39"),
        folding("2️⃣个月 ③ days ①头", "2个月 3 days ①头"),
        folding("10⁹ m² O₂", "10⁹ m² O₂"),
        folding("㉚片 ⑳ pills ㊿粒 ⑫头", "30片 20 pills 50粒 ⑫头"),
    ]);
}

#[test]
fn marks_of_markdown_go() {
    check_foldings(&[
        folding("**very** sore, so*re*", "very sore, sore"),
        folding("__very__ so_re", " very  so re"),
        folding("# Heading\n## Next #tag", " Heading\n Next  tag"),
        folding("> quoted\n>> twice", "quoted\ntwice"),
        folding("* item\n* next", "- item\n- next"),
        folding("[sore](https://example.org/a)!", "sore!"),
        folding("![sore](www.example.org)", "sore"),
        folding("[sore](very)", "[sore](very)"),
        folding("2*3 #1", "2*3 #1"),
        folding("sore*throat", "sore throat"),
    ]);
}

#[test]
fn decoration_between_letters_leaves_a_seam() {
    let texts = [
        "so<b>ap",
        "so\u{200b}ap",
        "so*ap* soap",
        "so[ap](www.example.org)",
        "so`ap`",
        "so<i></i>\u{feff}**ap**",
    ];
    for text in texts {
        let seamed = seamed_text(text);
        assert!(
            seamed.starts_with(&format!("so{SEAM}ap")),
            "{text}: {seamed}"
        );
    }

    assert_eq!(seamed_text("don`t"), "don`t");
    assert!(!seamed_text("痛<b>痛</b>").contains(SEAM));
}
