//! Mentions that are not about the patient now: family history, long-past events, prevention.

use std::sync::LazyLock;

use super::cues::Phrases;
use super::text::{Kind, Token};

static FAMILY: LazyLock<Phrases> = LazyLock::new(|| Phrases::new("father|mother|dad|mum|mom|brother|sister|uncle|aunt|grandfather|grandmother|\
    grandad|grandma|parents|parent|cousin|family|relatives|relative|父亲|母亲|爸爸|妈妈|我爸|我妈|爷爷|\
    奶奶|外公|外婆|姥姥|姥爷|家族|家里人|家人|父母|舅舅|叔叔|伯伯|姑姑|阿姨|哥哥|姐姐|弟弟|妹妹|兄弟|姐妹"));
static DEATH: LazyLock<Phrases> = LazyLock::new(|| Phrases::new("died|dead|passed away|history|死于|去世|过世|家族史|走了"));
static HISTORY_AFTER: LazyLock<Phrases> = LazyLock::new(|| Phrases::new("史|病史|去世|过世|走的|走了|家族史|history"));
static HISTORY_OF: LazyLock<Phrases> = LazyLock::new(|| Phrases::new("history of"));
static HISTORY_SUFFIX: LazyLock<Phrases> = LazyLock::new(|| Phrases::new("史|病史"));
static PAST: LazyLock<Phrases> = LazyLock::new(|| Phrases::new("years ago|year ago|decades ago|last year|when i was|as a child|as a kid|in childhood|\
    in my teens|年前|去年|前年|小时候|以前|曾经|年轻时"));
static NOW: LazyLock<Phrases> = LazyLock::new(|| Phrases::new("today|tonight|now|again|still|since|yesterday|this morning|just|currently|ongoing|\
    现在|今天|今早|昨天|刚|刚才|最近|又|再次|还|仍|开始|至今|一直|目前|今晚|昨晚|突然"));

/// A segment is read this far on either side of a mention.
const REACH: usize = 16;

/// Whether the mention from `start` to `end` tells of another person's or a long-past event.
pub(super) fn is_aside(tokens: &[Token<'_>], start: usize, end: usize) -> bool {
    is_family_history(tokens, start, end) || is_past(tokens, start, end)
}

/// Whether a relative is said to have died of it, or to have (had) it long ago.
pub(super) fn is_family_history(tokens: &[Token<'_>], start: usize, end: usize) -> bool {
    let from = segment_start(tokens, start);
    let to = segment_end(tokens, end);
    FAMILY.within(tokens, from, start)
        && (DEATH.within(tokens, from, start)
            || HISTORY_AFTER.within(tokens, end, to.min(end + 3))
            || PAST.within(tokens, from, to)
            || holds_year(tokens, from, to))
}

/// Whether the segment dates it years back and says nothing of now.
fn is_past(tokens: &[Token<'_>], start: usize, end: usize) -> bool {
    let from = segment_start(tokens, start);
    let to = segment_end(tokens, end);
    if NOW.within(tokens, from, to) {
        return false;
    }
    HISTORY_OF.within(tokens, start.saturating_sub(3), start)
        || HISTORY_SUFFIX.at(tokens, end).is_some()
        || PAST.within(tokens, from, to)
        || holds_year(tokens, from, to)
}

fn segment_start(tokens: &[Token<'_>], start: usize) -> usize {
    let floor = start.saturating_sub(REACH);
    (floor..start)
        .rev()
        .find(|&at| ends(tokens, at))
        .map_or(floor, |at| at + 1)
}

fn segment_end(tokens: &[Token<'_>], end: usize) -> usize {
    let ceiling = tokens.len().min(end + REACH);
    (end..ceiling)
        .find(|&at| ends(tokens, at))
        .unwrap_or(ceiling)
}

fn ends(tokens: &[Token<'_>], at: usize) -> bool {
    tokens.get(at).is_some_and(|token| {
        token.ends_segment() || matches!(token.text, "but" | "and" | "但" | "now")
    })
}

/// Whether a year such as 2010 is named.
fn holds_year(tokens: &[Token<'_>], from: usize, to: usize) -> bool {
    tokens
        .get(from..to.max(from))
        .unwrap_or(&[])
        .iter()
        .any(|token| {
            token.kind == Kind::Number
                && token.text.len() == 4
                && (token.text.starts_with("19") || token.text.starts_with("20"))
        })
}
