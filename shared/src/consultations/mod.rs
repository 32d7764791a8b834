//! Consultations: what a patient asks, what the rules say at once, and the assessment that follows.

mod assessment;
pub mod outcome;
mod request;
pub mod store;
pub mod transcript;
mod view;

pub use assessment::{Assessment, Citation, DegradedReason, ServedBy};
pub use request::{IdempotencyKey, NewConsultation};
pub use view::{Accepted, ConsultationView, Summary};

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::triage::{Complaint, Locale, Sex, Triage, Urgency};

/// How far a consultation has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Accepted; the assessment is being made.
    Processing,
    /// The assessment is there.
    Completed,
    /// No assessment could be made; what the rules said stands.
    Failed,
}

/// One consultation. It has no `Debug`, like everything that holds a patient's words: what cannot be formatted cannot be
/// logged.
#[derive(Clone)]
pub struct Consultation {
    /// `UUIDv7`: later ones are greater.
    pub id: Uuid,
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
    /// When it was accepted.
    pub created_at: OffsetDateTime,
    /// When it last changed.
    pub updated_at: OffsetDateTime,
}

impl Consultation {
    /// What the rules and the agent read.
    pub fn complaint(&self) -> Complaint<'_> {
        Complaint { symptoms: &self.symptoms, history: self.history.as_deref(), age: self.age, sex: self.sex }
    }
}
