//! Asking models: OpenAI-compatible endpoints in chains that outlive each of their links.
//!
//! | file | knows |
//! |---|---|
//! | `request` | a chat request in `OpenAI`'s form, and what of it a tier understands |
//! | `client` | one call of one endpoint, with its time limits |
//! | `reader` | a streamed answer: when it is whole, and when it is not |
//! | `completion` | what the pieces of an answer make together |
//! | `fault` | what can go wrong, whether it may pass, and whose fault it is |
//! | `tier` | one endpoint with its circuit and its retries |
//! | `chain` | tiers in order, within the call's deadline |

mod chain;
mod client;
mod completion;
mod fault;
mod reader;
mod request;
mod tier;

pub use chain::{Answer, Ask, Chain, Chains, Degraded, Failed, Live, Outcome};
pub use completion::Completion;
pub use fault::{Fault, ProviderError};
pub use request::{ChatRequest, RequestError};
