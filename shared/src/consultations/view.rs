//! Consultations as the API shows them.

use serde::Serialize;
use sqlx::FromRow;
use time::OffsetDateTime;
use uuid::Uuid;

use super::answers::Answered;
use super::assessment::{Assessment, Citation};
use super::checklist::QuestionView;
use super::consultation::{Consultation, ConsultationStatus};
use super::report::ReportLinks;
use super::tasks::ASSESSMENT_REASONS;
use crate::identity::UserId;
use crate::jobs::Reason;
use crate::locale::Locale;
use crate::triage::{self, Answers, FlagStatus, ReadAs, RedFlag, Sex, Triage, Urgency};

/// The answer to `POST /v1/consultations`.
#[derive(Serialize, schemars::JsonSchema)]
pub struct Accepted {
    /// The consultation's id.
    pub id: Uuid,
    /// The job that makes the assessment.
    pub job_id: Uuid,
    /// `processing`, also when the same request is answered again later.
    pub status: ConsultationStatus,
    /// The rules' verdict, at once.
    #[serde(flatten)]
    pub triage: TriageView,
    /// What the patient is asked next; empty in an emergency.
    pub questions: Vec<QuestionView>,
    /// That this is no diagnosis.
    pub disclaimer: &'static str,
}

/// The answer to `POST /v1/consultations/{id}/answers`.
#[derive(Serialize, schemars::JsonSchema)]
pub struct AnsweredView {
    /// The consultation's id.
    pub id: Uuid,
    /// The decision, now that the answers are known.
    #[serde(flatten)]
    pub triage: TriageView,
    /// The questions that are still open; empty in an emergency.
    pub questions: Vec<QuestionView>,
    /// All answers so far.
    pub answers: Answers,
    /// That this is no diagnosis.
    pub disclaimer: &'static str,
}

/// The rules' verdict in words.
#[derive(Serialize, schemars::JsonSchema)]
pub struct TriageView {
    /// How soon help is needed.
    pub urgency: Urgency,
    /// What to do now.
    pub advice: String,
    /// The danger signs that decided.
    pub red_flags: Vec<RedFlagView>,
    /// Misspelt words that a danger sign rests on, with the words that they were taken for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub read_as: Vec<ReadAs>,
}

/// One danger sign.
#[derive(Serialize, schemars::JsonSchema)]
pub struct RedFlagView {
    /// The rule's stable name, such as `chest_pain`.
    pub code: String,
    /// The sign in words, in the consultation's language.
    pub label: String,
    /// The urgency that this sign means by itself.
    pub urgency: Urgency,
    /// `present`, or `uncertain` when the patient is not sure.
    pub status: FlagStatus,
    /// The source of the rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<Citation>,
}

/// The answer to `GET /v1/consultations/{id}`.
#[derive(Serialize, schemars::JsonSchema)]
pub struct ConsultationView {
    id: Uuid,
    user_id: UserId,
    job_id: Uuid,
    status: ConsultationStatus,
    urgency: Urgency,
    locale: Locale,
    symptoms: String,
    age: Option<u8>,
    sex: Option<Sex>,
    history: Option<String>,
    attachments: Vec<Uuid>,
    triage: TriageView,
    questions: Vec<QuestionView>,
    answers: Answers,
    turns: i16,
    assessment: Option<Assessment>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<Reason>,
    report: Option<ReportLinks>,
    /// When it was reviewed as it stands, for clinicians and admins.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[serde(with = "time::serde::rfc3339::option")]
    #[schemars(with = "Option<crate::schema::Timestamp>")]
    reviewed_at: Option<OffsetDateTime>,
    /// Who has reviewed it, for clinicians and admins.
    #[serde(skip_serializing_if = "Option::is_none")]
    reviewed_by: Option<UserId>,
    #[serde(with = "time::serde::rfc3339")]
    #[schemars(with = "crate::schema::Timestamp")]
    created_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    #[schemars(with = "crate::schema::Timestamp")]
    updated_at: OffsetDateTime,
}

