//! The request of a caller to the cache.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::key::Key;
use super::policy::CachePolicy;
use crate::deadline::Deadline;

/// A value that can be kept: anything that has a JSON form.
pub trait Cacheable: Serialize + DeserializeOwned + Clone + Send + Sync + 'static {}

impl<V: Serialize + DeserializeOwned + Clone + Send + Sync + 'static> Cacheable for V {}

/// One value that a caller asks for.
pub struct LoadRequest<'a, V> {
    /// Where it stands.
    pub key: &'a Key<V>,
    /// How long it is kept.
    pub policy: &'a CachePolicy,
    /// Until when an answer is of use.
    pub deadline: Deadline,
}
