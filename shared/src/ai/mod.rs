//! Asking models: OpenAI-compatible endpoints, one after the other, within the time there is.

mod chain;
mod openai;

pub use chain::{Answer, Attempt, Chain, Outcome};
pub use openai::{ChatRequest, Fault};
