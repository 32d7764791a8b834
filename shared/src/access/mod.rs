//! Changes of access that take effect before a token expires: a role that an import has changed,
//! and a person who was signed out.
//!
//! A token says who its holder is for as long as it lives. What has changed since stands in
//! PostgreSQL, and a copy in Valkey, which every call reads in the round trip of its limits. A
//! schedule writes the copy again, so that neither a lost write nor an emptied Valkey hides a change
//! for more than a minute. While Valkey is away, tokens count as they are.
//!
//! | file | what |
//! |---|---|
//! | `check` | asks whether a caller may still act as their token says |
//! | `change` | what has changed, and what a token is worth after it |
//! | `store` | changes in PostgreSQL |
//! | `script` | the copy in Valkey |
//! | `publish` | brings the copy up to date |

mod change;
mod check;
mod publish;
mod script;
pub mod store;

pub use change::{AccessChange, PersonChange};
pub use check::{AccessCheck, PendingAccess};
pub use publish::{Published, publish, publish_recent};
