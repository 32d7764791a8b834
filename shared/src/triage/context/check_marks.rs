//! Marks and words of forms: "□胸痛 ☑呼吸困难", "[ ] chest pain [x] cough", 胸痛× 气短√, 胸痛 无
//! 呼吸困难 有.

use crate::triage::finding::FindingStatus;
use crate::triage::tokens::{Token, TokenKind, text_at};

/// A row of a form is no longer than this.
const MAX_ROW_TOKENS: usize = 32;

/// The meaning of an entry of a form for its finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FormEntry {
    Ticked,
    Unticked,
}

/// The status that the entry of a form beside a finding gives it; the finding stands from `start`
/// up to `end`.
pub(super) fn entry_status(
    tokens: &[Token<'_>],
    start: usize,
    end: usize,
) -> Option<FindingStatus> {
    let entry = match mark_before(tokens, start) {
        Some(entry) => entry,
        None => entry_behind(tokens, start, end)?,
    };

    Some(match entry {
        FormEntry::Ticked => FindingStatus::Present,
        FormEntry::Unticked => FindingStatus::Denied,
    })
}

fn mark_of(text: &str) -> Option<FormEntry> {
    match text {
        "√" => Some(FormEntry::Ticked),
        "×" | "□" => Some(FormEntry::Unticked),
        _ => None,
    }
}

fn word_of(text: &str) -> Option<FormEntry> {
    match text {
        "有" | "是" | "yes" | "y" => Some(FormEntry::Ticked),
        "无" | "否" | "no" | "nil" | "n" => Some(FormEntry::Unticked),
        _ => None,
    }
}

/// The mark right before a finding, in a row that begins with a mark.
fn mark_before(tokens: &[Token<'_>], start: usize) -> Option<FormEntry> {
    let before = start.checked_sub(1)?;
    let entry = mark_of(text_at(tokens, before))?;
    let row_start = row_start(tokens, before);

    mark_of(text_at(tokens, row_start)).map(|_| entry)
}

/// The mark or the word right behind a finding; a word counts in a row that ends with one.
fn entry_behind(tokens: &[Token<'_>], start: usize, end: usize) -> Option<FormEntry> {
    let is_number = |at: usize| {
        let token = tokens.get(at);
        token.is_some_and(|token| token.kind == TokenKind::Number)
    };
    if let Some(entry) = mark_of(text_at(tokens, end)) {
        // 呕吐×3 counts.
        return (!is_number(end + 1)).then_some(entry);
    }

    let is_link = |token: &Token<'_>| token.kind == TokenKind::Link;
    let at = end + usize::from(tokens.get(end).is_some_and(is_link));
    let entry = word_of(text_at(tokens, at))?;
    let last = row_end(tokens, end).checked_sub(1)?;
    let first = row_start(tokens, start);

    let is_row = word_of(text_at(tokens, last)).is_some() && last > at;
    let begins_with_word = word_of(text_at(tokens, first)).is_some();
    (is_row && !begins_with_word).then_some(entry)
}

fn row_start(tokens: &[Token<'_>], at: usize) -> usize {
    let earliest = at.saturating_sub(MAX_ROW_TOKENS);
    let ends_row = |at: &usize| tokens.get(*at).is_some_and(Token::ends_segment);

    let boundary = (earliest..at).rev().find(ends_row);
    let start = boundary.map_or(earliest, |at| at + 1);

    // The dash of an item of a list stands before its box: "- □ chest pain".
    let is_dash = text_at(tokens, start) == "-";
    start + usize::from(is_dash)
}

fn row_end(tokens: &[Token<'_>], from: usize) -> usize {
    let near = tokens.iter().skip(from).take(MAX_ROW_TOKENS);
    from + near.take_while(|token| !token.ends_segment()).count()
}
