//! Jobs that end without a run, and those who follow them.

use super::{NOTHING, body, deliver};
use crate::jobs::{change, expire, follower, granted, job, worker};
use crate::support::socket::Received;

/// A job whose attempts are used up, or that was cancelled, ends with its claim: those who follow
/// are told of that as of the end of a run.
#[tokio::test]
async fn a_job_that_its_claim_ends_is_told_to_those_who_follow() {
    let exhausted = job().await;
    let mut socket = follower(&exhausted).await;
    for _ in 0..3 {
        granted(&exhausted).await;
        expire(&exhausted).await;
    }
    assert_eq!(deliver(&worker().await, &[body(&exhausted)]).await, NOTHING);
    Received::default().until(&mut socket, "failed").await;

    let cancelled = job().await;
    let mut socket = follower(&cancelled).await;
    granted(&cancelled).await;
    let request = "UPDATE jobs SET cancel_requested_at = now() WHERE tenant_id = $1 AND id = $2";
    change(&cancelled, request).await;
    expire(&cancelled).await;
    assert_eq!(deliver(&worker().await, &[body(&cancelled)]).await, NOTHING);
    Received::default().until(&mut socket, "cancelled").await;
}
