//! One heartbeat for a whole batch.
//!
//! It extends the runs' leases and the messages' invisibility while the jobs run, writes how far
//! the runs are, and learns which jobs were cancelled. It is awaited beside the runs, so it ends
//! with them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::sync::watch;
use uuid::Uuid;

use super::changes::ChangeFeed;
use super::lease::{LEASE_DURATION, Lease, LeaseRenewal, RenewedLease, renew_leases};
use super::queue::Queue;
use crate::deadline::Deadline;
use crate::error::{BoxError, error_chain};
use crate::postgres::Database;

/// From the claim to the first beat, with which a caller learns how far the job is.
const FIRST_BEAT_DELAY: Duration = Duration::from_secs(2);

/// From one beat to the next; a lease survives two that are missed.
const BEAT_INTERVAL: Duration = Duration::from_secs(8);

/// The longest that a beat waits for the database or the queue.
const BEAT_TIMEOUT: Duration = Duration::from_secs(4);

/// How long a message stays invisible from each beat on: until its job's lease is over for sure.
pub(super) const VISIBILITY_TIMEOUT: Duration =
    LEASE_DURATION.saturating_add(Duration::from_secs(2));

/// The most that a run's progress can be; the completion writes 100.
const MAX_RUN_PROGRESS: i16 = 99;

/// A signal from the heartbeat to a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RunSignal {
    /// Nothing speaks against the run.
    Continue,
    /// A caller has cancelled the job.
    Cancelled,
    /// Another run has the lease by now, or the job was erased.
    LeaseLost,
}

/// How far a run is.
#[derive(Debug, Clone, Copy)]
struct RunProgress {
    percent: i16,
    step: &'static str,
    /// Whether no beat has written it yet.
    is_new: bool,
}

/// The connection between a run and the heartbeat: progress one way, signals the other.
#[derive(Clone)]
pub(super) struct RunHandle {
    progress: Arc<Mutex<RunProgress>>,
    signal: watch::Sender<RunSignal>,
    is_completing: Arc<AtomicBool>,
}

impl RunHandle {
    fn new() -> Self {
        // As the claim has written it.
        let progress = RunProgress {
            percent: 5,
            step: "started",
            is_new: false,
        };

        Self {
            progress: Arc::new(Mutex::new(progress)),
            signal: watch::Sender::new(RunSignal::Continue),
            is_completing: Arc::default(),
        }
    }

    /// Sets what the next beat writes about the run.
    pub(super) fn report_progress(&self, percent: i16, step: &'static str) {
        let percent = percent.clamp(0, MAX_RUN_PROGRESS);
        *self.progress.lock() = RunProgress {
            percent,
            step,
            is_new: true,
        };
    }

    /// Whether the progress that was just written had not been before.
    fn note_written(&self, percent: i16, step: &'static str) -> bool {
        let mut progress = self.progress.lock();
        // The run may have gone on since.
        let is_current = (progress.percent, progress.step) == (percent, step);
        is_current && std::mem::take(&mut progress.is_new)
    }

    /// The run is about to write its result, which ends its lease: so what the heartbeat learns of
    /// the lease from now on means nothing. Returns what it has learned before; unless that is
    /// [`RunSignal::Continue`], nothing may be written.
    pub(super) fn begin_completion(&self) -> RunSignal {
        let signal = *self.signal.borrow();
        let may_complete = signal == RunSignal::Continue;
        self.is_completing.store(may_complete, Ordering::Relaxed);
        signal
    }

    /// Waits until the run must stop.
    pub(super) async fn wait_for_stop(&self) -> RunSignal {
        let mut receiver = self.signal.subscribe();
        let stop = receiver.wait_for(|signal| *signal != RunSignal::Continue);
        match stop.await {
            Ok(signal) => *signal,
            // All senders are gone: not while this handle holds one.
            Err(_) => std::future::pending().await,
        }
    }

    /// Tells the run what a beat has learned of its lease; `None` if it does not hold any more.
    fn notify(&self, renewed: Option<&RenewedLease>) {
        if self.is_completing.load(Ordering::Relaxed) {
            return;
        }
        let signal = match renewed {
            None => RunSignal::LeaseLost,
            Some(lease) if lease.is_cancel_requested => RunSignal::Cancelled,
            Some(_) => return,
        };

        self.signal.send_replace(signal);
    }
}

/// A run whose lease is extended.
#[derive(Clone)]
struct RegisteredRun {
    lease: Lease,
    handle: RunHandle,
}

