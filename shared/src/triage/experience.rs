//! Whose finding it is, and when it was: "my father died of a stroke", 十年前中风过.
//!
//! Only what clearly belongs to a past predicate or to somebody else's history is left out. A record
//! opens with the past (既往体健，突发胸痛), so that a past mark reaches no further than its comma, and
//! a symptom that merely stands beside one is left open.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::LazyLock;

use super::finding::Finding;
use super::pattern::{Found, PatternSet};
use super::scope::Status;
use super::sections::{Section, Sections};
use super::text::{Kind, Token};
use super::words::Class;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    Relative,
    Deceased,
    /// Tells of earlier illnesses, of whomever.
    History,
    /// A time that lies far back.
    Dated,
    /// The finding began at once, which it does in the past as well.
    Onset,
    Now,
    /// What was in the past has come back.
    Again,
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
    (
        Mark::Deceased,
        "died|passed_away|runs_in_the_family|runs_in_my_family|family_history",
    ),
    (Mark::Deceased, "去世|死于|病逝|过世|走得早|走的早|遗传"),
    (
        Mark::History,
        "history|hx|h_/_o|s_/_p|status_post|pmh|pmhx|previous|residual",
    ),
    (Mark::History, "史|既往|得过|患过|有过|曾患|曾有|遗留|后遗"),
    (Mark::Dated, "years|decades|decade|yrs ago|back|earlier"),
    (Mark::Dated, "as a child|kid|teenager|toddler|baby"),
    (
        Mark::Dated,
        "i|he|she|they was|were a child|kid|teenager|toddler|baby",
    ),
    (
        Mark::Dated,
        "when i|he|she was young|younger|small|in_school|at_school|at_university",
    ),
    (
        Mark::Dated,
        "last_year|in_childhood|at_age|at_the_age|in his|her|my twenties|thirties|forties|fifties|sixties",
    ),
    (
        Mark::Dated,
        "年前|小时候|去年|前年|儿时|童年|年轻时|年轻的时候|多年以前",
    ),
    (Mark::Onset, "suddenly|sudden|突发|突然|忽然"),
    (
        Mark::Now,
        "now|today|tonight|still|since|currently|yesterday|keeps|morning|hours|hour|hr|hrs|minutes|mins|minute|days|\
         weeks|week",
    ),
    (Mark::Now, "day history"),
    (
        Mark::Now,
        "现在|目前|今天|今早|今晚|昨天|昨晚|刚才|刚刚|仍|一直|这次|还在|最近|至今|小时 !候",
    ),
    (
        Mark::Now,
        "分钟|钟头|半天|天前|天来|日前|周前|持续|加重|正在",
    ),
    (Mark::Again, "again|same|recurred|returned|又|再次|复发"),
];

static MARK_SET: LazyLock<PatternSet<Mark>> =
    LazyLock::new(|| PatternSet::compile(MARKS.iter().copied()));

/// Clauses are longer than this only in texts without punctuation, which are left alone.
const REACH: usize = 24;

/// Every mark of a text, found once for all mentions.
pub(super) struct Timeline<'t, 'x> {
    tokens: &'t [Token<'x>],
    /// In the order of the text.
    marks: Vec<Found<Mark>>,
    sections: Sections,
}

/// What stands around a mention.
struct Setting<'m> {
    /// The mention's own clause.
    clause: Range<usize>,
    marks: &'m [Found<Mark>],
    section: Section,
    /// The clause before is nothing but a time: "In 2010, …".
    led: bool,
}

impl Setting<'_> {
    fn has(&self, wanted: Mark) -> bool {
        self.marks.iter().any(|mark| mark.key == wanted)
    }

    fn of(&self, wanted: Mark) -> impl Iterator<Item = &Found<Mark>> {
        self.marks.iter().filter(move |mark| mark.key == wanted)
    }
}

