//! Jobs.

use super::operation::{Operation, Rule};
use crate::jobs::{JobView, RedrivenView};
use crate::page::PageItems;

const TAG: &str = "Jobs";

/// Every kind of job; a test holds them against the functions' own list.
const KINDS: &[&str] = &[
    "analyze",
    "answer_message",
    "generate_report",
    "ingest_document",
    "erase_consultation",
];

pub(super) fn operations() -> Vec<Operation> {
    let of = |route, id, summary| Operation::new(route, id, TAG, summary);

    vec![
        of("GET /v1/jobs", "listJobs", "All jobs, for admins")
            .query(
                "state",
                Rule::OneOf(&["failed"]),
                "those that have failed for good and can be redriven",
            )
            .paged()
            .answers::<PageItems<JobView>>(200, "a page of them, the newest first"),
        of("GET /v1/jobs/{id}", "getJob", "How far a job has come")
            .with_revalidation()
            .answers::<JobView>(200, "the job"),
        of("POST /v1/jobs/{id}/cancel", "cancelJob", "Call a job off").answers::<JobView>(
            200,
            "it is cancelled, or will be as soon as its worker notices",
        ),
        of(
            "POST /v1/jobs/redrive",
            "redriveJobs",
            "Bring failed jobs back, for admins",
        )
        .query(
            "limit",
            Rule::Number { min: 1, max: 1000 },
            "100 if it is left out",
        )
        .query("kind", Rule::OneOf(KINDS), "those of this kind alone")
        .answers::<RedrivenView>(200, "how many"),
    ]
}
