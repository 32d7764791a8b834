//! Log groups: sends the spans that functions have logged to where traces are looked at.

use std::time::Duration;

use wenzhen::config::ConfigError;
use wenzhen::deadline::Deadline;
use wenzhen::error::Error;
use wenzhen::lambda::LogSubscriber;
use wenzhen::setup::Setup;
use wenzhen::trace_export::TraceExporter;

/// The function.
pub struct ForwardTraces {
    exporter: TraceExporter,
}

impl LogSubscriber for ForwardTraces {
    const TIMEOUT: Duration = Duration::from_secs(30);

    async fn from_env(setup: &Setup) -> Result<Self, ConfigError> {
        let exporter = TraceExporter::from_env(setup)?;
        Ok(Self { exporter })
    }

    async fn handle(&self, lines: Vec<String>, deadline: Deadline) -> Result<(), Error> {
        self.exporter.export(&lines, deadline).await
    }
}
