//! One heartbeat for a whole batch: extends the leases and the messages' invisibility while the work goes on, writes how far
//! it is, and learns which jobs were called off. It is awaited with the work, so it ends with it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;
use uuid::Uuid;

use super::claim::{self, Beat, LEASE, Lease};
use super::queue::Queue;
use crate::deadline::Deadline;
use crate::error::{BoxError, error_chain};
use crate::postgres::Database;

/// The first beat, which is when whoever watches learns how far the job is.
const FIRST: Duration = Duration::from_secs(2);

/// From one beat to the next; a lease survives two that are missed.
const INTERVAL: Duration = Duration::from_secs(8);

/// The longest that a beat waits for the database or the queue.
const BEAT: Duration = Duration::from_secs(4);

/// How long a message stays invisible from each beat on: until after its job's lease has run out.
pub(super) const INVISIBLE: Duration = LEASE.saturating_add(Duration::from_secs(2));

/// What a run learns from the heartbeat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Signal {
    /// Go on.
    GoOn,
    /// Somebody has called the job off.
    CalledOff,
    /// The lease has passed to somebody else, or the job is gone.
    Overtaken,
}

/// What a run tells the heartbeat.
#[derive(Clone)]
pub(super) struct Pulse {
    progress: Arc<Mutex<(i16, &'static str)>>,
    signal: watch::Sender<Signal>,
    is_ending: Arc<AtomicBool>,
}

impl Pulse {
    fn new() -> Self {
        Self {
            progress: Arc::new(Mutex::new((5, "started"))),
            signal: watch::Sender::new(Signal::GoOn),
            is_ending: Arc::default(),
        }
    }

    /// Says what the run is doing, and how far it is in percent.
    pub(super) fn say(&self, progress: i16, step: &'static str) {
        *self.said() = (progress.clamp(0, 99), step);
    }

    fn said(&self) -> MutexGuard<'_, (i16, &'static str)> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The run writes its result: whatever is heard of its lease from now on, it may be because of that. The other answer is what
    /// it was told before.
    pub(super) fn end(&self) -> Signal {
        let signal = *self.signal.borrow();
        self.is_ending
            .store(signal == Signal::GoOn, Ordering::Relaxed);
        signal
    }

    /// Waits until the run must stop.
    pub(super) async fn stopped(&self) -> Signal {
        let mut signal = self.signal.subscribe();
        match signal.wait_for(|signal| *signal != Signal::GoOn).await {
            Ok(signal) => *signal,
            Err(_) => std::future::pending().await, // we hold a sender ourselves
        }
    }
}

/// What is kept alive.
#[derive(Default)]
struct Kept {
    leases: Vec<(Lease, Pulse)>,
    receipts: Vec<String>,
}

/// The heartbeat of a batch.
#[derive(Default)]
pub(super) struct Heartbeat(Mutex<Kept>);

impl Heartbeat {
    /// Keeps these messages invisible.
    pub(super) fn new(receipts: Vec<String>) -> Self {
        Self(Mutex::new(Kept {
            leases: Vec::new(),
            receipts,
        }))
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a lease, from now on.
    pub(super) fn keep(&self, lease: &Lease) -> Pulse {
        let pulse = Pulse::new();
        self.kept().leases.push((lease.clone(), pulse.clone()));
        pulse
    }

    /// The run has ended.
    pub(super) fn let_go(&self, token: Uuid) {
        self.kept().leases.retain(|(lease, _)| lease.token != token);
    }

    /// The message is to come again: from now on its own visibility applies.
    pub(super) fn let_come(&self, receipt: &str) {
        self.kept().receipts.retain(|kept| kept != receipt);
    }

    /// Beats until it is dropped. A silent queue does not hold up the leases.
    pub(super) async fn beat(&self, database: &Database, queue: &Queue) {
        futures::join!(
            each_beat(async || {
                if let Err(error) = Deadline::after(BEAT)
                    .run(self.renew(database))
                    .await
                    .map_err(BoxError::from)
                    .flatten()
                {
                    tracing::warn!(
                        causes = error_chain(&*error),
                        "leases cannot be extended; they may run out"
                    );
                }
            }),
            each_beat(async || {
                if let Err(error) = Deadline::after(BEAT)
                    .run(self.hide(queue))
                    .await
                    .map_err(BoxError::from)
                    .flatten()
                {
                    tracing::warn!(
                        causes = error_chain(&*error),
                        "messages cannot be kept invisible; they may come twice"
                    );
                }
            })
        );
    }

    async fn renew(&self, database: &Database) -> Result<(), BoxError> {
        let leases = self.kept().leases.clone();
        if leases.is_empty() {
            return Ok(());
        }
        let beats: Vec<_> = leases
            .iter()
            .map(|(lease, pulse)| {
                let (progress, step) = *pulse.said();
                Beat {
                    lease,
                    progress,
                    step,
                }
            })
            .collect();
        let renewed = database
            .run(async |connection| claim::renew(connection, &beats).await)
            .await?;
        for (lease, pulse) in leases
            .iter()
            .filter(|(_, pulse)| !pulse.is_ending.load(Ordering::Relaxed))
        {
            let signal = match renewed.get(&lease.token) {
                None => Signal::Overtaken,
                Some(true) => Signal::CalledOff,
                Some(false) => continue,
            };
            pulse.signal.send_replace(signal);
        }
        Ok(())
    }

    /// Keeps every message of the batch invisible that is not to come again, also those that are done: the queue forgets them
    /// only when the whole batch is answered.
    pub(super) async fn hide(&self, queue: &Queue) -> Result<(), BoxError> {
        let receipts = self.kept().receipts.clone();
        let receipts: Vec<_> = receipts.iter().map(String::as_str).collect();
        if receipts.is_empty() {
            Ok(())
        } else {
            queue.set_visibility(&receipts, INVISIBLE).await
        }
    }
}

/// Does it at fixed times, however long it takes.
async fn each_beat(act: impl AsyncFn()) {
    let mut next = Instant::now() + FIRST;
    loop {
        #[expect(
            clippy::disallowed_methods,
            reason = "a heartbeat, not a retry: it ends with the work beside it"
        )]
        tokio::time::sleep_until(next.into()).await;
        act().await;
        next = (next + INTERVAL).max(Instant::now());
    }
}
