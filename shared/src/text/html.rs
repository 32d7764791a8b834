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

/// The document with a mark before each heading and each item of a list.
pub(super) fn mark_structure(html: &str) -> String {
    let mut marked = String::with_capacity(html.len());
    let mut rest = html;

    while let Some((before, behind)) = rest.split_once('<') {
        marked.push_str(before);
        let tag_end = behind.find('>').map_or(behind.len(), |end| end + 1);
        let (tag, after) = behind.split_at(tag_end);
        marked.push('<');
        marked.push_str(tag);
        marked.push_str(mark_behind(tag));
        rest = after;
    }
    marked.push_str(rest);
    marked
}

fn mark_behind(tag: &str) -> &'static str {
    let name: String = tag
        .chars()
        .take_while(char::is_ascii_alphanumeric)
        .map(|character| character.to_ascii_lowercase())
        .collect();

    match name.as_str() {
        "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => "# ",
        "li" => "- ",
        _ => "",
    }
}
