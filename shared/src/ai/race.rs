//! One tier after the other until one answers; late ones at the same time as those after them.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;

use futures::future::BoxFuture;
use futures::stream::{FuturesUnordered, StreamExt};

use super::attempt::{AttemptContext, ChainRequest, Progress, TimeBudget};
use super::fault::Fault;
use super::outcome::TierFailure;
use super::tier::Tier;
use crate::deadline::Deadline;
use crate::resilience::hedge::HedgeBudget;

/// How a race asks one tier: for a complete answer, or for the first token of one.
pub(super) type AskTier<'r, T> =
    dyn Fn(&'r Tier, AttemptContext<'r>) -> BoxFuture<'r, Result<T, Fault>> + Sync + 'r;

/// What all rounds of a race share.
pub(super) struct Race<'r, T> {
    pub(super) request: &'r ChainRequest<'r>,
    pub(super) ask_tier: &'r AskTier<'r, T>,
    /// Calls made so far, by all tiers.
    pub(super) attempts: &'r AtomicU32,
    pub(super) hedge_budget: &'r HedgeBudget,
}

/// The first answer, and the tier that gave it.
pub(super) struct Winner<'r, T> {
    pub(super) tier: &'r Tier,
    pub(super) content: T,
}

impl<'r, T> Race<'r, T> {
    /// Asks the tiers until one answers. The calls that are still under way then are dropped, which
    /// cancels them. `is_urgent` says that no other tier could answer.
    pub(super) async fn run(
        &self,
        tiers: &[&'r Tier],
        is_urgent: bool,
        failures: &mut Vec<TierFailure>,
    ) -> Option<Winner<'r, T>> {
        let mut round = Round {
            race: self,
            is_urgent,
            waiting: tiers.iter().copied().collect(),
            running: FuturesUnordered::new(),
            exceeded_window: None,
            hedge: None,
        };

        loop {
            if round.running.is_empty() && !round.start_next() {
                return None;
            }
            let Some(FinishedCall { tier, result }) = round.next_finished().await else {
                continue;
            };

            let fault = match result {
                Ok(content) => return Some(Winner { tier, content }),
                Err(fault) => fault,
            };
            let is_filtered = matches!(fault, Fault::ContentFiltered(_));
            round.note_context_window(tier, &fault);
            record_failure(failures, tier, fault);

            if is_filtered && self.request.stops_at_content_filter {
                return None;
            }
            if !round.running.is_empty() {
                // One of two has failed, and the other is late: the next one takes its place.
                round.start_next();
            }
        }
    }
}

/// A second try replaces the failure of a tier that its circuit had kept from being asked at first.
fn record_failure(failures: &mut Vec<TierFailure>, tier: &Tier, fault: Fault) {
    failures.retain(|known| {
        known.tier != tier.name() || !matches!(known.fault, Fault::CircuitRefused(_))
    });
    failures.push(TierFailure {
        tier: tier.name().to_owned(),
        fault,
    });
}

/// One time through the tiers.
struct Round<'x, 'r, T> {
    race: &'x Race<'r, T>,
    is_urgent: bool,
    /// Tiers that were not asked yet.
    waiting: VecDeque<&'r Tier>,
    /// Calls under way.
    running: FuturesUnordered<BoxFuture<'r, FinishedCall<'r, T>>>,
    /// The largest context window that was too small for the request.
    exceeded_window: Option<u32>,
    /// When to ask the next tier too, if the last one that was asked may be hedged.
    hedge: Option<Hedge>,
}

/// A call that has ended.
struct FinishedCall<'r, T> {
    tier: &'r Tier,
    result: Result<T, Fault>,
}

/// When a call is late, and whether it is still to be helped then.
struct Hedge {
    due: Deadline,
    progress: Arc<Progress>,
}

impl<'r, T> Round<'_, 'r, T> {
    /// Asks the next tier whose context is not known to be too small, within its share of the time.
    /// `false` if there is none.
    fn start_next(&mut self) -> bool {
        self.hedge = None;
        let exceeded = self.exceeded_window;
        self.waiting.retain(|tier| {
            let window = tier.client.settings.context_window;
            window.is_none_or(|window| Some(window) > exceeded)
        });
        let Some(tier) = self.waiting.pop_front() else {
            return false;
        };

        let race = self.race;
        let progress = Arc::new(Progress::default());
        let later_tiers = self.count_admitting();
        let context = AttemptContext {
            request: race.request,
            budget: TimeBudget::among(race.request.answer_deadline(), later_tiers),
            attempts: race.attempts,
            progress: Arc::clone(&progress),
            is_urgent: self.is_urgent,
        };

        let call = (race.ask_tier)(tier, context);
        self.running.push(Box::pin(async move {
            let result = call.await;
            FinishedCall { tier, result }
        }));

        let hedge_after = tier.client.settings.hedge_after();
        self.hedge = hedge_after.map(|time| Hedge {
            due: Deadline::after(time),
            progress,
        });

        true
    }

    /// The number of waiting tiers whose circuits may let a call in.
    fn count_admitting(&self) -> u32 {
        let client = &self.race.request.client;
        let admitting = self.waiting.iter();
        let admitting = admitting.filter(|tier| tier.circuit.may_admit(client));
        u32::try_from(admitting.count()).unwrap_or(u32::MAX - 1)
    }

    /// The next call that has ended; `None` if none has, but one was late.
    async fn next_finished(&mut self) -> Option<FinishedCall<'r, T>> {
        let Some(hedge) = self.hedge.take() else {
            return self.running.next().await;
        };

        match hedge.due.run(self.running.next()).await {
            Ok(finished) => {
                self.hedge = Some(hedge);
                finished
            }
            Err(_elapsed) => {
                self.start_hedge(&hedge);
                None
            }
        }
    }

    /// Asks the next tier beside the one that is late, within the budget of extra calls.
    fn start_hedge(&mut self, hedge: &Hedge) {
        let can_help = !hedge.progress.is_settled() && self.count_admitting() > 0;
        if can_help && self.race.hedge_budget.try_withdraw() {
            // A tier that is known to refuse would use the budget up for nothing.
            let client = &self.race.request.client;
            self.waiting.retain(|tier| tier.circuit.may_admit(client));
            self.start_next();
        }
    }

    fn note_context_window(&mut self, tier: &Tier, fault: &Fault) {
        if matches!(fault, Fault::ContextLengthExceeded(_)) {
            let window = tier.client.settings.context_window;
            self.exceeded_window = self.exceeded_window.max(window);
        }
    }
}
