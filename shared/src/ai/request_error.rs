//! What is wrong with a request.

/// What is wrong with a request, in the terms of `OpenAI`'s errors.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct RequestError {
    /// One sentence that helps.
    pub message: String,
    /// The place in the request, such as `messages[0].role`.
    pub param: Option<String>,
}

impl RequestError {
    pub(super) fn new(param: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            param: Some(param.into()),
        }
    }
}
