//! The two levels above the loader, as one environment has them.

use std::sync::Arc;

use super::memory::{Clock, Memory};
use crate::valkey::Valkey;

/// The environment's memory, and Valkey if there is one.
pub(super) struct Levels {
    pub(super) memory: Memory,
    pub(super) valkey: Option<Arc<Valkey>>,
    /// With which every key begins.
    pub(super) prefix: String,
}

impl Levels {
    pub(super) fn new(valkey: Option<Arc<Valkey>>, clock: Clock) -> Self {
        let prefix = valkey.as_ref().map_or("local", |valkey| valkey.prefix());
        Self {
            memory: Memory::new(clock),
            prefix: prefix.to_owned(),
            valkey,
        }
    }
}
