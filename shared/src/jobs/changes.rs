//! The changes of a batch's jobs, told beside the jobs to those who follow them.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use parking_lot::Mutex;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};

use uuid::Uuid;

use super::lease::Lease;
use crate::deadline::Deadline;
use crate::identity::TenantId;

/// How long the last changes of a batch are told after its jobs have ended.
const TELL_TIMEOUT: Duration = Duration::from_secs(5);

/// A job whose row has changed.
#[derive(Debug, Clone)]
pub struct ChangedJob {
    /// The tenant that the job belongs to.
    pub tenant: TenantId,
    /// The consultation that the job is for, if it is for one.
    pub consultation: Option<Uuid>,
}

/// A job that has ended without a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndedJob {
    /// The tenant that the job belongs to.
    pub tenant: TenantId,
    /// The job's kind.
    pub kind: String,
    /// The consultation that the job is for, if it is for one.
    pub consultation: Option<Uuid>,
}

impl From<&EndedJob> for ChangedJob {
    fn from(job: &EndedJob) -> Self {
        Self {
            tenant: job.tenant.clone(),
            consultation: job.consultation,
        }
    }
}

impl From<&Lease> for ChangedJob {
    fn from(lease: &Lease) -> Self {
        Self {
            tenant: lease.tenant.clone(),
            consultation: lease.consultation,
        }
    }
}

/// The jobs of a batch that have changed. Each change is told by itself, at once: a follower that
/// takes long holds up neither the jobs nor the other followers.
pub(super) struct ChangeFeed {
    /// None after the batch.
    sender: Mutex<Option<UnboundedSender<ChangedJob>>>,
    receiver: Mutex<Option<UnboundedReceiver<ChangedJob>>>,
}

impl ChangeFeed {
    pub(super) fn new() -> Self {
        let (sender, receiver) = mpsc::unbounded_channel();
        Self {
            sender: Mutex::new(Some(sender)),
            receiver: Mutex::new(Some(receiver)),
        }
    }

    /// A job has changed, and the change is committed.
    pub(super) fn report(&self, job: impl Into<ChangedJob>) {
        if let Some(sender) = &*self.sender.lock() {
            // It fails after the batch, when nobody is told any more.
            drop(sender.send(job.into()));
        }
    }

    /// Runs `work`, and tells of the changes that are reported meanwhile. The last ones have a few
    /// seconds after it, and none beyond `end`.
    pub(super) async fn tell_beside<T>(
        &self,
        end: Deadline,
        tell: impl AsyncFn(ChangedJob),
        work: impl Future<Output = T>,
    ) -> T {
        let work = async {
            let done = work.await;
            self.sender.lock().take();
            (done, end.at_most(TELL_TIMEOUT))
        };
        let mut work = std::pin::pin!(work);
        let mut telling = std::pin::pin!(self.tell_all(tell));

        tokio::select! {
            (done, deadline) = &mut work => {
                // What is not told by then comes with the next change, or when it is asked for.
                deadline.run(telling).await.unwrap_or_default();
                done
            }
            () = &mut telling => work.await.0,
        }
    }

    /// Tells of all changes until the batch has ended.
    async fn tell_all(&self, tell: impl AsyncFn(ChangedJob)) {
        let receiver = self.receiver.lock().take();
        let Some(mut receiver) = receiver else {
            return;
        };

        let mut told = FuturesUnordered::new();
        loop {
            tokio::select! {
                // A panic in it must not take the jobs along.
                Some(job) = receiver.recv() => {
                    told.push(AssertUnwindSafe(tell(job)).catch_unwind());
                }
                Some(_) = told.next() => {}
                else => return,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    fn job() -> ChangedJob {
        ChangedJob {
            tenant: TenantId::try_from("t".to_owned()).unwrap(),
            consultation: None,
        }
    }

    #[tokio::test]
    async fn every_change_is_told_also_the_last_one() {
        let (feed, told) = (ChangeFeed::new(), Cell::new(0));
        let tell = async |_| {
            tokio::task::yield_now().await;
            told.set(told.get() + 1);
        };
        let work = async {
            feed.report(job());
            tokio::task::yield_now().await;
            feed.report(job());
            "done"
        };

        let end = Deadline::after(Duration::from_mins(1));
        assert_eq!(feed.tell_beside(end, tell, work).await, "done");
        assert_eq!(told.get(), 2);
    }

    #[tokio::test]
    async fn a_follower_that_takes_for_ever_or_panics_holds_up_nothing() {
        let feed = ChangeFeed::new();
        let has_panicked = Cell::new(false);
        let tell = async |_| {
            let is_first = !has_panicked.replace(true);
            assert!(!is_first, "this panic is part of a test");
            std::future::pending::<()>().await;
        };
        let work = async {
            feed.report(job());
            feed.report(job());
        };

        let end = Deadline::after(Duration::from_millis(10));
        feed.tell_beside(end, tell, work).await;
        assert!(has_panicked.get());
    }
}
