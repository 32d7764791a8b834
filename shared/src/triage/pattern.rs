//! The small pattern language of the lexicon, and the search for its patterns in a text.
//!
//! A pattern is a row of atoms parted by spaces:
//!
//! - `pain|ache` — either alternative; `_` joins the words of one alternative (`stiff_neck`).
//! - `faint*` — any English word with that beginning.
//! - `..` — up to four words (six Han characters) may stand here, inside one list item.
//! - `...` — up to seven words (ten Han characters), also across "and", "or" and `、`.
//! - `!heat` — first or last atom only: this must *not* stand right before or after.
//! - `@cant` — a group of alternatives from [`GROUPS`].
//!
//! Between two atoms, words that change nothing ("my", "very", 很, 了) are skipped.

use std::collections::{HashMap, HashSet};

use super::text::{Kind, Token};
use super::words::Class;

/// Alternatives that many patterns share.
const GROUPS: &[(&str, &str)] = &[
    (
        "@cant",
        "cant|cannot|can_not|couldnt|could_not|unable_to|not_able_to|isnt_able_to|wont|will_not|\
         can_barely|can_hardly|can_no_longer|no_longer_able_to|lost_the_ability_to",
    ),
    (
        "@pain",
        "pain|pains|painful|ache*|aching|hurt|hurts|hurting|sore|agony",
    ),
    (
        "@severe",
        "severe*|bad|terrible|terribly|awful|extreme*|intense|excruciating|unbearable|worst|agonising|\
         agonizing|horrible|horrendous|crippling",
    ),
    (
        "@sudden",
        "sudden|suddenly|abrupt*|out_of_nowhere|all_at_once",
    ),
    ("@chest", "chest|breastbone|sternum"),
    ("@belly", "belly|stomach|abdomen|abdominal|tummy|abdo"),
    (
        "@胸",
        "胸|胸口|胸部|前胸|胸前|胸骨后|胸前区|左胸|右胸|胸中间|胸膛|心口|心前区|心脏",
    ),
    ("@腹", "腹|肚子|腹部|小腹|下腹|上腹|小肚子|胃|肚"),
    ("@痛", "痛|疼|疼痛|闷痛|胀痛|绞痛|剧痛|刺痛|作痛|隐痛"),
    (
        "@剧",
        "剧烈|剧|厉害|严重|要命|受不了|难以忍受|无法忍受|忍不了|钻心|撕裂|刀割|最|死",
    ),
    ("@突", "突然|忽然|突发|一下子|猛然|骤然|骤"),
    ("@不能", "不能|无法|没法|不会|没办法|不了|没有办法"),
];

/// How much may stand between an atom and the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Gap {
    /// Before the first atom.
    None,
    Fillers,
    Item,
    List,
}

impl Gap {
    /// Cost that the gap may reach; an English word costs 3, a Han character 2.
    fn budget(self) -> usize {
        match self {
            Self::None | Self::Fillers => 0,
            Self::Item => 12,
            Self::List => 21,
        }
    }
}

#[derive(Debug)]
struct Word {
    text: &'static str,
    prefix: bool,
}

impl Word {
    fn matches(&self, token: &str) -> bool {
        if self.prefix {
            token.starts_with(self.text)
        } else {
            token == self.text
        }
    }
}

type Phrase = Vec<Word>;

#[derive(Debug)]
struct Atom {
    gap: Gap,
    phrases: Vec<Phrase>,
}

/// A compiled pattern.
#[derive(Debug, Default)]
struct Pattern {
    not_before: Vec<Phrase>,
    atoms: Vec<Atom>,
    not_after: Vec<Phrase>,
}

/// Where a pattern was found: token positions, `end` exclusive.
#[derive(Debug, Clone)]
pub(super) struct Found<K> {
    pub(super) key: K,
    pub(super) start: usize,
    pub(super) end: usize,
    /// Tokens that stand in gaps between the atoms rather than in an atom.
    pub(super) gaps: Vec<usize>,
}