impl<'t, 'x> Timeline<'t, 'x> {
    pub(super) fn of(tokens: &'t [Token<'x>]) -> Self {
        let mut marks = MARK_SET.find(tokens);
        marks.retain(|mark| mark.key != Mark::History || !heads_present(tokens, mark));
        let single = |at: usize, key| Found {
            key,
            start: at,
            end: at + 1,
            gaps: Vec::new(),
        };
        marks.extend(
            (0..tokens.len())
                .filter(|at| names_date(tokens, *at))
                .map(|at| single(at, Mark::Dated)),
        );
        marks.extend(
            (0..tokens.len())
                .filter(|at| counts_days(tokens, *at))
                .map(|at| single(at, Mark::Now)),
        );
        marks.sort_by_key(|mark| mark.start);
        Self {
            tokens,
            marks,
            sections: Sections::of(tokens),
        }
    }

    /// The greatest status that the time and the owner of the mention allow.
    pub(super) fn ceiling(&self, mention: &Found<Finding>) -> Status {
        if is_timeless(mention.key) {
            return Status::Present;
        }
        let setting = self.setting(mention);
        if self.recurs(mention) {
            return Status::Present;
        }
        if !setting.has(Mark::Now) && self.is_anothers(&setting, mention) {
            return Status::Denied;
        }
        if setting.has(Mark::Now) {
            return Status::Present;
        }
        self.in_past(&setting, mention)
    }

    fn in_past(&self, setting: &Setting<'_>, mention: &Found<Finding>) -> Status {
        let dated = setting.has(Mark::Dated);
        if setting.has(Mark::Onset) {
            return if dated {
                Status::Uncertain
            } else {
                Status::Present
            };
        }
        let recorded = setting.section == Section::Past || self.is_recorded(setting, mention);
        let past = dated
            || setting.led
            || recorded
            || setting.has(Mark::History) && !self.escapes(setting, mention);
        let closed = (dated || setting.led) && self.is_told_as_over(setting, mention);
        let named = is_named(mention.key) && (recorded || self.is_dated(setting, mention));
        match (past, closed || named) {
            (false, _) => Status::Present,
            (true, false) => Status::Uncertain,
            (true, true) => Status::Denied,
        }
    }

    fn setting(&self, mention: &Found<Finding>) -> Setting<'_> {
        let clause = self.clause(mention, true);
        let section = self.sections.at(mention.start);
        Setting {
            marks: self.marks_in(&clause),
            section,
            led: self.led_by_time(clause.start),
            clause,
        }
    }

    fn marks_in(&self, range: &Range<usize>) -> &[Found<Mark>] {
        let from = self.marks.partition_point(|mark| mark.start < range.start);
        let to = self.marks.partition_point(|mark| mark.start < range.end);
        self.marks.get(from..to).unwrap_or(&[])
    }

    fn text(&self, at: usize) -> &str {
        self.tokens.get(at).map_or("", |token| token.text)
    }

    /// "… ten years ago and now the same again" takes the finding up once more.
    fn recurs(&self, mention: &Found<Finding>) -> bool {
        self.marks_in(&self.clause(mention, false))
            .iter()
            .any(|mark| mark.key == Mark::Again)
    }

    /// Whether the mention tells of another person's death or earlier illness.
    fn is_anothers(&self, setting: &Setting<'_>, mention: &Found<Finding>) -> bool {
        if setting.section == Section::Family {
            return true;
        }
        let sentence = mention.start.saturating_sub(REACH)..mention.end + REACH;
        let relative = setting.has(Mark::Relative)
            || setting.has(Mark::Deceased)
                && self
                    .marks_in(&sentence)
                    .iter()
                    .any(|mark| mark.key == Mark::Relative);
        relative
            && (setting.has(Mark::Deceased)
                || self.is_recorded(setting, mention) && is_listed(setting, mention))
    }

    /// "stroke 3 years ago", 5年前患脑梗, but not "bypass 3 years ago heart attack".
    fn is_dated(&self, setting: &Setting<'_>, mention: &Found<Finding>) -> bool {
        let begun = setting.clause.start..mention.end;
        let is_now = begun.into_iter().any(|at| {
            matches!(
                self.text(at),
                "have" | "has" | "having" | "is" | "am" | "im"
            )
        });
        let han = self
            .tokens
            .get(mention.start)
            .is_some_and(|token| token.kind == Kind::Han);
        // English puts the time of one thing right before the next; Chinese puts it before its own.
        let leads = |mark: &Found<Mark>| han || mark.start <= setting.clause.start + 1;
        let governs = |mark: &Found<Mark>| {
            mark.start >= mention.end || mark.end + 1 >= mention.start && leads(mark)
        };
        !is_now && setting.of(Mark::Dated).any(governs)
    }

    /// Whether a word for earlier illnesses governs the mention: "history of stroke", 心梗史.
    fn is_recorded(&self, setting: &Setting<'_>, mention: &Found<Finding>) -> bool {
        setting.of(Mark::History).any(|mark| {
            if self.text(mark.start) == "史" {
                (mention.end..mention.end + 3).contains(&mark.start)
            } else {
                mark.end <= mention.start && !self.states(mark.end..mention.start + 1)
            }
        })
    }

    /// Whether a new statement begins between the history and the mention.
    fn escapes(&self, setting: &Setting<'_>, mention: &Found<Finding>) -> bool {
        let mut history = setting
            .of(Mark::History)
            .filter(|mark| mark.end <= mention.start)
            .peekable();
        history.peek().is_some() && history.all(|mark| self.states(mark.end..mention.start + 1))
    }

    /// Whether one of the words begins a statement: "history of COPD can't breathe".
    fn states(&self, range: Range<usize>) -> bool {
        let words = self.tokens.get(range).unwrap_or(&[]);
        words.iter().any(|token| {
            token.kind == Kind::Word
                && (token.class.has(Class::BREAKER) && token.text != "had"
                    || matches!(
                        token.text,
                        "cant"
                            | "cannot"
                            | "unable"
                            | "stopped"
                            | "not"
                            | "p"
                            | "complains"
                            | "complaining"
                            | "presenting"
                            | "presents"
                    ))
        })
    }

    /// "had a stroke", "fainted", 中风过, 曾中风: the verb itself is past, and no date stands between.
    fn is_told_as_over(&self, setting: &Setting<'_>, mention: &Found<Finding>) -> bool {
        let after = self.text(mention.end + 1);
        if self.text(mention.end) == "过" && !matches!(after, "敏" | "量" | "度" | "程") {
            return true;
        }
        if self.text(mention.start).ends_with("ed") || self.text(mention.start) == "had" {
            return true;
        }
        let before = setting.clause.start..mention.end;
        let verb = before.rev().find(|at| {
            matches!(
                self.text(*at),
                "had" | "was" | "were" | "suffered" | "got" | "曾"
            )
        });
        verb.is_some_and(|verb| {
            let between = verb..mention.start.max(verb);
            !setting
                .of(Mark::Dated)
                .any(|mark| between.contains(&mark.start) && mark.start > verb)
                && !between
                    .clone()
                    .any(|at| matches!(self.text(at), "have" | "has" | "having"))
        })
    }

    /// From the comma or the new predicate before the mention to the one after it.
    fn clause(&self, mention: &Found<Finding>, split: bool) -> Range<usize> {
        let ends = |at: usize| {
            self.tokens.get(at).is_none_or(Token::ends_segment)
                || split && begins_predicate(self.tokens, at)
        };
        let from = mention.start.saturating_sub(REACH);
        let start = (from..mention.start)
            .rev()
            .find(|at| ends(*at))
            .map_or(from, |at| at + 1);
        let to = mention.end + REACH;
        let end = (mention.end..to).find(|at| ends(*at)).unwrap_or(to);
        start..end
    }

    /// Whether nothing but a time stands before the comma that a clause begins after.
    fn led_by_time(&self, start: usize) -> bool {
        let Some(comma) = start
            .checked_sub(1)
            .filter(|at| self.tokens.get(*at).is_some_and(is_comma))
        else {
            return false;
        };
        let from = comma.saturating_sub(7);
        let begin = (from..comma)
            .rev()
            .find(|at| self.tokens.get(*at).is_some_and(Token::ends_segment));
        let lead = begin.map_or(from, |at| at + 1)..comma;
        let marks = self.marks_in(&lead);
        let in_mark = |at: usize| {
            marks
                .iter()
                .any(|m| m.key == Mark::Dated && (m.start..m.end).contains(&at))
        };
        marks.iter().any(|mark| mark.key == Mark::Dated)
            && lead
                .clone()
                .all(|at| in_mark(at) || self.tokens.get(at).is_some_and(belongs_to_time))
    }
}

