//! Brings what an environment has counted to the fleet's sums.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use parking_lot::Mutex;
use uuid::Uuid;

use super::script::{Flush, MARK_TTL};
use crate::config::ConfigError;
use crate::deadline::Deadline;
use crate::error::error_chain;
use crate::setup::Setup;
use crate::telemetry::series;
use crate::valkey::{Valkey, ValkeyError};

/// Between two flushes of one environment.
const FLUSH_INTERVAL: Duration = Duration::from_secs(10);

/// The longest that an invocation waits for a flush behind its answer: long enough to connect with
/// TLS, which a function that asks Valkey for nothing else does here. While Valkey is left alone,
/// nothing is waited for.
const FLUSH_TIMEOUT: Duration = Duration::from_millis(1_500);

/// Kept from the invocation's time for sending its answer.
const ANSWER_RESERVE: Duration = Duration::from_millis(300);

/// Flushes for one function in one execution environment, within its invocations: nothing runs
/// between them.
pub struct Flusher {
    valkey: Option<Arc<Valkey>>,
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
    taken_at: SystemTime,
    by_series: HashMap<String, u64>,
}

impl Flusher {
    /// To the setup's Valkey. Without one nothing is summed: there is no fleet.
    pub fn from_env(setup: &Setup) -> Result<Self, ConfigError> {
        Ok(Self {
            valkey: setup.valkey()?,
            state: Mutex::default(),
        })
    }

    /// Flushes at the end of an invocation, if the last time is long enough ago. What is counted
    /// after that waits for the next invocation; if none comes, it is lost with the environment.
    pub async fn flush_if_due(&self, invocation_end: SystemTime) {
        let deadline = Deadline::of_invocation(invocation_end, ANSWER_RESERVE, FLUSH_TIMEOUT);
        if !deadline.remaining().is_zero() && self.is_due() {
            self.flush(deadline).await;
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
    async fn flush(&self, deadline: Deadline) {
        let Some(valkey) = &self.valkey else {
            series::take_unsent();
            return;
        };

        let unanswered = self.state.lock().unanswered.take();
        // Valkey may not know any more whether it was added.
        let unanswered = unanswered.filter(Increments::is_known);
        let increments = unanswered.unwrap_or_else(Increments::take);
        if increments.by_series.is_empty() {
            return;
        }

        let flush = Flush {
            prefix: valkey.prefix(),
            id: increments.id,
            increments: &increments.by_series,
        };
        let flushed = valkey.run(flush, deadline).await;
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
            taken_at: SystemTime::now(),
            by_series: series::take_unsent(),
        }
    }

    /// Whether Valkey still has the mark of it, if it was added.
    fn is_known(&self) -> bool {
        self.taken_at.elapsed().is_ok_and(|age| age < MARK_TTL)
    }
}
