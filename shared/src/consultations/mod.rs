//! Consultations: what a patient asks, what the rules say at once, and the assessment that follows.

mod assessment;
pub mod outcome;
mod report;
mod request;
pub mod store;
mod tasks;
pub mod transcript;
mod view;

pub use assessment::{Assessment, Citation, DegradedReason, ServedBy};
pub use report::{ReportLinks, StoredReport};
pub use request::{IdempotencyKey, NewConsultation};
pub use tasks::{Analyze, GenerateReport, JOB_REASONS};
pub use view::{Accepted, ConsultationView, Summary};

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::cache::{Key, Kind, Policy, Tag};
use crate::identity::{Caller, TenantId, UserId};
use crate::triage::{Complaint, Locale, Sex, Triage, Urgency};

/// How far a consultation has come: what has become of its job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Accepted; the assessment is being made.
    Processing,
    /// The assessment is there.
    Completed,
    /// No assessment could be made; what the rules said stands.
    Failed,
    /// Somebody called it off; what the rules said stands.
    Cancelled,
}

/// One consultation. It has no `Debug`, like everything that holds a patient's words: what cannot be formatted cannot be
/// logged.
#[derive(Clone, Serialize, Deserialize)]
pub struct Consultation {
    /// `UUIDv7`: later ones are greater.
    pub id: Uuid,
    /// Whose it is.
    pub user_id: UserId,
    /// The job that makes its assessment.
    pub job_id: Uuid,
    /// How far it has come.
    pub status: Status,
    /// The rules' at first; the model may have raised it since.
    pub urgency: Urgency,
    /// The language in which it is answered.
    pub locale: Locale,
    /// The patient's own words.
    pub symptoms: String,
    /// Whole years.
    pub age: Option<u8>,
    /// As the patient states it.
    pub sex: Option<Sex>,
    /// Earlier illnesses and medicines, in the patient's own words.
    pub history: Option<String>,
    /// What the rules said at once.
    pub triage: Triage,
    /// The answer.
    pub assessment: Option<Assessment>,
    /// Whether rather none is wanted than one of the rules alone.
    pub requires_model: bool,
    /// Why there is none, if it has failed: a code of [`crate::jobs::Reason`].
    pub failure: Option<String>,
    /// Where the latest report lies.
    pub report: Option<StoredReport>,
    /// When it was accepted.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// When it last changed.
    #[serde(with = "time::serde::rfc3339")]
    pub updated_at: OffsetDateTime,
}

impl Consultation {
    /// What the rules and the agent read.
    pub fn complaint(&self) -> Complaint<'_> {
        Complaint {
            symptoms: &self.symptoms,
            history: self.history.as_deref(),
            age: self.age,
            sex: self.sex,
        }
    }
}

/// Completed consultations in the cache; whoever changes one once more invalidates its [`tag`].
const COMPLETED: Kind<Consultation> = Kind::new("consultations", 2);

/// A completed consultation changes only when a report is made of it.
pub const POLICY: Policy = Policy::new(std::time::Duration::from_mins(5));

/// Where a completed consultation stands in the cache. It is the tenant's: whether a caller may see it, [`Consultation::is_for`] says.
pub fn key(tenant: &TenantId, id: Uuid) -> Key<Consultation> {
    Key::of_tenant(tenant, &COMPLETED, &id.to_string()).tagged(&tag(tenant, id))
}

/// What is invalidated when a completed consultation changes.
pub fn tag(tenant: &TenantId, id: Uuid) -> Tag {
    Tag::of_tenant(tenant, "consultation", &id.to_string())
}

impl Consultation {
    /// Whether a caller of its tenant may see it.
    pub fn is_for(&self, caller: &Caller) -> bool {
        caller
            .scope()
            .owner
            .is_none_or(|owner| *owner == self.user_id)
    }
}
