//! The scope of a cue: how far a negation or a doubt reaches, token by token.

use super::cue_reader::{BareItem, CueMatch, CueReader, ONSET_CHARACTERS};
use crate::triage::breaks::Pause;
use crate::triage::cue_lexicon::CueEffect;
use crate::triage::finding::FindingStatus;
use crate::triage::tokens::{Token, TokenKind};
use crate::triage::word_class::WordClass;

/// A scope that has met no joiner for this many words is over.
const MAX_DRIFT_WORDS: usize = 5;

/// Where the reading stands in relation to what the scope governs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ScopePosition {
    /// The next item is governed; only modifiers have been passed since the cue or joiner.
    Direct,
    /// Inside a finding that ends before the token of this number.
    InFinding { end: usize, first_end: usize },
    /// Inside words that are no finding; a finding among these may be a new statement.
    OtherWords { count: usize },
    /// After a finding, without a joiner yet.
    AfterFinding { count: usize },
    /// After an ambiguous "and".
    Doubtful,
}

/// The reach of a cue, as the reading stands at one token.
#[derive(Debug, Clone, Copy)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "what has been seen of a list, each by itself"
)]
pub(super) struct NegationScope {
    effect: CueEffect,
    /// Position of the cue's first token.
    cue_start: usize,
    /// Position of the token behind the cue.
    cue_end: usize,
    /// Whether an item of a list has been passed, and another one is to come.
    is_listing: bool,
    /// Whether what the cue governs is left open, since it may be an answer.
    is_open: bool,
    /// Whether the text repeats its negator before each thing that it denies.
    is_repeated: bool,
    /// Whether the cue begins a finding as well, and so denies little more: "not feeding and limp".
    is_shared: bool,
    position: ScopePosition,
}

impl NegationScope {
    fn directly_after(cue: CueMatch) -> Self {
        Self {
            effect: cue.effect,
            cue_start: cue.start,
            cue_end: cue.end,
            is_listing: false,
            is_open: false,
            is_repeated: false,
            is_shared: false,
            position: ScopePosition::Direct,
        }
    }

    fn at_position(self, position: ScopePosition) -> Self {
        Self { position, ..self }
    }

    /// Before the next item of a list.
    fn at_next_item(self) -> Self {
        Self {
            is_listing: true,
            position: ScopePosition::Direct,
            ..self
        }
    }

    fn is_direct(self) -> bool {
        self.position == ScopePosition::Direct
    }

    /// Whether the cue governs a whole item, also where nothing joins its findings.
    fn covers_items(self) -> bool {
        matches!(
            self.effect,
            CueEffect::ClinicalDenial | CueEffect::ItemDenial
        )
    }

    fn is_in_other_words(self) -> bool {
        matches!(self.position, ScopePosition::OtherWords { .. })
    }

    /// Status that the scope gives to a finding that begins at `at`.
    pub(super) fn status_at(self, reader: &CueReader<'_, '_>, at: usize) -> FindingStatus {
        let governed = if self.effect.is_denial() && !self.is_open {
            FindingStatus::Denied
        } else {
            FindingStatus::Uncertain
        };
        match self.position {
            ScopePosition::Direct => governed,
            ScopePosition::InFinding { end, first_end } if at < end => {
                if at >= first_end && self.is_asserted_behind(reader, at) {
                    FindingStatus::Present
                } else {
                    governed
                }
            }
            ScopePosition::Doubtful => FindingStatus::Uncertain,
            ScopePosition::OtherWords { .. } if self.covers_items() => {
                if self.is_asserted_behind(reader, at) {
                    FindingStatus::Present
                } else {
                    governed
                }
            }
            ScopePosition::OtherWords { .. } => self.status_in_other_words(reader, at),
            ScopePosition::InFinding { .. } | ScopePosition::AfterFinding { .. } => {
                self.status_behind_finding(reader, at, governed)
            }
        }
    }

    /// Whether Chinese goes on with a statement of its own behind what is denied: 无咳嗽胸口剧痛,
    /// also where both together are a finding as well.
    fn is_asserted_behind(self, reader: &CueReader<'_, '_>, at: usize) -> bool {
        let is_han = reader.kind_at(at) == Some(TokenKind::Han);
        // 没有胸口剧痛 denies how bad it is as well.
        is_han && self.effect.is_denial() && reader.names_and_asserts(at)
    }

    /// The status of a finding that nothing joins to the denied one before it.
    ///
    /// 无胸闷胸痛 lists bare terms; 无发热胸口剧痛 goes on with a statement, as does "no cough no
    /// fever chest pain", which repeats its "no" for what it denies.
    fn status_behind_finding(
        self,
        reader: &CueReader<'_, '_>,
        at: usize,
        governed: FindingStatus,
    ) -> FindingStatus {
        if self.effect.is_denial() && (self.is_repeated || reader.asserts_finding(at)) {
            return FindingStatus::Present;
        }

        match self.effect {
            CueEffect::ClinicalDenial => governed,
            CueEffect::ItemDenial if reader.is_bare_term(at) => governed,
            CueEffect::ItemDenial => FindingStatus::Present,
            _ => FindingStatus::Uncertain,
        }
    }

