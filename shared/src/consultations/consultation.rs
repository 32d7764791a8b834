//! One consultation, as its row holds it.

use serde::{Deserialize, Serialize};
use sqlx::FromRow;
use time::OffsetDateTime;
use uuid::Uuid;

use super::assessment::Assessment;
use super::report::StoredReport;
use crate::identity::{Caller, UserId};
use crate::locale::Locale;
use crate::postgres::text_columns;
use crate::triage::{Complaint, Sex, Triage, Urgency};

/// How far a consultation has come. It follows from the state of its job.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    sqlx::Encode,
    sqlx::Decode,
    schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[sqlx(rename_all = "snake_case")]
pub enum ConsultationStatus {
    /// The consultation is accepted; the assessment is being made.
    Processing,
    /// The assessment is there.
    Completed,
    /// No assessment could be made; the rules' verdict stands.
    Failed,
    /// A caller cancelled the job; the rules' verdict stands.
    Cancelled,
}

text_columns!(ConsultationStatus);

/// One consultation. It has no `Debug`, like everything that holds a patient's words: what cannot
/// be formatted cannot be logged.
#[derive(Clone, Serialize, Deserialize, FromRow)]
pub struct Consultation {
    /// `UUIDv7`: later ones are greater.
    pub id: Uuid,
    /// The patient whose record it is.
    pub user_id: UserId,
    /// The job that makes its assessment.
    pub job_id: Uuid,
    /// How far it has come.
    pub status: ConsultationStatus,
    /// The rules' verdict at first; the model may have raised it since.
    pub urgency: Urgency,
    /// The language in which it is answered.
    pub locale: Locale,
    /// The patient's own words.
    pub symptoms: String,
    /// The patient's age in whole years, 0 to 130.
    #[sqlx(try_from = "AgeColumn")]
    pub age: Option<u8>,
    /// The patient's sex, as they state it.
    pub sex: Option<Sex>,
    /// Earlier illnesses and medicines, in the patient's own words.
    pub history: Option<String>,
    /// The rules' verdict, made when it was accepted, and again with each answer of the patient.
    #[sqlx(json)]
    pub triage: Triage,
    /// Messages of the patient, the complaint included: 1 at first.
    #[serde(default = "first_turn")]
    pub turns: i16,
    /// The answer to the last turn, once it is there; until then, the answer to the one before.
    #[sqlx(json(nullable))]
    pub assessment: Option<Assessment>,
    /// Whether the patient rather wants no answer than one of the rules alone.
    pub requires_model: bool,
    /// Whether a patient created it, and not a clinician for one.
    #[serde(default)]
    pub by_patient: bool,
    /// Uploads that came with it. Some may have been removed since.
    #[serde(default)]
    pub attachments: Vec<Uuid>,
    /// Why there is no assessment, if it has failed: a code of [`crate::jobs::Reason`].
    pub failure: Option<String>,
    /// The latest report, if one was made.
    #[sqlx(json(nullable))]
    pub report: Option<StoredReport>,
    /// When a clinician has reviewed it as it stands; none if it is still to be.
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub reviewed_at: Option<OffsetDateTime>,
    /// The clinician or admin who has.
    #[serde(default)]
    pub reviewed_by: Option<UserId>,
    /// When it was accepted.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// When it or its job's state last changed.
    #[serde(with = "time::serde::rfc3339")]
    pub updated_at: OffsetDateTime,
}

impl Consultation {
    /// The part that the rules and the agent read.
    pub fn complaint(&self) -> Complaint<'_> {
        Complaint {
            symptoms: &self.symptoms,
            history: self.history.as_deref(),
            age: self.age,
            sex: self.sex,
        }
    }

    /// The rules' decision at the urgency that holds: the model may have raised it.
    pub fn decided(&self) -> Triage {
        Triage {
            urgency: self.urgency.raised_to(self.triage.urgency),
            ..self.triage.clone()
        }
    }

    /// The assessment as it stands now: the patient's answers and messages may have raised the
    /// urgency since it was made.
    pub fn current_assessment(&self) -> Option<Assessment> {
        let mut assessment = self.assessment.clone()?;
        // The patient has answered: what is made now, or could not be, is the answer to that.
        assessment.awaits_answer &= self.status == ConsultationStatus::Completed;
        // A function of an earlier version may have written a lesser urgency behind an answer.
        let urgency = self.urgency.raised_to(self.triage.urgency);
        if self.triage.answers.is_empty() && urgency <= assessment.urgency {
            return Some(assessment);
        }

        Some(assessment.raised_later(&self.triage, urgency, self.locale))
    }

    /// Whether a caller of its tenant may see it.
    pub fn is_for(&self, caller: &Caller) -> bool {
        let owner = caller.scope().owner;
        owner.is_none_or(|owner| *owner == self.user_id)
    }
}

const fn first_turn() -> i16 {
    1
}

/// A `smallint` of years: PostgreSQL has no smaller type.
#[derive(sqlx::Type)]
#[sqlx(transparent)]
struct AgeColumn(Option<i16>);

impl From<AgeColumn> for Option<u8> {
    fn from(column: AgeColumn) -> Self {
        column.0.and_then(|years| years.try_into().ok())
    }
}
