//! The life of a job: all its states, and what leads from one to the next.
//!
//! The column of attempts says what an event does to the number of attempts that are spent: a claim
//! spends one, also if the run dies. `none` is a job that does not exist yet or any more. The
//! message is the one that brought the job to the worker, or the one that a request sends.
//!
//! | from | event | to | attempts | message | outbox row |
//! |---|---|---|---|---|---|
//! | none | a request enqueues it | queued | same | sent | due in 10 s |
//! | queued | a claim | active | +1 | hidden | kept |
//! | deferred | a claim | active | +1 | hidden | kept |
//! | active | a claim, its run died | active | +1 | hidden | kept |
//! | active | a claim, its third run died beside others | active | same | hidden | kept |
//! | active | its run completes it | completed | same | deleted | removed |
//! | active | its run fails | queued | same | comes after backoff | kept |
//! | active | its third attempt fails | failed | same | dead letter | removed |
//! | active | its run cannot succeed | failed | same | dead letter | removed |
//! | active | an outage of ours breaks its run off | queued | −1 | comes after 30–60 s | kept |
//! | active | its run defers it | deferred | −1 | deleted | due after it |
//! | active | its run defers it, for over an hour by now | failed | −1 | dead letter | removed |
//! | queued | a caller cancels it | cancelled | same | deleted on arrival | removed |
//! | deferred | a caller cancels it | cancelled | same | deleted on arrival | removed |
//! | active | a caller cancels it while it is leased | active | same | hidden | kept |
//! | active | its run stops because of the cancel | cancelled | same | deleted | removed |
//! | active | its run defers it after the cancel | cancelled | −1 | deleted | removed |
//! | active | a claim, its cancelled run died | cancelled | same | deleted | removed |
//! | active | a claim, its third run died isolated | failed | same | dead letter | removed |
//! | queued | a claim of a kind unknown to the worker | queued | same | comes after 1 min | kept |
//! | queued | the same, for 5 minutes by now | failed | same | dead letter | removed |
//! | queued | a dead letter | queued | same | deleted | due in 1–3 min |
//! | deferred | a dead letter | deferred | same | deleted | due in 1–3 min |
//! | queued | a dead letter, the fourth | failed | same | deleted | removed |
//! | active | a dead letter, its third run died isolated | failed | same | deleted | removed |
//! | active | a dead letter, its cancelled run died | cancelled | same | deleted | removed |
//! | failed | an admin redrives it | queued | 0 | sent | due in 1–3 min |
//! | queued | its consultation is erased | none | same | deleted on arrival | removed |
//! | active | its consultation is erased | none | same | deleted | removed |
//!
//! What changes nothing is not in the table: a claim of a job that has ended, that another run has
//! leased, or that is not due; a dead letter of a job that has ended, that a run has leased, or
//! that was sent again a short time ago; and a run that has lost its lease, which writes nothing.
//!
//! The events of this table are functions: [`super::store::enqueue`], [`super::claim::claim`],
//! [`super::transition`], [`super::dead_letters`], and a kind's completion of its job.

use super::state::JobState;

/// An event in the life of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobEvent {
    /// A request enqueues the job.
    Enqueued,
    /// A worker claims the job.
    Claimed,
    /// The lease runs out, since the run died, and another run claims the job.
    ClaimedAfterCrash,
    /// The third run dies beside others; an isolated run repeats the attempt.
    ClaimedIsolated,
    /// The run writes its result.
    Completed,
    /// The run fails, and attempts are left.
    AttemptFailed,
    /// The run of the last attempt fails.
    LastAttemptFailed,
    /// The run fails in a way that no other attempt can mend.
    FailedPermanently,
    /// An outage of ours breaks the run off.
    BrokenOff,
    /// The run waits for a service outside.
    Deferred,
    /// The run waits for a service outside, an hour after the first deferral in a row.
    DeferredTooLong,
    /// A caller cancels the job while no run has its lease.
    Cancelled,
    /// A caller cancels the job while a run has its lease.
    CancelRequested,
    /// The run of a cancelled job stops, or fails.
    StoppedAfterCancel,
    /// The run of a cancelled job defers it.
    DeferredAfterCancel,
    /// The run of a cancelled job dies, and a worker claims the job.
    ClaimedAfterCancel,
    /// The third run dies isolated, and a worker claims the job.
    ClaimedExhausted,
    /// A worker that does not know the kind claims the job.
    KindUnknown,
    /// A worker that does not know the kind claims the job, as others did before.
    KindUnsupported,
    /// A message of the job becomes a dead letter.
    DeadLettered,
    /// A message of the job becomes a dead letter, as three others did before.
    DeadLetteredOften,
    /// The third run dies isolated, and the message becomes a dead letter.
    DeadLetteredExhausted,
    /// The run of a cancelled job dies, and the message becomes a dead letter.
    DeadLetteredAfterCancel,
    /// An admin redrives the job.
    Redriven,
    /// The consultation of the job is erased.
    Erased,
}

