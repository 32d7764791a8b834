//! Brings what an environment has counted to the fleet's sums.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use parking_lot::Mutex;
use uuid::Uuid;

use super::script::{Flush, SHARDS};
use crate::config::ConfigError;
use crate::deadline::Deadline;
use crate::error::error_chain;
use crate::setup::Setup;
use crate::telemetry::series;
use crate::valkey::{Valkey, ValkeyError};

/// Between two flushes of one environment.
const FLUSH_INTERVAL: Duration = Duration::from_secs(10);

/// The longest that a call waits for a flush behind its answer: long enough to connect with TLS,
/// which a function that asks Valkey for nothing else does here. A call that has asked it before has
/// a connection, or knows that there is none.
const FLUSH_TIMEOUT: Duration = Duration::from_millis(1_500);

/// Flushes for one function in one execution environment, within its invocations: nothing runs
/// between them.
pub struct Flusher {
    valkey: Option<Arc<Valkey>>,
    shard: u128,
    state: Mutex<FlushState>,
}

#[derive(Default)]
struct FlushState {
    last_try: Option<SystemTime>,
    /// A flush whose answer did not come. It is sent again as it was.
    unanswered: Option<Increments>,
}

struct Increments {
    id: Uuid,
    by_series: HashMap<String, u64>,
}

impl Flusher {
    /// To the setup's Valkey. Without one nothing is summed: there is no fleet.
    pub fn from_env(setup: &Setup) -> Result<Self, ConfigError> {
        Ok(Self::new(setup.valkey()?))
    }

    /// To this Valkey.
    pub fn new(valkey: Option<Arc<Valkey>>) -> Self {
        Self {
            valkey,
            shard: Uuid::now_v7().as_u128() % SHARDS,
            state: Mutex::default(),
        }
    }

    /// Flushes at the end of an invocation, if the last time is long enough ago. What is counted
    /// after that waits for the next invocation; if none comes, it is lost with the environment.
    pub async fn flush_if_due(&self) {
        if self.is_due() {
            self.flush().await;
        }
    }

    fn is_due(&self) -> bool {
        let mut state = self.state.lock();
        let age = state.last_try.and_then(|last| last.elapsed().ok());
        let is_early = age.is_some_and(|age| age < FLUSH_INTERVAL);
        if !is_early {
            state.last_try = Some(SystemTime::now());
        }
        !is_early
    }

    /// Flushes now.
    pub async fn flush(&self) {
        let Some(valkey) = &self.valkey else {
            series::take_unsent();
            return;
        };

        let increments = self.state.lock().unanswered.take();
        let increments = increments.unwrap_or_else(Increments::take);
        if increments.by_series.is_empty() {
            return;
        }

        let flush = Flush {
            prefix: valkey.prefix(),
            shard: self.shard,
            id: increments.id,
            increments: &increments.by_series,
        };
        let flushed = valkey.run(flush, Deadline::after(FLUSH_TIMEOUT)).await;
        if let Err(error) = flushed {
            if !matches!(error, ValkeyError::BackingOff) {
                let causes = error_chain(&error);
                tracing::info!(causes, "metrics are kept until Valkey is back");
            }
            self.state.lock().unanswered = Some(increments);
        }
    }
}

impl Increments {
    fn take() -> Self {
        Self {
            id: Uuid::now_v7(),
            by_series: series::take_unsent(),
        }
    }
}
