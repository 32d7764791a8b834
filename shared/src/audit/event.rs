//! What the trail says of one act.

use serde::{Deserialize, Serialize};
use sqlx::FromRow;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::identity::{Caller, Role, UserId};
use crate::postgres::text_columns;

/// What was done with a record.
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
pub enum AuditAction {
    /// A consultation was read, with links to its report.
    ReadConsultation,
    /// A consultation was read in a list, with the beginning of the complaint.
    ListConsultation,
    /// What was said in a consultation was read.
    ReadMessages,
    /// How the answers of a consultation were made was read.
    ReadTrace,
    /// An upload was read, with a link to its file.
    ReadUpload,
    /// A consultation is followed through a WebSocket: what happens to it is told, not its words.
    FollowConsultation,
    /// Questions of a consultation were answered, and its decision was read.
    AnswerQuestions,
    /// A consultation was marked as reviewed.
    ReviewConsultation,
    /// A review was taken back.
    ReopenConsultation,
    /// A report was asked for.
    RequestReport,
    /// A job of a consultation was cancelled.
    CancelJob,
    /// An upload was removed.
    RemoveUpload,
    /// A whole consultation was exported.
    ExportConsultation,
    /// A consultation was erased.
    EraseConsultation,
    /// An import has given a person another role.
    ChangeRole,
    /// A person was signed out of all that they were signed in with.
    SignOutUser,
}

text_columns!(AuditAction, ActorRole);

/// Who has done something.
#[derive(Debug, Clone, Copy)]
pub enum Actor<'a> {
    /// A caller of the API.
    Caller(&'a Caller),
    /// The system itself: a record's time is over.
    System,
}

impl<'a> Actor<'a> {
    pub(super) fn id(self) -> Option<&'a UserId> {
        match self {
            Self::Caller(caller) => Some(&caller.user),
            Self::System => None,
        }
    }

    pub(super) const fn role(self) -> ActorRole {
        match self {
            Self::System => ActorRole::System,
            Self::Caller(caller) => match caller.role {
                Role::Patient => ActorRole::Patient,
                Role::Clinician => ActorRole::Clinician,
                Role::Admin => ActorRole::Admin,
            },
        }
    }
}

/// In what role.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Serialize, sqlx::Encode, sqlx::Decode, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[sqlx(rename_all = "snake_case")]
pub enum ActorRole {
    /// The person whose record it is.
    Patient,
    /// A clinician of the tenant.
    Clinician,
    /// An admin of the tenant.
    Admin,
    /// No person.
    System,
}

/// One record that something was done with.
#[derive(Debug, Clone, Copy)]
pub struct AuditedRecord<'a> {
    /// Whose record it is.
    pub subject: &'a UserId,
    /// The consultation, if it is one.
    pub consultation: Option<Uuid>,
    /// The upload, if it is one.
    pub upload: Option<Uuid>,
}

impl<'a> AuditedRecord<'a> {
    /// A consultation of this person.
    pub const fn consultation(subject: &'a UserId, id: Uuid) -> Self {
        Self {
            subject,
            consultation: Some(id),
            upload: None,
        }
    }

    /// This person themselves.
    pub const fn person(subject: &'a UserId) -> Self {
        Self {
            subject,
            consultation: None,
            upload: None,
        }
    }

    /// An upload of this person.
    pub const fn upload(subject: &'a UserId, id: Uuid) -> Self {
        Self {
            subject,
            consultation: None,
            upload: Some(id),
        }
    }
}

/// One act, as admins see it.
#[derive(Debug, Serialize, FromRow, schemars::JsonSchema)]
pub struct AuditEvent {
    /// `UUIDv7`: later ones are greater.
    pub id: Uuid,
    /// Who did it; none for the system itself.
    pub actor_id: Option<UserId>,
    /// In what role.
    pub actor_role: ActorRole,
    /// What was done.
    pub action: AuditAction,
    /// Whose record it is.
    pub user_id: UserId,
    /// The consultation, if it is one. It may be erased by now.
    pub consultation_id: Option<Uuid>,
    /// The upload, if it is one. It may be removed by now.
    pub upload_id: Option<Uuid>,
    /// When.
    #[serde(with = "time::serde::rfc3339")]
    #[schemars(with = "crate::schema::Timestamp")]
    pub at: OffsetDateTime,
}

/// Which acts are asked for; without any of these, all of the tenant's.
#[derive(Debug, Clone, Default)]
pub struct AuditFilter {
    /// Those of this person.
    pub actor: Option<UserId>,
    /// Those with records of this person.
    pub user: Option<UserId>,
    /// Those with this consultation.
    pub consultation: Option<Uuid>,
}
