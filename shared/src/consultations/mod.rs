//! Consultations: what a patient asks, what the rules say at once, and the assessment that follows.

mod assessment;
mod cached;
mod consultation;
pub mod outcome;
mod report;
mod request;
pub mod store;
mod tasks;
pub mod transcript;
mod view;

pub use assessment::{Assessment, Citation, DegradedReason, ServedBy};
pub use cached::{CACHE_POLICY, cache_key, cache_tag};
pub use consultation::{Consultation, ConsultationStatus};
pub use report::{ReportLinks, StoredReport};
pub use request::{IdempotencyKey, NewConsultation};
pub use tasks::{Analyze, GenerateReport, JOB_REASONS};
pub use view::{Accepted, ConsultationSummary, ConsultationView};
