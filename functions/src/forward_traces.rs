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
    /// None where no service is named.
    exporter: Option<TraceExporter>,
}

impl LogSubscriber for ForwardTraces {
    const TIMEOUT: Duration = Duration::from_secs(30);

    async fn from_env(setup: &Setup) -> Result<Self, ConfigError> {
        let exporter = TraceExporter::from_env(setup)?;
        Ok(Self { exporter })
    }

    async fn handle(&self, lines: Vec<String>, deadline: Deadline) -> Result<(), Error> {
        let Some(exporter) = &self.exporter else {
            let lines = lines.len();
            tracing::warn!(lines, "no TracesEndpoint is set; the spans stay in the log");
            return Ok(());
        };
        exporter.export(&lines, deadline).await
    }
}
