//! Cues that tell whose a finding is and when it was.

use std::sync::LazyLock;

use crate::triage::compiler::syntax::PatternWord;
use crate::triage::lexicon;
use crate::triage::pattern::PatternMatch;
use crate::triage::pattern_set::PatternSet;
use crate::triage::tokens::{Token, TokenKind, text_at, text_before};
use crate::triage::word_class::WordClass;

/// Years that are so long ago that an illness of theirs is over.
const REMOTE_YEARS: std::ops::RangeInclusive<u16> = 1930..=2023;

/// What began longer ago is no new turn.
const MAX_RECENT_WEEKS: u8 = 5;

/// The meaning of a cue for the findings beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ContextCue {
    /// Names a relative of the patient.
    Relative,
    /// Names an animal.
    Animal,
    /// Tells of a death, or of what runs in a family.
    Deceased,
    /// Tells of earlier illnesses, of the patient or of a relative.
    Historical,
    /// A time that lies far back.
    RemoteDate,
    /// A time some months back.
    MonthsAgo,
    /// The finding began at once, which it does in the past as well.
    Onset,
    /// A time of the present illness.
    Current,
    /// A finding of the past has come back.
    Recurrence,
    /// A time of the past that is told elsewhere in the text.
    BackThen,
    /// A finding of the past has not come back.
    Ceased,
    /// What an earlier illness has left.
    Residual,
    /// The patient is well.
    Well,
    /// What follows has not happened, and may never.
    Conditional,
    /// What follows is told as a condition, and may have happened.
    OpenCondition,
    /// What follows is what a medicine or an illness can do.
    PossibleEffect,
    /// Asks what a word means.
    Definition,
    /// Asks for an illness in general, right beside its name.
    General,
    /// Asks for information.
    Inquiry,
    /// Tells that the whole text asks for knowledge alone.
    Education,
    /// A figure of speech.
    Idiom,
    /// A phrase that is one word, and names no act.
    SetPhrase,
    /// Asks for help with what happens.
    Plea,
    /// A test or a visit, for what need not be there any more.
    Checkup,
    /// An illness is held by its treatment.
    Stable,
    /// An illness happens.
    Event,
    /// An illness happens right now.
    EventNow,
    /// A sign that tells of an event by itself, though its finding is an illness.
    Sign,
    /// An illness that one has for years.
    Chronic,
    /// A time of a month or more.
    Duration,
    /// What comes by habit.
    Habit,
    /// What a time behind it is the time of.
    Condition,
    /// Care for what an old illness has left.
    Aftermath,
    /// Tells of the whole text that a sign is a trait, a result of a test or known for long.
    Trait,
    /// Thoughts against one's will.
    Intrusive,
    /// The fear of what one might do.
    Dread,
    /// A fear, a piece of reading or a cause, before what has not happened.
    Fear,
    /// Asks for the care of an illness that one has.
    Management,
    /// What comes long after.
    LongTerm,
    /// Asks whether one thing leads to another.
    AskedEffect,
    /// Something has changed of late.
    NewTurn,
    /// The present, which may have lasted for long elsewhere in the text.
    Now,
}