/// An illness, or what the word for earlier illnesses stands beside: "dad history of angina chest
/// pain" may have two statements.
fn is_listed(setting: &Setting<'_>, mention: &Found<Finding>) -> bool {
    is_named(mention.key)
        || setting
            .of(Mark::History)
            .any(|mark| mark.start >= mention.end || mark.end + 1 >= mention.start)
}

/// 现病史, and "history:" or 病史： as a heading; the headings of the past are for [`Sections`].
fn heads_present(tokens: &[Token<'_>], mark: &Found<Mark>) -> bool {
    let text = |at: Option<usize>| {
        at.and_then(|at| tokens.get(at))
            .map_or("", |token| token.text)
    };
    text(Some(mark.end)) == ":" || text(mark.start.checked_sub(2)) == "现"
}

fn is_comma(token: &Token<'_>) -> bool {
    token.kind == Kind::Comma
}

fn belongs_to_time(token: &Token<'_>) -> bool {
    token.kind == Kind::Number
        || token.class.has(Class::NUMERAL)
        || token.class.has(Class::FILLER)
        || matches!(
            token.text,
            "about" | "around" | "some" | "back" | "大" | "约" | "多" | "几" | "年" | "时" | "候"
        )
}

/// Words that begin a statement of the present behind "and".
const PREDICATES: &str = "have has having cant cannot couldnt unable now am is i im ive he she we they it my his her \
    feel feels feeling get gets getting collapsed fainted passed lost stopped started starts suddenly today tonight still currently since keeps not \
    complains presents";

static PREDICATE_WORDS: LazyLock<HashSet<&'static str>> =
    LazyLock::new(|| PREDICATES.split_whitespace().collect());

/// "… and have", "… and can't": what follows is told of the present.
fn begins_predicate(tokens: &[Token<'_>], at: usize) -> bool {
    let text = |at: usize| tokens.get(at).map_or("", |token| token.text);
    matches!(text(at), "and" | "but" | "n" | "so") && PREDICATE_WORDS.contains(text(at + 1))
}

/// Findings that the past is read for, or that weigh as much when they are past.
fn is_timeless(finding: Finding) -> bool {
    matches!(
        finding,
        // An earlier attempt is the best-known warning sign of the next.
        Finding::Suicidal
            | Finding::SelfHarm
            | Finding::Immunosuppressed
            | Finding::Anticoagulated
            | Finding::Diabetes
            | Finding::HeartDisease
    )
}

/// Illnesses that a history lists by name; symptoms are told because they are there.
fn is_named(finding: Finding) -> bool {
    matches!(
        finding,
        Finding::StrokeNamed
            | Finding::HeartAttackNamed
            | Finding::MeningitisNamed
            | Finding::AnaphylaxisNamed
            | Finding::SepsisNamed
            | Finding::DiabeticCrisis
            | Finding::Seizure
            | Finding::Pregnant
            | Finding::Postpartum
    )
}

/// "in 2010", 2010年, "when I was 12".
fn names_date(tokens: &[Token<'_>], at: usize) -> bool {
    let text = |i: Option<usize>| i.and_then(|i| tokens.get(i)).map_or("", |token| token.text);
    if text(Some(at)).parse::<u8>().is_ok()
        && text(at.checked_sub(1)) == "was"
        && text(at.checked_sub(3)) == "when"
    {
        return true;
    }
    matches!(text(Some(at)).parse::<u16>(), Ok(1930..=2023))
        && (matches!(text(at.checked_sub(1)), "in" | "from" | "during")
            || text(Some(at + 1)) == "年")
}

/// 3天, 两天: so short a time is the present illness's.
fn counts_days(tokens: &[Token<'_>], at: usize) -> bool {
    let before = at.checked_sub(1).and_then(|at| tokens.get(at));
    tokens
        .get(at)
        .is_some_and(|token| matches!(token.text, "天" | "周"))
        && before.is_some_and(|token| token.kind == Kind::Number || token.class.has(Class::NUMERAL))
}
