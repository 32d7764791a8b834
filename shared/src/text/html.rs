//! An HTML document, as far as its text is concerned.

/// Elements that show nothing, with all that is in them.
const UNSEEN_ELEMENTS: &[&str] = &[
    "head", "script", "style", "template", "noscript", "svg", "iframe",
];

/// The document without comments and without elements that show nothing. One that does not end
/// takes all that follows.
pub(super) fn without_unseen(html: &str) -> String {
    let lower = html.to_ascii_lowercase();
    let mut shown = String::with_capacity(html.len());
    let mut at = 0;

    while let Some(found) = lower.get(at..).and_then(|rest| rest.find('<')) {
        let start = at + found;
        shown.push_str(html.get(at..start).unwrap_or_default());

        let end = end_of_unseen(&lower, start);
        at = end.unwrap_or_else(|| {
            shown.push('<');
            start + 1
        });
    }
    shown.push_str(html.get(at..).unwrap_or_default());
    shown
}

/// Where the comment or the unseen element that begins at `start` ends; none if neither does.
fn end_of_unseen(lower: &str, start: usize) -> Option<usize> {
    let rest = lower.get(start..)?;
    let end_behind = |mark: &str| {
        rest.find(mark)
            .map_or(lower.len(), |at| start + at + mark.len())
    };
    if rest.starts_with("<!--") {
        return Some(end_behind("-->"));
    }

    let is_element = |name: &&&str| {
        let behind = rest.get(1..).and_then(|rest| rest.strip_prefix(**name));
        behind.is_some_and(|behind| behind.starts_with(['>', ' ', '\n', '\t', '/']))
    };
    let name = UNSEEN_ELEMENTS.iter().find(is_element)?;
    Some(end_behind(&format!("</{name}>")))
}

/// The document without tags, each block on a line of its own. White space of the source is no line.
pub(super) fn lines_of_blocks(html: &str) -> String {
    let mut lines = String::with_capacity(html.len());
    let mut rest = html;

    while let Some((before, behind)) = rest.split_once('<') {
        push_text(&mut lines, before);
        // "a < b" is no tag.
        if !behind.starts_with(|first: char| first.is_ascii_alphabetic() || "/!?".contains(first)) {
            lines.push('<');
            rest = behind;
            continue;
        }

        let (tag, after) = behind.split_once('>').unwrap_or((behind, ""));
        push_block(&mut lines, tag);
        rest = after;
    }
    push_text(&mut lines, rest);
    lines
}

/// Adds a text, a run of white space as one space.
fn push_text(lines: &mut String, text: &str) {
    for character in text.chars() {
        if !character.is_whitespace() {
            lines.push(character);
        } else if !lines.ends_with(char::is_whitespace) {
            lines.push(' ');
        }
    }
}

/// Begins a line where a block begins or ends, unless one has just begun. Headings and items of a
/// list are told apart.
fn push_block(lines: &mut String, tag: &str) {
    let name: String = tag
        .chars()
        .take_while(|character| character.is_ascii_alphanumeric() || *character == '/')
        .map(|character| character.to_ascii_lowercase())
        .collect();
    if !is_block(name.trim_matches('/')) {
        return;
    }

    lines.truncate(lines.trim_end().len());
    lines.push('\n');
    lines.push_str(match name.as_str() {
        "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => "# ",
        "li" => "- ",
        _ => "",
    });
}

fn is_block(name: &str) -> bool {
    super::tags::BLOCK_ELEMENTS.contains(&name)
        || matches!(name, "nav" | "aside" | "td" | "th" | "title")
}
