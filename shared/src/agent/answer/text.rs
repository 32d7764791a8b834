//! Texts and lists of an answer in the form in which they are shown.

use std::mem;

use super::repair::{Repair, Repairs};

/// The most items of a list that are shown.
pub(super) const MAX_ITEMS: usize = 12;

/// Items that say of a list that it is empty.
const NONE_WORDS: [&str; 14] = [
    "none",
    "n/a",
    "na",
    "nil",
    "null",
    "nothing",
    "none reported",
    "无",
    "無",
    "没有",
    "沒有",
    "暂无",
    "未提及",
    "未发现",
];

/// Texts, folded, that stand for a text in a schema or an example.
const PLACEHOLDERS: [&str; 12] = [
    "string",
    "str",
    "text",
    "summary",
    "placeholder",
    "todo",
    "string1",
    "string2",
    "字符串",
    "文本",
    "摘要",
    "示例",
];

/// What is put behind a text that was cut.
const ELLIPSIS: &str = "…";

/// Whether a character takes no room: zero-width spaces and joiners, marks of direction, soft
/// hyphens, the byte order mark.
pub(super) const fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}'
    )
}

/// Whether a text has nothing that can be seen.
pub(super) fn is_blank(text: &str) -> bool {
    text.chars().all(|c| c.is_whitespace() || is_invisible(c))
}

/// Whether a text stands for one, as in an example: `string`, `...`, `<summary>`.
pub(super) fn is_placeholder(text: &str) -> bool {
    let text = text.trim();
    if PLACEHOLDERS.contains(&&*fold_name(text)) {
        return true;
    }

    let brackets = [
        ('<', '>'),
        ('[', ']'),
        ('{', '}'),
        ('＜', '＞'),
        ('【', '】'),
    ];
    let mut brackets = brackets.into_iter();
    let is_bracketed =
        brackets.any(|(open, close)| text.starts_with(open) && text.ends_with(close));
    let is_dots = text.contains(['.', '…']) && text.chars().all(|c| matches!(c, '.' | '…' | ' '));
    is_bracketed || is_dots
}

/// A name without what spellings differ in: case, spaces, hyphens, underscores, quotes, marks of
/// Markdown, a full stop or an exclamation mark.
pub(super) fn fold_name(name: &str) -> String {
    let is_kept = |c: &char| {
        let is_mark = matches!(
            c,
            '-' | '_' | '*' | '`' | '"' | '\'' | '.' | '。' | '!' | '！'
        );
        !is_mark && !c.is_whitespace() && !is_invisible(*c)
    };
    let kept = name.chars().filter(is_kept);
    kept.flat_map(char::to_lowercase).collect()
}

/// A text without blank ends and control characters, at most `max_chars` long. A good one is given
/// back as it is.
pub(super) fn tidy_text(text: String, max_chars: usize, repairs: &mut Repairs) -> String {
    let is_outside = |c: char| c.is_whitespace() || is_invisible(c);
    let is_inner = |c: char| (c.is_control() && c != '\n') || matches!(c, '\u{200b}' | '\u{feff}');

    let trimmed = text.trim_matches(is_outside);
    let text = if trimmed.contains(is_inner) {
        let spaced = trimmed.replace('\t', " ");
        spaced.replace(is_inner, "")
    } else if trimmed.len() < text.len() {
        trimmed.to_owned()
    } else {
        text
    };

    clamp_text(text, max_chars, repairs)
}

/// A text that is too long ends with its last whole sentence, if it has one in its second half.
fn clamp_text(text: String, max_chars: usize, repairs: &mut Repairs) -> String {
    if text.len() <= max_chars {
        return text;
    }
    let Some((end, _)) = text.char_indices().nth(max_chars.saturating_sub(1)) else {
        return text;
    };
    if text.chars().nth(max_chars).is_none() {
        return text;
    }

    repairs.insert(Repair::ClampedText);
    let (kept, _) = text.split_at(end);
    let is_end = |c: char| matches!(c, '。' | '！' | '？' | '.' | '!' | '?' | '\n');
    let sentences = kept.trim_end_matches(|c| !is_end(c));
    let kept = if sentences.len() * 2 > kept.len() {
        sentences
    } else {
        kept
    };

    format!("{}{ELLIPSIS}", kept.trim_end())
}

/// The items of a list that say something, each once, the first of them.
pub(super) fn tidy_list(list: &mut Vec<String>, max_chars: usize, repairs: &mut Repairs) {
    let items = mem::take(list);
    list.reserve(items.len().min(MAX_ITEMS));

    for item in items {
        if list.len() == MAX_ITEMS {
            repairs.insert(Repair::ClampedList);
            return;
        }

        let item = tidy_text(item, max_chars, repairs);
        let says_something = !item.is_empty() && !says_none(&item);
        if says_something && !list.contains(&item) {
            list.push(item);
        } else {
            repairs.insert(Repair::DroppedItem);
        }
    }
}

/// Whether an item only says that there is none.
fn says_none(item: &str) -> bool {
    let item = item.trim_end_matches(['.', '。']);
    let mut words = NONE_WORDS.iter();
    words.any(|word| word.eq_ignore_ascii_case(item))
}