/// Many patterns, indexed by the words that each can begin with.
#[derive(Debug)]
pub(super) struct PatternSet<K> {
    patterns: Vec<(K, Pattern)>,
    by_word: HashMap<&'static str, Vec<usize>>,
    /// Beginnings of English words, by first letter.
    by_stem: HashMap<char, Vec<(&'static str, usize)>>,
}

impl<K: Copy> PatternSet<K> {
    /// Compiles patterns; each source string comes with the key to report it under.
    pub(super) fn compile(sources: impl Iterator<Item = (K, &'static str)>) -> Self {
        let mut set = Self {
            patterns: Vec::new(),
            by_word: HashMap::new(),
            by_stem: HashMap::new(),
        };
        for (key, source) in sources {
            let pattern = compile(source);
            set.index(&pattern);
            set.patterns.push((key, pattern));
        }
        set
    }

    fn index(&mut self, pattern: &Pattern) {
        let id = self.patterns.len();
        let phrases = pattern.atoms.first().map_or(&[][..], |atom| &atom.phrases);
        for word in phrases.iter().filter_map(|phrase| phrase.first()) {
            if word.prefix {
                self.by_stem
                    .entry(word.text.chars().next().unwrap_or(' '))
                    .or_default()
                    .push((word.text, id));
            } else {
                let ids = self.by_word.entry(word.text).or_default();
                // Several alternatives may share a first word; one entry serves them all.
                if ids.last() != Some(&id) {
                    ids.push(id);
                }
            }
        }
    }

    /// Every place where a pattern occurs, in the order of the text.
    pub(super) fn find(&self, tokens: &[Token<'_>]) -> Vec<Found<K>> {
        let vocabulary = vocabulary(tokens);
        let present: HashSet<&str> = vocabulary.iter().copied().collect();
        let candidates: Vec<Vec<&(K, Pattern)>> = vocabulary
            .iter()
            .map(|word| {
                self.candidates(word)
                    .filter(|(_, pattern)| pattern.may_occur(&present))
                    .collect()
            })
            .collect();
        let mut found = Vec::new();
        for (start, token) in tokens.iter().enumerate() {
            for (key, pattern) in candidates.get(token.word).into_iter().flatten() {
                found.extend(pattern.match_at(tokens, start, *key));
            }
        }
        found
    }

    /// Length of the longest pattern that stands at `at`.
    pub(super) fn longest_at(&self, tokens: &[Token<'_>], at: usize) -> Option<usize> {
        let word = tokens.get(at)?.text;
        let matches = self
            .candidates(word)
            .filter_map(|(key, pattern)| pattern.match_at(tokens, at, *key));
        matches.map(|found| found.end - at).max()
    }

    fn candidates<'s>(&'s self, word: &'s str) -> impl Iterator<Item = &'s (K, Pattern)> {
        let stems = word.chars().next().and_then(|c| self.by_stem.get(&c));
        let stems = stems
            .into_iter()
            .flatten()
            .filter(|(stem, _)| word.starts_with(stem))
            .map(|(_, id)| *id);
        self.by_word
            .get(word)
            .into_iter()
            .flatten()
            .copied()
            .chain(stems)
            .filter_map(|id| self.patterns.get(id))
    }
}

/// The different words of a text, by number.
fn vocabulary<'x>(tokens: &[Token<'x>]) -> Vec<&'x str> {
    let mut words = Vec::new();
    for token in tokens {
        // Words are numbered in the order in which they first occur.
        if token.word == words.len() {
            words.push(token.text);
        }
    }
    words
}

fn compile(source: &'static str) -> Pattern {
    let mut pattern = Pattern::default();
    let mut gap = Gap::None;
    for part in source.split_whitespace() {
        match part {
            ".." => gap = Gap::Item,
            "..." => gap = Gap::List,
            _ => {
                add_atom(&mut pattern, part, gap);
                gap = Gap::Fillers;
            }
        }
    }
    pattern
}

fn add_atom(pattern: &mut Pattern, part: &'static str, gap: Gap) {
    if let Some(barred) = part.strip_prefix('!') {
        let phrases = barred.split('|').map(phrase).collect();
        if pattern.atoms.is_empty() {
            pattern.not_before = phrases;
        } else {
            pattern.not_after = phrases;
        }
        return;
    }
    let gap = if pattern.atoms.is_empty() {
        Gap::None
    } else {
        gap
    };
    let mut phrases = Vec::new();
    for alternative in part.split('|') {
        match GROUPS.iter().find(|(name, _)| *name == alternative) {
            Some((_, group)) => phrases.extend(group.split('|').map(phrase)),
            None => phrases.push(phrase(alternative)),
        }
    }
    pattern.atoms.push(Atom { gap, phrases });
}

/// Cuts an alternative into the words, numbers and single Han characters that the tokeniser yields.
fn phrase(source: &'static str) -> Phrase {
    let mut words = Vec::new();
    for part in source.split('_') {
        let (part, prefix) = part
            .strip_suffix('*')
            .map_or((part, false), |stem| (stem, true));
        if part.chars().all(|c| c.is_ascii_alphanumeric()) {
            words.push(Word { text: part, prefix });
        } else {
            words.extend(single_characters(part));
        }
    }
    words
}

fn single_characters(part: &'static str) -> impl Iterator<Item = Word> {
    part.char_indices().filter_map(|(at, c)| {
        let text = part.get(at..at + c.len_utf8())?;
        Some(Word {
            text,
            prefix: false,
        })
    })
}

/// Position after `phrase` when it stands at `at`; Han characters may have spaces between them.
fn phrase_end(phrase: &[Word], tokens: &[Token<'_>], at: usize) -> Option<usize> {
    let mut next = at;
    for word in phrase {
        let token = tokens.get(next)?;
        if !word.matches(token.text) {
            return None;
        }
        next += 1;
    }
    Some(next)
}

impl Pattern {
    /// Whether every atom has an alternative whose words all occur in the text: a cheap test that
    /// spares the search of nearly every pattern.
    fn may_occur(&self, present: &HashSet<&str>) -> bool {
        let occurs = |word: &Word| word.prefix || present.contains(word.text);
        self.atoms
            .iter()
            .all(|atom| atom.phrases.iter().any(|phrase| phrase.iter().all(occurs)))
    }

    fn match_at<K>(&self, tokens: &[Token<'_>], start: usize, key: K) -> Option<Found<K>> {
        let mut gaps = Vec::new();
        let end = match_atoms(&self.atoms, tokens, start, &mut gaps)?;
        gaps.sort_unstable();
        if self.barred_before(tokens, start) || self.barred_after(tokens, end) {
            return None;
        }
        Some(Found {
            key,
            start,
            end,
            gaps,
        })
    }

    fn barred_before(&self, tokens: &[Token<'_>], start: usize) -> bool {
        self.not_before.iter().any(|phrase| {
            start
                .checked_sub(phrase.len())
                .is_some_and(|at| phrase_end(phrase, tokens, at) == Some(start))
        })
    }

    fn barred_after(&self, tokens: &[Token<'_>], end: usize) -> bool {
        self.not_after
            .iter()
            .any(|phrase| phrase_end(phrase, tokens, end).is_some())
    }
}

/// No gap steps over more tokens than this, however cheap: it keeps the search linear.
const MAX_GAP: usize = 12;

/// Matches `atoms` from `at` on, trying shorter gaps first; the recursion is as deep as the pattern.
fn match_atoms(
    atoms: &[Atom],
    tokens: &[Token<'_>],
    at: usize,
    gaps: &mut Vec<usize>,
) -> Option<usize> {
    let Some((atom, others)) = atoms.split_first() else {
        return Some(at);
    };
    let (mut here, mut spent) = (at, 0);
    loop {
        for phrase in &atom.phrases {
            if let Some(end) = phrase_end(phrase, tokens, here)
                && let Some(end) = match_atoms(others, tokens, end, gaps)
            {
                gaps.extend(at..here);
                return Some(end);
            }
        }
        spent += gap_cost(atom.gap, tokens.get(here)?)?;
        if spent > atom.gap.budget() || here - at >= MAX_GAP {
            return None;
        }
        here += 1;
    }
}

/// What it costs a gap to step over `token`; `None` when it may not.
fn gap_cost(gap: Gap, token: &Token<'_>) -> Option<usize> {
    if gap == Gap::None {
        return None;
    }
    // A negator in a gap does not hide the finding: the mention is found, and then read as denied.
    if token.class.has(Class::FILLER) || token.class.has(Class::NEGATOR) {
        return Some(0);
    }
    let crosses_lists = gap == Gap::List;
    match token.kind {
        _ if gap == Gap::Fillers => None,
        Kind::ListMark if crosses_lists => Some(2),
        Kind::Han | Kind::Word if token.class.has(Class::CONTRAST) => None,
        Kind::Han if crosses_lists || !token.class.has(Class::JOINER) => Some(2),
        Kind::Word if crosses_lists || !token.class.has(Class::JOINER) => Some(3),
        Kind::Number => Some(3),
        _ => None,
    }
}
