//! People of a tenant: what is known of them beyond their token.

mod cached;
mod import;
mod new_user;
pub mod store;
mod user;

pub use cached::{CACHE_POLICY, cache_key, cache_tag};
pub use import::{ImportMode, ImportRequest, ImportResult, RowError};
pub use user::{ListedUser, Me, User, may_read};
