//! Decides for each mention of a finding whether it is there, left open or denied.

use std::collections::HashMap;

use super::cues::{Effect, cue_at};
use super::pattern::Found;
use super::postfix;
use super::text::{Kind, Token};
use super::words::Class;

/// What the text says of a finding; the most alarming of several mentions counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Status {
    Denied,
    Uncertain,
    Present,
}

/// Where the reading stands in relation to what the scope governs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// The next item is governed; only modifiers have been passed since the cue or joiner.
    Direct,
    /// Inside a finding that ends before the token of this number.
    Finding(usize),
    /// Inside words that are no finding, so many of them; a finding among these may be a new statement.
    Other(usize),
    /// After a finding, without a joiner yet.
    After(usize),
    /// After an ambiguous "and".
    Doubtful,
}

#[derive(Debug, Clone, Copy)]
struct Scope {
    effect: Effect,
    place: Place,
}

/// A scope that has met no joiner for this many words is over.
const MAX_DRIFT: usize = 5;

/// Statuses of the mentions, in their order.
pub(super) fn statuses<K>(tokens: &[Token<'_>], mentions: &[Found<K>]) -> Vec<Status> {
    let reader = Reader::new(tokens, mentions);
    let lead = reader.read();
    let mut tails: HashMap<usize, (Status, Status)> = HashMap::new();
    mentions
        .iter()
        .map(|mention| {
            let before = lead.get(mention.start).copied().unwrap_or(Status::Present);
            // Several findings often end with the same word.
            let (floor, ceiling) = *tails
                .entry(mention.end)
                .or_insert_with(|| postfix::bounds(tokens, mention.end));
            before.min(reader.inside(mention)).max(floor).min(ceiling)
        })
        .collect()
}

struct Reader<'t, 'x> {
    tokens: &'t [Token<'x>],
    /// For each token, whether it belongs to a finding, and can thus be no cue.
    taken: Vec<bool>,
    /// For each token, where the longest finding that begins there ends; 0 when none does.
    ends: Vec<usize>,
}

