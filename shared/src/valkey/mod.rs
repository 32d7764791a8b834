//! Valkey, or Redis: one connection for each execution environment, made when it is first needed.
//! Or one for each node of a cluster, if the URL says `?cluster=true`.
//!
//! Nothing that must happen may depend on it. A server that does not answer within 250 ms counts as
//! gone, and is then left alone for a while ([backoff](ValkeyError::BackingOff)), so that a server
//! that is gone costs most calls nothing. Each user of this module says what it does without the
//! server.
//!
//! Everything that is asked is the run of a Lua script. Each user has a type for its request, which
//! knows its script, its keys, its arguments, and how its reply is read ([`ScriptRequest`]).
//! Several users can ask in one round trip: each adds its request to a [`Batch`] and gets a
//! [`Ticket`], with which it takes its answer when the batch has run.
//!
//! ```
//! use std::sync::LazyLock;
//! use std::time::Duration;
//! use wenzhen::deadline::Deadline;
//! use wenzhen::valkey::{Batch, Reply, Script, ScriptCall, ScriptRequest, Valkey, ValkeyError};
//!
//! static COUNT: LazyLock<Script> =
//!     LazyLock::new(|| Script::new("return redis.call('INCR', KEYS[1])".to_owned()));
//!
//! struct CountVisit {
//!     page: &'static str,
//! }
//!
//! impl ScriptRequest for CountVisit {
//!     type Answer = u64;
//!
//!     fn into_call(self) -> ScriptCall {
//!         let keys = vec![format!("visits:{}", self.page)];
//!         ScriptCall { script: &COUNT, keys, arguments: Vec::new() }
//!     }
//!
//!     fn read_reply(reply: Reply) -> Option<u64> {
//!         redis::from_redis_value(reply).ok()
//!     }
//! }
//!
//! async fn count_both(valkey: &Valkey) -> Result<Option<u64>, ValkeyError> {
//!     let mut batch = Batch::default();
//!     let home = batch.add(CountVisit { page: "home" });
//!     let help = batch.add(CountVisit { page: "help" });
//!
//!     let deadline = Deadline::after(Duration::from_secs(1));
//!     let mut answers = batch.run(valkey, deadline).await?;
//!     Ok(answers.take(home).zip(answers.take(help)).map(|(home, help)| home + help))
//! }
//! ```

mod batch;
mod client;
mod connection;
mod error;
mod script;
mod target;

pub use batch::{Answers, Batch, Ticket};
pub use client::Valkey;
pub use error::ValkeyError;
pub use script::{Reply, Script, ScriptCall, ScriptRequest};
