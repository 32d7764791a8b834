//! The life of a job: all its states, and what leads from one to the next.
//!
//! Every claim spends an attempt; the column says what an event does to the number of attempts.
//! `none` is a job that does not exist, or does not exist any more. The message is the one that
//! brought the job to the worker, or the one that a request sends. The outbox row is the job's.
//!
//! | from | event | to | attempts | message | outbox row |
//! |---|---|---|---|---|---|
//! | none | a request enqueues it | queued | same | sent | due in 10 s |
//! | queued | a worker claims it | active | +1 | hidden | kept |
//! | deferred | a worker claims it | active | +1 | hidden | kept |
//! | active | its lease runs out, another run claims it | active | +1 | hidden | kept |
//! | active | its third run dies beside others, one repeats it | active | same | hidden | kept |
//! | active | its run completes it | completed | same | deleted | removed |
//! | active | its run fails | queued | same | comes after backoff | kept |
//! | active | its third attempt fails | failed | same | dead letter | removed |
//! | active | its run cannot succeed | failed | same | dead letter | removed |
//! | active | an outage of ours breaks its run off | queued | −1 | comes after 30–60 s | kept |
//! | active | its run defers it | deferred | −1 | deleted | due after it |
//! | active | its run defers it, an hour after the first time | failed | −1 | dead letter | removed |
//! | queued | a caller cancels it | cancelled | same | deleted on arrival | removed |
//! | deferred | a caller cancels it | cancelled | same | deleted on arrival | removed |
//! | active | a caller cancels it while it is leased | active | same | hidden | kept |
//! | active | its run stops because of the cancel | cancelled | same | deleted | removed |
//! | active | its run defers it after the cancel | cancelled | −1 | deleted | removed |
//! | active | its run dies after the cancel, a worker claims it | cancelled | same | deleted | removed |
//! | active | its third run dies isolated, a worker claims it | failed | same | dead letter | removed |
//! | queued | a worker does not know its kind | queued | same | comes after 1 min | kept |
//! | queued | no worker has known its kind for 5 minutes | failed | same | dead letter | removed |
//! | queued | its message becomes a dead letter | queued | same | deleted | due in 1–3 min |
//! | deferred | its message becomes a dead letter | deferred | same | deleted | due in 1–3 min |
//! | queued | its message becomes a dead letter a fourth time | failed | same | deleted | removed |
//! | active | its third run dies isolated, then its message does | failed | same | deleted | removed |
//! | active | its run dies after the cancel, then its message does | cancelled | same | deleted | removed |
//! | failed | an admin redrives it | queued | 0 | sent | due in 1–3 min |
//! | queued | its consultation is erased | none | same | deleted on arrival | removed |
//! | active | its consultation is erased | none | same | deleted | removed |
//!
//! What changes nothing is not in the table: a claim of a job that has ended, that another run has
//! leased, or that is not due; a dead letter of a job that has ended, that a run has leased, or that
//! was sent again a short time ago; and a run that has lost its lease, which writes nothing.
//!
//! The events of this table are functions: [`super::store::enqueue`], [`super::claim::claim`],
//! [`super::transition`], [`super::dead_letters`], and a kind's completion of its job.

use super::state::JobState;

/// What happens to a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobEvent {
    /// A request enqueues the job.
    Enqueued,
    /// A worker claims the job.
    Claimed,
    /// The lease runs out, since the run died, and another run claims the job.
    ClaimedAfterLease,
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

/// What an event does to the number of a job's attempts.
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

/// What becomes of the job's message.
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

/// What becomes of the job's outbox row.
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
    /// What happens to the job.
    pub event: JobEvent,
    /// The state after the event; `None` if the job does not exist any more.
    pub to: Option<JobState>,
    /// What becomes of the number of attempts.
    pub attempts: AttemptCount,
    /// What becomes of the message.
    pub message: MessageFate,
    /// What becomes of the outbox row.
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
        event: JobEvent::ClaimedAfterLease,
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
mod tests {
    use super::*;

    const DOCUMENTATION: &str = include_str!("lifecycle.rs");

    const TABLE_HEADER: &str = "| from | event | to | attempts | message | outbox row |";

