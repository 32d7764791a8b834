//! A model that puts passages in order: the longest one first.

use serde_json::{Value, json};

use crate::wire::{Request, failure_of};

/// The status and the body of the model that is asked for: a status by its number, an answer that
/// rates one passage alone (`partial`), else a good one.
pub(crate) fn answer(request: &Request) -> (u16, String) {
    let body = &request.body;
    let model = body["model"].as_str().unwrap_or_default();
    if let Some(failure) = failure_of(model) {
        return failure;
    }

    let documents = body["documents"].as_array().into_iter().flatten();
    let rated = documents.enumerate().map(|(index, document)| {
        let length = document.as_str().unwrap_or_default().chars().count();
        json!({ "index": index, "relevance_score": length })
    });
    let number = if model == "partial" { 1 } else { usize::MAX };
    let mut results: Vec<Value> = rated.take(number).collect();
    results.reverse();
    (
        200,
        json!({ "model": model, "results": results }).to_string(),
    )
}