/// The leases and the messages that each beat extends.
#[derive(Default)]
struct Registered {
    runs: Vec<RegisteredRun>,
    receipts: Vec<String>,
}

/// The heartbeat of a batch.
#[derive(Default)]
pub(super) struct Heartbeat(Mutex<Registered>);

impl Heartbeat {
    /// A heartbeat that keeps the messages with these receipts invisible.
    pub(super) fn new(receipts: Vec<String>) -> Self {
        let runs = Vec::new();
        Self(Mutex::new(Registered { runs, receipts }))
    }

    /// Extends this lease with each beat from now on.
    pub(super) fn register(&self, lease: &Lease) -> RunHandle {
        let handle = RunHandle::new();
        self.0.lock().runs.push(RegisteredRun {
            lease: lease.clone(),
            handle: handle.clone(),
        });

        handle
    }

    /// The run with this token has ended.
    pub(super) fn unregister(&self, token: Uuid) {
        self.0.lock().runs.retain(|run| run.lease.token != token);
    }

    /// The message is to come again: no beat extends its invisibility any more.
    pub(super) fn make_visible(&self, receipt: &str) {
        self.0.lock().receipts.retain(|kept| kept != receipt);
    }

    /// Beats until it is dropped. A silent queue does not hold up the leases.
    pub(super) async fn run(&self, database: &Database, queue: &Queue, changes: &ChangeFeed) {
        let renew_leases = repeat_each_beat(async || {
            if let Err(error) = within_beat(self.renew_leases(database, changes)).await {
                let causes = error_chain(&*error);
                tracing::warn!(causes, "leases cannot be extended; they may run out");
            }
        });

        let extend_visibility = repeat_each_beat(async || {
            if let Err(error) = within_beat(self.extend_visibility(queue)).await {
                let causes = error_chain(&*error);
                tracing::warn!(
                    causes,
                    "messages cannot be kept invisible; they may come twice"
                );
            }
        });

        futures::join!(renew_leases, extend_visibility);
    }

    async fn renew_leases(
        &self,
        database: &Database,
        changes: &ChangeFeed,
    ) -> Result<(), BoxError> {
        let runs = self.0.lock().runs.clone();
        if runs.is_empty() {
            return Ok(());
        }

        let renewals: Vec<_> = runs.iter().map(RegisteredRun::renewal).collect();
        let renewed = database
            .run(async |connection| renew_leases(connection, &renewals).await)
            .await?;

        for (run, renewal) in runs.iter().zip(&renewals) {
            let still_held = renewed.iter().find(|lease| lease.token == run.lease.token);
            run.handle.notify(still_held);
            if still_held.is_some() && run.handle.note_written(renewal.progress, renewal.step) {
                changes.report(&run.lease);
            }
        }

        Ok(())
    }

    /// Keeps every message of the batch invisible that is not to come again, also those whose jobs
    /// are done: the queue deletes them only when the whole batch is answered.
    pub(super) async fn extend_visibility(&self, queue: &Queue) -> Result<(), BoxError> {
        let receipts = self.0.lock().receipts.clone();
        if receipts.is_empty() {
            return Ok(());
        }

        let receipts: Vec<_> = receipts.iter().map(String::as_str).collect();
        queue.set_visibility(&receipts, VISIBILITY_TIMEOUT).await
    }
}

impl RegisteredRun {
    fn renewal(&self) -> LeaseRenewal<'_> {
        let progress = *self.handle.progress.lock();
        LeaseRenewal {
            lease: &self.lease,
            progress: progress.percent,
            step: progress.step,
        }
    }
}

/// Runs the work of one beat, at most for [`BEAT_TIMEOUT`].
async fn within_beat(work: impl Future<Output = Result<(), BoxError>>) -> Result<(), BoxError> {
    let done = Deadline::after(BEAT_TIMEOUT).run(work).await;
    done.map_err(BoxError::from).flatten()
}

/// Acts with each beat. The beats have fixed times, however long an act takes.
async fn repeat_each_beat(act: impl AsyncFn()) {
    let mut next = Instant::now() + FIRST_BEAT_DELAY;

    loop {
        #[expect(
            clippy::disallowed_methods,
            reason = "a heartbeat, not a retry: it ends with the work beside it"
        )]
        tokio::time::sleep_until(next.into()).await;
        act().await;

        next = (next + BEAT_INTERVAL).max(Instant::now());
    }
}