impl ContextCue {
    /// The cue of a section of the word list.
    fn of_section(name: &str) -> Option<Self> {
        Some(match name {
            "relative" => Self::Relative,
            "animal" => Self::Animal,
            "deceased" => Self::Deceased,
            "historical" => Self::Historical,
            "remote_date" => Self::RemoteDate,
            "months_ago" => Self::MonthsAgo,
            "onset" => Self::Onset,
            "current" => Self::Current,
            "recurrence" => Self::Recurrence,
            "back_then" => Self::BackThen,
            "ceased" => Self::Ceased,
            "residual" => Self::Residual,
            "well" => Self::Well,
            "conditional" => Self::Conditional,
            "open_condition" => Self::OpenCondition,
            "possible_effect" => Self::PossibleEffect,
            "definition" => Self::Definition,
            "general" => Self::General,
            "inquiry" => Self::Inquiry,
            "education" => Self::Education,
            "idiom" => Self::Idiom,
            "set_phrase" => Self::SetPhrase,
            "plea" => Self::Plea,
            "checkup" => Self::Checkup,
            "stable" => Self::Stable,
            "event" => Self::Event,
            "event_now" => Self::EventNow,
            "sign" => Self::Sign,
            "chronic" => Self::Chronic,
            "duration" => Self::Duration,
            "habit" => Self::Habit,
            "condition" => Self::Condition,
            "aftermath" => Self::Aftermath,
            "trait" => Self::Trait,
            "intrusive" => Self::Intrusive,
            "dread" => Self::Dread,
            "fear" => Self::Fear,
            "management" => Self::Management,
            "long_term" => Self::LongTerm,
            "asked_effect" => Self::AskedEffect,
            "new_turn" => Self::NewTurn,
            "now" => Self::Now,
            _ => return None,
        })
    }
}

static CONTEXT_CUES: LazyLock<PatternSet<ContextCue>> = LazyLock::new(|| {
    let tables = lexicon::CONTEXT_CUE_TABLES;
    PatternSet::of_list(
        tables,
        lexicon::CONTEXT_CUES_SECTIONS,
        ContextCue::of_section,
    )
});

/// The words of all cues.
pub(super) fn words() -> impl Iterator<Item = PatternWord<'static>> {
    CONTEXT_CUES.words()
}

