//! Judges each mention of a finding: present, uncertain, denied, or about something else.
//!
//! One forward pass per text carries the scope that the last cue opened. Scopes end at a sentence
//! or line end, at a contrast ("but", 但是), where a new statement begins ("and I have"), and at a
//! comma unless what follows can only be more of the same list. Where a reading is open, the
//! mention counts as uncertain or present, never as denied.

use std::sync::LazyLock;

use super::aside;
use super::lexicon::Sign;
use super::cues::{Class, Effect, Phrases, cue_at};
use super::evidence::Evidence;
use super::pattern::Found;
use super::text::{Kind, Token};

/// An unknown item may stand between a strong denial and its finding for this many tokens.
const DENY_REACH: usize = 6;
/// The same for hedges and plain denials, which then only make the finding uncertain.
const HEDGE_REACH: usize = 4;
/// A bare list item has at most this many tokens.
const ITEM_TOKENS: usize = 7;
/// At most this many list items are looked at ahead.
const LIST_ITEMS: usize = 12;

/// The scope that is open at a token.
#[derive(Debug, Clone, Copy, Default)]
struct Scope {
    effect: Option<Effect>,
    /// Tokens of the current item that are no finding and no known modifier.
    opaque: usize,
    /// Whether an item has already been passed.
    content: bool,
    /// End of the first finding of the current item; 0 before it.
    item_end: usize,
    /// Whether the scope crossed a joint that only makes it likely.
    weak: bool,
}

impl Scope {
    fn open(effect: Effect) -> Self {
        Self {
            effect: Some(effect),
            ..Self::default()
        }
    }

    fn denies(&self) -> bool {
        matches!(
            self.effect,
            Some(Effect::Deny | Effect::Negate | Effect::NegateNext)
        )
    }

    fn next_item(&mut self) {
        self.opaque = 0;
        self.item_end = 0;
        self.content = true;
    }

    /// What the scope says of a finding that begins at `at`.
    fn verdict(&self, at: usize, kind: Kind) -> Evidence {
        let second = self.item_end > 0 && at >= self.item_end;
        let verdict = match self.effect {
            Some(Effect::Deny) if self.opaque <= DENY_REACH => Evidence::Denied,
            Some(Effect::Negate) if self.opaque == 0 && !(second && kind == Kind::Word) => {
                Evidence::Denied
            }
            Some(Effect::NegateNext) if self.opaque == 0 && !second => Evidence::Denied,
            Some(Effect::NegateNext) if self.opaque == 0 => Evidence::Uncertain,
            Some(Effect::Negate | Effect::Whether | Effect::Maybe)
                if self.opaque <= HEDGE_REACH =>
            {
                Evidence::Uncertain
            }
            _ => Evidence::Present,
        };
        if self.weak {
            verdict.max(Evidence::Uncertain)
        } else {
            verdict
        }
    }
}

/// What every token is to the mentions found in the text.
struct Marks {
    /// The token belongs to an atom of a mention: a negator there is part of the finding.
    in_atom: Vec<bool>,
    /// The token lies inside a mention.
    covered: Vec<bool>,
    /// Furthest end of the mentions that start here; 0 when none does.
    starts: Vec<usize>,
}

impl Marks {
    fn new<K>(len: usize, mentions: &[Found<K>]) -> Self {
        let mut marks = Self {
            in_atom: vec![false; len],
            covered: vec![false; len],
            starts: vec![0; len],
        };
        for mention in mentions {
            for at in mention.start..mention.end {
                set(&mut marks.covered, at, true);
                if !mention.gaps.contains(&at) {
                    set(&mut marks.in_atom, at, true);
                }
            }
            let end = mention.end.max(marks.end_from(mention.start));
            set(&mut marks.starts, mention.start, end);
        }
        marks
    }

    fn end_from(&self, at: usize) -> usize {
        self.starts.get(at).copied().unwrap_or(0)
    }

    /// How many tokens from `at` on, at most 12, lie outside every atom.
    fn free_from(&self, at: usize) -> usize {
        let tokens = self.in_atom.get(at..).unwrap_or(&[]);
        tokens.iter().take(12).take_while(|taken| !**taken).count()
    }
}

fn set<T>(items: &mut [T], at: usize, value: T) {
    if let Some(item) = items.get_mut(at) {
        *item = value;
    }
}