/// A consultation in a list.
#[derive(Serialize, FromRow, schemars::JsonSchema)]
pub struct ConsultationSummary {
    /// The consultation's id.
    pub id: Uuid,
    /// The person whose record it is.
    pub user_id: UserId,
    /// How far it has come.
    pub status: ConsultationStatus,
    /// How soon help is needed.
    pub urgency: Urgency,
    /// The patient's own words, shortened to 120 characters.
    pub symptoms: String,
    /// Messages of the patient, the complaint included.
    pub turns: i16,
    /// Whether the patient has been asked, and has not answered.
    pub awaits_answer: bool,
    /// The person's name as an import has given it, for clinicians and admins.
    #[sqlx(default)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_name: Option<String>,
    /// When it was reviewed as it stands, in lists of a clinic.
    #[sqlx(default)]
    #[serde(skip_serializing_if = "Option::is_none")]
    #[serde(with = "time::serde::rfc3339::option")]
    #[schemars(with = "Option<crate::schema::Timestamp>")]
    pub reviewed_at: Option<OffsetDateTime>,
    /// When it was accepted.
    #[serde(with = "time::serde::rfc3339")]
    #[schemars(with = "crate::schema::Timestamp")]
    pub created_at: OffsetDateTime,
    /// When it or its job's state last changed.
    #[serde(with = "time::serde::rfc3339")]
    #[schemars(with = "crate::schema::Timestamp")]
    pub updated_at: OffsetDateTime,
}

impl Accepted {
    /// The answer from what was stored, so that a repeated request gets the same one.
    pub fn new(id: Uuid, job_id: Uuid, triage: &Triage, locale: Locale) -> Self {
        Self {
            id,
            job_id,
            status: ConsultationStatus::Processing,
            triage: TriageView::new(triage, locale),
            questions: QuestionView::open(triage, triage.urgency, locale),
            disclaimer: triage::disclaimer(locale),
        }
    }
}

impl AnsweredView {
    /// The answer from what was stored.
    pub fn new(id: Uuid, answered: &Answered) -> Self {
        let locale = answered.locale;
        // The model may have raised the urgency: then the advice is that of the greater one.
        let decided = Triage {
            urgency: answered.urgency,
            ..answered.triage.clone()
        };

        Self {
            id,
            triage: TriageView::new(&decided, locale),
            questions: QuestionView::open(&decided, decided.urgency, locale),
            answers: decided.answers,
            disclaimer: triage::disclaimer(locale),
        }
    }
}

impl TriageView {
    fn new(triage: &Triage, locale: Locale) -> Self {
        let red_flags = triage
            .red_flags
            .iter()
            .map(|flag| RedFlagView::new(flag, locale))
            .collect();

        Self {
            urgency: triage.urgency,
            advice: triage.advice(locale),
            red_flags,
            read_as: triage.read_as.clone(),
        }
    }
}

impl RedFlagView {
    fn new(flag: &RedFlag, locale: Locale) -> Self {
        Self {
            code: flag.code.to_string(),
            label: flag.label(locale).unwrap_or(&flag.code).to_owned(),
            urgency: flag.urgency,
            status: flag.status,
            source: Citation::of(flag),
        }
    }
}

impl ConsultationView {
    /// The view with its review, for those who work on reviews.
    #[must_use]
    pub fn with_review(mut self, at: Option<OffsetDateTime>, by: Option<UserId>) -> Self {
        self.reviewed_at = at;
        self.reviewed_by = by;
        self
    }

    /// The patient's view of a consultation, with the links to its report if it has one.
    pub fn new(row: Consultation, report: Option<ReportLinks>) -> Self {
        let locale = row.locale;
        let assessment = row.current_assessment();
        let assessment = assessment.map(Assessment::without_trace);
        let failure = row
            .failure
            .map(|code| Reason::new(&code, locale, ASSESSMENT_REASONS));

        Self {
            failure,
            report,
            triage: TriageView::new(&row.triage, locale),
            questions: QuestionView::open(&row.triage, row.urgency, locale),
            answers: row.triage.answers,
            turns: row.turns,
            id: row.id,
            user_id: row.user_id,
            job_id: row.job_id,
            status: row.status,
            urgency: row.urgency,
            locale,
            symptoms: row.symptoms,
            age: row.age,
            sex: row.sex,
            history: row.history,
            attachments: row.attachments,
            assessment,
            reviewed_at: None,
            reviewed_by: None,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}
