//! The knowledge base.

use serde_json::json;

use super::operation::{Operation, Rule};
use crate::knowledge::{AcceptedDocument, DocumentRequest, ListedDocument, SearchResult};
use crate::page::PageItems;

const TAG: &str = "Knowledge";

pub(super) fn operations() -> Vec<Operation> {
    let of = |route, id, summary| Operation::new(route, id, TAG, summary);

    vec![
        of(
            "POST /v1/knowledge/documents",
            "createDocument",
            "Bring a document in, for clinicians and admins",
        )
        .takes::<DocumentRequest>(json!({
            "title": "Sprained ankle",
            "source": { "title": "The clinic's handbook", "url": "https://example.org/ankle" },
            "language": "en",
            "content": "Rest the ankle, cool it and keep it raised for two days.",
        }))
        .answers::<AcceptedDocument>(202, "a job brings it in"),
        of(
            "GET /v1/knowledge/documents",
            "listDocuments",
            "The tenant's documents, for clinicians and admins",
        )
        .paged()
        .with_revalidation()
        .answers::<PageItems<ListedDocument>>(200, "a page"),
        of(
            "DELETE /v1/knowledge/documents/{id}",
            "deleteDocument",
            "Take a document out, for clinicians and admins",
        )
        .answers_empty(204, "it is found no more"),
        of(
            "GET /v1/knowledge/search",
            "searchKnowledge",
            "The passages that answer a question best",
        )
        .query(
            "q",
            Rule::Length { min: 1, max: 500 },
            "the question, of which one character at least is seen",
        )
        .required()
        .query(
            "k",
            Rule::Number { min: 1, max: 20 },
            "passages, 5 if it is left out",
        )
        .query(
            "lang",
            Rule::OneOf(&["zh", "en"]),
            "the language of the documents",
        )
        .with_revalidation()
        .answers::<SearchResult>(200, "the passages, the best first"),
    ]
}
