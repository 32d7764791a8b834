use super::*;

const DOCUMENTATION: &str = include_str!("../lifecycle.rs");

const TABLE_HEADER: &str = "| from | event | to | attempts | message | outbox row |";

fn state_name(state: Option<JobState>) -> &'static str {
    state.map_or("none", JobState::as_str)
}

const fn event_text(event: JobEvent) -> &'static str {
    match event {
        JobEvent::Enqueued => "a request enqueues it",
        JobEvent::Claimed => "a claim",
        JobEvent::ClaimedAfterCrash => "a claim, its run died",
        JobEvent::ClaimedIsolated => "a claim, its third run died beside others",
        JobEvent::Completed => "its run completes it",
        JobEvent::AttemptFailed => "its run fails",
        JobEvent::LastAttemptFailed => "its third attempt fails",
        JobEvent::FailedPermanently => "its run cannot succeed",
        JobEvent::BrokenOff => "an outage of ours breaks its run off",
        JobEvent::Deferred => "its run defers it",
        JobEvent::DeferredTooLong => "its run defers it, for over an hour by now",
        JobEvent::Cancelled => "a caller cancels it",
        JobEvent::CancelRequested => "a caller cancels it while it is leased",
        JobEvent::StoppedAfterCancel => "its run stops because of the cancel",
        JobEvent::DeferredAfterCancel => "its run defers it after the cancel",
        JobEvent::ClaimedAfterCancel => "a claim, its cancelled run died",
        JobEvent::ClaimedExhausted => "a claim, its third run died isolated",
        JobEvent::KindUnknown => "a claim of a kind unknown to the worker",
        JobEvent::KindUnsupported => "the same, for 5 minutes by now",
        JobEvent::DeadLettered => "a dead letter",
        JobEvent::DeadLetteredOften => "a dead letter, the fourth",
        JobEvent::DeadLetteredExhausted => "a dead letter, its third run died isolated",
        JobEvent::DeadLetteredAfterCancel => "a dead letter, its cancelled run died",
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

fn table_row(step: LifecycleStep) -> String {
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
    let rows: Vec<_> = TRANSITIONS.iter().copied().map(table_row).collect();
    assert_eq!(documented_rows(), rows);
}

#[test]
fn an_event_leads_from_one_state_to_one_state() {
    for (number, step) in TRANSITIONS.iter().enumerate() {
        let is_same = |other: &LifecycleStep| (other.from, other.event) == (step.from, step.event);
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