/// Judges every mention; the answers stand in the mentions' order.
pub(super) fn judge(tokens: &[Token<'_>], mentions: &[Found<Sign>]) -> Vec<Evidence> {
    let marks = Marks::new(tokens.len(), mentions);
    let before = verdicts_before(tokens, &marks);
    mentions.iter().map(|mention| judge_one(tokens, mention, &before, &marks)).collect()
}

fn judge_one(tokens: &[Token<'_>], mention: &Found<Sign>, before: &[Evidence], marks: &Marks) -> Evidence {
    let before = before.get(mention.start).copied().unwrap_or(Evidence::Present);
    let stated = combine(before, negated_inside(tokens, mention, marks));
    if stated == Evidence::Denied {
        return stated;
    }
    let stated = verdict_after(tokens, mention.end).unwrap_or(stated);
    let aside = if mention.key.is_background() { aside::is_family_history } else { aside::is_aside };
    if aside(tokens, mention.start, mention.end) {
        return Evidence::Unknown;
    }
    stated
}

/// Two denials make an assertion: 不是胸不痛.
fn combine(before: Evidence, negated_inside: bool) -> Evidence {
    match (before, negated_inside) {
        (before, false) => before,
        (Evidence::Denied, true) => Evidence::Present,
        (Evidence::Uncertain, true) => Evidence::Uncertain,
        (_, true) => Evidence::Denied,
    }
}

/// Whether a gap of the mention holds a negator: "chest does not hurt", 胸口不疼.
fn negated_inside<K>(tokens: &[Token<'_>], mention: &Found<K>, marks: &Marks) -> bool {
    mention.gaps.iter().any(|&at| {
        let complement = at.checked_sub(1).and_then(|before| tokens.get(before));
        // 说不出, 忍不住: the negator is the verb's complement.
        let bound =
            complement.is_some_and(|token| "说忍受止停断喘控".contains(token.text));
        let cue = cue_at(tokens, at, marks.free_from(at)).map(|(effect, _)| effect);
        !bound
            && matches!(
                cue,
                Some(Effect::Deny | Effect::Negate | Effect::NegateNext)
            )
    })
}

/// The verdict of the scope that is open at each token.
fn verdicts_before(tokens: &[Token<'_>], marks: &Marks) -> Vec<Evidence> {
    let mut verdicts = vec![Evidence::Present; tokens.len()];
    let mut scope = Scope::default();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        if token.line_start || (token.kind == Kind::Han && space_ends(token, &scope)) {
            scope = Scope::default();
        }
        if let Some((effect, len)) = cue_at(tokens, at, marks.free_from(at)) {
            scope = enter(scope, effect);
            at += len;
            continue;
        }
        let end = marks.end_from(at);
        if end > 0 {
            set(&mut verdicts, at, scope.verdict(at, token.kind));
            scope.item_end = if at < scope.item_end || scope.item_end == 0 {
                scope.item_end.max(end)
            } else {
                scope.item_end
            };
        }
        let covered = marks.covered.get(at).copied().unwrap_or(false);
        scope = step(tokens, at, covered, scope);
        at += 1;
    }
    verdicts
}

/// A space parts Chinese clauses, but 没有 胸痛 is still one.
fn space_ends(token: &Token<'_>, scope: &Scope) -> bool {
    token.spaced && scope.content && !token.class.has(Class::LIST)
}

/// The scope after a cue.
fn enter(scope: Scope, effect: Effect) -> Scope {
    let opened = Scope::open(effect);
    match effect {
        Effect::Neutral => Scope {
            opaque: scope.opaque + 1,
            content: true,
            ..scope
        },
        // Two denials in a row make an assertion: 没有不, "never without".
        _ if opened.denies() && scope.denies() && !scope.content => Scope::open(Effect::Assert),
        // "maybe not", "not sure if I don't": still open.
        _ if opened.denies() && scope.effect == Some(Effect::Whether) && !scope.content => scope,
        _ => opened,
    }
}

/// The scope after a token that is no cue.
fn step(tokens: &[Token<'_>], at: usize, covered: bool, mut scope: Scope) -> Scope {
    let Some(token) = tokens.get(at) else {
        return scope;
    };
    match token.kind {
        Kind::End | Kind::Question => Scope::default(),
        Kind::Comma => after_comma(tokens, at, scope),
        Kind::ListMark if scope.effect == Some(Effect::Maybe) => Scope::default(),
        Kind::ListMark => {
            scope.next_item();
            scope
        }
        Kind::Link if scope.content && token.text != "(" => Scope::default(),
        Kind::Link | Kind::Other => scope,
        Kind::Word | Kind::Han | Kind::Number => after_word(token, covered, scope),
    }
}

fn after_word(token: &Token<'_>, covered: bool, mut scope: Scope) -> Scope {
    if covered {
        scope.content = true;
        return scope;
    }
    if !scope.content && token.class.has(Class::TRANSPARENT) {
        return scope;
    }
    if token.class.has(Class::LIST) && scope.effect != Some(Effect::Maybe) {
        scope.next_item();
        return scope;
    }
    if token.text == "and" && scope.effect != Some(Effect::Maybe) {
        // "no fever and chest pain" is open in a way that "denies fever and chest pain" is not.
        scope.weak |= scope.effect != Some(Effect::Deny);
        scope.next_item();
        return scope;
    }
    if token.class.has(Class::BREAKER) {
        return Scope::default();
    }
    if !token.class.has(Class::TRANSPARENT) {
        scope.opaque += 1;
        scope.content = true;
    }
    scope
}

/// The scope after a comma: only a denial or "whether" that opened a list lives on.
fn after_comma(tokens: &[Token<'_>], at: usize, mut scope: Scope) -> Scope {
    let open = scope.denies() || scope.effect == Some(Effect::Whether);
    if !open || !scope.content {
        return Scope::default();
    }
    let list = ListAhead::read(tokens, at + 1);
    let chinese = [at.checked_sub(1), Some(at + 1)]
        .into_iter()
        .flatten()
        .any(|i| tokens.get(i).is_some_and(|token| token.kind == Kind::Han));
    let strong = scope.effect == Some(Effect::Deny);
    let sure = list.closed_by_or || (list.ends_sentence && list.bare >= 2) || (strong && !chinese);
    match list.bare {
        0 => return Scope::default(),
        // A Chinese comma parts clauses, so a plain denial never runs across it.
        _ if chinese && !strong && !list.closed_by_or => return Scope::default(),
        _ => scope.weak |= !sure,
    }
    scope.next_item();
    scope
}

/// The list items that follow a comma.
#[derive(Default)]
struct ListAhead {
    /// Bare items before anything else.
    bare: usize,
    /// Whether "or", "nor" or 或 closes the list.
    closed_by_or: bool,
    /// Whether the sentence ends with the last bare item.
    ends_sentence: bool,
}

impl ListAhead {
    fn read(tokens: &[Token<'_>], mut from: usize) -> Self {
        let mut list = Self::default();
        while list.bare < LIST_ITEMS {
            let Some(segment) = segment_at(tokens, from) else {
                break;
            };
            list.closed_by_or |= segment.first().is_some_and(is_or);
            if !is_bare(segment) && !list.closed_by_or {
                break;
            }
            list.bare += 1;
            list.closed_by_or |= segment.iter().any(is_or);
            from += segment.len();
            list.ends_sentence = tokens
                .get(from)
                .is_none_or(|token| token.ends_sentence() || token.line_start);
            if list.ends_sentence || list.closed_by_or {
                break;
            }
            from += 1;
        }
        list
    }
}

fn is_or(token: &Token<'_>) -> bool {
    matches!(token.text, "or" | "nor" | "或")
}

/// The tokens from `from` up to the next comma, sentence end or line end.
fn segment_at<'a, 't>(tokens: &'a [Token<'t>], from: usize) -> Option<&'a [Token<'t>]> {
    let rest = tokens.get(from..)?;
    let len = rest
        .iter()
        .take(4 * ITEM_TOKENS)
        .enumerate()
        .find(|(i, token)| token.ends_segment() || (*i > 0 && token.line_start))
        .map_or(rest.len().min(4 * ITEM_TOKENS), |(i, _)| i);
    rest.get(..len).filter(|segment| !segment.is_empty())
}

/// Whether a segment is only a list item: short, without a verb, a degree or a time.
fn is_bare(segment: &[Token<'_>]) -> bool {
    let asserts = |(i, token): (usize, &Token<'_>)| {
        let joiner = i == 0 && token.text == "and";
        !joiner
            && (token.class.has(Class::ASSERTING)
                || token.class.has(Class::BREAKER)
                || matches!(token.kind, Kind::Number | Kind::Link)
                || cue_at(segment, i, ITEM_TOKENS).is_some())
    };
    segment.len() <= ITEM_TOKENS && !segment.iter().enumerate().any(asserts)
}

static NO: LazyLock<Phrases> = LazyLock::new(|| Phrases::new("no|none|nope|nil|negative|absent|denied|denies|never|false|not present|没有|无|否|\
    没|未见|均无|都没有|都无|全无|全没有|都没|倒没有|倒是没有|也没有|阴性|未出现|不是|没有的"));
static OPEN: LazyLock<Phrases> = LazyLock::new(|| Phrases::new("not sure|unsure|maybe|perhaps|possibly|unknown|dont know|not certain|uncertain|\
    不确定|不清楚|不知道|可能|可能有|也许|不好说|说不清"));
static LESSENED: LazyLock<Phrases> = LazyLock::new(|| Phrases::new("gone|resolved|stopped|disappeared|went away|subsided|passed|ceased|settled|\
    has gone|cleared up|好了|消失|缓解了|没了|没有了|不痛了|不疼了|停了|停止了|痊愈|止住了|没事了|不明显|不严重"));
static LINKING: LazyLock<Phrases> = LazyLock::new(|| Phrases::new("has|have|had|is|was|were|are|it|already|all|completely|now|since|then|finally|\
    at all|symptoms|symptom|已经|已|现在|都|全|完全|后来|之后|症状|情况|现象|的|了|吗|呢|么|也|就|基本|自己|自行|倒|是"));

/// What an answer after the finding says: "chest pain: no", 胸痛、气短都没有, "has gone".
///
/// A finding that went away counts as uncertain: it may come back, and it was there.
fn verdict_after(tokens: &[Token<'_>], end: usize) -> Option<Evidence> {
    let at = skip_list(tokens, end);
    if let Some(evidence) = answer_at(tokens, at) {
        return Some(evidence);
    }
    let mut at = end;
    for _ in 0..4 {
        let same_line = tokens.get(at).is_some_and(|token| !token.line_start);
        if same_line && LESSENED.at(tokens, at).is_some() {
            return Some(Evidence::Uncertain);
        }
        if let Some(evidence) = answer_at(tokens, at) {
            return Some(evidence);
        }
        at += LINKING.at(tokens, at)?;
    }
    None
}

/// An answer, perhaps after a colon, a question mark or a dash, that closes its segment.
fn answer_at(tokens: &[Token<'_>], mut at: usize) -> Option<Evidence> {
    for _ in 0..2 {
        let token = tokens.get(at)?;
        if !matches!(token.kind, Kind::Link | Kind::Question) && !is_particle(token) {
            break;
        }
        if token.text == "-" && tokens.get(at + 1).is_some_and(|next| next.text == ")") {
            return Some(Evidence::Denied);
        }
        at += 1;
    }
    [(NO, Evidence::Denied), (OPEN, Evidence::Uncertain)]
        .into_iter()
        .find_map(|(words, evidence)| {
            let len = words.at(tokens, at)?;
            closes(tokens, at + len).then_some(evidence)
        })
}

fn is_particle(token: &Token<'_>) -> bool {
    matches!(token.text, "吗" | "呢" | "么" | "嘛" | "is" | "was" | "are")
}

fn closes(tokens: &[Token<'_>], at: usize) -> bool {
    tokens.get(at).is_none_or(|token| {
        token.line_start
            || token.ends_segment()
            || token.kind == Kind::Link
            || (token.kind == Kind::Han && token.spaced)
    })
}

/// Steps over further items of the list that a finding stands in: 胸痛、气短 → the end of 气短.
fn skip_list(tokens: &[Token<'_>], end: usize) -> usize {
    let mut at = end;
    for _ in 0..24 {
        let Some(token) = tokens.get(at) else { break };
        let answer = cue_at(tokens, at, 4).is_some() || token.text == "都" || token.text == "均";
        let joined = at > end || token.kind == Kind::ListMark || token.class.has(Class::LIST);
        if answer || !joined || token.line_start || token.ends_segment() || token.kind == Kind::Link
        {
            break;
        }
        at += 1;
    }
    at
}
