//! Metrics of the whole fleet, as Prometheus reads them.
//!
//! Each environment counts for itself ([`telemetry::series`](crate::telemetry::series)) and adds
//! what is new to sums in Valkey, at most every ten seconds and within an invocation
//! ([`Flusher`]); whoever asks gets the sums and some values of now ([`FleetMetrics`]).

mod exposition;
mod flusher;
mod gauges;
pub mod script;

use std::sync::Arc;

use crate::deadline::Deadline;
use crate::error::{BoxError, Error, error_chain};
use crate::valkey::Valkey;
use exposition::Sums;
pub use flusher::Flusher;
pub use gauges::GaugeSources;
use script::ReadSums;

/// Content type of [`FleetMetrics::text`].
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The metrics of the fleet.
pub struct FleetMetrics {
    valkey: Option<Arc<Valkey>>,
    gauges: GaugeSources,
}

impl FleetMetrics {
    /// The sums in this Valkey, and the values of these sources.
    pub const fn new(valkey: Option<Arc<Valkey>>, gauges: GaugeSources) -> Self {
        Self { valkey, gauges }
    }

    /// All metrics in Prometheus' text format. Without Valkey there are no counters, and
    /// `scrape_source_up{source="valkey"}` is 0: Prometheus takes a gap for a gap, not for a reset.
    pub async fn text(&self, deadline: Deadline) -> Result<String, Error> {
        let (sums, mut gauges) =
            futures::join!(self.read_sums(deadline), self.gauges.read(deadline));
        gauges.push(gauges::source_up("valkey", sums.is_ok()));
        let sums = sums.inspect_err(|error| {
            let causes = error_chain(&**error);
            tracing::warn!(causes, "the fleet's sums cannot be read");
        });
        exposition::text(sums.ok().as_ref(), &gauges).map_err(Error::internal)
    }

    async fn read_sums(&self, deadline: Deadline) -> Result<Sums, BoxError> {
        let valkey = self.valkey.as_ref().ok_or("no Valkey is configured")?;
        let prefix = valkey.prefix();
        let read = valkey.run(ReadSums { prefix }, deadline).await?;
        let mut sums = Sums::default();
        for (series, sum) in read.ok_or("the sums cannot be read")? {
            sums.add(series, sum);
        }
        Ok(sums)
    }
}