/// An event's effect on the number of attempts that a job has spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttemptCount {
    /// The number stays as it is.
    Same,
    /// One more attempt is spent.
    Spent,
    /// The attempt is given back: it was none.
    Refunded,
    /// All attempts are given back.
    Reset,
}

/// An event's effect on the job's message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageFate {
    /// The request sends a message.
    Sent,
    /// The message stays invisible, until the lease is over or the run has ended.
    Hidden,
    /// The queue deletes the message.
    Deleted,
    /// The queue deletes the message when a worker has received it.
    DeletedOnArrival,
    /// The message comes again after the backoff, or when the handler says.
    AfterBackoff,
    /// The message comes again when the outage may be over.
    AfterOutage,
    /// The message comes again after a minute.
    AfterMinute,
    /// The worker puts the message into the dead-letter queue.
    DeadLetter,
}

/// An event's effect on the job's outbox row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutboxFate {
    /// The row is written, and due in ten seconds.
    DueInSeconds,
    /// The row is due in one to three minutes.
    DueInMinutes,
    /// The row is due when the deferral is over.
    DueAfterDeferral,
    /// The row stays as it is.
    Kept,
    /// There is no row any more.
    Removed,
}

/// One row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LifecycleStep {
    /// The state before the event; `None` if the job does not exist.
    pub from: Option<JobState>,
    /// The event.
    pub event: JobEvent,
    /// The state after the event; `None` if the job does not exist any more.
    pub to: Option<JobState>,
    /// The effect on the number of attempts.
    pub attempts: AttemptCount,
    /// The effect on the message.
    pub message: MessageFate,
    /// The effect on the outbox row.
    pub outbox: OutboxFate,
}