/// Every cue of a text, in its order.
pub(super) fn find_context_cues(tokens: &[Token<'_>]) -> Vec<PatternMatch<ContextCue>> {
    let mut cues = CONTEXT_CUES.find_all(tokens);
    cues.retain(|cue| cue.key != ContextCue::Historical || !heads_present(tokens, cue));

    for at in 0..tokens.len() {
        if names_date(tokens, at) {
            cues.push(PatternMatch::without_gaps(
                ContextCue::RemoteDate,
                at,
                at + 1,
            ));
        }
        if counts_days(tokens, at) {
            cues.push(PatternMatch::without_gaps(ContextCue::Current, at, at + 1));
        }
        if let Some(cue) = duration_at(tokens, at) {
            cues.push(cue);
        }
    }

    cues.sort_by_key(|cue| cue.start);
    cues
}

/// 现病史, and "history:" or 病史： as a heading; the headings of the past are for
/// [`super::sections`].
fn heads_present(tokens: &[Token<'_>], cue: &PatternMatch<ContextCue>) -> bool {
    text_at(tokens, cue.end) == ":" || text_before(tokens, cue.start, 2) == "现"
}

/// "in 2010", 2010年, "when I was 12", "at 18 months", 两岁时.
fn names_date(tokens: &[Token<'_>], at: usize) -> bool {
    let number = text_at(tokens, at);
    let before = text_before(tokens, at, 1);

    let is_numeral =
        |token: &Token<'_>| token.kind == TokenKind::Number || token.class.has(WordClass::NUMERAL);
    let is_age = tokens.get(at).is_some_and(is_numeral) && !matches!(number, "a" | "an");
    if is_age && before == "was" && text_before(tokens, at, 3) == "when" {
        return true;
    }
    if is_age && before == "at" && is_age_unit(tokens, at + 1) {
        return true;
    }

    let is_remote_year = number
        .parse::<u16>()
        .is_ok_and(|year| REMOTE_YEARS.contains(&year));
    let is_told_as_year =
        matches!(before, "in" | "from" | "during") || text_at(tokens, at + 1) == "年";
    is_remote_year && is_told_as_year
}

/// "at 18 months", "at 3 years", "at 5 weeks old".
fn is_age_unit(tokens: &[Token<'_>], at: usize) -> bool {
    matches!(
        text_at(tokens, at),
        "months" | "years" | "weeks" | "yrs" | "mths"
    ) && !matches!(text_at(tokens, at + 1), "pregnant" | "gestation")
}

/// 3天, 两天: so short a time is the present illness's.
fn counts_days(tokens: &[Token<'_>], at: usize) -> bool {
    if !matches!(text_at(tokens, at), "天" | "周") {
        return false;
    }

    let before = at.checked_sub(1).and_then(|before| tokens.get(before));
    before
        .is_some_and(|token| token.kind == TokenKind::Number || token.class.has(WordClass::NUMERAL))
}

/// A time that ends at `at`: of a month or more (三年, 半年多, "for 4 yrs"), or so short that it
/// tells of a new turn (3天, "for two days").
fn duration_at(tokens: &[Token<'_>], at: usize) -> Option<PatternMatch<ContextCue>> {
    match text_at(tokens, at) {
        "年" | "月" => han_months(tokens, at),
        "天" | "周" | "日" | "星" => han_days(tokens, at),
        "时" | "钟" => han_hours(tokens, at),
        "months" | "month" | "mths" | "years" | "year" | "yrs" | "yr" => english_months(tokens, at),
        "days" | "day" | "weeks" | "week" | "wks" | "hours" | "hour" | "hrs" | "hr" | "minutes"
        | "mins" | "min" => english_days(tokens, at),
        _ => None,
    }
}

/// 三年, 十几年, 半年多, 三个月了; no date (年前, 2019年) and no age (三个月的宝宝).
fn han_months(tokens: &[Token<'_>], at: usize) -> Option<PatternMatch<ContextCue>> {
    let is_year = text_at(tokens, at) == "年";
    let is_rough = text_before(tokens, at, 1) == "多";
    let unit = if is_year {
        at
    } else {
        at.checked_sub(1 + usize::from(is_rough))?
    };
    if !is_year && text_at(tokens, unit) != "个" {
        return None;
    }

    let count = unit.checked_sub(1)?;
    let is_counted =
        is_count(tokens, count) || matches!(text_at(tokens, count), "半" | "多" | "几");
    let is_calendar = text_at(tokens, count)
        .parse::<u16>()
        .is_ok_and(|year| year > 99);
    let behind = text_at(tokens, at + 1);
    let is_other = matches!(
        behind,
        "前" | "级" | "代" | "轻" | "大" | "的" | "龄" | "份" | "后" | "宝" | "婴" | "抽" | "一"
    );
    let has_lasted = !is_calendar && !is_other && is_counted;

    has_lasted.then(|| PatternMatch::without_gaps(ContextCue::Duration, count, at + 1))
}

/// 3天, 两周, 三天前: not 一天三片, which tells how often.
fn han_days(tokens: &[Token<'_>], at: usize) -> Option<PatternMatch<ContextCue>> {
    let is_week = text_at(tokens, at) == "星";
    let count = at.checked_sub(1)?;
    let count = if text_at(tokens, count) == "个" {
        count.checked_sub(1)?
    } else {
        count
    };
    let is_counted =
        is_count(tokens, count) || matches!(text_at(tokens, count), "几" | "半" | "这");
    let behind = text_at(tokens, at + 1 + usize::from(is_week));
    let tells_how_often = text_before(tokens, count, 1) == "每"
        || matches!(text_at(tokens, count), "一" | "1")
            && !matches!(behind, "前" | "了" | "多" | "来");
    let is_turn = is_counted && !tells_how_often && behind != "一" && behind != "期" || is_week;

    (is_turn && is_counted && !tells_how_often)
        .then(|| PatternMatch::without_gaps(ContextCue::NewTurn, count, at + 1))
}

/// 两小时, 二十分钟 at the end of a clause; 每次几分钟 tells how long a bout is.
fn han_hours(tokens: &[Token<'_>], at: usize) -> Option<PatternMatch<ContextCue>> {
    let is_unit = matches!(text_before(tokens, at, 1), "小" | "分" | "点" | "刻");
    let behind = text_at(tokens, at + 1);
    let ends_clause = tokens.get(at + 1).is_none_or(Token::ends_segment);
    let is_told = ends_clause || matches!(behind, "前" | "了" | "来");
    let is_bout = (1..=8).any(|distance| text_before(tokens, at, distance) == "每")
        || matches!(text_before(tokens, at, 3), "到" | "至");
    let start = at.saturating_sub(1);

    (is_unit && is_told && !is_bout)
        .then(|| PatternMatch::without_gaps(ContextCue::NewTurn, start, at + 1))
}

/// "for 4 years", "over a year", "3 months now"; no age and no date.
fn english_months(tokens: &[Token<'_>], at: usize) -> Option<PatternMatch<ContextCue>> {
    let is_other = matches!(
        text_at(tokens, at + 1),
        "old" | "ago" | "later" | "pregnant" | "back" | "earlier" | "of" | "post"
    );
    let words = (1..=4).map(|distance| text_before(tokens, at, distance));
    let opener = words.zip(1..).find(|(word, _)| {
        matches!(
            *word,
            "for" | "over" | "past" | "last" | "than" | "since" | "about" | "almost" | "nearly"
        )
    });
    let is_told = text_at(tokens, at + 1) == "now" || text_at(tokens, at + 1) == "straight";
    let count = at.checked_sub(1).filter(|count| is_count(tokens, *count))?;
    let ends_clause = |at: usize| tokens.get(at).is_none_or(Token::ends_segment);
    let is_alone = ends_clause(at + 1) && count.checked_sub(1).is_none_or(ends_clause);
    let start = opener.map(|(_, distance)| at - distance);
    let start = start.or_else(|| (is_told || is_alone).then_some(count))?;

    (!is_other).then(|| PatternMatch::without_gaps(ContextCue::Duration, start, at + 1))
}

/// Hours and minutes are the length of a bout, or of a test, unless a word for "since" is there.
fn is_short_unit(tokens: &[Token<'_>], at: usize) -> bool {
    let unit = text_at(tokens, at);
    unit.starts_with('h') || unit.starts_with("min")
}

/// "two hours ago", "for the last 20 minutes", "slurred speech 1 hr"
fn tells_since(tokens: &[Token<'_>], at: usize) -> bool {
    let ends_clause = tokens.get(at + 1).is_none_or(Token::ends_segment);
    let mut before = (1..=4).map(|distance| text_before(tokens, at, distance));

    ends_clause
        || matches!(text_at(tokens, at + 1), "ago" | "now" | "back")
        || before.any(|word| {
            matches!(
                word,
                "for" | "past" | "last" | "since" | "about" | "after" | "within"
            )
        })
}

/// "for 3 days", "two weeks ago", "an hour ago": not "twice a day", nor "3 days a week".
fn english_days(tokens: &[Token<'_>], at: usize) -> Option<PatternMatch<ContextCue>> {
    let count = at.checked_sub(1)?;
    let number = text_at(tokens, count);
    let behind = text_at(tokens, at + 1);
    let tells_how_often = matches!(behind, "a" | "per" | "every" | "each" | "pregnant" | "old")
        || matches!(text_before(tokens, count, 1), "every" | "each" | "per");
    let is_single = matches!(number, "a" | "an" | "one" | "1");
    let is_counted =
        is_count(tokens, count) || matches!(number, "few" | "several" | "couple" | "of");
    let is_turn = is_counted && !tells_how_often && (!is_single || behind == "ago");
    // 28 weeks are those of a pregnancy.
    let is_recent = !text_at(tokens, at).starts_with('w')
        || number
            .parse::<u8>()
            .map_or(true, |weeks| weeks <= MAX_RECENT_WEEKS);
    let is_turn = is_turn && is_recent && (!is_short_unit(tokens, at) || tells_since(tokens, at));

    is_turn.then(|| PatternMatch::without_gaps(ContextCue::NewTurn, count, at + 1))
}

fn is_count(tokens: &[Token<'_>], at: usize) -> bool {
    let token = tokens.get(at);
    token
        .is_some_and(|token| token.kind == TokenKind::Number || token.class.has(WordClass::NUMERAL))
}
