//! How the system is, and what the API is.

use serde_json::{Map, Value};

use super::operation::{Access, Operation, schema_of};
use crate::health::HealthReport;

const TAG: &str = "System";

pub(super) fn operations() -> Vec<Operation> {
    let of = |route, id, summary| Operation::new(route, id, TAG, summary).open_to(Access::Anybody);

    vec![
        of("GET /health", "getHealth", "How the system is")
            .answers::<HealthReport>(200, "calls are accepted")
            .answers::<HealthReport>(503, "calls cannot be accepted"),
        of("GET /health/live", "getLiveness", "That the API answers")
            .answers::<Map<String, Value>>(200, "it does, and no dependency was asked"),
        of(
            "GET /metrics",
            "getMetrics",
            "What the fleet has counted, for Prometheus",
        )
        .open_to(Access::Scrapers)
        .answers_as(
            "text/plain",
            schema_of::<String>,
            200,
            "the metrics; for the scrapers' token",
        ),
        of("GET /openapi.json", "getOpenapi", "This description")
            .answers::<Map<String, Value>>(200, "the description"),
        of("GET /docs", "getDocs", "A page to read and try the API").answers_as(
            "text/html",
            schema_of::<String>,
            200,
            "the page",
        ),
    ]
}
