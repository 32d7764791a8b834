//! Consultations: what a patient asks, what the rules say at once, and the assessment that follows.

pub mod answers;
mod assessment;
mod cached;
mod checklist;
mod consultation;
mod conversation;
mod listing;
mod message;
pub mod outcome;
mod report;
mod request;
pub mod review;
pub mod store;
mod tasks;
mod trace;
pub mod transcript;
mod view;

pub use answers::NewAnswers;
pub use assessment::{Assessment, Citation, DegradedReason, DoctorNote, ServedBy};
pub use cached::{CACHE_POLICY, cache_key, cache_tag, forget_cached};
pub use checklist::{Checklist, QuestionView};
pub use consultation::{Consultation, ConsultationStatus};
pub use conversation::{Conversation, MessageView, SaidBefore, TurnTrace};
pub use listing::{Listing, Place, UrgencyFilter};
pub use message::{BegunTurn, NewMessage, TurnRequest, begin_turn};
pub use report::{ReportLinks, StoredReport};
pub use request::{IdempotencyKey, NewConsultation};
pub use review::{NewReview, ReviewView};
pub use store::PastConsultation;
pub use tasks::{Analyze, AnswerMessage, GenerateReport};
pub use trace::{TokenUsage, Trace, TraceStep, TracedFailure, TracedPassage};
pub use view::{Accepted, AnsweredView, ConsultationSummary, ConsultationView};
