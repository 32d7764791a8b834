//! How a component is.

use serde::Serialize;

use crate::error::{BoxError, error_chain};

/// How one component is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum ComponentStatus {
    /// It answers.
    Ok,
    /// Some of it does.
    Degraded,
    /// It does not answer.
    Down,
    /// There is none.
    NotConfigured,
}

impl ComponentStatus {
    /// Of a component that answered, or not, with a log line of what failed.
    pub(super) fn of(component: &'static str, answered: Result<(), BoxError>) -> Self {
        let Err(error) = answered else {
            return Self::Ok;
        };

        let causes = error_chain(&*error);
        tracing::warn!(component, error = %error, causes, "a component does not answer");
        Self::Down
    }
}
