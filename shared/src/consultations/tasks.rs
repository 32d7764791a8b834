//! The jobs that a consultation gives rise to.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::jobs::Task;

/// Makes the assessment.
#[derive(Debug, Serialize, Deserialize)]
pub struct Analyze {
    /// Of which consultation.
    pub consultation_id: Uuid,
}

/// Writes the report.
#[derive(Debug, Serialize, Deserialize)]
pub struct GenerateReport {
    /// Of which consultation.
    pub consultation_id: Uuid,
}

impl Task for Analyze {
    const KIND: &'static str = "analyze";
    const LONGEST: Duration = Duration::from_mins(2);
}

impl Task for GenerateReport {
    const KIND: &'static str = "generate_report";
    const LONGEST: Duration = Duration::from_secs(30);
}