/// The items of a text that is a list with a mark before each line; else the text itself.
pub(super) fn split_marked_lines(text: String) -> Vec<String> {
    let lines = text.lines().filter(|line| !is_blank(line));
    let items: Option<Vec<_>> = lines.map(unmarked).collect();

    match items {
        Some(items) if items.len() > 1 => items.into_iter().map(str::to_owned).collect(),
        _ => vec![text],
    }
}

/// A line without the bullet or the number before it; `None` if it has none.
fn unmarked(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let bullets = ['•', '·', '●', '▪'];
    if let Some(item) = line.strip_prefix(bullets) {
        return Some(item.trim_start());
    }
    if let Some(item) = line.strip_prefix(['-', '*']) {
        return item.starts_with(char::is_whitespace).then(|| item.trim());
    }
    if let Some(item) = line.strip_prefix(|c| matches!(c, '①'..='⑳')) {
        return Some(item.trim_start());
    }

    let is_digit = |c: char| c.is_ascii_digit();
    let number = line.trim_start_matches(['(', '（']);
    let item = number.trim_start_matches(is_digit);
    let has_number = matches!(number.len() - item.len(), 1..=2);
    let item = item.strip_prefix(['.', ')', '）', '、', '．'])?;

    // "1.5" begins with a number, not with the mark of an item.
    let is_mark = has_number && !item.starts_with(is_digit);
    is_mark.then(|| item.trim_start())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tidied(text: &str, max_chars: usize) -> String {
        tidy_text(text.to_owned(), max_chars, &mut Repairs::new())
    }

    #[test]
    fn what_stands_for_a_text_is_a_placeholder() {
        for text in [
            "string",
            " \"String\" ",
            "...",
            "…",
            "<summary>",
            "[text here]",
            "摘要",
        ] {
            assert!(is_placeholder(text), "{text}");
        }
        for text in ["", "A string of pains", "感冒。", "<38 °C", "5"] {
            assert!(!is_placeholder(text), "{text}");
        }
    }

    #[test]
    fn a_text_is_shown_without_what_cannot_be_seen() {
        assert_eq!(tidied(" \u{feff}a\u{0}b\tc\nd \u{200b}", 9), "ab c\nd");
        assert_eq!(tidied("\u{200b}\u{200d}\u{feff}", 9), "");
        let family = "👨\u{200d}👩\u{200d}👧";
        assert_eq!(tidied(family, 9), family, "joiners belong to an emoji");
    }

    #[test]
    fn a_long_text_ends_with_a_whole_sentence() {
        let mut repairs = Repairs::new();
        let mut clamped = |text: &str| tidy_text(text.to_owned(), 10, &mut repairs);

        assert_eq!(clamped("一二三四五六七八九十"), "一二三四五六七八九十");
        assert_eq!(clamped("一二三四五六七八九十百"), "一二三四五六七八九…");
        assert_eq!(clamped("一二三四五。七八九十百"), "一二三四五。…");
        assert_eq!(clamped("一。三四五六七八九十百"), "一。三四五六七八九…");
        assert!(repairs.contains(&Repair::ClampedText));
    }

    #[test]
    fn a_list_has_each_item_once_and_no_none() {
        let tidied = |items: &[&str]| {
            let mut list: Vec<_> = items.iter().map(|item| (*item).to_owned()).collect();
            let mut repairs = Repairs::new();
            tidy_list(&mut list, 9, &mut repairs);
            (list, repairs.into_iter().collect::<Vec<_>>())
        };

        let (list, repairs) = tidied(&["a", "b"]);
        assert_eq!((list.join(" ").as_str(), repairs.len()), ("a b", 0));
        let (list, repairs) = tidied(&["a", " ", "None.", "无", "a ", "b"]);
        assert_eq!(list, ["a", "b"]);
        assert_eq!(repairs, [Repair::DroppedItem]);

        let many: Vec<_> = (0..=MAX_ITEMS).map(|number| number.to_string()).collect();
        let many: Vec<_> = many.iter().map(String::as_str).collect();
        let (list, repairs) = tidied(&many);
        assert_eq!(list, many[..MAX_ITEMS]);
        assert_eq!(repairs, [Repair::ClampedList]);
    }

    struct Lines {
        text: &'static str,
        items: &'static [&'static str],
    }

    #[rustfmt::skip]
    const LINES: [Lines; 8] = [
        Lines { text: "- rest\n- drink", items: &["rest", "drink"] },
        Lines { text: "1. rest\n\n2) drink\n", items: &["rest", "drink"] },
        Lines { text: "1、休息\n（2）喝水", items: &["休息", "喝水"] },
        Lines { text: "•rest\n③ drink", items: &["rest", "drink"] },
        Lines { text: "rest\ndrink", items: &["rest\ndrink"] },
        Lines { text: "1.5 l of water\n2.5 h of rest", items: &["1.5 l of water\n2.5 h of rest"] },
        Lines { text: "- rest", items: &["- rest"] },
        Lines { text: "休息；喝水、睡觉", items: &["休息；喝水、睡觉"] },
    ];

    #[test]
    fn only_lines_with_marks_are_items() {
        for lines in LINES {
            assert_eq!(split_marked_lines(lines.text.to_owned()), lines.items);
        }
    }
}