/// The table as data: a test compares it with the documentation, and an integration test with the
/// database.
pub const TRANSITIONS: &[LifecycleStep] = &[
    LifecycleStep {
        from: None,
        event: JobEvent::Enqueued,
        to: Some(JobState::Queued),
        attempts: AttemptCount::Same,
        message: MessageFate::Sent,
        outbox: OutboxFate::DueInSeconds,
    },
    LifecycleStep {
        from: Some(JobState::Queued),
        event: JobEvent::Claimed,
        to: Some(JobState::Active),
        attempts: AttemptCount::Spent,
        message: MessageFate::Hidden,
        outbox: OutboxFate::Kept,
    },
    LifecycleStep {
        from: Some(JobState::Deferred),
        event: JobEvent::Claimed,
        to: Some(JobState::Active),
        attempts: AttemptCount::Spent,
        message: MessageFate::Hidden,
        outbox: OutboxFate::Kept,
    },
    LifecycleStep {
        from: Some(JobState::Active),
        event: JobEvent::ClaimedAfterCrash,
        to: Some(JobState::Active),
        attempts: AttemptCount::Spent,
        message: MessageFate::Hidden,
        outbox: OutboxFate::Kept,
    },
    LifecycleStep {
        from: Some(JobState::Active),
        event: JobEvent::ClaimedIsolated,
        to: Some(JobState::Active),
        attempts: AttemptCount::Same,
        message: MessageFate::Hidden,
        outbox: OutboxFate::Kept,
    },
    LifecycleStep {
        from: Some(JobState::Active),
        event: JobEvent::Completed,
        to: Some(JobState::Completed),
        attempts: AttemptCount::Same,
        message: MessageFate::Deleted,
        outbox: OutboxFate::Removed,
    },
    LifecycleStep {
        from: Some(JobState::Active),
        event: JobEvent::AttemptFailed,
        to: Some(JobState::Queued),
        attempts: AttemptCount::Same,
        message: MessageFate::AfterBackoff,
        outbox: OutboxFate::Kept,
    },
    LifecycleStep {
        from: Some(JobState::Active),
        event: JobEvent::LastAttemptFailed,
        to: Some(JobState::Failed),
        attempts: AttemptCount::Same,
        message: MessageFate::DeadLetter,
        outbox: OutboxFate::Removed,
    },
    LifecycleStep {
        from: Some(JobState::Active),
        event: JobEvent::FailedPermanently,
        to: Some(JobState::Failed),
        attempts: AttemptCount::Same,
        message: MessageFate::DeadLetter,
        outbox: OutboxFate::Removed,
    },
    LifecycleStep {
        from: Some(JobState::Active),
        event: JobEvent::BrokenOff,
        to: Some(JobState::Queued),
        attempts: AttemptCount::Refunded,
        message: MessageFate::AfterOutage,
        outbox: OutboxFate::Kept,
    },
    LifecycleStep {
        from: Some(JobState::Active),
        event: JobEvent::Deferred,
        to: Some(JobState::Deferred),
        attempts: AttemptCount::Refunded,
        message: MessageFate::Deleted,
        outbox: OutboxFate::DueAfterDeferral,
    },
    LifecycleStep {
        from: Some(JobState::Active),
        event: JobEvent::DeferredTooLong,
        to: Some(JobState::Failed),
        attempts: AttemptCount::Refunded,
        message: MessageFate::DeadLetter,
        outbox: OutboxFate::Removed,
    },
    LifecycleStep {
        from: Some(JobState::Queued),
        event: JobEvent::Cancelled,
        to: Some(JobState::Cancelled),
        attempts: AttemptCount::Same,
        message: MessageFate::DeletedOnArrival,
        outbox: OutboxFate::Removed,
    },
    LifecycleStep {
        from: Some(JobState::Deferred),
        event: JobEvent::Cancelled,
        to: Some(JobState::Cancelled),
        attempts: AttemptCount::Same,
        message: MessageFate::DeletedOnArrival,
        outbox: OutboxFate::Removed,
    },
    LifecycleStep {
        from: Some(JobState::Active),
        event: JobEvent::CancelRequested,
        to: Some(JobState::Active),
        attempts: AttemptCount::Same,
        message: MessageFate::Hidden,
        outbox: OutboxFate::Kept,
    },
    LifecycleStep {
        from: Some(JobState::Active),
        event: JobEvent::StoppedAfterCancel,
        to: Some(JobState::Cancelled),
        attempts: AttemptCount::Same,
        message: MessageFate::Deleted,
        outbox: OutboxFate::Removed,
    },
    LifecycleStep {
        from: Some(JobState::Active),
        event: JobEvent::DeferredAfterCancel,
        to: Some(JobState::Cancelled),
        attempts: AttemptCount::Refunded,
        message: MessageFate::Deleted,
        outbox: OutboxFate::Removed,
    },
    LifecycleStep {
        from: Some(JobState::Active),
        event: JobEvent::ClaimedAfterCancel,
        to: Some(JobState::Cancelled),
        attempts: AttemptCount::Same,
        message: MessageFate::Deleted,
        outbox: OutboxFate::Removed,
    },
    LifecycleStep {
        from: Some(JobState::Active),
        event: JobEvent::ClaimedExhausted,
        to: Some(JobState::Failed),
        attempts: AttemptCount::Same,
        message: MessageFate::DeadLetter,
        outbox: OutboxFate::Removed,
    },
    LifecycleStep {
        from: Some(JobState::Queued),
        event: JobEvent::KindUnknown,
        to: Some(JobState::Queued),
        attempts: AttemptCount::Same,
        message: MessageFate::AfterMinute,
        outbox: OutboxFate::Kept,
    },
    LifecycleStep {
        from: Some(JobState::Queued),
        event: JobEvent::KindUnsupported,
        to: Some(JobState::Failed),
        attempts: AttemptCount::Same,
        message: MessageFate::DeadLetter,
        outbox: OutboxFate::Removed,
    },
    LifecycleStep {
        from: Some(JobState::Queued),
        event: JobEvent::DeadLettered,
        to: Some(JobState::Queued),
        attempts: AttemptCount::Same,
        message: MessageFate::Deleted,
        outbox: OutboxFate::DueInMinutes,
    },
    LifecycleStep {
        from: Some(JobState::Deferred),
        event: JobEvent::DeadLettered,
        to: Some(JobState::Deferred),
        attempts: AttemptCount::Same,
        message: MessageFate::Deleted,
        outbox: OutboxFate::DueInMinutes,
    },
    LifecycleStep {
        from: Some(JobState::Queued),
        event: JobEvent::DeadLetteredOften,
        to: Some(JobState::Failed),
        attempts: AttemptCount::Same,
        message: MessageFate::Deleted,
        outbox: OutboxFate::Removed,
    },
    LifecycleStep {
        from: Some(JobState::Active),
        event: JobEvent::DeadLetteredExhausted,
        to: Some(JobState::Failed),
        attempts: AttemptCount::Same,
        message: MessageFate::Deleted,
        outbox: OutboxFate::Removed,
    },
    LifecycleStep {
        from: Some(JobState::Active),
        event: JobEvent::DeadLetteredAfterCancel,
        to: Some(JobState::Cancelled),
        attempts: AttemptCount::Same,
        message: MessageFate::Deleted,
        outbox: OutboxFate::Removed,
    },
    LifecycleStep {
        from: Some(JobState::Failed),
        event: JobEvent::Redriven,
        to: Some(JobState::Queued),
        attempts: AttemptCount::Reset,
        message: MessageFate::Sent,
        outbox: OutboxFate::DueInMinutes,
    },
    LifecycleStep {
        from: Some(JobState::Queued),
        event: JobEvent::Erased,
        to: None,
        attempts: AttemptCount::Same,
        message: MessageFate::DeletedOnArrival,
        outbox: OutboxFate::Removed,
    },
    LifecycleStep {
        from: Some(JobState::Active),
        event: JobEvent::Erased,
        to: None,
        attempts: AttemptCount::Same,
        message: MessageFate::Deleted,
        outbox: OutboxFate::Removed,
    },
];

#[cfg(test)]
mod tests;
