//! People, and what was done with records.

use serde_json::json;

use super::operation::{Operation, Rule};
use crate::audit::AuditEvent;
use crate::page::PageItems;
use crate::users::{ImportRequest, ImportResult, ListedUser, UserAnswer};

const TAG: &str = "People";

/// The id of a person.
const PERSON: Rule = Rule::Pattern("^[!-~]{1,128}$");

pub(super) fn operations() -> Vec<Operation> {
    let of = |route, id, summary| Operation::new(route, id, TAG, summary);

    vec![
        of(
            "GET /v1/users/{id}",
            "getUser",
            "One person; `me` is the caller",
        )
        .with_id(PERSON)
        .with_revalidation()
        .answers::<UserAnswer>(200, "what is known of them"),
        of(
            "GET /v1/users",
            "listUsers",
            "The tenant's people, for clinicians and admins",
        )
        .paged()
        .query(
            "include",
            Rule::OneOf(&["consultations"]),
            "each person's latest ten",
        )
        .with_revalidation()
        .answers::<PageItems<ListedUser>>(200, "a page, in the order of their ids"),
        of(
            "POST /v1/users/import",
            "importUsers",
            "Bring up to 1,000 people in, for admins",
        )
        .takes::<ImportRequest>(json!({
            "users": [
                { "id": "p-1", "email": "lin@example.org", "name": "Lin", "role": "patient" },
            ],
        }))
        .answers::<ImportResult>(200, "what became of each row"),
        of(
            "POST /v1/users/{id}/sign-out",
            "signOutUser",
            "End all that a person is signed in with, for oneself (`me`) and for admins",
        )
        .with_id(PERSON)
        .answers_empty(204, "tokens that were given so far count no more"),
        of(
            "GET /v1/audit-events",
            "listAuditEvents",
            "What was done with records, for admins",
        )
        .paged()
        .query("user_id", PERSON, "with records of this person")
        .query("actor_id", PERSON, "by this person")
        .query("consultation_id", Rule::Uuid, "with this consultation")
        .answers::<PageItems<AuditEvent>>(200, "a page, the latest first"),
    ]
}
