//! The functions of wenzhen, each in the file of its name, and the registry that lists them.

mod answer_questions;
mod cancel_job;
mod complete_upload;
mod create_chat_completion;
mod create_consultation;
mod create_document;
mod create_message;
mod create_report;
mod create_upload;
mod delete_consultation;
mod delete_document;
mod delete_upload;
mod embed_passages;
mod export_consultation;
mod forward_traces;
mod get_checklist;
mod get_consultation;
mod get_docs;
mod get_job;
mod get_liveness;
mod get_metrics;
mod get_openapi;
mod get_trace;
mod get_upload;
mod get_user;
mod health;
mod import_users;
mod list_audit_events;
mod list_consultations;
mod list_documents;
mod list_jobs;
mod list_messages;
mod list_models;
mod list_uploads;
mod list_users;
mod migrate;
mod process_dead_letters;
mod prune_expired;
mod publish_access_changes;
mod redrive_jobs;
mod remove_objects;
mod review_consultation;
mod search_knowledge;
mod sign_out_user;
mod sweep_outbox;
mod verify_upload;
mod worker;
mod ws_connect;
mod ws_disconnect;
mod ws_message;

use wenzhen::consultations::{Analyze, AnswerMessage, GenerateReport};
use wenzhen::jobs::JobKind;
use wenzhen::knowledge::IngestDocument;
use wenzhen::lambda::Function;
use wenzhen::privacy::EraseConsultation;

pub use answer_questions::AnswerQuestions;
pub use cancel_job::CancelJob;
pub use complete_upload::CompleteUpload;
pub use create_chat_completion::CreateChatCompletion;
pub use create_consultation::CreateConsultation;
pub use create_document::CreateDocument;
pub use create_message::CreateMessage;
pub use create_report::CreateReport;
pub use create_upload::CreateUpload;
pub use delete_consultation::DeleteConsultation;
pub use delete_document::DeleteDocument;
pub use delete_upload::DeleteUpload;
pub use embed_passages::{EmbedPassages, EmbedSummary};
pub use export_consultation::ExportConsultation;
pub use forward_traces::ForwardTraces;
pub use get_checklist::GetChecklist;
pub use get_consultation::GetConsultation;
pub use get_docs::GetDocs;
pub use get_job::GetJob;
pub use get_liveness::GetLiveness;
pub use get_metrics::GetMetrics;
pub use get_openapi::GetOpenapi;
pub use get_trace::GetTrace;
pub use get_upload::GetUpload;
pub use get_user::GetUser;
pub use health::GetHealth;
pub use import_users::ImportUsers;
pub use list_audit_events::ListAuditEvents;
pub use list_consultations::ListConsultations;
pub use list_documents::ListDocuments;
pub use list_jobs::ListJobs;
pub use list_messages::ListMessages;
pub use list_models::ListModels;
pub use list_uploads::ListUploads;
pub use list_users::ListUsers;
pub use migrate::Migrate;
pub use process_dead_letters::ProcessDeadLetters;
pub use prune_expired::{PruneExpired, Pruned};
pub use publish_access_changes::{PublishAccessChanges, PublishedChanges};
pub use redrive_jobs::RedriveJobs;
pub use remove_objects::{RemoveObjects, Removed};
pub use review_consultation::ReviewConsultation;
pub use search_knowledge::SearchKnowledge;
pub use sign_out_user::SignOutUser;
pub use sweep_outbox::SweepOutbox;
pub use verify_upload::VerifyUpload;
pub use worker::Worker;
pub use ws_connect::WsConnect;
pub use ws_disconnect::WsDisconnect;
pub use ws_message::WsMessage;

/// Every kind of job, for the routes that show and cancel jobs.
pub const JOB_KINDS: &[JobKind] = &[
    JobKind::of::<Analyze>(),
    JobKind::of::<AnswerMessage>(),
    JobKind::of::<GenerateReport>(),
    JobKind::of::<IngestDocument>(),
    JobKind::of::<EraseConsultation>(),
];

/// Every function, by the name that its `Handler:` in template.yaml gives.
pub const FUNCTIONS: &[Function] = &[
    Function::endpoint::<_, CreateConsultation>("create-consultation"),
    Function::endpoint::<_, GetConsultation>("get-consultation"),
    Function::endpoint::<_, ListConsultations>("list-consultations"),
    Function::endpoint::<_, AnswerQuestions>("answer-questions"),
    Function::endpoint::<_, ReviewConsultation>("review-consultation"),
    Function::endpoint::<_, CreateMessage>("create-message"),
    Function::endpoint::<_, ListMessages>("list-messages"),
    Function::endpoint::<_, GetTrace>("get-trace"),
    Function::endpoint::<_, GetChecklist>("get-checklist"),
    Function::endpoint::<_, CreateReport>("create-report"),
    Function::endpoint::<_, ExportConsultation>("export-consultation"),
    Function::endpoint::<_, DeleteConsultation>("delete-consultation"),
    Function::endpoint::<_, ListAuditEvents>("list-audit-events"),
    Function::endpoint::<_, GetJob>("get-job"),
    Function::endpoint::<_, CancelJob>("cancel-job"),
    Function::endpoint::<_, ListJobs>("list-jobs"),
    Function::endpoint::<_, RedriveJobs>("redrive-jobs"),
    Function::endpoint::<_, GetUser>("get-user"),
    Function::endpoint::<_, ListUsers>("list-users"),
    Function::endpoint::<_, ImportUsers>("import-users"),
    Function::endpoint::<_, SignOutUser>("sign-out-user"),
    Function::endpoint::<_, CreateDocument>("create-document"),
    Function::endpoint::<_, ListDocuments>("list-documents"),
    Function::endpoint::<_, DeleteDocument>("delete-document"),
    Function::endpoint::<_, SearchKnowledge>("search-knowledge"),
    Function::endpoint::<_, CreateUpload>("create-upload"),
    Function::endpoint::<_, CompleteUpload>("complete-upload"),
    Function::endpoint::<_, ListUploads>("list-uploads"),
    Function::endpoint::<_, GetUpload>("get-upload"),
    Function::endpoint::<_, DeleteUpload>("delete-upload"),
    Function::endpoint::<_, CreateChatCompletion>("create-chat-completion"),
    Function::endpoint::<_, ListModels>("list-models"),
    Function::endpoint::<_, GetHealth>("health"),
    Function::endpoint::<_, GetLiveness>("get-liveness"),
    Function::endpoint::<_, GetMetrics>("get-metrics"),
    Function::endpoint::<_, GetOpenapi>("get-openapi"),
    Function::endpoint::<_, GetDocs>("get-docs"),
    Function::socket_endpoint::<WsConnect>("ws-connect"),
    Function::socket_endpoint::<WsMessage>("ws-message"),
    Function::socket_endpoint::<WsDisconnect>("ws-disconnect"),
    Function::queue_consumer::<Worker>("worker"),
    Function::queue_consumer::<ProcessDeadLetters>("process-dead-letters"),
    Function::queue_consumer::<VerifyUpload>("verify-upload"),
    Function::schedule::<EmbedPassages>("embed-passages"),
    Function::schedule::<SweepOutbox>("sweep-outbox"),
    Function::schedule::<RemoveObjects>("remove-objects"),
    Function::schedule::<PublishAccessChanges>("publish-access-changes"),
    Function::schedule::<PruneExpired>("prune-expired"),
    Function::log_subscriber::<ForwardTraces>("forward-traces"),
    Function::custom_resource::<Migrate>("migrate"),
];