    /// "no central chest pain": an unlisted adjective, or a statement that ran on?
    ///
    /// Han text has no spaces to tell a modifier by, and there the second reading is the common
    /// one.
    fn status_in_other_words(self, reader: &CueReader<'_, '_>, at: usize) -> FindingStatus {
        let is_word = reader.kind_at(at) == Some(TokenKind::Word);

        match self.effect {
            CueEffect::Denial if is_word => FindingStatus::Uncertain,
            CueEffect::Doubt => FindingStatus::Uncertain,
            _ => FindingStatus::Present,
        }
    }

    /// The scope behind a cue that is met in `scope`.
    pub(super) fn after_cue(
        scope: Option<Self>,
        cue: CueMatch,
        reader: &CueReader<'_, '_>,
    ) -> Option<Self> {
        match cue.effect {
            CueEffect::Termination | CueEffect::PseudoNegation => return None,
            CueEffect::Conjunction => return scope?.joined(reader, cue.start),
            CueEffect::AmbiguousAnd => return scope?.joined_by_and(reader, cue.end),
            CueEffect::Denial if reader.is_plain_answer(cue) => return None,
            _ => {}
        }

        let repeats = scope.is_some_and(|scope| scope.effect.is_denial() && !scope.is_direct());
        let opened = Self {
            is_repeated: repeats && cue.effect.is_denial(),
            is_shared: reader.is_shared(cue.start),
            ..Self::directly_after(cue)
        };
        let Some(held) = scope.filter(|scope| scope.is_direct()) else {
            return Some(opened);
        };
        match (held.effect.is_denial(), cue.effect.is_denial()) {
            // "denies having no pain": two denials assert, except as two items of a list
            // (无痛、无热).
            (true, true) if held.is_listing => Some(opened),
            (true, true) => None,
            (true, false) => Some(opened),
            // "maybe no chest pain" is as open as "maybe chest pain".
            (false, _) => Some(held),
        }
    }

    /// The scope behind a token that is no cue.
    pub(super) fn after_token(
        self,
        reader: &CueReader<'_, '_>,
        at: usize,
        token: &Token<'_>,
    ) -> Option<Self> {
        match token.kind {
            TokenKind::SentenceEnd if token.is_soft_break() => self.past_break(reader, at),
            TokenKind::SentenceEnd | TokenKind::QuestionMark => None,
            TokenKind::Comma => self.past_comma(reader, at),
            TokenKind::ListMark => self.joined(reader, at),
            TokenKind::Link => (token.text != "-").then_some(self),
            _ => self.past_word(reader, at, token),
        }
    }

    /// The scope behind a soft break that is read as an end: it goes on only where the sentence
    /// plainly does, "no / chest pain" and "no fever / or chest pain".
    fn past_break(self, reader: &CueReader<'_, '_>, at: usize) -> Option<Self> {
        let follows_end = at
            .checked_sub(1)
            .is_some_and(|before| reader.kind_at(before) == Some(TokenKind::SentenceEnd));
        let precedes_word = matches!(
            reader.kind_at(at + 1),
            Some(TokenKind::Word | TokenKind::Han)
        );
        let begins_statement = reader.is_subject_at(at + 1);
        if follows_end || !precedes_word || begins_statement || !self.effect.is_denial() {
            return None;
        }

        if self.is_direct() {
            return (!self.may_be_answer(reader, at)).then_some(self);
        }
        reader.is_joined_at(at + 1).then_some(self)
    }

    /// The scope behind a pause, before the token at `at`.
    ///
    /// Between a cue and its finding a pause changes nothing if the sentence plainly goes on; else
    /// the cue may be an answer. Behind the finding a pause ends a sentence more often than not
    /// (没有发烧😭胸痛), unless the list plainly goes on; a denial that runs through lists without
    /// marks (无发热😊胸痛) leaves the next finding open.
    pub(super) fn past_pause(
        self,
        reader: &CueReader<'_, '_>,
        at: usize,
        pause: Pause,
    ) -> Option<Self> {
        let open = self.at_position(ScopePosition::Doubtful);

        match self.position {
            ScopePosition::Direct if reader.is_subject_at(at) => None,
            ScopePosition::Direct if !self.may_be_answer(reader, at) => Some(self),
            ScopePosition::Direct if pause == Pause::Break => None,
            ScopePosition::Direct => Some(Self {
                is_open: true,
                ..self
            }),
            ScopePosition::InFinding { end, .. } if at < end => Some(self),
            _ if reader.is_joined_at(at) => Some(self),
            _ if self.covers_items() && reader.finding_end(at).is_some() => Some(open),
            _ => None,
        }
    }

