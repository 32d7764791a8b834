//! `OpenAI`'s protocol.

use schemars::JsonSchema;
use serde_json::{Map, Value, json};

use super::operation::{Operation, schema_of};

const TAG: &str = "Models";

/// Fields that are not named here are passed on if the tier takes them.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct ChatBody {
    /// The name of a chain.
    model: String,
    /// In order; at least one.
    #[schemars(length(min = 1))]
    messages: Vec<ChatMessage>,
    /// Whether the answer comes piece by piece, as server-sent events.
    stream: Option<bool>,
}

/// One message; what else it has is passed on too.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct ChatMessage {
    /// Who says it.
    #[schemars(extend("enum" = ["system", "developer", "user", "assistant", "tool", "function"]))]
    role: String,
}

/// One server-sent event of a stream: descriptions before `OpenAPI` 3.2 have no other way to tell
/// what a stream consists of.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct StreamEvent {
    /// A chunk of the completion as JSON, or `[DONE]`.
    data: String,
}

/// A completion as `OpenAI`'s protocol has it.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct Completion {
    id: String,
    object: String,
    created: u64,
    model: String,
    choices: Vec<Map<String, Value>>,
}

#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct ModelList {
    object: String,
    data: Vec<Model>,
}

#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct Model {
    id: String,
    object: String,
    created: u64,
    owned_by: String,
}

pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::new(
            "POST /v1/chat/completions",
            "createChatCompletion",
            TAG,
            "A chat completion by the first tier of a chain that answers",
        )
        .openai()
        .takes::<ChatBody>(json!({
            "model": "default",
            "messages": [{ "role": "user", "content": "What helps against a cough?" }],
        }))
        .answers::<Completion>(200, "the completion")
        .answers_as(
            "text/event-stream",
            schema_of::<StreamEvent>,
            200,
            "the completion",
        ),
        Operation::new("GET /v1/models", "listModels", TAG, "The chains")
            .openai()
            .answers::<ModelList>(200, "all of them"),
    ]
}
