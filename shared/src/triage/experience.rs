//! Whose finding it is, and when it was: "my father died of a stroke", 十年前中风过.

use std::ops::Range;
use std::sync::LazyLock;

use super::finding::Finding;
use super::pattern::{Found, PatternSet};
use super::text::{Kind, Token};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    Relative,
    /// Tells of a relative's illness rather than of a patient who is one.
    Heredity,
    Past,
    Now,
}

const MARKS: &[(Mark, &str)] = &[
    (
        Mark::Relative,
        "father|mother|dad|mum|mom|grandfather|grandmother|grandpa|grandma|uncle|aunt|brother|sister|parents|cousin|\
         family|runs_in",
    ),
    (
        Mark::Relative,
        "父亲|母亲|爸爸|妈妈|爷爷|奶奶|外公|外婆|姥姥|姥爷|叔叔|舅舅|姑姑|姨|哥哥|姐姐|弟弟|妹妹|父母|家族|家里|我爸|我妈|家人",
    ),
    (Mark::Heredity, "died|history|used_to|family_history|runs_in_the_family|passed_away|in_his|in_her|at_age"),
    (Mark::Heredity, "史|去世|死于|病逝|过世|走的|得过|患过|遗传"),
    (Mark::Past, "years|decades|decade ago|back|earlier"),
    (Mark::Past, "as|was|when|being a .. child|kid|teenager|baby"),
    (Mark::Past, "last_year|in_childhood|past_history|past_medical_history|years_ago"),
    (Mark::Past, "年前|小时候|去年|前年|儿时|童年|年轻时|年轻的时候|既往|病史|多年以前"),
    (Mark::Now, "now|again|today|tonight|still|since|same|currently|yesterday|recurred|returned|keeps"),
    (Mark::Now, "又|再次|现在|目前|今天|今早|今晚|昨天|昨晚|刚才|刚刚|仍|一直|这次|还在|最近|复发|至今"),
];

static MARK_SET: LazyLock<PatternSet<Mark>> = LazyLock::new(|| PatternSet::compile(MARKS.iter().copied()));

/// Clauses are longer than this only in texts without punctuation, which are left alone.
const REACH: usize = 24;

/// Every mark of a text, found once for all mentions.
pub(super) struct Timeline {
    /// Where each mark begins, in the order of the text.
    marks: Vec<(usize, Mark)>,
}

impl Timeline {
    pub(super) fn of(tokens: &[Token<'_>]) -> Self {
        let mut marks: Vec<_> = MARK_SET.find(tokens).into_iter().map(|found| (found.start, found.key)).collect();
        marks.extend((0..tokens.len()).filter(|at| names_year(tokens, *at)).map(|at| (at, Mark::Past)));
        marks.sort_by_key(|(at, _)| *at);
        Self { marks }
    }

    /// Whether the mention clearly belongs to a relative's history or to the patient's own past.
    pub(super) fn is_elsewhere(&self, tokens: &[Token<'_>], mention: &Found<Finding>) -> bool {
        // An earlier attempt is the best-known warning sign of the next.
        if matches!(mention.key, Finding::Suicidal | Finding::SelfHarm) || is_risk(mention.key) {
            return false;
        }
        let Some(clause) = clause(tokens, mention) else { return false };
        let from = self.marks.partition_point(|(at, _)| *at < clause.start);
        let to = self.marks.partition_point(|(at, _)| *at < clause.end);
        let marks = self.marks.get(from..to).unwrap_or(&[]);
        let has = |wanted| marks.iter().any(|(_, mark)| *mark == wanted);
        !has(Mark::Now) && (has(Mark::Past) || (has(Mark::Relative) && has(Mark::Heredity)))
    }
}

/// Lasting conditions are what the past is read for.
fn is_risk(finding: Finding) -> bool {
    matches!(finding, Finding::Immunosuppressed | Finding::Anticoagulated | Finding::Diabetes | Finding::HeartDisease)
}

/// The mention's clause, with a leading time ("in 2010,") and the rest of the sentence's clause.
fn clause(tokens: &[Token<'_>], mention: &Found<Finding>) -> Option<Range<usize>> {
    let from = mention.start.saturating_sub(REACH);
    let before = tokens.get(from..mention.start)?;
    let start = before.iter().rposition(Token::ends_segment).map_or(from, |at| from + at + 1);
    let start = with_leading_time(tokens, start);
    let after = tokens.get(mention.end..)?;
    let length = after.iter().take(REACH).position(Token::ends_segment).unwrap_or(after.len().min(REACH));
    Some(start..mention.end + length)
}

fn with_leading_time(tokens: &[Token<'_>], start: usize) -> usize {
    let Some(comma) = start.checked_sub(1).filter(|at| tokens.get(*at).is_some_and(|t| t.kind == Kind::Comma)) else {
        return start;
    };
    let from = comma.saturating_sub(7);
    let Some(before) = tokens.get(from..comma) else { return start };
    let lead = before.iter().rposition(Token::ends_segment).map_or(from, |at| from + at + 1);
    if comma - lead <= 5 { lead } else { start }
}

/// "in 2010", 2010年.
fn names_year(tokens: &[Token<'_>], at: usize) -> bool {
    let text = |i: Option<usize>| i.and_then(|i| tokens.get(i)).map_or("", |token| token.text);
    matches!(text(Some(at)).parse::<u16>(), Ok(1930..=2023))
        && (matches!(text(at.checked_sub(1)), "in" | "from" | "during") || text(Some(at + 1)) == "年")
}
