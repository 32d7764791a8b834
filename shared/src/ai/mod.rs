//! Asking models: OpenAI-compatible endpoints in chains that outlive each of their links.
//!
//! | file | knows |
//! |---|---|
//! | `fault` | what can go wrong, whether it may pass, and what it says to the circuit breaker |
//! | `error_body` | which fault stands behind a status, its headers and its body |
//! | `request_error` | what is wrong with a request |
//! | `media` | whether a part of a message names something that is elsewhere |
//! | `demands` | what a client's request asks for beyond what every tier is sent |
//! | `request` | a chat request in `OpenAI`'s form, and what of it a tier understands |
//! | `chunk` | one chunk of a streamed answer, and how chunks are merged |
//! | `content` | what a message says: one text, or parts in order |
//! | `tool_calls` | which fragment belongs to which tool call |
//! | `tool_call` | a model's call of a tool, and the reply to it |
//! | `completion` | an answer as far as it has come |
//! | `framing` | what a body is: events, lines of JSON, or one piece |
//! | `surrogates` | halves of a character that came in two chunks |
//! | `reader` | a streamed answer: when it is complete, and when it is not |
//! | `response` | an answer that has begun, with the permit that it was asked for by |
//! | `endpoint` | one address: requests with its key, and the faults of what comes back |
//! | `client` | one call of one endpoint, with its time-outs |
//! | `attempt` | what is asked of a chain, and within which limits one tier is asked |
//! | `tier` | one endpoint with its circuit and its retries |
//! | `tools` | what a model may call before it answers |
//! | `tool_loop` | one tier asked in steps, with tools |
//! | `outcome` | what came of a request to a chain |
//! | `race` | one tier after the other, late ones beside those after them |
//! | `live_stream` | an answer that is passed on as it comes |
//! | `continuation` | how a tier is asked to continue what another one began |
//! | `usage` | how many tokens an answer has used |
//! | `resumed_stream` | a live answer that another tier continues when one breaks |
//! | `chain` | tiers in order, within the call's deadline |
//! | `chains` | all chains, with the tiers and circuits that they share |
//! | `service` | one endpoint that is asked in JSON, with its circuit and its retries |
//! | `text_tier` | endpoints that turn texts into numbers, asked in order |
//! | `reranker` | how well passages answer a question |
//! | `embedder` | texts as vectors, by the endpoints of one embedding model |

mod attempt;
mod chain;
mod chains;
mod chunk;
mod client;
mod completion;
mod content;
mod continuation;
mod demands;
mod embedder;
mod endpoint;
mod error_body;
mod fault;
mod framing;
mod live_stream;
mod media;
mod outcome;
mod race;
mod reader;
mod request;
mod request_error;
mod reranker;
mod response;
mod resumed_stream;
mod service;
mod surrogates;
mod text_tier;
mod tier;
mod tool_call;
mod tool_calls;
mod tool_loop;
mod tools;
mod usage;

pub use attempt::ChainRequest;
pub use chain::Chain;
pub use chains::{Chains, Purpose, circuits};
pub use completion::Completion;
pub use embedder::{
    Embedder, Embedding, EmbeddingModel, InputKind, QUERY_TIMEOUT, VECTOR_STORE, embedding_circuits,
};
pub use fault::{Fault, InvalidAnswer, ProviderError};
pub use live_stream::LiveStream;
pub use outcome::{Answer, ChainOutcome, Degraded, TierFailure};
pub use request::ChatRequest;
pub use request_error::RequestError;
pub use reranker::Reranker;
pub use resumed_stream::{ResumedItem, ResumedStream, Seam};
pub use service::{ServiceAddress, ServiceCall, ServiceEndpoint, ServiceKind, ServiceRequest};
pub use text_tier::NoNumbers;
pub use tier::CheckedCompletion;
pub use tool_call::ToolCall;
pub use tools::{Step, ToolReply, Toolbox};
pub use usage::{BYTES_PER_TOKEN, ReportedUsage, UsageLedger, UsedTokens};