    fn state_name(state: Option<JobState>) -> &'static str {
        state.map_or("none", JobState::as_str)
    }

    const fn event_text(event: JobEvent) -> &'static str {
        match event {
            JobEvent::Enqueued => "a request enqueues it",
            JobEvent::Claimed => "a worker claims it",
            JobEvent::ClaimedAfterLease => "its lease runs out, another run claims it",
            JobEvent::ClaimedIsolated => "its third run dies beside others, one repeats it",
            JobEvent::Completed => "its run completes it",
            JobEvent::AttemptFailed => "its run fails",
            JobEvent::LastAttemptFailed => "its third attempt fails",
            JobEvent::FailedPermanently => "its run cannot succeed",
            JobEvent::BrokenOff => "an outage of ours breaks its run off",
            JobEvent::Deferred => "its run defers it",
            JobEvent::DeferredTooLong => "its run defers it, an hour after the first time",
            JobEvent::Cancelled => "a caller cancels it",
            JobEvent::CancelRequested => "a caller cancels it while it is leased",
            JobEvent::StoppedAfterCancel => "its run stops because of the cancel",
            JobEvent::DeferredAfterCancel => "its run defers it after the cancel",
            JobEvent::ClaimedAfterCancel => "its run dies after the cancel, a worker claims it",
            JobEvent::ClaimedExhausted => "its third run dies isolated, a worker claims it",
            JobEvent::KindUnknown => "a worker does not know its kind",
            JobEvent::KindUnsupported => "no worker has known its kind for 5 minutes",
            JobEvent::DeadLettered => "its message becomes a dead letter",
            JobEvent::DeadLetteredOften => "its message becomes a dead letter a fourth time",
            JobEvent::DeadLetteredExhausted => "its third run dies isolated, then its message does",
            JobEvent::DeadLetteredAfterCancel => {
                "its run dies after the cancel, then its message does"
            }
            JobEvent::Redriven => "an admin redrives it",
            JobEvent::Erased => "its consultation is erased",
        }
    }

    const fn attempts_text(attempts: AttemptCount) -> &'static str {
        match attempts {
            AttemptCount::Same => "same",
            AttemptCount::Spent => "+1",
            AttemptCount::Refunded => "−1",
            AttemptCount::Reset => "0",
        }
    }

    const fn message_text(message: MessageFate) -> &'static str {
        match message {
            MessageFate::Sent => "sent",
            MessageFate::Hidden => "hidden",
            MessageFate::Deleted => "deleted",
            MessageFate::DeletedOnArrival => "deleted on arrival",
            MessageFate::AfterBackoff => "comes after backoff",
            MessageFate::AfterOutage => "comes after 30–60 s",
            MessageFate::AfterMinute => "comes after 1 min",
            MessageFate::DeadLetter => "dead letter",
        }
    }

    const fn outbox_text(outbox: OutboxFate) -> &'static str {
        match outbox {
            OutboxFate::DueInSeconds => "due in 10 s",
            OutboxFate::DueInMinutes => "due in 1–3 min",
            OutboxFate::DueAfterDeferral => "due after it",
            OutboxFate::Kept => "kept",
            OutboxFate::Removed => "removed",
        }
    }

    fn table_row(step: &LifecycleStep) -> String {
        let columns = [
            state_name(step.from),
            event_text(step.event),
            state_name(step.to),
            attempts_text(step.attempts),
            message_text(step.message),
            outbox_text(step.outbox),
        ];
        format!("| {} |", columns.join(" | "))
    }

    /// The rows of the documentation's table.
    fn documented_rows() -> Vec<&'static str> {
        let documentation = DOCUMENTATION
            .lines()
            .map_while(|line| line.strip_prefix("//!"));
        let from_header = documentation
            .map(str::trim)
            .skip_while(|line| *line != TABLE_HEADER);
        let table = from_header.take_while(|line| line.starts_with('|'));
        table.skip(2).collect()
    }

    #[test]
    fn the_documented_table_is_the_table_in_code() {
        let rows: Vec<_> = TRANSITIONS.iter().map(table_row).collect();
        assert_eq!(documented_rows(), rows);
    }

    #[test]
    fn an_event_leads_from_one_state_to_one_state() {
        for (number, step) in TRANSITIONS.iter().enumerate() {
            let is_same =
                |other: &LifecycleStep| (other.from, other.event) == (step.from, step.event);
            let first = TRANSITIONS.iter().position(is_same);
            assert_eq!(first, Some(number), "{step:?}");
        }
    }

    /// An ended job has no outbox row, and an unfinished one always has one.
    #[test]
    fn an_outbox_row_exists_as_long_as_its_job_is_unfinished() {
        for step in TRANSITIONS {
            let has_ended = step.to.is_none_or(JobState::is_final);
            let is_removed = step.outbox == OutboxFate::Removed;
            assert_eq!(has_ended, is_removed, "{step:?}");
        }
    }
}
