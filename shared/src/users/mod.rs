//! People of a tenant: what is known of them beyond their token.

mod cached;
mod import;
mod new_user;
mod sign_out;
pub mod store;
mod user;

pub use cached::{CACHE_POLICY, cache_key, cache_tag};
pub use import::{ExistingMode, ImportMode, ImportRequest, ImportResult, RowError};
pub use sign_out::sign_out;
pub use user::{ListedUser, Me, User, UserAnswer, may_read};
