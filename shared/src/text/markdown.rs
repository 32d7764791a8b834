//! Markdown's marks.

use super::seam::push_seam;

/// No link's address is longer, in bytes.
const MAX_ADDRESS_BYTES: usize = 512;

/// The beginnings of what stands as an address in a link; anything else in brackets may be words.
const ADDRESS_BEGINNINGS: &[&str] = &[
    "http:", "https:", "mailto:", "tel:", "data:", "www.", "#", "/", "./", "url",
];

/// The text without the marks of emphasis, headings, quotations and links.
///
/// Struck-out text (`~~x~~`) counts like any other, and its marks are read as pauses by triage.
pub(super) fn strip_marks(text: &str) -> String {
    let unlinked = strip_links(text);
    let mut stripped = String::with_capacity(unlinked.len());

    for (number, line) in unlinked.split('\n').enumerate() {
        if number > 0 {
            stripped.push('\n');
        }
        let content = strip_line_marks(line, &mut stripped);
        strip_emphasis(content, &mut stripped);
    }

    stripped
}

/// `[x](https://example.org)` and `![x](…)` become `x`.
fn strip_links(text: &str) -> String {
    let mut stripped = String::with_capacity(text.len());
    let mut rest = text;

    while let Some(at) = rest.find('[') {
        let (before, from_mark) = rest.split_at_checked(at).unwrap_or((rest, ""));
        let Some(link) = parse_link(from_mark) else {
            stripped.push_str(before);
            stripped.push('[');
            rest = from_mark.get(1..).unwrap_or_default();
            continue;
        };

        stripped.push_str(before.strip_suffix('!').unwrap_or(before));
        push_seam(&mut stripped);
        stripped.push_str(link.label);
        push_seam(&mut stripped);
        rest = link.behind;
    }

    stripped.push_str(rest);
    stripped
}

struct Link<'t> {
    label: &'t str,
    behind: &'t str,
}

fn parse_link(text: &str) -> Option<Link<'_>> {
    let inner = text.strip_prefix('[')?;
    let label_len = inner.find(['[', ']', '\n'])?;
    let (label, rest) = inner.split_at_checked(label_len)?;

    let target = rest.strip_prefix("](")?;
    let mut bytes = target.bytes().take(MAX_ADDRESS_BYTES);
    let address_len = bytes.position(|byte| byte == b')')?;
    let (address, behind) = target.split_at_checked(address_len)?;

    let mut beginnings = ADDRESS_BEGINNINGS.iter();
    let is_address = beginnings.any(|beginning| address.trim_start().starts_with(beginning));
    is_address.then_some(Link {
        label,
        behind: behind.get(1..).unwrap_or_default(),
    })
}

/// Takes a line's marks away: `>` of a quotation, `#` of a heading; `*` of a list becomes `-`.
fn strip_line_marks<'t>(line: &'t str, stripped: &mut String) -> &'t str {
    let mut content = line.trim_start_matches([' ', '\t']);

    // "> 39.5" at the beginning of a line is a quotation or a bound, and reads the same.
    while let Some(quoted) = content.strip_prefix(['>', '＞']) {
        content = quoted.trim_start_matches([' ', '\t']);
    }

    let unheaded = content.trim_start_matches(['#', '＃']);
    if unheaded.len() < content.len() && unheaded.starts_with(' ') {
        return unheaded;
    }

    match content.strip_prefix("* ") {
        Some(item) => {
            stripped.push_str("- ");
            item
        }
        None => content,
    }
}

/// A run of stars is emphasis, which may stand within a word and between two: it leaves a seam. One
/// without a partner, and any low line or number sign, stands for a space. Beside digits some mean
/// something else: "2*3", "#1". The back quote of a contraction stays.
fn strip_emphasis(line: &str, stripped: &mut String) {
    let is_paired = count_star_runs(line).is_multiple_of(2);
    let mut before = ' ';
    let mut chars = line.chars().peekable();

    while let Some(c) = chars.next() {
        if !is_mark(c) {
            stripped.push(c);
            before = c;
            continue;
        }

        while chars.next_if_eq(&c).is_some() {}
        let after = chars.peek().copied().unwrap_or(' ');
        let is_between_digits = before.is_ascii_digit() && after.is_ascii_digit();
        let is_between_letters = before.is_alphabetic() && after.is_alphabetic();

        if is_star(c) {
            match (is_between_digits, is_between_letters) {
                (true, _) => stripped.push(c),
                (false, true) if !is_paired => stripped.push(' '),
                _ => push_seam(stripped),
            }
        } else if c == '`' {
            let tail: String = chars
                .clone()
                .take(3)
                .take_while(char::is_ascii_alphabetic)
                .collect();
            if is_between_letters && !is_contraction_end(&tail) {
                push_seam(stripped);
            } else {
                stripped.push(c);
            }
        } else if is_number_sign(c) && (before.is_ascii_digit() || after.is_ascii_digit()) {
            stripped.push(c);
        } else {
            stripped.push(' ');
        }
    }
}

fn count_star_runs(line: &str) -> usize {
    let mut after_star = false;

    let begins_run = |c: char| {
        let begins = is_star(c) && !after_star;
        after_star = is_star(c);
        begins
    };
    line.chars()
        .map(begins_run)
        .filter(|begins| *begins)
        .count()
}

fn is_mark(c: char) -> bool {
    is_star(c) || is_number_sign(c) || matches!(c, '_' | '＿' | '`')
}

fn is_contraction_end(letters: &str) -> bool {
    let ends = ["s", "t", "m", "d", "re", "ve", "ll"];
    ends.iter().any(|end| letters.eq_ignore_ascii_case(end))
}

fn is_number_sign(c: char) -> bool {
    matches!(c, '#' | '＃')
}

fn is_star(c: char) -> bool {
    matches!(c, '*' | '＊')
}