impl<'t, 'x> Reader<'t, 'x> {
    fn new<K>(tokens: &'t [Token<'x>], mentions: &[Found<K>]) -> Self {
        let mut taken = vec![false; tokens.len()];
        let mut ends = vec![0; tokens.len()];
        for mention in mentions {
            if let Some(end) = ends.get_mut(mention.start) {
                *end = mention.end.max(*end);
            }
            for at in (mention.start..mention.end).filter(|at| !mention.gaps.contains(at)) {
                if let Some(slot) = taken.get_mut(at) {
                    *slot = true;
                }
            }
        }
        Self {
            tokens,
            taken,
            ends,
        }
    }

    fn cue(&self, at: usize) -> Option<(Effect, usize)> {
        cue_at(self.tokens, at, |i| self.taken.get(i) == Some(&true))
    }

    /// For each token, the status of a finding that begins there, as far as the words before tell.
    fn read(&self) -> Vec<Status> {
        let mut lead = Vec::with_capacity(self.tokens.len());
        let mut scope: Option<Scope> = None;
        while let Some(token) = self.tokens.get(lead.len()) {
            let at = lead.len();
            let status = scope.map_or(Status::Present, |scope| self.status(scope, at));
            if let Some((effect, len)) = self.cue(at) {
                scope = self.open(effect, scope, at, at + len);
                lead.extend(std::iter::repeat_n(status, len));
            } else {
                scope = scope.and_then(|scope| self.advance(scope, at, token));
                lead.push(status);
            }
        }
        lead
    }

    /// Status that the scope gives to a finding that begins at `at`.
    fn status(&self, scope: Scope, at: usize) -> Status {
        let denied = if is_denial(scope.effect) {
            Status::Denied
        } else {
            Status::Uncertain
        };
        match (scope.place, scope.effect) {
            (Place::Finding(end), _) if at < end => denied,
            (Place::Direct, _)
            | (
                Place::Other(_) | Place::After(_) | Place::Finding(_),
                Effect::Deny | Effect::DenyItem,
            ) => denied,
            // "no central chest pain": an unlisted adjective, or a statement that ran on? Han text has
            // no spaces to tell a modifier by, and there the second reading is the common one.
            (Place::Other(_), Effect::Negate) if self.kind(at) == Some(Kind::Word) => {
                Status::Uncertain
            }
            (Place::Other(_), Effect::Whether)
            | (Place::After(_) | Place::Finding(_) | Place::Doubtful, _) => Status::Uncertain,
            (Place::Other(_), _) => Status::Present,
        }
    }

    fn kind(&self, at: usize) -> Option<Kind> {
        self.tokens.get(at).map(|token| token.kind)
    }

    /// The scope after a cue that stands from `at` to `end`.
    fn open(&self, effect: Effect, scope: Option<Scope>, at: usize, end: usize) -> Option<Scope> {
        let direct = scope.is_some_and(|scope| scope.place == Place::Direct);
        let held = scope.map(|scope| scope.effect);
        match effect {
            Effect::Contrast | Effect::Assert => None,
            Effect::Join => self.joined(scope?, at),
            Effect::And => self.anded(scope?, end),
            Effect::Negate if self.answers(at, end) => None,
            // "denies having no pain": two denials assert.
            _ if direct && is_denial(effect) && held.is_some_and(is_denial) => None,
            // "maybe no chest pain" is as open as "maybe chest pain".
            _ if direct && held.is_some_and(|held| !is_denial(held)) => scope,
            _ => Some(Scope {
                effect,
                place: Place::Direct,
            }),
        }
    }

    /// "no i have chest pain", 没有我胸痛: an answer, and then a statement with a subject of its own.
    fn answers(&self, at: usize, end: usize) -> bool {
        let text = |at: usize| self.tokens.get(at).map_or("", |token| token.text);
        let bare = end == at + 1 && text(at) == "no"
            || end == at + 2 && text(at) == "没" && text(at + 1) == "有";
        let subjects = [
            "i", "im", "ive", "he", "she", "it", "we", "they", "my", "his", "her", "there", "我",
            "他", "她",
        ];
        bare && subjects.contains(&text(end))
    }

    /// "or", 和 or a list mark: the next item is governed like the last.
    fn joined(&self, scope: Scope, at: usize) -> Option<Scope> {
        let verbal = matches!(scope.place, Place::Other(_)) && scope.effect == Effect::NegateNext;
        // 不吃饭、胸痛 lists a negated verb and a finding, whereas "not dizzy or breathless" is one list.
        if (verbal && self.kind(at) != Some(Kind::Word)) || scope.effect == Effect::Maybe {
            return None;
        }
        let place = if scope.place == Place::Doubtful {
            Place::Doubtful
        } else {
            Place::Direct
        };
        Some(Scope { place, ..scope })
    }

    fn anded(&self, scope: Scope, next: usize) -> Option<Scope> {
        match scope.effect {
            Effect::Deny | Effect::Whether => Some(Scope {
                place: Place::Direct,
                ..scope
            }),
            _ if !matches!(scope.place, Place::Other(_)) && self.bare_until(next).is_some() => {
                Some(Scope {
                    place: Place::Doubtful,
                    ..scope
                })
            }
            _ => None,
        }
    }

    fn advance(&self, scope: Scope, at: usize, token: &Token<'_>) -> Option<Scope> {
        match token.kind {
            Kind::End | Kind::Question => return None,
            Kind::Comma => return self.past_comma(scope, at),
            Kind::ListMark => return self.joined(scope, at),
            Kind::Link => return (token.text != "-").then_some(scope),
            _ => {}
        }
        let end = self.ends.get(at).copied().unwrap_or(0);
        let drifted = |count: usize| (count < MAX_DRIFT).then_some(count + 1);
        let place = match scope.place {
            Place::Finding(until) if at < until => Place::Finding(until.max(end)),
            Place::Doubtful if end == 0 => Place::Doubtful,
            _ if end > 0 => Place::Finding(end),
            Place::Direct if token.class.has(Class::TRANSPARENT) => Place::Direct,
            _ if token.class.has(Class::BREAKER) => return None,
            Place::Direct => Place::Other(1),
            Place::Other(count) => Place::Other(drifted(count)?),
            Place::After(count) => Place::After(drifted(count)?),
            Place::Finding(_) | Place::Doubtful => Place::After(1),
        };
        Some(Scope { place, ..scope })
    }

    /// A comma ends a scope, except in a clinical list ("denies cough, fever") and in a list that "or" closes.
    fn past_comma(&self, scope: Scope, at: usize) -> Option<Scope> {
        let (end, closed) = self.bare_until(at + 1)?;
        let list = match scope.effect {
            Effect::Deny => end > at + 1,
            Effect::DenyItem | Effect::Negate | Effect::Whether => closed || self.closed_by_or(end),
            Effect::NegateNext => {
                !matches!(scope.place, Place::Other(_)) && (closed || self.closed_by_or(end))
            }
            _ => false,
        };
        list.then_some(Scope {
            place: Place::Direct,
            ..scope
        })
    }

    /// Whether one of the bare items from the comma at `at` on begins with or has an "or".
    fn closed_by_or(&self, mut at: usize) -> bool {
        // Ten items are more than anyone lists, and keep the look-ahead short.
        for _ in 0..10 {
            if self.kind(at) != Some(Kind::Comma) {
                return false;
            }
            match self.bare_until(at + 1) {
                Some((_, true)) => return true,
                Some((end, false)) => at = end,
                None => return false,
            }
        }
        false
    }

    /// End of the segment from `from` on and whether it has an "or", if the segment is a bare, short item.
    fn bare_until(&self, from: usize) -> Option<(usize, bool)> {
        let mut closed = false;
        for (at, token) in self.tokens.iter().enumerate().skip(from).take(16) {
            if token.ends_segment() {
                return Some((at, closed));
            }
            match self.cue(at) {
                Some((Effect::Join, _)) => closed = true,
                Some((Effect::And, _)) | None => {}
                Some(_) => return None,
            }
            if token.class.has(Class::ASSERTING) || token.class.has(Class::BREAKER) {
                return None;
            }
        }
        (self.tokens.len() <= from + 16).then_some((self.tokens.len(), closed))
    }

    /// A negator between the words of the finding itself: "my chest does not hurt", 胸不痛.
    fn inside<K>(&self, mention: &Found<K>) -> Status {
        let mut status = Status::Present;
        let mut skip_to = 0;
        for &at in &mention.gaps {
            if at < skip_to {
                continue;
            }
            let Some((effect, len)) = self.cue(at) else {
                continue;
            };
            skip_to = at + len;
            status = match effect {
                _ if is_denial(effect) => Status::Denied.min(status),
                Effect::Whether | Effect::Maybe | Effect::Resolved => Status::Uncertain.min(status),
                _ => status,
            };
        }
        status
    }
}

fn is_denial(effect: Effect) -> bool {
    matches!(
        effect,
        Effect::Deny | Effect::DenyItem | Effect::Negate | Effect::NegateNext
    )
}
