//! What a person may ask of their records: all of one to take along, and its erasure; and how long
//! records are kept.

mod erasure;
mod export;
mod fhir;
mod retention;

pub use erasure::{EraseConsultation, Erasure, begin_erasure, complete_erasure};
pub(crate) use export::ExportView;
pub use export::{ConsultationExport, ExportFormat, ExportedReport};
pub use retention::{Expired, erase_expired, next_tenant};
