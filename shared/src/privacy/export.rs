//! All of one consultation, to take along.

use serde::Serialize;
use serde_json::Value;
use time::OffsetDateTime;
use uuid::Uuid;

use super::fhir::FhirRecord;
use crate::audit::{ActorRole, AuditAction, AuditEvent};
use crate::consultations::{Consultation, ConsultationView, Conversation, MessageView, TurnTrace};
use crate::error::Error;
use crate::identity::{Caller, Role};
use crate::jobs::JobView;
use crate::reports;
use crate::uploads::UploadView;

/// The form's name, which changes with the form.
const FORMAT: &str = "wenzhen.consultation.v1";

/// In which form a consultation is exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportFormat {
    /// Our own, with everything.
    Json,
    /// A FHIR R4 `Bundle`.
    Fhir,
}

impl ExportFormat {
    /// Reads the query parameter `format`; our own form if there is none.
    pub fn parse(text: Option<&str>) -> Result<Self, Error> {
        match text {
            None | Some("json") => Ok(Self::Json),
            Some("fhir") => Ok(Self::Fhir),
            Some(_) => Err(Error::field("format", "must be `json` or `fhir`")),
        }
    }

    /// How a file of it is called.
    pub fn file_name(self, consultation: Uuid) -> String {
        match self {
            Self::Json => format!("consultation-{consultation}.json"),
            Self::Fhir => format!("consultation-{consultation}.fhir.json"),
        }
    }

    /// The media type.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Fhir => "application/fhir+json",
        }
    }
}

/// All that there is about one consultation. It has no `Debug`: it holds a patient's words.
pub struct ConsultationExport {
    /// The row.
    pub consultation: Consultation,
    /// What was said before the last answer.
    pub conversation: Conversation,
    /// The files that came with it, with links.
    pub attachments: Vec<UploadView>,
    /// The jobs that worked on it.
    pub jobs: Vec<JobView>,
    /// What was done with it.
    pub accesses: Vec<AuditEvent>,
}

/// The same in our own form.
#[derive(Serialize, schemars::JsonSchema)]
pub(crate) struct ExportView {
    format: &'static str,
    #[serde(with = "time::serde::rfc3339")]
    #[schemars(with = "crate::schema::Timestamp")]
    exported_at: OffsetDateTime,
    consultation: ConsultationView,
    messages: Vec<MessageView>,
    /// How the answers were made, for clinicians and admins.
    #[serde(skip_serializing_if = "Option::is_none")]
    traces: Option<Vec<TurnTrace>>,
    /// None while there is no assessment.
    report: Option<ExportedReport>,
    attachments: Vec<UploadView>,
    jobs: Vec<JobView>,
    accesses: Vec<Access>,
}

/// The report as it is now.
#[derive(Serialize, schemars::JsonSchema)]
pub struct ExportedReport {
    /// The text in Markdown.
    pub markdown: String,
}

/// What somebody did with the record: in what role, and not who. That is for admins.
#[derive(Serialize, schemars::JsonSchema)]
struct Access {
    #[serde(with = "time::serde::rfc3339")]
    #[schemars(with = "crate::schema::Timestamp")]
    at: OffsetDateTime,
    actor_role: ActorRole,
    action: AuditAction,
}

impl ConsultationExport {
    /// The document in this form, for this reader, as it is at `now`.
    pub fn into_document(
        self,
        format: ExportFormat,
        reader: &Caller,
        now: OffsetDateTime,
    ) -> Result<Value, Error> {
        let rendered = reports::render(&self.consultation, now)?;
        let report = rendered.map(|it| it.markdown);
        if format == ExportFormat::Fhir {
            let messages = self.conversation.into_view(&self.consultation);
            let report = report.as_deref();
            let record = FhirRecord {
                tenant: &reader.tenant,
                consultation: &self.consultation,
                messages: &messages,
                attachments: &self.attachments,
                report,
            };
            return record.into_bundle(now);
        }

        let traces = self.conversation.traces(&self.consultation);
        let accesses = self.accesses.into_iter().map(|event| Access {
            at: event.at,
            actor_role: event.actor_role,
            action: event.action,
        });
        let view = ExportView {
            format: FORMAT,
            exported_at: now,
            traces: (reader.role > Role::Patient).then_some(traces),
            messages: self.conversation.into_view(&self.consultation),
            consultation: ConsultationView::new(self.consultation, None),
            report: report.map(|markdown| ExportedReport { markdown }),
            attachments: self.attachments,
            jobs: self.jobs,
            accesses: accesses.collect(),
        };
        serde_json::to_value(view).map_err(Error::internal)
    }
}
