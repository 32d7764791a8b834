//! The patterns of the rules' findings, and those of lists, as the build script has compiled them.

use std::sync::LazyLock;

use super::finding::Finding;
use super::pattern_set::PatternSet;
use super::tables::Tables;

/// Tables that the build script has written.
macro_rules! built_tables {
    ($name:literal) => {
        Tables::of_binary(
            include_bytes!(concat!(env!("OUT_DIR"), "/triage_", $name, ".bin")),
            include_str!(concat!(env!("OUT_DIR"), "/triage_", $name, ".txt")),
        )
    };
}

pub(super) const SYMPTOM_TABLES: Tables = built_tables!("symptoms");
pub(super) const SELF_CARE_TABLES: Tables = built_tables!("self_care");
pub(super) const RISK_TABLES: Tables = built_tables!("risks");

/// The words that misspelt ones may stand for.
pub(super) const VOCABULARY_TABLES: Tables = built_tables!("vocabulary");

/// What the text classifier has learned.
pub(super) const CLASSIFIER_TABLES: Tables = built_tables!("classifier");

pub(super) const CONTEXT_CUE_TABLES: Tables = built_tables!("context_cues");
pub(super) const RECORD_HEADING_TABLES: Tables = built_tables!("record_headings");

include!(concat!(env!("OUT_DIR"), "/triage_sections.rs"));

/// Patterns that are looked for in the symptoms.
pub(super) static SYMPTOM_PATTERNS: LazyLock<PatternSet<Finding>> =
    LazyLock::new(|| PatternSet::of_tables(SYMPTOM_TABLES, Finding::ALL));

/// Patterns that are looked for only where a minor complaint is told and no red flag was raised.
pub(super) static SELF_CARE_PATTERNS: LazyLock<PatternSet<Finding>> =
    LazyLock::new(|| PatternSet::of_tables(SELF_CARE_TABLES, Finding::ALL));

/// Patterns that are looked for in the history.
pub(super) static RISK_PATTERNS: LazyLock<PatternSet<Finding>> =
    LazyLock::new(|| PatternSet::of_tables(RISK_TABLES, Finding::ALL));
