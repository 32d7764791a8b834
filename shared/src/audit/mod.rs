//! The audit trail: who has read, exported or erased whose record, and when.
//!
//! A patient's reads of their own records are not in it. Everything that a clinician or an admin
//! reads is written before it is answered: what cannot be written is not shown.

mod event;
pub mod store;

pub use event::{Actor, ActorRole, AuditAction, AuditEvent, AuditFilter, AuditedRecord};
pub use store::{record, record_act, record_read, record_reads};