    fn may_be_answer(self, reader: &CueReader<'_, '_>, end: usize) -> bool {
        !self.is_listing && reader.may_be_answer(self.cue_start..self.cue_end, end)
    }

    fn past_word(self, reader: &CueReader<'_, '_>, at: usize, token: &Token<'_>) -> Option<Self> {
        let finding_end = reader.finding_end(at);

        // A finding that the reading is in, or that begins here.
        match (self.position, finding_end) {
            (ScopePosition::InFinding { end, first_end }, _) if at < end => {
                let end = finding_end.map_or(end, |longer| end.max(longer));
                return Some(self.at_position(ScopePosition::InFinding { end, first_end }));
            }
            (ScopePosition::Doubtful, None) => return Some(self),
            (ScopePosition::InFinding { .. } | ScopePosition::AfterFinding { .. }, _)
                if self.ends_before(reader, at, token) =>
            {
                return None;
            }
            (_, Some(end)) => {
                let first_end = reader.first_finding_end(at).unwrap_or(end);
                return Some(self.at_position(ScopePosition::InFinding { end, first_end }));
            }
            (_, None) => {}
        }

        if self.is_direct() && token.class.has(WordClass::TRANSPARENT) {
            return Some(self);
        }
        // 无外伤突发胸痛: what begins at once is no part of what is denied.
        let begins_onset = !self.is_direct() && ONSET_CHARACTERS.contains(&token.text);
        if token.class.has(WordClass::BREAKER) || begins_onset {
            return None;
        }

        let position = match self.position {
            ScopePosition::Direct => ScopePosition::OtherWords { count: 1 },
            ScopePosition::OtherWords { count } => ScopePosition::OtherWords {
                count: drift(count)?,
            },
            ScopePosition::AfterFinding { count } => ScopePosition::AfterFinding {
                count: drift(count)?,
            },
            ScopePosition::InFinding { .. } | ScopePosition::Doubtful => {
                ScopePosition::AfterFinding { count: 1 }
            }
        };
        Some(self.at_position(position))
    }

    /// Whether a statement begins behind a denied finding: "no fever severe chest pain".
    fn ends_before(self, reader: &CueReader<'_, '_>, at: usize, token: &Token<'_>) -> bool {
        if !self.effect.is_denial() {
            return false;
        }
        if reader.finding_end(at).is_some() {
            let status = self.status_behind_finding(reader, at, FindingStatus::Denied);
            return status == FindingStatus::Present;
        }

        token.kind == TokenKind::Word && token.class.has(WordClass::ASSERTING)
    }

    /// "or", 和 or a list mark: the next item is governed like the last.
    fn joined(self, reader: &CueReader<'_, '_>, at: usize) -> Option<Self> {
        let negates_verb = self.is_in_other_words() && self.effect == CueEffect::NextDenial;
        let is_word = reader.kind_at(at) == Some(TokenKind::Word);

        // 不吃饭、胸痛 lists a negated verb and a finding, whereas "not dizzy or breathless" is one
        // list.
        if negates_verb && !is_word || self.effect == CueEffect::Hedge {
            return None;
        }

        match self.position {
            ScopePosition::Doubtful => Some(self),
            _ => Some(self.at_next_item()),
        }
    }

    fn joined_by_and(self, reader: &CueReader<'_, '_>, next: usize) -> Option<Self> {
        if self.is_shared {
            return None;
        }
        if matches!(self.effect, CueEffect::ClinicalDenial | CueEffect::Doubt) {
            return Some(self.at_next_item());
        }

        let may_go_on = !self.is_in_other_words() && reader.bare_item(next).is_some();
        may_go_on.then(|| self.at_position(ScopePosition::Doubtful))
    }

    /// A comma ends a scope, except in a clinical list ("denies cough, fever") and in a list that
    /// "or" closes.
    fn past_comma(self, reader: &CueReader<'_, '_>, at: usize) -> Option<Self> {
        if self.is_shared {
            return None;
        }
        let BareItem { end, closes_list } = reader.bare_item(at + 1)?;
        let is_closed_list = || closes_list || reader.is_list_closed(end);

        let goes_on = match self.effect {
            CueEffect::ClinicalDenial => end > at + 1,
            CueEffect::ItemDenial | CueEffect::Denial | CueEffect::Doubt => is_closed_list(),
            CueEffect::NextDenial => !self.is_in_other_words() && is_closed_list(),
            _ => false,
        };
        goes_on.then(|| self.at_next_item())
    }
}

/// One word more without a joiner; `None` when it is one too many.
fn drift(count: usize) -> Option<usize> {
    (count < MAX_DRIFT_WORDS).then_some(count + 1)
}
